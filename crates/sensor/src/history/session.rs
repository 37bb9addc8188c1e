//! Sessions touched by a batch: grouped, loaded, folded, classified, written.

use base::{AddressScope, CampaignId, OrgId, Realm, SensorId, SessionId, Timestamp, Tlp};
use events::sensor::AttackClass;
use logwire::attack::AttackEvent;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use store::{Db, Expect, Row, Unit, Value, params};

use super::load::{by_keys, in64};
use crate::aim::typed_by_hand;
use crate::classify::classify;
use crate::error::SensorError;
use crate::net::{scope_of, sort_key};
use crate::record::Header;
use crate::sketch::clean;
use crate::summary::{Summary, session_id};

/// A sensor's clock may be ahead of ours by this much before its times are taken back to the time of arrival.
const AHEAD_SECS: i64 = 300;
/// A session that was not closed is complete for its campaign after so long without an event.
const IDLE_SECS: i64 = 120;

/// What never changes about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) org: OrgId,
    pub(crate) realm: Realm,
    pub(crate) tlp: Tlp,
    pub(crate) sensor: SensorId,
    pub(crate) foreign: String,
    pub(crate) src_ip: IpAddr,
    pub(crate) scope: AddressScope,
}

/// A session as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) head: Head,
    pub(crate) summary: Summary,
    pub(crate) base: AttackClass,
    pub(crate) campaign: Option<CampaignId>,
}

/// A session touched by a batch.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) head: Head,
    pub(crate) before: Option<Arc<Known>>,
    pub(crate) summary: Summary,
    /// The class by itself, from the summary alone.
    pub(crate) alone: AttackClass,
    /// The class that counts: what its source tried elsewhere may turn one kind of credential class into the other.
    pub(crate) base: AttackClass,
    /// The class as shown, after the neighbours had their say.
    pub(crate) class: AttackClass,
    pub(crate) campaign: Option<CampaignId>,
    /// Nothing more is expected: it was closed, or is idle.
    pub(crate) complete: bool,
    events: Vec<(AttackEvent, Timestamp)>,
    lines: BTreeMap<u64, (u64, String)>,
}

pub(crate) type Work = BTreeMap<SessionId, Touched>;

/// Adds an event of a record at `position` to the work.
pub(crate) fn add(work: &mut Work, header: &Header, sensor: SensorId, position: u64, event: AttackEvent, json: &str) {
    let id = session_id(sensor, &event);
    let touched = work.entry(id).or_insert_with(|| Touched::new(head(header, sensor, &event)));
    touched.head.tlp = touched.head.tlp.strictest(header.tlp);
    let (count, lines) = touched.lines.entry(position).or_default();
    if *count > 0 {
        lines.push('\n');
    }
    lines.push_str(json);
    *count += 1;
    let at = counted_at(event.at, header.at);
    touched.events.push((event, at));
}

/// The time an event counts at: its own, unless its clock is ahead of ours.
pub(crate) fn counted_at(at: Timestamp, arrived: Timestamp) -> Timestamp {
    if at > arrived.plus_secs(AHEAD_SECS) { arrived } else { at }
}

fn head(header: &Header, sensor: SensorId, event: &AttackEvent) -> Head {
    Head {
        org: header.org,
        realm: header.realm,
        tlp: header.tlp,
        sensor,
        foreign: event.session.clone(),
        src_ip: event.src_ip,
        scope: scope_of(event.src_ip, header.org),
    }
}

impl Touched {
    fn new(head: Head) -> Self {
        Self {
            head,
            before: None,
            summary: Summary::default(),
            alone: AttackClass::Scan,
            base: AttackClass::Scan,
            class: AttackClass::Scan,
            campaign: None,
            complete: false,
            events: Vec::new(),
            lines: BTreeMap::new(),
        }
    }

    /// A session without new events, looked at again because it is idle.
    pub(crate) fn idle(known: &Arc<Known>) -> Self {
        Self { complete: true, ..Self::again(known) }
    }

    /// A stored session without new events, whose class may have turned.
    pub(crate) fn again(known: &Arc<Known>) -> Self {
        Self { before: Some(Arc::clone(known)), ..Self::new(known.head.clone()) }
    }

    /// The new events, and when each counts.
    pub(crate) fn events(&self) -> &[(AttackEvent, Timestamp)] {
        &self.events
    }

    /// Whether its class counts differently from before.
    pub(crate) fn turned(&self) -> bool {
        self.before.as_deref().is_some_and(|known| known.base != self.base)
    }

    /// Whether it used a name of the organisation, and whether a person typed; before the batch and now.
    pub(crate) fn signs(&self) -> [(bool, bool); 2] {
        let now = (!self.summary.named.is_empty(), typed_by_hand(&self.summary));
        let before = self.before.as_deref();
        [before.map_or((false, false), |known| (!known.summary.named.is_empty(), typed_by_hand(&known.summary))), now]
    }

    /// How many events are new.
    pub(crate) fn fresh(&self) -> usize {
        self.events.len()
    }

    /// Folds the new events into what is known; `words` name its organisation.
    pub(crate) fn settle(&mut self, words: &[String]) {
        if let Some(before) = &self.before {
            self.summary = before.summary.clone();
            self.campaign = before.campaign;
            self.head.tlp = self.head.tlp.strictest(before.head.tlp);
        }
        for (event, at) in &self.events {
            self.summary.apply(event, *at);
            self.summary.look_for_names(words, event);
        }
        self.complete |= self.summary.closed_at.is_some();
        self.alone = classify(&self.summary).0;
        (self.base, self.class) = (self.alone, self.alone);
    }

    pub(crate) fn into_known(self) -> Known {
        Known { head: self.head, summary: self.summary, base: self.base, campaign: self.campaign }
    }
}

const LOAD: &str = concat!(
    "SELECT id, org_id, realm, tlp, scope, sensor_id, foreign_key, src_ip, base_class, campaign_id, summary
     FROM attack_session WHERE id IN ",
    in64!()
);

/// Reads stored sessions.
pub(crate) async fn load(db: &Db, ids: Vec<SessionId>) -> Result<Vec<(SessionId, Known)>, SensorError> {
    by_keys(db, LOAD, ids).await?.iter().map(known).collect()
}

const DUE: &str =
    "SELECT id, org_id, realm, tlp, scope, sensor_id, foreign_key, src_ip, base_class, campaign_id, summary
    FROM attack_session WHERE campaign_due IS NOT NULL AND campaign_due <= $1 ORDER BY campaign_due, id LIMIT $2";

/// Reads sessions that are idle and were not looked at since.
pub(crate) async fn due(db: &Db, now: Timestamp, most: i64) -> Result<Vec<(SessionId, Known)>, SensorError> {
    db.system_read(super::load::KEY, DUE, params![now, most]).await?.iter().map(known).collect()
}

fn known(row: &Row) -> Result<(SessionId, Known), SensorError> {
    let shape = |what: &str| store::StoreError::Shape(format!("attack_session.{what}"));
    let summary: String = row.get("summary")?;
    let src_ip: String = row.get("src_ip")?;
    let base: String = row.get("base_class")?;
    let known = Known {
        head: Head {
            org: row.get("org_id")?,
            realm: row.get("realm")?,
            tlp: row.get("tlp")?,
            sensor: row.get("sensor_id")?,
            foreign: row.get("foreign_key")?,
            src_ip: src_ip.parse().map_err(|_| shape("src_ip"))?,
            scope: row.get("scope")?,
        },
        summary: serde_json::from_str(&summary).map_err(|_| shape("summary"))?,
        base: AttackClass::from_word(&base).ok_or_else(|| shape("base_class"))?,
        campaign: row.get("campaign_id")?,
    };
    Ok((row.get("id")?, known))
}

const WRITE: &str = "INSERT INTO attack_session (id, org_id, realm, tlp, scope, sensor_id, foreign_key, src_ip, src_key,
        protocol, dst_port, opened_at, last_at, closed_at, base_class, class, events, attempts, commands, client, hassh,
        campaign_id, campaign_due, summary)
    VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24)
    ON CONFLICT (id) DO UPDATE SET tlp = excluded.tlp, protocol = excluded.protocol, dst_port = excluded.dst_port,
        opened_at = excluded.opened_at, last_at = excluded.last_at, closed_at = excluded.closed_at,
        base_class = excluded.base_class, class = excluded.class, events = excluded.events, attempts = excluded.attempts,
        commands = excluded.commands, client = excluded.client, hassh = excluded.hassh,
        campaign_id = excluded.campaign_id, campaign_due = excluded.campaign_due, summary = excluded.summary";
const WRITE_EVENTS: &str = "INSERT INTO attack_event (session_id, journal_at, org_id, realm, tlp, events, lines)
    VALUES ($1,$2,$3,$4,$5,$6,$7)";

/// Writes a touched session and its new events.
pub(crate) fn write(id: SessionId, touched: &Touched, now: Timestamp, unit: &mut Unit) -> Result<(), SensorError> {
    let (head, summary) = (&touched.head, &touched.summary);
    let text = serde_json::to_string(summary).map_err(|e| store::StoreError::Shape(e.to_string()))?;
    let due = (!touched.complete).then(|| now.plus_secs(IDLE_SECS));
    let row: Vec<Value> = params![
        id,
        head.org,
        head.realm,
        head.tlp,
        head.scope,
        head.sensor,
        clean(&head.foreign, logwire::attack::SESSION_BYTES),
        head.src_ip.to_string(),
        &sort_key(head.src_ip)[..],
        summary.protocol.as_deref().unwrap_or(logwire::cowrie::UNKNOWN),
        summary.dst_port,
        summary.first_at,
        summary.last_at,
        summary.closed_at,
        touched.base.word(),
        touched.class.word(),
        summary.events,
        summary.attempts,
        summary.commands,
        summary.client.first(),
        summary.hassh.first(),
        touched.campaign,
        due,
        text,
    ];
    unit.push(WRITE, row, Expect::Rows(1));
    for (position, (count, lines)) in &touched.lines {
        let row = params![id, *position, head.org, head.realm, head.tlp, *count, lines.as_str()];
        unit.push(WRITE_EVENTS, row, Expect::Rows(1));
    }
    Ok(())
}
