//! The room on both databases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests: what fails here fails the test")]

mod belongings;
mod tree;
mod whose;
mod world;
