//! The digest of a set of entries, and the mark of a state: sequence, count and digest.
//!
//! The digest is the sum, modulo 2^256, of the SHA-256 of each entry (AdHash, Bellare and Micciancio 1997). It does
//! not depend on order and follows each change in constant time, so that a set of a million entries is never read
//! again to state its digest. A sum of this width can be forged by somebody who chooses entries freely; nobody can
//! here: every frame is signed by the centre, which alone makes entries, and each contains the random identifier of
//! its directive. The digest guards against what signatures do not: lost changes, damaged state, faults of ours.

use base::PointId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

use crate::wire::entry::Entry;

/// The digest of a set of entries; the empty set has all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetDigest([u8; 32]);

impl SetDigest {
    /// The digest of these entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut digest = Self::default();
        for entry in entries {
            digest.insert(entry);
        }
        digest
    }

    /// Takes an entry in.
    pub fn insert(&mut self, entry: &Entry) {
        self.add(&element(entry));
    }

    /// Takes an entry out.
    pub fn remove(&mut self, entry: &Entry) {
        let mut term = element(entry);
        // Subtraction is adding the two's complement: every bit turned, plus one.
        for byte in &mut term {
            *byte = !*byte;
        }
        let mut one = [0_u8; 32];
        if let Some(last) = one.last_mut() {
            *last = 1;
        }
        self.add(&term);
        self.add(&one);
    }

    /// The digest of two sets that share nothing.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.add(&other.0);
        self
    }

    /// The 32 bytes, most significant first.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest of these 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn add(&mut self, term: &[u8; 32]) {
        let mut carry = 0_u16;
        for (mine, theirs) in self.0.iter_mut().zip(term).rev() {
            let sum = u16::from(*mine) + u16::from(*theirs) + carry;
            *mine = (sum & 0xff) as u8;
            carry = sum >> 8;
        }
    }
}

/// SHA-256 of an entry in a form without ambiguity: every part has a fixed length or ends with a zero byte.
fn element(entry: &Entry) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"lianfang edge entry 1\0");
    hash.update(entry.collection.word());
    hash.update([0]);
    hash.update(entry.key.to_string());
    hash.update([0]);
    hash.update(entry.expires.as_micros().to_be_bytes());
    hash.update(entry.directive.0.as_bytes());
    hash.finalize().into()
}

impl fmt::Display for SetDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SetDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for SetDigest {
    type Error = hex::FromHexError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<SetDigest> for String {
    fn from(digest: SetDigest) -> Self {
        digest.to_string()
    }
}

/// Where a point's collections stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Entries over all collections.
    pub count: u64,
    /// The digest of all of them.
    pub digest: SetDigest,
    /// The last sequence number taken in; 0 is the empty beginning.
    pub sequence: u64,
}

impl Mark {
    /// The hash that the next frame must name: it says on which state, of which point, that frame stands.
    #[must_use]
    pub fn hash(&self, point: PointId) -> String {
        let mut hash = Sha256::new();
        hash.update(b"lianfang edge state 1\0");
        hash.update(point.0.as_bytes());
        hash.update(self.sequence.to_be_bytes());
        hash.update(self.count.to_be_bytes());
        hash.update(self.digest.bytes());
        hex::encode(hash.finalize())
    }
}
