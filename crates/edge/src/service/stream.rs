//! Streams of frames: what a point does not have yet, as soon as it exists.

use base::{AddrSpec, OrgId, PointId, Realm, Timestamp};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use store::{StoreError, Unit};
use tokio::sync::watch;

use crate::error::EdgeError;
use crate::frames::{Content, build};
use crate::model::{Audience, Point, PointState};
use crate::repo::desired::{self as rows, ChangeRow, Channel, Held};
use crate::repo::point;
use crate::repo::realm::{self, RealmRow};
use crate::service::{ATTEMPTS, Edge, machinery};
use crate::wire::frame::MAX_SEQUENCE;
use crate::wire::{Collection, Config, Entry, Frame, Mark, Removal, SetDigest, SignedConfig};

/// A point that missed more changes than this gets a snapshot: the log would be the longer way.
const MOST_CHANGES: usize = 200_000;
/// So many numbers of words are reserved for a stream at once: hours of a quiet one.
const RESERVED: u64 = 1_024;

/// Where a point's stream stands.
#[derive(Debug)]
pub struct FrameCursor {
    point: PointId,
    /// The point asked to continue after this; none once a frame was made.
    since: Option<u64>,
    mark: Mark,
    /// The configuration's revision that was sent.
    revision: u64,
    /// Numbers of words that nobody else will use; more are reserved when these are gone.
    numbers: Range<u64>,
    wake: watch::Receiver<u64>,
}

impl FrameCursor {
    /// The sequence number up to which frames were made.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.mark.sequence
    }
}

/// What stood at a place before, and what stands there now.
type Turn = (Option<Held>, Option<Held>);
type Places = BTreeMap<(Collection, AddrSpec), Turn>;

/// The way from one mark to the present one.
struct Way {
    from: Mark,
    to: Mark,
    /// What stood and what stands at every place that changed.
    places: Places,
}

impl Edge {
    /// Opens the stream of a point that has everything up to `since` (0: nothing; it gets a snapshot).
    #[must_use]
    pub fn open_stream(&self, point: PointId, since: u64) -> FrameCursor {
        let wake = self.inner.wake.subscribe();
        FrameCursor { point, since: Some(since), mark: Mark::default(), revision: 0, numbers: 0..0, wake }
    }

    /// Waits until there is something to say: changes at once, otherwise every few seconds that nothing is newer.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`EdgeError::Revoked`] and [`EdgeError::NotThere`] end the stream.
    pub async fn next_frames(&self, cursor: &mut FrameCursor) -> Result<Vec<Frame>, EdgeError> {
        let quiet = Duration::from_secs(u64::from(self.inner.settings.affirm_secs.max(1)));
        let deadline = tokio::time::Instant::now() + quiet;
        loop {
            cursor.wake.borrow_and_update();
            let frames = self.frames(cursor, false).await?;
            if !frames.is_empty() {
                return Ok(frames);
            }
            tokio::select! {
                changed = cursor.wake.changed() => if changed.is_err() { return Err(EdgeError::Busy) },
                () = tokio::time::sleep_until(deadline) => return self.frames(cursor, true).await,
            }
        }
    }

    /// The frames of a point that has everything up to `since`; at least one, with the configuration.
    ///
    /// # Errors
    /// [`EdgeError::Revoked`], [`EdgeError::NotThere`].
    pub async fn frames_since(&self, point: PointId, since: u64) -> Result<Vec<Frame>, EdgeError> {
        self.frames(&mut self.open_stream(point, since), true).await
    }

    /// What is new for the cursor; with `always` at least the statement that nothing is.
    async fn frames(&self, cursor: &mut FrameCursor, always: bool) -> Result<Vec<Frame>, EdgeError> {
        let row = point::by_id(self.db(), cursor.point).await?.ok_or(EdgeError::NotThere)?.point;
        if row.state == PointState::Revoked {
            return Err(EdgeError::Revoked);
        }
        let head = realm::get(self.db(), row.realm).await?;
        let now = self.now();
        let revision = head.revision + row.revision;
        let config = (cursor.revision != revision).then(|| self.signed_config(&row, &head, revision, now));
        let first = cursor.since.is_some();
        let since = cursor.since.unwrap_or(cursor.mark.sequence);
        let way = match since {
            0 if first => None,
            since => self.way(&row, &head, since).await?,
        };
        // A mark that the log does not lead back to (a restored backup, a fault) is healed by a snapshot.
        let way = way.filter(|way| first || way.from == cursor.mark);
        let (from, to, content) = match way {
            Some(way) if way.places.is_empty() && way.from == way.to && !always && config.is_none() && !first => {
                return Ok(Vec::new());
            }
            Some(way) => (way.from, way.to, delta(way.places, config)),
            None => {
                let (to, content) = self.snapshot(row.realm, row.org, config).await?;
                (Mark::default(), to, content)
            }
        };
        let number = self.number(cursor).await?;
        let frames = build(cursor.point, from, to, content, (now, number), &self.inner.identity.key);
        (cursor.since, cursor.mark, cursor.revision) = (None, to, revision);
        Ok(frames)
    }

    /// The next number of a word for the cursor's point.
    async fn number(&self, cursor: &mut FrameCursor) -> Result<u64, EdgeError> {
        if cursor.numbers.is_empty() {
            cursor.numbers = self.reserve(cursor.point).await?;
        }
        cursor.numbers.next().ok_or(EdgeError::Busy)
    }

    /// Reserves numbers above every one before. They begin at the time where that is more, so that they grow also
    /// when the row is of an older backup; where the clock stepped back, the row is more.
    async fn reserve(&self, id: PointId) -> Result<Range<u64>, EdgeError> {
        for attempt in 1..=ATTEMPTS {
            let kept = point::next_number(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
            let now = u64::try_from(self.now().as_micros()).unwrap_or_default();
            let first = kept.max(now.clamp(1, MAX_SEQUENCE / 2));
            let mut unit = Unit::new(machinery(), self.now());
            point::reserve_numbers(&mut unit, id, kept, first + RESERVED);
            match self.db().commit(unit).await {
                Ok(_) => return Ok(first..first + RESERVED),
                Err(StoreError::Conflict(_)) => self.step_aside(attempt).await,
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(EdgeError::Busy)
    }

    /// The digest and count a point of this organisation has now, and had at `sequence` if the log reaches back.
    pub(crate) async fn mark_at(
        &self,
        realm: Realm,
        org: OrgId,
        sequence: u64,
    ) -> Result<(Mark, Option<Mark>), EdgeError> {
        let current = mark_of(&rows::channels(self.db(), realm, org).await?);
        if sequence == current.sequence {
            return Ok((current, Some(current)));
        }
        if sequence == 0 || sequence > current.sequence {
            return Ok((current, (sequence == 0).then(Mark::default)));
        }
        if sequence < realm::get(self.db(), realm).await?.horizon {
            return Ok((current, None));
        }
        let changes = rows::changes(self.db(), realm, org, sequence, current.sequence, MOST_CHANGES + 1).await?;
        if changes.len() > MOST_CHANGES {
            return Ok((current, None));
        }
        Ok((current, Some(back(current, sequence, &net(changes)))))
    }

    async fn way(&self, point: &Point, head: &RealmRow, since: u64) -> Result<Option<Way>, EdgeError> {
        let to = mark_of(&rows::channels(self.db(), point.realm, point.org).await?);
        if since == to.sequence {
            return Ok(Some(Way { from: to, to, places: BTreeMap::new() }));
        }
        if since > to.sequence || since < head.horizon {
            return Ok(None);
        }
        let changes = rows::changes(self.db(), point.realm, point.org, since, to.sequence, MOST_CHANGES + 1).await?;
        if changes.len() > MOST_CHANGES {
            return Ok(None);
        }
        let places = net(changes);
        Ok(Some(Way { from: back(to, since, &places), to, places }))
    }

    /// Everything there is. Entries are read in one statement; the digest is checked against the channels around it.
    async fn snapshot(
        &self,
        realm: Realm,
        org: OrgId,
        config: Option<SignedConfig>,
    ) -> Result<(Mark, Content), EdgeError> {
        for _ in 0..8 {
            let mark = mark_of(&rows::channels(self.db(), realm, org).await?);
            let adds: Vec<Entry> =
                rows::snapshot(self.db(), realm, org).await?.into_iter().map(|row| row.entry).collect();
            // Another commit between the two reads: read again.
            if SetDigest::of(&adds) == mark.digest && adds.len() as u64 == mark.count {
                return Ok((mark, Content { snapshot: true, adds, removes: Vec::new(), config }));
            }
        }
        Err(EdgeError::Busy)
    }

    fn signed_config(&self, point: &Point, head: &RealmRow, revision: u64, now: Timestamp) -> SignedConfig {
        let config = Config {
            allow_documentation: self.inner.identity.demo,
            kill: head.kill || point.kill,
            thaw_until: head.thaw_until.max(point.thaw_until),
            ..head.config.told()
        };
        SignedConfig::sign(config, revision, point.id, now, &self.inner.identity.key)
    }
}

/// The mark of a point that follows these channels: they are disjoint, so counts and digests add up.
fn mark_of(channels: &[Channel]) -> Mark {
    channels.iter().fold(Mark::default(), |mark, channel| Mark {
        count: mark.count + channel.count,
        digest: mark.digest.plus(channel.digest),
        sequence: mark.sequence.max(channel.seq),
    })
}

/// What stood at each place before the changes, and what stands there after them.
fn net(changes: Vec<ChangeRow>) -> Places {
    let mut by_audience: BTreeMap<(Collection, AddrSpec, Audience), Turn> = BTreeMap::new();
    for change in changes {
        by_audience
            .entry((change.collection, change.key, change.audience))
            .and_modify(|(_, new)| *new = change.new)
            .or_insert((change.old, change.new));
    }
    // At no time do both audiences hold a place, so that at most one of them has an old, and one a new value.
    let mut places = Places::new();
    for ((collection, key, _), (old, new)) in by_audience {
        let place = places.entry((collection, key)).or_default();
        *place = (place.0.or(old), place.1.or(new));
    }
    places.retain(|_, (old, new)| old != new);
    places
}

/// The mark before the changes: what came is taken out of the digest, what went is put back.
fn back(to: Mark, sequence: u64, places: &Places) -> Mark {
    let mut mark = Mark { sequence, ..to };
    for (place, (old, new)) in places {
        if let Some(new) = new {
            mark.digest.remove(&entry_at(*place, *new));
            mark.count = mark.count.saturating_sub(1);
        }
        if let Some(old) = old {
            mark.digest.insert(&entry_at(*place, *old));
            mark.count += 1;
        }
    }
    mark
}

fn delta(places: Places, config: Option<SignedConfig>) -> Content {
    let mut content = Content { config, ..Content::default() };
    for (place, (_, new)) in places {
        match new {
            Some(held) => content.adds.push(entry_at(place, held)),
            None => content.removes.push(Removal { collection: place.0, key: place.1 }),
        }
    }
    content
}

fn entry_at((collection, key): (Collection, AddrSpec), (directive, expires): Held) -> Entry {
    Entry { collection, directive, expires, intent: collection.intent(), key }
}
