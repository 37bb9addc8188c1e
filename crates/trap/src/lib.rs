//! The honeypot sensor: SSH and Telnet traps, one persona per sensor, a disk spool and the uplink to the centre.
//!
//! This room must not execute anything an attacker sends, must not dial anything but its own centre, and must not
//! know the centre's database or pages. What an attacker types is data from the first byte to the last.
//!
//! **Enters:** connections of attackers, an enrolment code. **Leaves:** [`logwire::attack::AttackEvent`] lines,
//! acknowledged by the centre, and heartbeats.
//!
//! # Invariants
//! - The only outgoing connections are those of [`uplink`], [`heartbeat`] and [`mod@enrol`] to the centre, and
//!   [`probe`] to the sensor's own listeners.
//! - Every buffer that an attacker can fill has a limit from [`base::limits`] or from the module that owns it.
//! - Time, session names and addresses of an event come from the sensor, never from the attacker.
//! - Two sensors share neither host keys nor host name, hardware or accounts: all come from the persona's seed.

pub mod config;
mod console;
pub mod enrol;
pub mod error;
pub mod heartbeat;
mod listen;
pub mod node;
pub mod persona;
pub mod probe;
pub mod shell;
pub mod spool;
pub mod ssh;
pub mod telnet;
pub mod uplink;
mod visit;

pub use config::{Account, Bound, ListenConfig, ListenerKind, NodeConfig, SpoolConfig};
pub use enrol::{EnrolTrust, Enrolled, SETTINGS, enrol};
pub use error::TrapError;
pub use node::run;

/// Every error code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
