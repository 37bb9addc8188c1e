//! What centre and enforcement point say to each other: frames down, receipts and heartbeats up.
//!
//! Everything here is a value with pure checks; both ends compile the same code. Frames travel as one line of
//! canonical JSON (RFC 8785) each: [`Frame::to_line`] and [`Frame::from_line`].

pub mod config;
pub mod digest;
pub mod entry;
pub mod frame;
pub mod receipt;
pub mod refusal;

pub use config::{Canaries, ChangeLimits, Config, ProtectedNet, SignedConfig};
pub use digest::{Mark, SetDigest};
pub use entry::{Collection, Entry, Intent, Removal};
pub use frame::{Floor, Frame, VerifyState, centre_id};
pub use receipt::{CanaryResult, Drift, EdgeHeartbeat, Probe, ReadBack, Receipt, RefusedEntry};
pub use refusal::FrameRefusal;
