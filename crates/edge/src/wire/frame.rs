//! The frame: one signed, sequenced change of a point's collections.
//!
//! A frame leads from one [`Mark`] to another. A change too large for one frame is a series of parts; the point
//! applies it when the last part has come. `previous_hash` of a first part is the hash of the state it stands on
//! ([`Mark::hash`]), of every later part the hash of the part before it. A frame without changes whose `after`
//! equals its `sequence` only says that nothing is newer (freshness).

use base::{PointId, Timestamp};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::wire::config::SignedConfig;
use crate::wire::digest::{Mark, SetDigest};
use crate::wire::entry::{Entry, Removal};
use crate::wire::refusal::FrameRefusal;

/// The form described here.
pub const VERSION: u32 = 1;
/// Most additions and removals of one frame.
pub const MAX_CHANGES: usize = 4_096;
/// Most parts of a series: over four million entries.
pub const MAX_PARTS: u32 = 1_024;
/// Most bytes of a line.
pub const MAX_LINE: usize = 4 * 1_048_576;
/// Most bytes of an entry in a line, with the comma behind it.
pub const MAX_ENTRY: usize = 256;
/// The largest sequence number, and the largest number of a word: RFC 8785 keeps integers exact up to 2^53.
pub const MAX_SEQUENCE: u64 = (1 << 53) - 1;
/// A frame may not run further ahead, so that one bad frame cannot lock out all later ones (fast-forward).
pub const MAX_AHEAD: u64 = 1 << 40;
/// A frame is good for at most so long.
pub const MAX_LIFE_SECS: i64 = 3_600;
/// How far the clocks of centre and point may differ.
pub const CLOCK_SKEW_SECS: i64 = 300;

/// One signed change, or one part of it. The fields stand in the order of their names (see [`crate::wire::entry`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// Entries that come or replace the one at their place.
    pub adds: Vec<Entry>,
    /// The sequence number this change starts from; 0 for a snapshot.
    pub after: u64,
    /// The centre: [`centre_id`] of its key.
    pub centre: String,
    /// The configuration, when it is new or the frame starts a snapshot.
    pub config: Option<SignedConfig>,
    /// Entries there are after the whole change.
    pub count_after: u64,
    /// Their digest.
    pub digest_after: SetDigest,
    /// When the frame's freshness ends.
    pub expires: Timestamp,
    /// When the centre signed it.
    pub issued: Timestamp,
    /// Counts the centre's words to this point, over its restarts and nodes and whatever its clock does: a later word
    /// has a larger number. The parts of a series have the same.
    pub number: u64,
    /// Which part of the series, from 1.
    pub part: u32,
    /// How many parts the series has.
    pub parts: u32,
    /// For which point.
    pub point: PointId,
    /// What this frame stands on, lower-case hex.
    pub previous_hash: String,
    /// Entries that leave.
    pub removes: Vec<Removal>,
    /// The sequence number this change ends at.
    pub sequence: u64,
    /// Ed25519 over the canonical JSON with this member empty, lower-case hex.
    pub signature: String,
    /// The adds are everything there is, not a difference.
    pub snapshot: bool,
    /// [`VERSION`].
    pub version: u32,
}

/// The place in a series of parts that a point has reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// The last part that came.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
    /// Where the series begins.
    pub after: u64,
    /// Where it ends.
    pub sequence: u64,
    /// Whether it is a snapshot.
    pub snapshot: bool,
    /// Count and digest it promises.
    pub count_after: u64,
    /// The digest it promises.
    pub digest_after: SetDigest,
    /// [`Frame::hash`] of the last part.
    pub hash: String,
}

/// What a point knows when a frame arrives.
#[derive(Debug, Clone)]
pub struct VerifyState {
    /// The centre's key, pinned at enrolment.
    pub key: VerifyingKey,
    /// The point itself.
    pub point: PointId,
    /// The point's time.
    pub now: Timestamp,
    /// Where its collections stand.
    pub known: Mark,
    /// What it never goes back behind; its sequence may be above that of `known` when the copy was lost.
    pub floor: Floor,
    /// The series being received, if any.
    pub series: Option<Series>,
}

/// What a point never goes back behind, whatever becomes of its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// The sequence it has had.
    pub sequence: u64,
    /// The revision of the configuration it has had; 0 without one.
    pub revision: u64,
    /// `number` of the last frame it took; 0 at first.
    pub number: u64,
}

impl Floor {
    /// The higher of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            sequence: self.sequence.max(other.sequence),
            revision: self.revision.max(other.revision),
            number: self.number.max(other.number),
        }
    }
}

/// The name of a centre: the first sixteen bytes of SHA-256 of its public key, lower-case hex.
#[must_use]
pub fn centre_id(key: &VerifyingKey) -> String {
    let hash = Sha256::digest(key.as_bytes());
    hex::encode(hash.get(..16).unwrap_or_default())
}

/// The canonical JSON of a type whose fields stand in the order of their names and whose numbers stay below 2^53.
pub(crate) fn canonical<T: Serialize>(value: &T) -> String {
    // Only maps with foreign keys and failing writers make serde_json fail; signed types have neither.
    serde_json::to_string(value).unwrap_or_default()
}

/// A signature of lower-case hex: there is one way to write it, so that every other bit pattern is refused.
pub(crate) fn signature_of(text: &str) -> Result<Signature, FrameRefusal> {
    let mut bytes = [0_u8; 64];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| FrameRefusal::BadSignature)?;
    if hex::encode(bytes) == text { Ok(Signature::from_bytes(&bytes)) } else { Err(FrameRefusal::BadSignature) }
}

impl Frame {
    /// Signs the frame with the centre's key; `centre` and `signature` are set here.
    #[must_use]
    pub fn sign(mut self, key: &SigningKey) -> Self {
        self.centre = centre_id(&key.verifying_key());
        self.signature = String::new();
        self.signature = hex::encode(key.sign(canonical(&self).as_bytes()).to_bytes());
        self
    }

    /// The frame as it travels: one line of canonical JSON, without the line feed.
    #[must_use]
    pub fn to_line(&self) -> String {
        canonical(self)
    }

    /// Reads a line. Bytes that are not exactly the canonical form are refused, so that what was signed is what came.
    ///
    /// # Errors
    /// [`FrameRefusal::TooLarge`], [`FrameRefusal::Malformed`].
    pub fn from_line(line: &[u8]) -> Result<Self, FrameRefusal> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > MAX_LINE {
            return Err(FrameRefusal::TooLarge("line"));
        }
        let frame: Self = serde_json::from_slice(line)
            .map_err(|error| FrameRefusal::Malformed(base::code::excerpt(&error.to_string())))?;
        if frame.to_line().as_bytes() != line {
            return Err(FrameRefusal::Malformed("not in canonical form".to_owned()));
        }
        Ok(frame)
    }

    /// SHA-256 of the line, lower-case hex: what the next part of a series names.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.to_line()))
    }

    /// Where the whole change leads.
    #[must_use]
    pub const fn mark_after(&self) -> Mark {
        Mark { count: self.count_after, digest: self.digest_after, sequence: self.sequence }
    }

    /// Whether it carries no change: a statement of freshness, or only a configuration.
    #[must_use]
    pub const fn is_affirmation(&self) -> bool {
        !self.snapshot && self.after == self.sequence
    }

    /// Checks everything that can be checked without the entries themselves; nothing may be used before.
    /// That the change leads to `digest_after` is checked where the entries are: [`crate::replica::Replica`].
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub fn verify(&self, state: &VerifyState) -> Result<(), FrameRefusal> {
        self.verify_origin(state)?;
        self.verify_size()?;
        self.verify_time(state)?;
        if self.part == 1 {
            self.verify_start(state)?
        } else {
            self.verify_part(state)?
        }
        self.verify_content()?;
        match &self.config {
            Some(config) => config.verify(&state.key, state.point, state.floor.revision),
            None => Ok(()),
        }
    }

    fn verify_origin(&self, state: &VerifyState) -> Result<(), FrameRefusal> {
        if self.version != VERSION {
            return Err(FrameRefusal::Version(self.version));
        }
        let signature = signature_of(&self.signature)?;
        let message = canonical(&Self { signature: String::new(), ..self.clone() });
        state.key.verify_strict(message.as_bytes(), &signature).map_err(|_| FrameRefusal::BadSignature)?;
        if self.centre != centre_id(&state.key) {
            return Err(FrameRefusal::WrongCentre);
        }
        if self.point != state.point {
            return Err(FrameRefusal::WrongPoint);
        }
        Ok(())
    }

    fn verify_size(&self) -> Result<(), FrameRefusal> {
        if self.adds.len().saturating_add(self.removes.len()) > MAX_CHANGES {
            return Err(FrameRefusal::TooLarge("changes"));
        }
        if self.parts > MAX_PARTS {
            return Err(FrameRefusal::TooLarge("parts"));
        }
        if self.count_after > u64::from(MAX_PARTS).saturating_mul(MAX_CHANGES as u64) {
            return Err(FrameRefusal::TooLarge("entries"));
        }
        if self.part == 0 || self.part > self.parts {
            return Err(FrameRefusal::Inconsistent("part"));
        }
        Ok(())
    }

    fn verify_time(&self, state: &VerifyState) -> Result<(), FrameRefusal> {
        if self.issued > state.now.plus_secs(CLOCK_SKEW_SECS) {
            return Err(FrameRefusal::Future(self.issued));
        }
        if self.expires > self.issued.plus_secs(MAX_LIFE_SECS) {
            return Err(FrameRefusal::Inconsistent("life"));
        }
        if self.expires.plus_secs(CLOCK_SKEW_SECS) <= state.now {
            return Err(FrameRefusal::Expired(self.expires));
        }
        Ok(())
    }

    /// A first part must stand on what the point has; a repeated word must be newer than the last one.
    fn verify_start(&self, state: &VerifyState) -> Result<(), FrameRefusal> {
        let known = state.known.sequence;
        let least = known.max(state.floor.sequence);
        if self.sequence < least {
            return Err(FrameRefusal::Rollback { known: least, got: self.sequence });
        }
        if self.sequence > MAX_SEQUENCE || self.sequence - least > MAX_AHEAD {
            return Err(FrameRefusal::FastForward(self.sequence));
        }
        if self.number > MAX_SEQUENCE {
            return Err(FrameRefusal::Inconsistent("number"));
        }
        if self.sequence == least && self.number <= state.floor.number {
            return Err(FrameRefusal::Replay);
        }
        let stands_on = if self.snapshot { Mark::default() } else { state.known };
        if self.after != stands_on.sequence {
            return Err(match self.sequence == known {
                true => FrameRefusal::Replay,
                false => FrameRefusal::Gap { known, after: self.after },
            });
        }
        if self.previous_hash != stands_on.hash(state.point) {
            return Err(FrameRefusal::BrokenChain);
        }
        let same_state = self.count_after == state.known.count && self.digest_after == state.known.digest;
        if self.sequence == known && !same_state {
            return Err(FrameRefusal::Inconsistent("another state under the same sequence"));
        }
        Ok(())
    }

    /// A later part must continue the series that is being received.
    fn verify_part(&self, state: &VerifyState) -> Result<(), FrameRefusal> {
        let want = state.series.as_ref().map_or(1, |series| series.part.saturating_add(1));
        let Some(series) = state.series.as_ref().filter(|_| self.part == want) else {
            return Err(FrameRefusal::PartOrder { want, got: self.part, parts: self.parts });
        };
        let mine = (self.parts, self.after, self.sequence, self.snapshot, self.count_after, self.digest_after);
        let theirs =
            (series.parts, series.after, series.sequence, series.snapshot, series.count_after, series.digest_after);
        if mine != theirs {
            return Err(FrameRefusal::Inconsistent("series"));
        }
        if self.previous_hash != series.hash {
            return Err(FrameRefusal::BrokenChain);
        }
        Ok(())
    }

    fn verify_content(&self) -> Result<(), FrameRefusal> {
        if self.is_affirmation() && !(self.adds.is_empty() && self.removes.is_empty() && self.parts == 1) {
            return Err(FrameRefusal::Inconsistent("changes without a new sequence"));
        }
        if self.snapshot && !self.removes.is_empty() {
            return Err(FrameRefusal::Inconsistent("a snapshot removes nothing"));
        }
        if !self.adds.iter().all(Entry::is_coherent) {
            return Err(FrameRefusal::Inconsistent("an entry in the wrong collection"));
        }
        if self.config.is_some() && self.part != 1 {
            return Err(FrameRefusal::Inconsistent("a configuration in a later part"));
        }
        Ok(())
    }

    /// The place in its series, for [`VerifyState::series`]; none after the last part.
    #[must_use]
    pub fn series(&self) -> Option<Series> {
        (self.part < self.parts).then(|| Series {
            part: self.part,
            parts: self.parts,
            after: self.after,
            sequence: self.sequence,
            snapshot: self.snapshot,
            count_after: self.count_after,
            digest_after: self.digest_after,
            hash: self.hash(),
        })
    }
}
