//! The only place that starts programs; nftables through netlink, plain lists, namespaces.
//!
//! A driver turns elements of collections into an engine's own state, reads them back and proves them. This room must
//! not know the centre, frames or guards: what to enforce is decided elsewhere.
//!
//! **Enters:** elements, changes. **Leaves:** engine state, what was read back, proofs by packet.
//!
//! # Invariants
//! - Programs are started by [`run`] only: fixed list, absolute paths, argument vectors, limits.
//! - Only this room's own table, files, namespaces and interfaces are ever touched.
//! - Allow stands before deny inside the engine itself.
//! - Applying the same change twice gives the same state; removing what is gone is no error.

mod driver;
mod error;
pub mod file;
pub mod netns;
pub mod nft;
mod probe;
pub mod run;

pub use driver::{Applied, Capabilities, Change, Difference, Driver, Element, Packets};
pub use error::Error;
pub use file::{FileConfig, FileList};
pub use nft::{Nft, NftConfig};

/// Every coded error of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
