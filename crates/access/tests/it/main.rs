//! The room on both databases.

mod enrolment;
mod night;
mod people;
mod policy;
mod sessions;
mod setup;
mod sign_in;
mod tokens;
mod world;
