//! The room as its users see it: samples of every format, broken variations of them, and nothing that panics.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: what cannot be is a failure")]

mod broken;
mod samples;
