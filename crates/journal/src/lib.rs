//! The one segmented durable log: checksummed records, group fsync, replay.
