//! The agent against a small centre: real mutual TLS and HTTP/2, signed frames, real engines.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends where its ground is missing, and prints what it measured"
)]

mod centre;
mod enforcement;
mod enrolment;
mod hostile;
mod hub;
mod kernel;
mod support;
