//! The drivers against real engines: nftables inside fresh network namespaces, and files.

mod conformance;
mod lab;
mod nft;
mod support;
