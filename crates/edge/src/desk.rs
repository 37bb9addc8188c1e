//! The desks: pure decisions about directives and points.
//!
//! `decide(state, command, now)` says what becomes true or why not; `apply(state, fact)` is what the row then is.
//! No clock, no database, no randomness: those come in as parameters.

pub mod directive;
pub mod point;
