//! Enforcement: directives, collections, guards, points, receipts, drift.
//!
//! Enforcement synchronises state, it does not send commands: directives become collection entries, entries become
//! signed frames, an enforcement point answers with receipts, and the centre always knows per point what is really
//! enforced. This room must not speak HTTP and must not know an engine.
//!
//! **Enters:** published indicators, decisions of people, receipts. **Leaves:** frames, events, the block list.
//!
//! # Invariants
//! - No block without an end: every directive and every entry has an expiry.
//! - A protected network is never in a denying collection, whatever asked for it; centre and point both check.
//! - A frame that is not exactly the next one, or not fresh, or not signed by the centre, changes nothing.

pub mod guard;
pub mod replica;
pub mod wire;

#[cfg(feature = "centre")]
pub mod desired;
#[cfg(feature = "centre")]
pub mod desk;
#[cfg(feature = "centre")]
pub mod error;
#[cfg(feature = "centre")]
pub mod frames;
#[cfg(feature = "centre")]
pub mod model;
#[cfg(feature = "centre")]
mod repo;
#[cfg(feature = "centre")]
pub mod schema;
#[cfg(feature = "centre")]
pub mod service;
#[cfg(feature = "centre")]
pub mod settings;

#[cfg(feature = "centre")]
pub use {
    error::{EdgeError, Refusal},
    model::{Directive, DirectiveState, Driver, EndReason, Point, PointState, Standing},
    repo::point::StoredReceipt,
    repo::realm::{RealmConfig, RealmRow},
    schema::MIGRATIONS,
    service::{Edge, Identity},
    settings::Settings,
};

/// Whose row an id in an address is.
#[cfg(feature = "centre")]
pub const OWNERS: &[access::Owner] = &[
    access::Owner { word: "points", noun: "point", sql: "SELECT org_id, tlp, realm FROM edge_point WHERE id = $1" },
    access::Owner {
        word: "directives",
        noun: "directive",
        sql: "SELECT org_id, tlp, realm FROM edge_directive WHERE id = $1",
    },
];

/// Every coded error of this room.
#[cfg(feature = "centre")]
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES, wire::refusal::CODES];

/// Every coded error of a point's half of this room.
#[cfg(not(feature = "centre"))]
pub static ALL_CODES: &[&[&base::Code]] = &[wire::refusal::CODES];
