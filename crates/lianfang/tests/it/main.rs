//! The program from outside: the contract, every verb and route, people, crashes, hostile peers, machines. Every test starts the real binary.
#![allow(clippy::disallowed_methods, reason = "tests start the program under test")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod answers;
mod api;
mod audit;
mod backup;
mod centre;
mod contract;
mod cowrie;
mod crash;
mod doctor;
mod forged;
mod hostile;
mod machines;
mod parity;
mod people;
mod person;
mod verbs;
