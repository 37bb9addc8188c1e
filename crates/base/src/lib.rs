//! Words everyone speaks.
//!
//! Ids, times, markings, realm, address scope, roles, networks, limits, canonical JSON and coded errors.
//! This room must not do I/O and must not know a database, a protocol or a page.
//!
//! **Enters:** text and numbers from doors. **Leaves:** parsed values that need no second check.
//!
//! # Invariants
//! - A value of a type from here is valid: parse at the door, never validate later.
//! - Nothing here reads the clock, the network or the random device by itself but [`SystemClock`] and [`SystemEntropy`].

pub mod canon;
pub mod code;
pub mod env;
pub mod id;
pub mod limits;
pub mod marking;
pub mod net;
pub mod papers;
pub mod role;
pub mod time;

pub use canon::canonical_json;
pub use code::{Code, Coded, Problem};
pub use env::{Clock, Entropy, Env, ManualClock, SeededEntropy, SystemClock, SystemEntropy};
pub use id::{
    CampaignId, DirectiveId, EventId, FindingId, IndicatorId, JobId, OrgId, PersonId, PointId, SensorId, SessionId,
    TokenId,
};
pub use marking::{AddressScope, Realm, Tlp};
pub use net::{AddrSpec, parse_addr_spec, refang};
pub use role::Role;
pub use time::{Timestamp, Zone};

/// Every error code of this room.
pub static ALL_CODES: &[&[&Code]] = &[id::CODES, marking::CODES, net::CODES, role::CODES, time::CODES];
