//! The drivers against real engines: nftables inside fresh network namespaces, and files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends where its ground is missing, and prints what it measured"
)]

mod conformance;
mod lab;
mod nft;
mod relay;
mod rootless;
mod support;
