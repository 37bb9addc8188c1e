//! A machine's tie to its centre: enrolment, identity, mutual TLS and the renewal of its certificate.
//!
//! Sensors and enforcement points are tied in the same way; what they say over the line is theirs. This room must not
//! know what is said, must not listen on any port, and must not dial anything but the machine's own centre.
//!
//! **Enters:** an enrolment code, an authority or pin, the centre's answers. **Leaves:** a folder with an identity, a
//! client with mutual TLS that always shows the newest certificate.
//!
//! # Invariants
//! - The private key never leaves the folder.
//! - Key and certificate are one file, replaced as a whole: at no moment is there one without the other.
//! - A renewed certificate is kept on disk before it is used, and only if it names the very same machine.

mod enrol;
mod error;
mod files;
mod identity;
mod line;
mod renew;
mod tls;
mod trust;

pub use enrol::{Join, enrol};
pub use error::LinkError;
pub use files::{private_folder, read, replace};
pub use identity::{About, Identity};
pub use line::{Line, body, causes};
pub use renew::{Looks, Step};
pub use tls::Kind;
pub use trust::EnrolTrust;

/// Every coded error of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[error::CODES];
