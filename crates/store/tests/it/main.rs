//! Tests of the store on both databases.

mod blobs;
mod jobs;
mod outbox;
mod port;
mod support;
