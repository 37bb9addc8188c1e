//! The program from outside: the contract, crashes, hostile peers, machines. Every test starts the real binary.
#![allow(clippy::disallowed_methods, reason = "tests start the program under test")]

mod centre;
mod contract;
mod crash;
mod hostile;
mod machines;
