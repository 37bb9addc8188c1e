//! The joint procedures on both databases, with the real rooms on every side.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says by panicking what went wrong")]

mod enforcement;
mod observables;
mod world;
