//! Enforcement: directives, collections, guards, points, receipts, drift.
