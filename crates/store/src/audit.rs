//! The audit tree (RFC 6962): who did what, in an order nobody can change unseen, provable offline.
//!
//! [`crate::Db::commit`] writes a leaf per [`crate::AuditEntry`] in the transaction of the change itself: the canonical
//! JSON text and its leaf hash. The [`Sequencer`] recomputes every leaf from its text, adds it to the tree and signs a
//! checkpoint within a second. [`export_seen()`] hands out the whole tree, with the entries that its reader may see;
//! [`verify()`] checks it with nothing but the file.

pub mod export;
pub mod note;
mod outside;
mod proof;
mod search;
mod sequencer;
mod strangers;
pub mod tree;
pub mod verify;

pub use export::{export, export_seen};
pub use note::{Note, Signer};
pub use outside::Outside;
pub use proof::{Inclusion, inclusion};
#[doc(hidden)]
pub use search::EXPLAINED;
pub use search::{Filter, Leaf, one, search};
pub use sequencer::{Checkpoint, Sequencer, latest};
pub use strangers::Strangers;
pub use verify::{Broken, Expected, Verified, verify, verify_with};
