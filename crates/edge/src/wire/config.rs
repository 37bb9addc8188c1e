//! What a point must know besides its entries: protected networks, limits of change, the kill switch, canaries.

use base::{AddrSpec, PointId, Timestamp};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

use crate::wire::frame::{MAX_CHANGES, MAX_ENTRY, MAX_LINE, canonical, centre_id, signature_of};
use crate::wire::refusal::FrameRefusal;

/// The most protected networks a configuration may hold.
pub const MAX_PROTECTED: usize = 100_000;
/// The most bytes of a configuration: it travels in one line with the changes of a full frame and 16 KiB of the rest.
pub const MAX_CONFIG: usize = MAX_LINE - MAX_CHANGES * MAX_ENTRY - (16 << 10);

/// A network nobody may deny, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtectedNet {
    /// The network.
    pub net: AddrSpec,
    /// For people: `own`, `critical infrastructure: power`, `management: time servers`.
    pub why: String,
}

/// How much may change within one window before a set is frozen at its last good state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeLimits {
    /// Most additions in the window, whatever the size of the set.
    pub entries: u64,
    /// So many additions and removals are always free, so that a small set can begin and end.
    pub floor: u64,
    /// Most additions in the window, in percent of the set.
    pub percent: u32,
    /// Most removals in the window of entries that had not ended by themselves, in percent of the set.
    pub shrink_percent: u32,
    /// The window.
    pub window_secs: u32,
}

impl Default for ChangeLimits {
    fn default() -> Self {
        Self { entries: 5_000, floor: 500, percent: 2, shrink_percent: 20, window_secs: 600 }
    }
}

/// Addresses for the proof by packet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canaries {
    /// Must be dropped: the driver puts them into the same generation as the entries and sends a packet.
    pub blocked: Vec<IpAddr>,
    /// Must come through.
    pub passed: Vec<IpAddr>,
}

/// The configuration of a point.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The documentation networks may be denied: true in a demonstration centre only.
    pub allow_documentation: bool,
    /// Addresses for the proof by packet.
    pub canaries: Canaries,
    /// Nothing is denied while this is on.
    pub kill: bool,
    /// How much may change at once.
    pub limits: ChangeLimits,
    /// Networks nobody may deny, besides those compiled in.
    pub protected: Vec<ProtectedNet>,
    /// A person accepted a change beyond the limits until this time.
    pub thaw_until: Option<Timestamp>,
}

impl Config {
    /// How many bytes it takes in a line; more than [`MAX_CONFIG`] reach no point.
    #[must_use]
    pub fn bytes(&self) -> usize {
        canonical(self).len()
    }
}

/// A configuration with its revision and the centre's signature, so that a point can keep it on its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedConfig {
    /// The centre: [`centre_id`] of its key.
    pub centre: String,
    /// The configuration.
    pub config: Config,
    /// When it was signed.
    pub issued: Timestamp,
    /// For which point.
    pub point: PointId,
    /// Grows with every change; a point never goes back.
    pub revision: u64,
    /// Ed25519 over the canonical JSON with this member empty, lower-case hex.
    pub signature: String,
}

impl SignedConfig {
    /// Signs a configuration.
    #[must_use]
    pub fn sign(config: Config, revision: u64, point: PointId, issued: Timestamp, key: &SigningKey) -> Self {
        let centre = centre_id(&key.verifying_key());
        let mut signed = Self { centre, config, issued, point, revision, signature: String::new() };
        signed.signature = hex::encode(key.sign(canonical(&signed).as_bytes()).to_bytes());
        signed
    }

    /// Checks that it is the centre's, for this point, and not older than `least_revision`.
    ///
    /// # Errors
    /// The reason it must not be used.
    pub fn verify(&self, key: &VerifyingKey, point: PointId, least_revision: u64) -> Result<(), FrameRefusal> {
        let signature = signature_of(&self.signature)?;
        let blank = Self { signature: String::new(), ..self.clone() };
        key.verify_strict(canonical(&blank).as_bytes(), &signature).map_err(|_| FrameRefusal::BadSignature)?;
        if self.centre != centre_id(key) {
            return Err(FrameRefusal::WrongCentre);
        }
        if self.point != point {
            return Err(FrameRefusal::WrongPoint);
        }
        if self.revision < least_revision {
            return Err(FrameRefusal::ConfigRollback { known: least_revision, got: self.revision });
        }
        if self.config.protected.len() > MAX_PROTECTED {
            return Err(FrameRefusal::TooLarge("protected networks"));
        }
        Ok(())
    }
}
