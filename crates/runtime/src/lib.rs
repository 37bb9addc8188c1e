//! The ground a process stands on: named tasks with cancel and deadline, clean stop, the configuration tree, logs, metrics.
//!
//! Must not know any domain, database or protocol.
//!
//! **Enters:** futures, a configuration file, the environment, signals. **Leaves:** a stop report, metrics text, log lines.
//!
//! # Invariants
//! - Every task has a name, sees the cancel token, and is waited for at stop with a deadline.
//! - A task that panics ends alone; it is counted and logged.

pub mod config;
pub mod logs;
pub mod metrics;
pub mod notify;
pub mod process;
pub mod supervisor;

pub use config::{ConfigError, load_config};
pub use metrics::Metrics;
pub use supervisor::{StopReport, Supervisor};
pub use tokio_util::sync::CancellationToken;

/// Every error code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[config::CODES];
