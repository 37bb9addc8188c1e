//! STIX 2.1: objects we write, foreign objects we keep byte for byte, patterns, markings, bundles.
//!
//! **Enters:** values and foreign bytes. **Leaves:** canonical bytes ([`IndicatorObject::write`]) and a header view
//! over untouched bytes ([`Stored`]).
//!
//! # Invariants
//! - The same input gives the same bytes: what is written is canonical JSON (RFC 8785).
//! - Foreign bytes are never re-serialised: a [`Stored`] holds exactly what arrived.
//! - Only the module [`model`] knows the library behind the object model.

pub mod bundle;
pub mod error;
pub mod header;
pub mod identity;
pub mod indicator;
pub mod marking;
pub mod model;
pub mod pattern;

pub use bundle::{Bundle, split};
pub use error::StixError;
pub use header::{Header, Stamp, Stored};
pub use identity::IdentityObject;
pub use indicator::{ExternalReference, IndicatorObject};

/// Every code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
