//! The audit tree (RFC 6962): who did what, provable offline.

pub mod tree;
