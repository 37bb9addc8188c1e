//! Frames from changes: pure.

use base::{PointId, Timestamp};
use ed25519_dalek::SigningKey;

use crate::wire::frame::{MAX_CHANGES, VERSION};
use crate::wire::{Entry, Frame, Mark, Removal, SignedConfig};

/// A frame is good for so long; a quiet stream renews it far more often.
pub const FRESH_SECS: i64 = 120;

/// What the frames shall say.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Everything there is, not a difference.
    pub snapshot: bool,
    /// Entries that come or replace.
    pub adds: Vec<Entry>,
    /// Entries that leave.
    pub removes: Vec<Removal>,
    /// A configuration to send along.
    pub config: Option<SignedConfig>,
}

/// The signed frames that lead a point from one mark to another: one, or a series of parts, of one time and number.
#[must_use]
pub fn build(
    point: PointId,
    from: Mark,
    to: Mark,
    content: Content,
    (issued, number): (Timestamp, u64),
    key: &SigningKey,
) -> Vec<Frame> {
    let Content { snapshot, adds, removes, mut config } = content;
    let from = if snapshot { Mark::default() } else { from };
    let changes = adds.len() + removes.len();
    let parts = u32::try_from(changes.div_ceil(MAX_CHANGES).max(1)).unwrap_or(u32::MAX);
    let (mut adds, mut removes) = (adds.into_iter(), removes.into_iter());
    let mut previous_hash = from.hash(point);
    let mut frames = Vec::new();
    for part in 1..=parts {
        let removes: Vec<Removal> = removes.by_ref().take(MAX_CHANGES).collect();
        let adds: Vec<Entry> = adds.by_ref().take(MAX_CHANGES - removes.len()).collect();
        let frame = Frame {
            adds,
            after: from.sequence,
            centre: String::new(),
            config: config.take(),
            count_after: to.count,
            digest_after: to.digest,
            expires: issued.plus_secs(FRESH_SECS),
            issued,
            number,
            part,
            parts,
            point,
            previous_hash,
            removes,
            sequence: to.sequence,
            signature: String::new(),
            snapshot,
            version: VERSION,
        }
        .sign(key);
        previous_hash = frame.hash();
        frames.push(frame);
    }
    frames
}
