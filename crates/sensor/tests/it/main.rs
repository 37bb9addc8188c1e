//! The room as its users see it, on both databases.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: what cannot be is a failure")]

mod aim;
mod fleet;
mod history;
mod intake;
mod orders;
mod retention;
mod support;
