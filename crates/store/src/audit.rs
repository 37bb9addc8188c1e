//! The audit tree (RFC 6962): who did what, in an order nobody can change unseen, provable offline.
//!
//! [`crate::Db::commit`] writes a leaf per [`crate::AuditEntry`] in the transaction of the change itself: the canonical
//! JSON text and its leaf hash. The [`Sequencer`] recomputes every leaf from its text, adds it to the tree and signs a
//! checkpoint within a second. [`export()`] hands out everything, [`verify()`] checks it with nothing but the file.

pub mod export;
pub mod note;
mod proof;
mod search;
mod sequencer;
mod strangers;
pub mod tree;
pub mod verify;

pub use export::export;
pub use note::{Note, Signer};
pub use proof::{Inclusion, inclusion};
#[doc(hidden)]
pub use search::EXPLAINED;
pub use search::{Filter, Leaf, one, search};
pub use sequencer::{Checkpoint, Sequencer, latest};
pub use strangers::Strangers;
pub use verify::{Broken, Expected, Verified, verify, verify_with};
