//! Sensor fleet and attack history: sessions, classes, campaigns, noise, scores.
//!
//! **Enters:** batches of our sensors and lines of foreign ones ([`intake`]), heartbeats ([`fleet`]).
//! **Leaves:** acknowledged events, attack history ([`read`]), `ObservableAssessed` and the fleet's events in the outbox.
//!
//! # Invariants
//! - Nothing is acknowledged before it is durable in the journal; what was acknowledged is never counted twice.
//! - A session's summary does not depend on the order in which its events arrive; its class is a function of the summary.
//! - A source that may be forged (UDP, no application byte) never has a score.

pub mod aim;
pub mod campaign;
pub mod classify;
pub mod error;
pub mod exploit;
pub mod fleet;
pub mod history;
pub mod intake;
pub mod landscape;
pub mod minhash;
pub mod model;
pub mod net;
pub mod read;
pub mod record;
pub mod retention;
pub mod schema;
pub mod score;
pub mod settings;
pub mod shell;
pub mod sketch;
pub mod summary;
pub mod wire;

pub use error::SensorError;
pub use fleet::Fleet;
pub use history::{History, read_cursor as history_cursor};
pub use intake::Intake;
pub use read::Reads;
pub use settings::Settings;

/// Whose row an id in an address is.
pub const OWNERS: &[access::Owner] = &[
    access::Owner {
        word: "sessions",
        noun: "session",
        sql: "SELECT org_id, tlp, realm FROM attack_session WHERE id = $1",
    },
    access::Owner { word: "campaigns", noun: "campaign", sql: "SELECT org_id, tlp, realm FROM campaign WHERE id = $1" },
    access::Owner { word: "sensors", noun: "sensor", sql: "SELECT org_id, tlp, realm FROM sensor WHERE id = $1" },
];

/// Every code of this room, for the generated catalogue.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
