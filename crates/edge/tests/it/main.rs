//! Tests of the room: what a point refuses, what guards let through, what desks decide, what the service enforces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod attacks;
#[cfg(feature = "centre")]
mod desks;
mod guards;
#[cfg(feature = "centre")]
mod loop_;
#[cfg(feature = "centre")]
mod points;
#[cfg(feature = "centre")]
mod random;
#[cfg(feature = "centre")]
mod send;
#[cfg(feature = "centre")]
mod world;
