//! The room on both databases.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "helpers of tests: what fails here fails the test"
)]

mod enrolment;
mod night;
mod passkey;
mod passkey_wire;
mod people;
mod policy;
mod program;
mod reading;
mod saved;
mod sessions;
mod setup;
mod sight;
mod sign_in;
mod tokens;
mod world;
