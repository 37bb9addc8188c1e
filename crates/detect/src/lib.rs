//! Findings that explain themselves: what, who to whom, why it fired, how sure, seen before; one row per rule,
//! organisation and subject while it is open.
//!
//! **Enters:** raises from the joint procedures, acts of people. **Leaves:** `FindingRaised`, `FindingResolved`.
//!
//! # Invariants
//! - At most one open finding per realm, organisation, rule and subject; what comes again is counted on it.
//! - A finding is resolved with an outcome and a reason, or not at all; a silence has a scope and an end.
//! - Folding a finding's changes gives its stored row.

pub mod desk;
pub mod error;
pub mod list;
pub mod model;
mod repo;
pub mod schema;
pub mod service;
pub mod silence;

pub use desk::{Change, Command, apply, decide};
pub use error::{DetectError, Refusal};
pub use model::{
    Fact, Filter, Finding, FindingOutcome, FindingState, Group, Past, Preview, Raise, Silence, SilenceId, SilenceScope,
    Step, StepKind, Subject, Which, Why,
};
pub use schema::MIGRATIONS;
pub use service::Detect;

/// Whose row an id in an address is.
pub const OWNERS: &[access::Owner] = &[
    access::Owner { word: "findings", noun: "finding", sql: "SELECT org_id, tlp, realm FROM finding WHERE id = $1" },
    access::Owner { word: "silences", noun: "silence", sql: "SELECT org_id, tlp, realm FROM silence WHERE id = $1" },
];

/// Every code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
