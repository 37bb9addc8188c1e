//! The centre's half of the frames, as small as a test needs it.

use base::{AddrSpec, DirectiveId, PointId, Timestamp};
use ed25519_dalek::SigningKey;
use edge::wire::frame::{MAX_CHANGES, VERSION};
use edge::wire::{Collection, Config, Entry, Frame, Intent, Mark, Removal, SetDigest, SignedConfig};
use std::collections::BTreeMap;

/// Entries, their history, and the key that signs.
pub(crate) struct Hub {
    pub(crate) key: SigningKey,
    pub(crate) point: PointId,
    pub(crate) now: Timestamp,
    entries: BTreeMap<(Collection, AddrSpec), Entry>,
    marks: Vec<Mark>,
    config: Option<SignedConfig>,
    directives: u128,
    number: u64,
}

impl Hub {
    pub(crate) fn new(point: PointId, now: Timestamp) -> Self {
        let key = SigningKey::from_bytes(&[42; 32]);
        Self {
            key,
            point,
            now,
            entries: BTreeMap::new(),
            marks: vec![Mark::default()],
            config: None,
            directives: 0,
            number: 0,
        }
    }

    pub(crate) fn mark(&self) -> Mark {
        *self.marks.last().unwrap()
    }

    pub(crate) fn entry(&mut self, key: &str, intent: Intent, secs: i64) -> Entry {
        self.directives += 1;
        let directive = DirectiveId(uuid::Uuid::from_u128(self.directives));
        Entry::new(key.parse().unwrap(), intent, directive, self.now.plus_secs(secs))
    }

    pub(crate) fn deny(&mut self, keys: &[&str]) -> Vec<Frame> {
        let adds = keys.iter().map(|key| self.entry(key, Intent::Deny, 3_600)).collect();
        self.change(adds, &[])
    }

    pub(crate) fn configure(&mut self, config: Config) -> Frame {
        let revision = self.config.as_ref().map_or(1, |config| config.revision + 1);
        self.config = Some(SignedConfig::sign(config, revision, self.point, self.now, &self.key));
        let mut frame = self.affirm_unsigned();
        frame.config = self.config.clone();
        frame.sign(&self.key)
    }

    /// The next change as signed frames; the hub has moved.
    pub(crate) fn change(&mut self, adds: Vec<Entry>, removes: &[&str]) -> Vec<Frame> {
        let before = self.mark();
        let mut digest = before.digest;
        let mut removals = Vec::new();
        for key in removes {
            let key: AddrSpec = key.parse().unwrap();
            let gone = self.entries.remove(&(Collection::of(key, Intent::Deny), key)).unwrap();
            digest.remove(&gone);
            removals.push(Removal { collection: gone.collection, key });
        }
        for entry in &adds {
            if let Some(old) = self.entries.insert(entry.place(), entry.clone()) {
                digest.remove(&old);
            }
            digest.insert(entry);
        }
        let after = Mark { count: self.entries.len() as u64, digest, sequence: before.sequence + 1 };
        self.marks.push(after);
        self.series(before, after, adds, &removals, false)
    }

    /// What a point that asks behind `since` is sent.
    pub(crate) fn catch_up(&mut self, since: u64) -> Vec<Frame> {
        let head = self.mark();
        if since == head.sequence {
            let mut frame = self.affirm_unsigned();
            frame.config = self.config.clone();
            return vec![frame.sign(&self.key)];
        }
        // Anything older is a snapshot: points must be able to take one at any time.
        let adds: Vec<Entry> = self.entries.values().cloned().collect();
        self.series(Mark::default(), head, adds, &[], true)
    }

    pub(crate) fn affirm(&mut self) -> Frame {
        self.affirm_unsigned().sign(&self.key)
    }

    fn affirm_unsigned(&mut self) -> Frame {
        let head = self.mark();
        self.frame(head, head, false)
    }

    pub(crate) fn digest(&self) -> SetDigest {
        SetDigest::of(self.entries.values())
    }

    fn series(
        &mut self,
        before: Mark,
        after: Mark,
        adds: Vec<Entry>,
        removes: &[Removal],
        snapshot: bool,
    ) -> Vec<Frame> {
        let parts = adds.len().div_ceil(MAX_CHANGES).max(1);
        let mut adds = adds.into_iter();
        let mut frames: Vec<Frame> = Vec::new();
        for part in 1..=parts {
            let mut frame = self.frame(before, after, snapshot);
            (frame.part, frame.parts) = (u32::try_from(part).unwrap(), u32::try_from(parts).unwrap());
            frame.adds = adds.by_ref().take(MAX_CHANGES - if part == 1 { removes.len() } else { 0 }).collect();
            if part == 1 {
                frame.removes = removes.to_vec();
                frame.config = if snapshot { self.config.clone() } else { None };
            }
            if let Some(last) = frames.last() {
                frame.previous_hash = last.hash();
            }
            frames.push(frame.sign(&self.key));
        }
        assert!(adds.next().is_none());
        frames
    }

    fn frame(&mut self, before: Mark, after: Mark, snapshot: bool) -> Frame {
        self.number += 1;
        Frame {
            adds: Vec::new(),
            after: before.sequence,
            centre: String::new(),
            config: None,
            count_after: after.count,
            digest_after: after.digest,
            expires: self.now.plus_secs(120),
            issued: self.now,
            number: self.number,
            part: 1,
            parts: 1,
            point: self.point,
            previous_hash: before.hash(self.point),
            removes: Vec::new(),
            sequence: after.sequence,
            signature: String::new(),
            snapshot,
            version: VERSION,
        }
    }
}
