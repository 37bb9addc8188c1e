//! Tests of the store on both databases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail the test they are called from")]

mod audit;
mod blobs;
mod disk;
mod jobs;
mod nodes;
mod outbox;
mod port;
mod support;
mod withheld;
