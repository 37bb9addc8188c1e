//! The sensor from outside: real clients, hostile clients, a centre that is slow, lossy or away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "helpers of tests fail loudly"
)]

mod bed;
mod centre;
mod disk;
mod enrolment;
mod fingerprint;
mod hostile;
mod load;
mod openssh;
mod renewal;
mod telnet;
mod uplink;
