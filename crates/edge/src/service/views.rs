//! What pages and the API show: directives, points, and per point what is really enforced, since when, what differs.

use access::Caller;
use base::{AddrSpec, DirectiveId, EventId, IndicatorId, OrgId, PointId, Timestamp};
use serde::Serialize;
use std::collections::HashMap;
use store::{Clearance, FromValue as _, Page, Paged, Value, params};
use uuid::Uuid;

use crate::error::EdgeError;
use crate::model::{Audience, Directive, DirectiveState, Point, PointState, Standing};
use crate::repo::point::{PointRow, StoredReceipt};
use crate::repo::{desired, directive, point};
use crate::service::Edge;
use crate::wire::{EdgeHeartbeat, Mark};

const POINTS: &str = "edge.points";
const RECEIPTS: &str = "edge.receipts";
const DIRECTIVES: &str = "edge.directives";

/// Whether a point does what it should, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was revoked.
    Revoked,
    /// It joined but never said anything.
    Waiting,
    /// Nothing was heard for longer than the settings allow.
    Silent,
    /// It said something, but has not applied the newest change yet.
    Behind,
    /// Its standing is not good.
    Trouble,
    /// Everything that should be enforced is, and packets proved it.
    Proved,
    /// Everything that should be enforced is, by reading back; the driver has no packets.
    ReadBack,
}

/// A point with everything its page needs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointView {
    /// The point, with its last receipt.
    pub point: Point,
    /// Whether it does what it should.
    pub status: Status,
    /// Since when its standing is what it is.
    pub since: Option<Timestamp>,
    /// When it was last heard.
    pub seen_at: Option<Timestamp>,
    /// Its clock minus the centre's, in microseconds.
    pub clock_offset_us: Option<i64>,
    /// Its last heartbeat.
    pub heartbeat: Option<EdgeHeartbeat>,
    /// The sequence number it should have applied.
    pub desired_sequence: u64,
    /// Entries it should hold.
    pub desired_entries: u64,
    /// What differs, by name.
    pub differs: Vec<Difference>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Difference {
    /// Changes it has not applied.
    Behind {
        /// Its sequence number.
        applied: u64,
        /// The centre's.
        desired: u64,
    },
    /// Its digest is not the centre's at the same sequence.
    Digest,
    /// Elements that the engine answered wrongly.
    Wrong {
        /// Their keys.
        keys: Vec<String>,
    },
    /// The proof by packet failed.
    Probe,
    /// Elements were missing or too many.
    Drift {
        /// Missing.
        missing: u64,
        /// Too many.
        extra: u64,
        /// Whether the point put it right.
        repaired: bool,
    },
    /// Its own guards refused entries.
    Refused {
        /// How many.
        total: u64,
    },
    /// It is frozen at its last good state.
    Frozen {
        /// Why.
        why: String,
    },
    /// The kill switch is on.
    Killed,
    /// Its clock is off.
    Clock {
        /// Its clock minus the centre's, in microseconds.
        offset_us: i64,
    },
}

/// How far one directive is enforced at one point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Enforcement {
    /// The point.
    pub point: PointId,
    /// Its name.
    pub name: String,
    /// What it drives.
    pub driver: crate::model::Driver,
    /// Whether the point should enforce it now.
    pub desired: bool,
    /// The sequence number that brought it; none while it is not desired.
    pub needed_sequence: Option<u64>,
    /// The sequence number the point has applied.
    pub applied_sequence: u64,
    /// Whether the point has applied it and nothing speaks against it.
    pub enforced: bool,
    /// Whether it was read back from the engine.
    pub read_back: bool,
    /// Whether packets proved the generation that holds it.
    pub probed: bool,
    /// Since when without a break, by the centre's clock: arrival of the first receipt that covers it.
    pub since: Option<Timestamp>,
    /// Whether that receipt is the first one; otherwise older receipts were forgotten and it is "since then or earlier".
    pub since_exact: bool,
    /// The point's state in one word.
    pub status: Status,
}

/// What points of an organisation should stand at; asked once for a page.
type Desired = HashMap<OrgId, Mark>;

/// Clocks may differ so far before it is worth saying: five seconds.
const CLOCK_WORTH_SAYING_US: u64 = 5_000_000;

impl Edge {
    /// A directive, if the caller may see it.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn directive(&self, who: &Clearance, id: DirectiveId) -> Result<Directive, EdgeError> {
        directive::seen(self.db(), who, id).await?.ok_or(EdgeError::NotThere)
    }

    /// The directives of an indicator, newest first.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn directives_of(&self, who: &Clearance, id: IndicatorId) -> Result<Vec<Directive>, EdgeError> {
        Ok(directive::seen_by_indicator(self.db(), who, id).await?)
    }

    /// The directives of a state, newest first. `Held` is the queue of the second person.
    ///
    /// # Errors
    /// [`EdgeError::Page`] for a cursor of another list.
    pub async fn directives(
        &self,
        who: &Clearance,
        state: DirectiveState,
        page: &Page,
    ) -> Result<Paged<Directive>, EdgeError> {
        let before = DirectiveId(last_id(page, DIRECTIVES)?.unwrap_or(Uuid::max()));
        let items = directive::list(self.db(), who, state, before, fetch(page)).await?;
        Ok(Paged::cut(items, page, DIRECTIVES, |last| params![last.id]))
    }

    /// The directives about exactly this address or network, newest first.
    ///
    /// # Errors
    /// [`EdgeError::Page`] for a cursor of another list.
    pub async fn directives_about(
        &self,
        who: &Clearance,
        key: AddrSpec,
        page: &Page,
    ) -> Result<Paged<Directive>, EdgeError> {
        let before = DirectiveId(last_id(page, DIRECTIVES)?.unwrap_or(Uuid::max()));
        let items = directive::list_value(self.db(), who, key, before, fetch(page)).await?;
        Ok(Paged::cut(items, page, DIRECTIVES, |last| params![last.id]))
    }

    /// The points, oldest first.
    ///
    /// # Errors
    /// [`EdgeError::Page`] for a cursor of another list.
    pub async fn points(&self, who: &Clearance, page: &Page) -> Result<Paged<PointView>, EdgeError> {
        let after = PointId(last_id(page, POINTS)?.unwrap_or(Uuid::nil()));
        let rows = point::list(self.db(), who, who.realm(), after, fetch(page)).await?;
        let rows = Paged::cut(rows, page, POINTS, |last| params![last.point.id]);
        let (mut items, mut desired) = (Vec::with_capacity(rows.items.len()), Desired::new());
        for row in rows.items {
            items.push(self.view(row, &mut desired).await?);
        }
        Ok(Paged { items, next: rows.next })
    }

    /// One point, if the caller may see it.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn point(&self, who: &Clearance, id: PointId) -> Result<PointView, EdgeError> {
        let row = point::seen(self.db(), who, id).await?.ok_or(EdgeError::NotThere)?;
        self.view(row, &mut Desired::new()).await
    }

    /// The receipts of a point, newest first.
    ///
    /// # Errors
    /// [`EdgeError::Page`] for a cursor of another list.
    pub async fn receipts(&self, who: &Clearance, id: PointId, page: &Page) -> Result<Paged<StoredReceipt>, EdgeError> {
        let before = EventId(last_id(page, RECEIPTS)?.unwrap_or(Uuid::max()));
        let items = point::receipts(self.db(), who, id, before, fetch(page)).await?;
        Ok(Paged::cut(items, page, RECEIPTS, |last| params![last.id]))
    }

    /// How far a directive is enforced at each point that the caller sees and that should enforce it.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn enforcement(&self, who: &Clearance, id: DirectiveId) -> Result<Vec<Enforcement>, EdgeError> {
        let wanted = self.directive(who, id).await?;
        let entries = desired::of_directive(self.db(), id).await?;
        let audience = wanted.audience().unwrap_or(Audience::Org(wanted.org));
        let (mut after, mut found, mut desired) = (PointId(Uuid::nil()), Vec::new(), Desired::new());
        loop {
            let rows = point::list(self.db(), who, wanted.realm, after, 1_000).await?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.point.id;
            for row in rows.into_iter().filter(|row| audience.covers(row.point.org)) {
                let needed = entries
                    .iter()
                    .find(|entry| entry.audience.covers(row.point.org))
                    .map(|entry| (entry.seq, entry.first_seq));
                let view = self.view(row, &mut desired).await?;
                found.push(self.enforced_at(&view, needed, &wanted.key.to_string()).await?);
            }
        }
    }

    /// The facts that permits for a directive are minted from.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn directive_facts(&self, caller: &Caller, id: DirectiveId) -> Result<access::Facts, EdgeError> {
        Ok(crate::service::issue::facts(&self.directive(caller.clearance(), id).await?))
    }

    async fn enforced_at(
        &self,
        view: &PointView,
        needed: Option<(u64, u64)>,
        key: &str,
    ) -> Result<Enforcement, EdgeError> {
        let last = view.point.last.as_ref();
        let applied_sequence = last.map_or(0, |last| last.receipt.sequence);
        let (needed, first) = (needed.map(|seqs| seqs.0), needed.map(|seqs| seqs.1));
        let covering = match first.filter(|first| *first <= applied_sequence) {
            Some(first) => point::first_since(self.db(), view.point.id, first).await?,
            None => None,
        };
        let since_exact = match (&covering, first) {
            (Some(covering), Some(first)) if covering.receipt.sequence > first => {
                point::oldest_kept(self.db(), view.point.id).await? < Some(covering.receipt.sequence)
            }
            _ => true,
        };
        let held = last.filter(|_| needed.is_some_and(|needed| needed <= applied_sequence)).is_some_and(|last| {
            let receipt = &last.receipt;
            let refused = receipt.refused.iter().any(|refused| refused.key == key);
            let wrong = receipt.read_back.wrong.iter().any(|wrong| wrong == key);
            !receipt.kill && !refused && !wrong && last.standing != Standing::Differs
        });
        let live = !matches!(view.status, Status::Revoked | Status::Silent | Status::Waiting);
        let drifted = last.is_some_and(|last| last.standing == Standing::Drifted);
        Ok(Enforcement {
            point: view.point.id,
            name: view.point.name.clone(),
            driver: view.point.driver,
            desired: needed.is_some() && view.point.state == PointState::Enrolled,
            needed_sequence: needed,
            applied_sequence,
            enforced: held && live && !drifted,
            read_back: held,
            probed: held && last.is_some_and(|last| last.receipt.probe.is_proof()),
            since: covering.filter(|_| held).map(|receipt| receipt.at),
            since_exact,
            status: view.status,
        })
    }

    async fn view(&self, row: PointRow, known: &mut Desired) -> Result<PointView, EdgeError> {
        let desired = match known.get(&row.point.org) {
            Some(mark) => *mark,
            None => {
                let (mark, _) = self.mark_at(row.point.realm, row.point.org, u64::MAX).await?;
                known.insert(row.point.org, mark);
                mark
            }
        };
        let last = row.point.last.as_ref();
        let applied = last.map_or(0, |last| last.receipt.sequence);
        let silent_before = self.now().plus_secs(-i64::from(self.inner.settings.silent_secs));
        let status = match (row.point.state, row.seen_at, last) {
            (PointState::Revoked, _, _) => Status::Revoked,
            (_, None, _) => Status::Waiting,
            (_, Some(seen), _) if seen < silent_before => Status::Silent,
            (_, _, None) => Status::Waiting,
            (_, _, Some(last)) => match last.standing {
                _ if applied < desired.sequence => Status::Behind,
                Standing::Proved => Status::Proved,
                Standing::ReadBack => Status::ReadBack,
                _ => Status::Trouble,
            },
        };
        Ok(PointView {
            status,
            since: last.map(|last| last.since),
            differs: differences(&row, desired.sequence),
            seen_at: row.seen_at,
            clock_offset_us: row.clock_offset_us,
            heartbeat: row.heartbeat,
            desired_sequence: desired.sequence,
            desired_entries: desired.count,
            point: row.point,
        })
    }
}

fn differences(row: &PointRow, desired: u64) -> Vec<Difference> {
    let mut found = Vec::new();
    if let Some(offset_us) = row.clock_offset_us.filter(|offset| offset.unsigned_abs() > CLOCK_WORTH_SAYING_US) {
        found.push(Difference::Clock { offset_us });
    }
    let Some(last) = &row.point.last else { return found };
    let receipt = &last.receipt;
    if receipt.sequence < desired {
        found.push(Difference::Behind { applied: receipt.sequence, desired });
    }
    if last.expected.is_some_and(|digest| digest != receipt.digest) {
        found.push(Difference::Digest);
    }
    if !receipt.read_back.wrong.is_empty() {
        found.push(Difference::Wrong { keys: receipt.read_back.wrong.clone() });
    }
    if !receipt.probe.is_clean() {
        found.push(Difference::Probe);
    }
    if let Some(drift) = receipt.drift.filter(|drift| drift.missing > 0 || drift.extra > 0) {
        found.push(Difference::Drift { missing: drift.missing, extra: drift.extra, repaired: drift.repaired });
    }
    if receipt.refused_total > 0 {
        found.push(Difference::Refused { total: receipt.refused_total });
    }
    if let Some(why) = &receipt.frozen {
        found.push(Difference::Frozen { why: why.clone() });
    }
    if receipt.kill {
        found.push(Difference::Killed);
    }
    found
}

fn fetch(page: &Page) -> usize {
    page.size() + 1
}

/// The id that a cursor holds.
fn last_id(page: &Page, list: &str) -> Result<Option<Uuid>, EdgeError> {
    let keys = page.keys(list).map_err(EdgeError::Page)?;
    Ok(keys.as_deref().and_then(<[Value]>::first).and_then(Uuid::from_value))
}
