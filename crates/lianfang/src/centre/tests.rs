//! A whole centre in this process, with its clock in the test's hand, and whole machines tied to it.
#![allow(
    clippy::disallowed_methods,
    reason = "the machine that is killed is this test itself, as a process of its own"
)]

mod bed;
mod days;
mod gate;
mod killed;
