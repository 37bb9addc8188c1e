//! Indicators as STIX objects: draft, review, approve, publish, revoke, expire; provenance and score.
//!
//! **Enters:** statements of people and programs, proof of sensors. **Leaves:** `IndicatorMoved`, STIX bytes.
//!
//! # Invariants
//! - Whoever wrote an indicator neither reviews nor approves it, except alone at night, and then a second look is owed.
//! - A source that can be forged never becomes an indicator; a protected value never becomes one either.
//! - Every indicator ends. Every version of its STIX object is kept byte for byte.
//! - Folding an indicator's changes gives its stored row.

pub mod desk;
pub mod error;
pub mod list;
pub mod model;
mod object;
pub mod policy;
pub mod propose;
mod repo;
pub mod schema;
pub mod service;
pub mod value;

pub use desk::{Change, Command, What, apply, decide};
pub use error::{IntelError, Refusal};
pub use model::{Dossier, Draft, Edit, Evidence, Filter, Indicator, Note, ObjectVersion, Origin, Source, Totals};
pub use policy::{AutoPolicy, ClassPolicy, PolicyRow};
pub use propose::{Proposal, Quiet};
pub use schema::MIGRATIONS;
pub use service::Intel;
pub use value::{ValueGuard, Verdict};

/// Whose row an id in an address is.
pub const OWNERS: &[access::Owner] = &[access::Owner {
    word: "indicators",
    noun: "indicator",
    sql: "SELECT org_id, tlp, realm FROM indicator WHERE id = $1",
}];

/// Every code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
