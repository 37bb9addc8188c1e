//! Observables of a batch: evidence added, scores computed, crossings of bands told to the outbox.

use base::{AddressScope, CampaignId, Env, OrgId, Realm, SensorId, SessionId, Timestamp, Tlp};
use events::sensor::{Aim, AttackClass, Factor, ObservableAssessed, ValueKind};
use events::{Envelope, Event};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use store::{Db, Unit, params};
use uuid::Uuid;

use super::campaigns::Book;
use super::fleetwide::Fleetwide;
use super::load::KEY;
use super::session::{Touched, Work};
use crate::aim::{Signs, aim};
use crate::error::SensorError;
use crate::landscape::Landscape;
use crate::net::named_id;
use crate::score::{Context, Evidence, band, fades_at, score};

mod rows;

use rows::load;

/// How many sessions an observable remembers by name.
const RECENT: usize = 20;
/// Sensors hit within so long count for the breadth of a source.
const BREADTH_SECS: i64 = 86_400;

/// The id of an observable's row.
#[must_use]
pub(crate) fn observable_id(realm: Realm, scope: AddressScope, kind: ValueKind, value: &str) -> Uuid {
    named_id(&[realm.to_string().as_bytes(), scope.key().as_bytes(), kind.word().as_bytes(), value.as_bytes()])
}

/// Addresses are one family, whatever their version.
#[must_use]
pub(crate) const fn family(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => "address",
        other => other.word(),
    }
}

/// One class seen by one sensor, as stored.
#[derive(Debug, Clone)]
struct Seen {
    org: OrgId,
    tlp: Tlp,
    sessions: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    changed: bool,
}

/// An observable as the batch finds and leaves it.
#[derive(Debug)]
struct Item {
    kind: ValueKind,
    value: String,
    scope: AddressScope,
    org: OrgId,
    realm: Realm,
    tlp: Tlp,
    evidence: BTreeMap<(SensorId, AttackClass), Seen>,
    deltas: Vec<Delta>,
    flood: bool,
    campaign: Option<CampaignId>,
    /// Addresses and organisations of the campaign.
    shared: (u64, u64),
    /// Sessions with a name of the organisation, and typed by hand.
    named: i64,
    human: i64,
    stored: Option<Stored>,
}

#[derive(Debug)]
struct Stored {
    class: AttackClass,
    band: u8,
    sessions: i64,
    recent: Vec<(i64, SessionId)>,
}

/// What one session changes.
#[derive(Debug)]
struct Delta {
    session: SessionId,
    opened: Timestamp,
    sensor: SensorId,
    org: OrgId,
    tlp: Tlp,
    /// The class under which the session counted before.
    from: Option<AttackClass>,
    to: AttackClass,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// What the whole picture says about an observable.
#[derive(Debug)]
struct Picture {
    context: Context,
    benign: Option<String>,
    aim: Aim,
    factors: Vec<Factor>,
}

/// What the scores depend on besides the sessions.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    pub(crate) db: &'a Db,
    pub(crate) env: &'a Env,
    pub(crate) landscape: &'a dyn Landscape,
    pub(crate) fleet: &'a Fleetwide,
}

/// Assesses every observable of the touched sessions.
pub(crate) async fn assess(around: &Around<'_>, work: &Work, book: &Book, unit: &mut Unit) -> Result<(), SensorError> {
    let mut items = collect(work, book);
    load(around.db, &mut items).await?;
    for (id, item) in &mut items {
        item.settle();
        item.write(*id, around, unit)?;
    }
    Ok(())
}

fn collect(work: &Work, book: &Book) -> BTreeMap<Uuid, Item> {
    let mut items = BTreeMap::new();
    for (id, touched) in work {
        // The source of a datagram may be forged: it is somebody's victim, not somebody's attacker.
        if touched.summary.udp || (touched.fresh() == 0 && !touched.turned()) {
            continue;
        }
        let campaign = book.shared(touched.campaign);
        for (kind, value, from, to) in values(touched) {
            let scope = if kind.is_address() { touched.head.scope } else { AddressScope::Global };
            let key = observable_id(touched.head.realm, scope, kind, &value);
            let item = items.entry(key).or_insert_with(|| Item::new(touched, kind, value, scope));
            if let Some(found) = campaign.and_then(|id| book.found(id)) {
                (item.campaign, item.shared) = (campaign, (found.sources, found.orgs));
            }
            let [before, now] = touched.signs();
            item.named += i64::from(now.0) - i64::from(before.0 && from.is_some());
            item.human += i64::from(now.1) - i64::from(before.1 && from.is_some());
            item.flood |= touched.class == AttackClass::Flood;
            item.deltas.push(Delta {
                session: *id,
                opened: touched.summary.first_at,
                sensor: touched.head.sensor,
                org: touched.head.org,
                tlp: touched.head.tlp,
                from,
                to,
                first_at: touched.summary.first_at,
                last_at: touched.summary.last_at,
            });
        }
    }
    items
}

/// The values of a session: the class each counted under before the batch, and now.
fn values(touched: &Touched) -> Vec<(ValueKind, String, Option<AttackClass>, AttackClass)> {
    let before = touched.before.as_deref();
    let kind = match touched.head.src_ip {
        IpAddr::V4(_) => ValueKind::Ipv4,
        IpAddr::V6(_) => ValueKind::Ipv6,
    };
    // A session that turns out to be forged by UDP in part was counted before: that part stays as it was.
    let mut out = vec![(kind, touched.head.src_ip.to_string(), before.map(|known| known.base), touched.base)];
    let summary = &touched.summary;
    let old = before.map(|known| &known.summary);
    for url in summary.urls.iter() {
        let known = old.is_some_and(|old| old.urls.iter().any(|other| other == url));
        out.push((ValueKind::Url, url.to_owned(), known.then_some(AttackClass::Download), AttackClass::Download));
    }
    for sha in summary.hashes.iter() {
        let known = old.is_some_and(|old| old.hashes.iter().any(|other| other == sha));
        out.push((ValueKind::Sha256, sha.to_owned(), known.then_some(AttackClass::Download), AttackClass::Download));
    }
    for key in summary.keys.iter() {
        let known = before.filter(|known| known.summary.keys.iter().any(|other| other == key));
        out.push((ValueKind::SshKey, key.to_owned(), known.map(|known| known.base), touched.base));
    }
    out
}

const DUE: &str = "SELECT id, org_id, realm, tlp, scope, kind, value FROM observable
    WHERE fades_at IS NOT NULL AND fades_at <= $1 ORDER BY fades_at, id LIMIT $2";

/// Assesses observables again whose score has left its band since; comes back with how many.
pub(crate) async fn fade(around: &Around<'_>, most: i64, unit: &mut Unit) -> Result<usize, SensorError> {
    let mut items = BTreeMap::new();
    for row in around.db.system_read(KEY, DUE, params![around.env.now(), most]).await? {
        let kind: String = row.get("kind")?;
        let kind = ValueKind::from_word(&kind).ok_or_else(|| store::StoreError::Shape("observable.kind".to_owned()))?;
        let item = Item {
            kind,
            value: row.get("value")?,
            scope: row.get("scope")?,
            org: row.get("org_id")?,
            realm: row.get("realm")?,
            tlp: row.get("tlp")?,
            evidence: BTreeMap::new(),
            deltas: Vec::new(),
            flood: false,
            campaign: None,
            shared: (0, 0),
            named: 0,
            human: 0,
            stored: None,
        };
        items.insert(row.get("id")?, item);
    }
    load(around.db, &mut items).await?;
    for (id, item) in &items {
        item.write(*id, around, unit)?;
    }
    Ok(items.len())
}

impl Item {
    fn new(touched: &Touched, kind: ValueKind, value: String, scope: AddressScope) -> Self {
        Self {
            kind,
            value,
            scope,
            org: touched.head.org,
            realm: touched.head.realm,
            tlp: touched.head.tlp,
            evidence: BTreeMap::new(),
            deltas: Vec::new(),
            flood: false,
            campaign: None,
            shared: (0, 0),
            named: 0,
            human: 0,
            stored: None,
        }
    }

    /// Moves the sessions' evidence to the classes they have now.
    fn settle(&mut self) {
        for delta in &self.deltas {
            self.tlp = self.tlp.strictest(delta.tlp);
            if let Some(from) = delta.from.filter(|from| *from != delta.to)
                && let Some(seen) = self.evidence.get_mut(&(delta.sensor, from))
            {
                seen.sessions -= 1;
                seen.changed = true;
            }
            let seen = self.evidence.entry((delta.sensor, delta.to)).or_insert_with(|| Seen {
                org: delta.org,
                tlp: delta.tlp,
                sessions: 0,
                first_at: delta.first_at,
                last_at: delta.last_at,
                changed: true,
            });
            seen.sessions += i64::from(delta.from != Some(delta.to));
            seen.first_at = seen.first_at.min(delta.first_at);
            seen.last_at = seen.last_at.max(delta.last_at);
            seen.tlp = seen.tlp.strictest(delta.tlp);
            seen.changed = true;
        }
    }

    fn standing(&self) -> impl Iterator<Item = (&(SensorId, AttackClass), &Seen)> {
        self.evidence.iter().filter(|(_, seen)| seen.sessions > 0)
    }

    /// The most telling class; a flood shows once its source was part of one.
    fn class(&self) -> AttackClass {
        let flood = self.flood || self.stored.as_ref().is_some_and(|stored| stored.class == AttackClass::Flood);
        let most = self.standing().map(|((_, class), _)| *class).min().unwrap_or(AttackClass::Scan);
        if flood { most.min(AttackClass::Flood) } else { most }
    }

    fn context(&self, around: &Around<'_>) -> Picture {
        let now = around.env.now();
        let lately = |seen: &Seen| now.since(seen.last_at) <= BREADTH_SECS * 1_000_000;
        let hit = self.standing().filter(|(_, seen)| lately(seen));
        let (mut sensors, mut orgs, mut sectors) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for ((sensor, _), seen) in hit {
            sensors.insert(*sensor);
            orgs.insert(seen.org);
            sectors.insert(around.landscape.sector(seen.org).unwrap_or(seen.org));
        }
        let address = self.value.parse::<IpAddr>().ok().filter(|_| self.kind.is_address());
        let benign = address.and_then(|address| around.landscape.benign(address));
        let only = orgs.first().filter(|_| orgs.len() == 1 && self.kind.is_address());
        let signs = Signs {
            // A file or a loader is passed around: only for addresses does breadth tell noise.
            sensors: if self.kind.is_address() { sensors.len() } else { 1 },
            active: around.fleet.active,
            orgs: if self.kind.is_address() { orgs.len() } else { 1 },
            sectors: if self.kind.is_address() { sectors.len() } else { 1 },
            sources: self.shared.0,
            shared_orgs: self.shared.1,
            targetedness: only.map_or(0.0, |org| around.fleet.focus(*org, sensors.len() as u64)),
            named: self.named.max(0).unsigned_abs(),
            human: self.human.max(0).unsigned_abs(),
            benign: benign.is_some(),
        };
        let (aim, factors) = aim(&signs);
        let noise = self.kind.is_address() && aim == Aim::Noise;
        Picture { context: Context { noise, benign: benign.is_some() }, benign, aim, factors }
    }

    fn recent(&self) -> Vec<(i64, SessionId)> {
        let mut recent = self.stored.as_ref().map(|stored| stored.recent.clone()).unwrap_or_default();
        for delta in &self.deltas {
            recent.retain(|(_, id)| *id != delta.session);
            recent.push((delta.opened.as_micros(), delta.session));
        }
        recent.sort_unstable_by(|a, b| b.cmp(a));
        recent.truncate(RECENT);
        recent
    }

    fn write(&self, id: Uuid, around: &Around<'_>, unit: &mut Unit) -> Result<(), SensorError> {
        let now = around.env.now();
        let evidence: Vec<Evidence> = self
            .standing()
            .map(|((sensor, class), seen)| Evidence {
                sensor: *sensor,
                org: seen.org,
                class: *class,
                sessions: seen.sessions.unsigned_abs(),
                last_at: seen.last_at,
            })
            .collect();
        let Picture { context, benign, aim, factors } = self.context(around);
        let aim_factors = serde_json::to_string(&factors).map_err(|e| store::StoreError::Shape(e.to_string()))?;
        let result = score(self.kind, &evidence, context, now);
        let new_sessions = self.deltas.iter().filter(|delta| delta.from.is_none()).count();
        let before = self.stored.as_ref();
        let told = ObservableAssessed {
            value_kind: self.kind,
            value: self.value.clone(),
            scope: self.scope,
            class: self.class(),
            score: result.value,
            factors: result.factors,
            sessions_total: before.map_or(0, |stored| stored.sessions.unsigned_abs()) + new_sessions as u64,
            sessions: self.recent().into_iter().map(|(_, session)| session).collect(),
            sensors_total: evidence.iter().map(|item| item.sensor).collect::<BTreeSet<_>>().len() as u64,
            campaign: self.campaign,
            aim,
            benign,
            first_at: self.standing().map(|(_, seen)| seen.first_at).min().unwrap_or(now),
            last_at: self.standing().map(|(_, seen)| seen.last_at).max().unwrap_or(now),
        };
        let orgs = evidence.iter().map(|item| item.org).collect::<BTreeSet<_>>().len();
        let fades = fades_at(self.kind, &evidence, context, now);
        self.push(id, &told, (orgs, aim_factors, fades), unit)?;
        if self.crosses(&told) {
            unit.events.push(Envelope {
                id: around.env.id(),
                org: self.org,
                realm: self.realm,
                tlp: self.tlp,
                at: now,
                event: Event::ObservableAssessed(told),
            });
        }
        Ok(())
    }

    /// A new decision to be made: the score rose into a higher band, or its class became more telling within a band.
    fn crosses(&self, told: &ObservableAssessed) -> bool {
        let (band, class) = (band(told.score), told.class);
        match &self.stored {
            Some(stored) => band > stored.band || (band > 0 && class < stored.class),
            None => band > 0,
        }
    }
}
