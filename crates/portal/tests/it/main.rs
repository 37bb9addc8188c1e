//! The portal as a browser meets it: the whole router over real services, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stop at the first surprise, as tests do"
)]

mod acts;
mod audit;
mod browser;
mod desk;
mod door;
mod passkey;
mod world;
