//! A point's copy of its collections: takes verified frames in, says what changed, and moves only when told.
//!
//! Pure. The agent keeps one beside its engine: [`Replica::accept`] verifies and assembles, the agent guards and
//! applies the [`Change`], then [`Replica::commit`] moves the copy. If the engine fails, nothing has moved and the
//! same frames may come again.

use base::{AddrSpec, DirectiveId, PointId, Timestamp};
use ed25519_dalek::VerifyingKey;
use std::collections::BTreeMap;

use crate::wire::frame::Series;
use crate::wire::{Collection, Entry, Floor, Frame, FrameRefusal, Mark, SignedConfig, VerifyState};

/// What stands at a place: until when, by which directive.
pub type Held = (Timestamp, DirectiveId);

/// The copy.
#[derive(Debug, Clone)]
pub struct Replica {
    point: PointId,
    key: VerifyingKey,
    mark: Mark,
    entries: BTreeMap<(Collection, AddrSpec), Held>,
    config: Option<SignedConfig>,
    floor: Floor,
    fresh_until: Option<Timestamp>,
    series: Option<Series>,
    /// Changes of the parts that have come so far.
    gathered: BTreeMap<(Collection, AddrSpec), Option<Held>>,
    /// The configuration that came with the first part.
    first_config: Option<SignedConfig>,
}

/// A whole change, ready to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where it leads.
    pub mark: Mark,
    /// Whether it came as a snapshot.
    pub snapshot: bool,
    /// Entries that are new.
    pub added: Vec<Entry>,
    /// Entries whose expiry or directive changed; the engine's element may only need a new timeout.
    pub renewed: Vec<Entry>,
    /// Entries that are gone, as they were.
    pub removed: Vec<Entry>,
    /// A configuration newer than the known one.
    pub config: Option<SignedConfig>,
}

/// What became of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// A part; the rest is to come.
    Part,
    /// Nothing changed: the centre says that nothing is newer.
    Fresh,
    /// A change to guard, apply and [`Replica::commit`].
    Change(Box<Change>),
}

impl Replica {
    /// The copy of a point that was just enrolled: empty, at sequence 0.
    #[must_use]
    pub const fn new(point: PointId, key: VerifyingKey) -> Self {
        Self {
            point,
            key,
            mark: Mark { count: 0, digest: crate::wire::SetDigest::from_bytes([0; 32]), sequence: 0 },
            entries: BTreeMap::new(),
            config: None,
            floor: Floor { sequence: 0, revision: 0, number: 0 },
            fresh_until: None,
            series: None,
            gathered: BTreeMap::new(),
            first_config: None,
        }
    }

    /// The copy as it was kept on disk. Entries that do not give the mark's digest, or a configuration that is not
    /// the centre's, are not believed.
    ///
    /// # Errors
    /// Why what was kept is not believed; the caller asks for a snapshot, with an empty copy [`Replica::above`] the
    /// floor, which is kept apart.
    pub fn restore(
        point: PointId,
        key: VerifyingKey,
        mark: Mark,
        entries: impl IntoIterator<Item = Entry>,
        config: Option<SignedConfig>,
        last_number: u64,
    ) -> Result<Self, FrameRefusal> {
        let mut replica = Self::new(point, key);
        let mut digest = crate::wire::SetDigest::default();
        for entry in entries {
            digest.insert(&entry);
            replica.entries.insert(entry.place(), (entry.expires, entry.directive));
        }
        if digest != mark.digest || replica.entries.len() as u64 != mark.count {
            return Err(FrameRefusal::Digest);
        }
        if let Some(config) = &config {
            config.verify(&key, point, 0)?;
        }
        let revision = config.as_ref().map_or(0, |config| config.revision);
        let floor = Floor { sequence: mark.sequence, revision, number: last_number };
        Ok(Self { mark, config, floor, ..replica })
    }

    /// The same copy, which takes nothing that lies behind this floor.
    #[must_use]
    pub fn above(self, floor: Floor) -> Self {
        Self { floor: self.floor.max(floor), ..self }
    }

    /// Where the copy stands; `sequence` is what the agent asks to continue after.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        self.mark
    }

    /// The configuration in force.
    #[must_use]
    pub const fn config(&self) -> Option<&SignedConfig> {
        self.config.as_ref()
    }

    /// What the copy never goes back behind; to be kept on disk apart from the entries.
    #[must_use]
    pub const fn floor(&self) -> Floor {
        self.floor
    }

    /// Until when the centre's last word holds; later, news may be withheld (freeze).
    #[must_use]
    pub const fn fresh_until(&self) -> Option<Timestamp> {
        self.fresh_until
    }

    /// Every entry, in the order of collections and keys.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.entries.iter().map(|(place, held)| entry_at(*place, *held))
    }

    /// The entry at a place.
    #[must_use]
    pub fn entry(&self, collection: Collection, key: AddrSpec) -> Option<Entry> {
        self.entries.get(&(collection, key)).map(|held| entry_at((collection, key), *held))
    }

    /// Forgets a half-received series: the connection ended.
    pub fn reconnect(&mut self) {
        self.series = None;
        self.gathered.clear();
    }

    /// Verifies a frame against the copy and assembles the change it completes.
    ///
    /// # Errors
    /// Why the frame changes nothing; a half-received series is forgotten.
    pub fn accept(&mut self, frame: &Frame, now: Timestamp) -> Result<Accepted, FrameRefusal> {
        let accepted = self.take(frame, now);
        if accepted.is_err() {
            self.reconnect();
        }
        accepted
    }

    /// Moves the copy: the change is in force.
    pub fn commit(&mut self, change: &Change) {
        for entry in &change.removed {
            self.entries.remove(&entry.place());
        }
        for entry in change.added.iter().chain(&change.renewed) {
            self.entries.insert(entry.place(), (entry.expires, entry.directive));
        }
        if let Some(config) = &change.config {
            self.floor.revision = self.floor.revision.max(config.revision);
            self.config = Some(config.clone());
        }
        self.mark = change.mark;
        self.floor.sequence = self.floor.sequence.max(change.mark.sequence);
    }

    fn take(&mut self, frame: &Frame, now: Timestamp) -> Result<Accepted, FrameRefusal> {
        frame.verify(&VerifyState {
            key: self.key,
            point: self.point,
            now,
            known: self.mark,
            floor: self.floor,
            series: self.series.clone(),
        })?;
        if frame.part == 1 {
            self.gathered.clear();
            self.first_config = frame.config.clone();
        }
        for removal in &frame.removes {
            self.gather((removal.collection, removal.key), None)?;
        }
        for entry in &frame.adds {
            self.gather(entry.place(), Some((entry.expires, entry.directive)))?;
        }
        self.series = frame.series();
        if self.series.is_some() {
            return Ok(Accepted::Part);
        }
        let change = self.assemble(frame)?;
        self.floor.number = frame.number;
        self.fresh_until = Some(frame.expires);
        let idle = change.mark == self.mark
            && change.config.is_none()
            && change.added.is_empty()
            && change.renewed.is_empty()
            && change.removed.is_empty();
        Ok(if idle { Accepted::Fresh } else { Accepted::Change(Box::new(change)) })
    }

    /// A place may be named once in a change: the order of entries must not matter.
    fn gather(&mut self, place: (Collection, AddrSpec), held: Option<Held>) -> Result<(), FrameRefusal> {
        match self.gathered.insert(place, held) {
            None => Ok(()),
            Some(_) => Err(FrameRefusal::Inconsistent("a place named twice")),
        }
    }

    /// Compares what was gathered with the copy and proves that the change leads where the frame says.
    fn assemble(&mut self, last: &Frame) -> Result<Change, FrameRefusal> {
        let gathered = std::mem::take(&mut self.gathered);
        let mut mark = self.mark;
        let (mut added, mut renewed, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        if last.snapshot {
            let gone = self.entries.iter().filter(|(place, _)| !gathered.contains_key(*place));
            removed.extend(gone.map(|(place, held)| entry_at(*place, *held)));
        }
        for (place, held) in gathered {
            let old = self.entries.get(&place).map(|old| entry_at(place, *old));
            match (old, held.map(|held| entry_at(place, held))) {
                (None, Some(new)) => added.push(new),
                (Some(old), Some(new)) if old != new => {
                    mark.digest.remove(&old);
                    renewed.push(new);
                }
                (Some(old), None) => removed.push(old),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        for entry in &removed {
            mark.digest.remove(entry);
        }
        for entry in added.iter().chain(&renewed) {
            mark.digest.insert(entry);
        }
        mark.count = (mark.count + added.len() as u64).saturating_sub(removed.len() as u64);
        mark.sequence = last.sequence;
        if mark != last.mark_after() {
            return Err(FrameRefusal::Digest);
        }
        let known = self.config.as_ref().map(|config| config.revision);
        let config = self.first_config.take().filter(|config| Some(config.revision) != known);
        Ok(Change { mark, snapshot: last.snapshot, added, renewed, removed, config })
    }
}

fn entry_at(place: (Collection, AddrSpec), held: Held) -> Entry {
    Entry { collection: place.0, directive: held.1, expires: held.0, intent: place.0.intent(), key: place.1 }
}
