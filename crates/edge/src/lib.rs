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

/// Every coded error of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[wire::refusal::CODES];
