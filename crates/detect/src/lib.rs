//! Findings that explain themselves.
