//! Foreign and own log lines to typed attack events: Cowrie JSON, OpenCanary JSON, native batches.
//!
//! Pure: bytes in, values out; no I/O, no clock, no tokio. Broken input is data: a line gives an event or a coded refusal, never a panic.
//!
//! **Enters:** raw lines. **Leaves:** [`attack::AttackEvent`]s that need no second check.

pub mod attack;
