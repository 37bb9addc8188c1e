//! Joins the sessions of a batch to campaigns: incremental union with ids that last. The older campaign survives a merge.

use base::{CampaignId, Env, OrgId, SessionId, Timestamp, Tlp};
use events::sensor::AttackClass;
use std::collections::{BTreeMap, BTreeSet};
use store::{Db, Expect, Unit, params};
use uuid::Uuid;

use super::fleetwide::Fleetwide;
use super::load::{by_keys, in64};
use super::session::{Head, Known, Touched, Work};
use crate::aim::{Signs, aim};
use crate::campaign::{Key, band_id, keys_of};
use crate::error::SensorError;
use crate::landscape::Landscape;
use crate::minhash::{ALIKE, Signature};
use crate::net::sort_key;
use crate::score::targetedness;

/// A campaign as the batch finds and leaves it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) sessions: i64,
    first_at: Timestamp,
    last_at: Timestamp,
    class: AttackClass,
    tlp: Tlp,
    joined_by: Option<String>,
    merged_into: Option<CampaignId>,
    /// Addresses and organisations when they were last counted.
    pub(crate) sources: u64,
    pub(crate) orgs: u64,
    /// Sessions with a name of the organisation, and typed by hand.
    named: i64,
    human: i64,
}

/// Everything the batch needs to know about campaigns.
#[derive(Debug, Default)]
pub(crate) struct Book {
    campaigns: BTreeMap<CampaignId, Found>,
    keys: BTreeMap<Uuid, (CampaignId, i64)>,
    new_keys: BTreeMap<Uuid, (Key, Head)>,
    signatures: BTreeMap<Uuid, Signature>,
    bands: BTreeMap<Uuid, BTreeSet<Uuid>>,
    changed: BTreeSet<CampaignId>,
    counted: BTreeSet<Uuid>,
    merges: Vec<(CampaignId, CampaignId)>,
}

const LOAD_KEYS: &str = concat!("SELECT id, campaign_id, sessions FROM campaign_key WHERE id IN ", in64!());
const LOAD_BANDS: &str = concat!("SELECT band_id, key_id FROM campaign_band WHERE band_id IN ", in64!());
const LOAD_SIGNATURES: &str = concat!("SELECT key_id, signature FROM campaign_signature WHERE key_id IN ", in64!());
const LOAD_CAMPAIGNS: &str = concat!(
    "SELECT id, sessions, first_at, last_at, class, tlp, joined_by, merged_into, sources, orgs, named, human
     FROM campaign WHERE id IN ",
    in64!()
);

/// Joins every touched session that shows something to share; statements go into `unit`, after the sessions' own.
pub(crate) async fn join(db: &Db, env: &Env, work: &mut Work, unit: &mut Unit) -> Result<Book, SensorError> {
    let shown: BTreeMap<SessionId, Vec<Key>> = work
        .iter()
        .map(|(id, touched)| (*id, keys_of(touched.head.realm, &touched.summary, touched.complete)))
        .filter(|(_, keys)| !keys.is_empty())
        .collect();
    let mut book = Book::default();
    let known = work.values().filter_map(|touched| touched.campaign).collect::<Vec<_>>();
    book.load(db, work, &shown, known).await?;
    for (id, keys) in shown {
        if let Some(touched) = work.get_mut(&id) {
            book.join(env, touched, keys, unit);
        }
    }
    // A session without new keys still moves its campaign's times, and follows it where it was merged.
    for touched in work.values_mut() {
        if let Some(campaign) = touched.campaign {
            let campaign = book.resolve(campaign);
            touched.campaign = Some(campaign);
            book.touch(campaign, touched);
        }
    }
    book.write(unit);
    Ok(book)
}

impl Book {
    async fn load(
        &mut self,
        db: &Db,
        work: &Work,
        shown: &BTreeMap<SessionId, Vec<Key>>,
        mut campaigns: Vec<CampaignId>,
    ) -> Result<(), SensorError> {
        let mut wanted: Vec<Uuid> = shown.values().flatten().map(|key| key.id).collect();
        let bands: Vec<Uuid> = shown
            .iter()
            .filter_map(|(id, keys)| Some((work.get(id)?.head.realm, keys)))
            .flat_map(|(realm, keys)| keys.iter().filter_map(move |key| Some((realm, key.signature.as_ref()?))))
            .flat_map(|(realm, signature)| signature.bands().map(move |band| band_id(realm, band)))
            .collect();
        for row in by_keys(db, LOAD_BANDS, bands).await? {
            let key: Uuid = row.get("key_id")?;
            self.bands.entry(row.get("band_id")?).or_default().insert(key);
            wanted.push(key);
        }
        for row in by_keys(db, LOAD_KEYS, wanted).await? {
            let campaign: CampaignId = row.get("campaign_id")?;
            self.keys.insert(row.get("id")?, (campaign, row.get("sessions")?));
            campaigns.push(campaign);
        }
        let alike: Vec<Uuid> = self.bands.values().flatten().copied().collect();
        for row in by_keys(db, LOAD_SIGNATURES, alike).await? {
            let bytes: Vec<u8> = row.get("signature")?;
            if let Some(signature) = Signature::from_bytes(&bytes) {
                self.signatures.insert(row.get("key_id")?, signature);
            }
        }
        // A session may still name a campaign that was merged: the second look finds where to.
        for _ in 0..2 {
            let missing = campaigns.iter().filter(|id| !self.campaigns.contains_key(id)).copied().collect::<Vec<_>>();
            for row in by_keys(db, LOAD_CAMPAIGNS, missing).await? {
                let found = found(&row)?;
                campaigns.extend(found.merged_into);
                self.campaigns.insert(row.get("id")?, found);
            }
        }
        Ok(())
    }

    fn resolve(&self, campaign: CampaignId) -> CampaignId {
        let mut at = campaign;
        // Chains are as long as the merges of one batch; the bound only guards against a damaged table.
        for _ in 0..64 {
            match self.campaigns.get(&at).and_then(|found| found.merged_into) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    fn join(&mut self, env: &Env, touched: &mut Touched, keys: Vec<Key>, unit: &mut Unit) {
        let mut candidates: BTreeSet<CampaignId> = touched.campaign.iter().map(|id| self.resolve(*id)).collect();
        let mut reason = None;
        for key in &keys {
            for campaign in self.matches(touched, key) {
                if candidates.insert(campaign) {
                    reason.get_or_insert(key.kind);
                }
            }
        }
        // Ids sort by the time they were made: the first is the oldest.
        let campaign = candidates.pop_first().unwrap_or_else(|| self.open(env, touched, unit));
        for other in candidates {
            self.merge(campaign, other, unit);
        }
        let newcomer = touched.campaign.is_none();
        touched.campaign = Some(campaign);
        for key in keys {
            self.show(campaign, touched, key);
        }
        if let Some(found) = self.campaigns.get_mut(&campaign) {
            found.sessions += i64::from(newcomer);
            if found.joined_by.is_none() && found.sessions > 1 {
                found.joined_by = reason.map(|kind| kind.word().to_owned());
            }
        }
        if newcomer {
            contact(campaign, touched, unit);
        }
    }

    /// The campaigns that showed this key, or a sequence of commands like it.
    fn matches(&self, touched: &Touched, key: &Key) -> Vec<CampaignId> {
        if let Some((campaign, _)) = self.keys.get(&key.id) {
            return vec![self.resolve(*campaign)];
        }
        let Some(signature) = &key.signature else { return Vec::new() };
        let candidates: BTreeSet<Uuid> = signature
            .bands()
            .filter_map(|band| self.bands.get(&band_id(touched.head.realm, band)))
            .flatten()
            .copied()
            .collect();
        candidates
            .into_iter()
            .filter(|id| self.signatures.get(id).is_some_and(|other| signature.similarity(other) >= ALIKE))
            .filter_map(|id| self.keys.get(&id))
            .map(|(campaign, _)| self.resolve(*campaign))
            .collect()
    }

    fn open(&mut self, env: &Env, touched: &Touched, unit: &mut Unit) -> CampaignId {
        let id: CampaignId = env.id();
        let found = Found {
            sessions: 0,
            first_at: touched.summary.first_at,
            last_at: touched.summary.last_at,
            class: touched.alone,
            tlp: touched.head.tlp,
            joined_by: None,
            merged_into: None,
            sources: 1,
            orgs: 1,
            named: 0,
            human: 0,
        };
        let head = &touched.head;
        let row = params![id, head.org, head.realm, found.tlp, found.class.word(), found.first_at, found.last_at];
        // The row comes first: a merge later in the same unit refers to it.
        unit.push(OPEN, row, Expect::Rows(1));
        self.campaigns.insert(id, found);
        self.changed.insert(id);
        id
    }

    fn show(&mut self, campaign: CampaignId, touched: &Touched, key: Key) {
        let already =
            touched.before.as_deref().is_some_and(|known| known.campaign.is_some() && shown_before(known, &key));
        let entry = self.keys.entry(key.id).or_insert((campaign, 0));
        let new = entry.1 == 0;
        entry.0 = campaign;
        entry.1 += i64::from(!already);
        self.counted.insert(key.id);
        if new {
            if let Some(signature) = &key.signature {
                for band in signature.bands() {
                    self.bands.entry(band_id(touched.head.realm, band)).or_default().insert(key.id);
                }
                self.signatures.insert(key.id, signature.clone());
            }
            self.new_keys.insert(key.id, (key, touched.head.clone()));
        }
    }

    fn touch(&mut self, campaign: CampaignId, touched: &Touched) {
        if let Some(found) = self.campaigns.get_mut(&campaign) {
            found.first_at = found.first_at.min(touched.summary.first_at);
            found.last_at = found.last_at.max(touched.summary.last_at);
            found.class = found.class.min(touched.alone);
            found.tlp = found.tlp.strictest(touched.head.tlp);
            let [before, now] = touched.signs();
            let before = if touched.before.as_deref().is_some_and(|known| known.campaign.is_some()) {
                before
            } else {
                (false, false)
            };
            found.named += i64::from(now.0) - i64::from(before.0);
            found.human += i64::from(now.1) - i64::from(before.1);
            self.changed.insert(campaign);
        }
    }

    fn merge(&mut self, into: CampaignId, from: CampaignId, unit: &mut Unit) {
        let Some(old) = self.campaigns.get_mut(&from) else { return };
        let lost = old.clone();
        old.merged_into = Some(into);
        old.sessions = 0;
        if let Some(found) = self.campaigns.get_mut(&into) {
            found.sessions += lost.sessions;
            found.named += lost.named;
            found.human += lost.human;
            found.first_at = found.first_at.min(lost.first_at);
            found.last_at = found.last_at.max(lost.last_at);
            found.class = found.class.min(lost.class);
            found.tlp = found.tlp.strictest(lost.tlp);
        }
        for (campaign, _) in self.keys.values_mut().filter(|(campaign, _)| *campaign == from) {
            *campaign = into;
        }
        self.changed.extend([into, from]);
        self.merges.push((into, from));
        // Contacts written before this point belong to the old id; those written later name the new one.
        for sql in [MOVE_CONTACTS, MOVE_SESSIONS] {
            unit.push(sql, params![into, from], Expect::Any);
        }
        unit.push(DROP_CONTACTS, params![from], Expect::Any);
    }

    /// A campaign of the batch.
    pub(crate) fn found(&self, campaign: CampaignId) -> Option<&Found> {
        self.campaigns.get(&campaign)
    }

    /// The campaign, where two sessions or more make it one.
    pub(crate) fn shared(&self, campaign: Option<CampaignId>) -> Option<CampaignId> {
        let campaign = self.resolve(campaign?);
        self.campaigns.get(&campaign).filter(|found| found.sessions > 1).map(|_| campaign)
    }

    fn write(&self, unit: &mut Unit) {
        for (id, found) in self.campaigns.iter().filter(|(id, _)| self.changed.contains(*id)) {
            let row = params![
                *id,
                found.sessions,
                found.class.word(),
                found.tlp,
                found.joined_by.clone(),
                found.first_at,
                found.last_at,
                found.merged_into,
                // One session is one contact: nothing to count.
                found.sessions > 1,
                found.named,
                found.human,
            ];
            unit.push(UPDATE, row, Expect::Rows(1));
        }
        for (into, from) in &self.merges {
            unit.push(MOVE_KEYS, params![*into, *from], Expect::Any);
            unit.push(MOVE_REDIRECTS, params![*into, *from], Expect::Any);
        }
        for id in &self.counted {
            let Some((campaign, sessions)) = self.keys.get(id) else { continue };
            match self.new_keys.get(id) {
                Some((key, head)) => write_key(key, head, self.resolve(*campaign), *sessions, unit),
                None => unit.push(COUNT_KEY, params![*id, *sessions], Expect::Rows(1)),
            }
        }
    }
}

/// Whether the session had shown this key before the batch: its count then stands already.
fn shown_before(known: &Known, key: &Key) -> bool {
    let complete = known.summary.closed_at.is_some();
    keys_of(known.head.realm, &known.summary, complete).iter().any(|other| other.id == key.id)
}

fn contact(campaign: CampaignId, touched: &Touched, unit: &mut Unit) {
    let head = &touched.head;
    let row = params![
        campaign,
        head.sensor,
        &sort_key(head.src_ip)[..],
        head.src_ip.to_string(),
        head.org,
        head.realm,
        head.tlp,
        touched.summary.first_at,
        touched.summary.last_at,
    ];
    unit.push(CONTACT, row, Expect::Rows(1));
}

fn write_key(key: &Key, head: &Head, campaign: CampaignId, sessions: i64, unit: &mut Unit) {
    let (org, realm, tlp) = (head.org, head.realm, head.tlp);
    let row = params![key.id, org, realm, tlp, campaign, key.kind.word(), key.label.as_str(), sessions];
    unit.push(WRITE_KEY, row, Expect::Rows(1));
    if let Some(signature) = &key.signature {
        unit.push(WRITE_SIGNATURE, params![key.id, org, realm, tlp, signature.to_bytes()], Expect::Rows(1));
        for band in signature.bands() {
            unit.push(WRITE_BAND, params![band_id(realm, band), key.id, org, realm, tlp], Expect::Any);
        }
    }
}

fn found(row: &store::Row) -> Result<Found, SensorError> {
    let class: String = row.get("class")?;
    Ok(Found {
        sessions: row.get("sessions")?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
        class: AttackClass::from_word(&class).unwrap_or(AttackClass::Scan),
        tlp: row.get("tlp")?,
        joined_by: row.get("joined_by")?,
        merged_into: row.get("merged_into")?,
        sources: row.get("sources")?,
        orgs: row.get("orgs")?,
        named: row.get("named")?,
        human: row.get("human")?,
    })
}

/// Counts again what needs all contacts, once the journal is folded. Comes back with how many campaigns that were.
pub(crate) async fn refresh(
    db: &Db,
    landscape: &dyn Landscape,
    fleet: &Fleetwide,
    most: i64,
    now: Timestamp,
) -> Result<usize, SensorError> {
    let mut unit = Unit::new(store::Actor::System("sensor".to_owned()), now);
    for row in db.system_read(super::load::KEY, STALE, params![most]).await? {
        let campaign: CampaignId = row.get("id")?;
        let sources = db.system_read(super::load::KEY, SOURCES, params![campaign]).await?;
        let sources: i64 = sources.first().map_or(Ok(0), |row| row.get("sources"))?;
        let mut contacts: BTreeMap<OrgId, i64> = BTreeMap::new();
        let mut sensors = 0_usize;
        for row in db.system_read(super::load::KEY, SENSORS, params![campaign]).await? {
            sensors += 1;
            *contacts.entry(row.get("org_id")?).or_default() += row.get::<i64>("contacts")?;
        }
        let sectors: BTreeSet<OrgId> = contacts.keys().map(|org| landscape.sector(*org).unwrap_or(*org)).collect();
        let targeted = targeted(landscape, fleet, &contacts, &sectors);
        let signs = Signs {
            sensors,
            active: fleet.active,
            orgs: contacts.len(),
            sectors: sectors.len(),
            sources: sources.unsigned_abs(),
            shared_orgs: contacts.len() as u64,
            targetedness: targeted,
            named: row.get("named")?,
            human: row.get("human")?,
            benign: false,
        };
        let (aim, factors) = aim(&signs);
        let factors = serde_json::to_string(&factors).map_err(|e| store::StoreError::Shape(e.to_string()))?;
        let row = params![campaign, sources, sensors, contacts.len(), aim.word(), targeted, factors];
        unit.push(REFRESH, row, Expect::Any);
    }
    let count = unit.statements.len();
    if count > 0 {
        db.commit(unit).await?;
    }
    Ok(count)
}

/// Targetedness over the sector where all contacts fell into one whose share is known, else over the one organisation.
fn targeted(
    landscape: &dyn Landscape,
    fleet: &Fleetwide,
    contacts: &BTreeMap<OrgId, i64>,
    sectors: &BTreeSet<OrgId>,
) -> f64 {
    let number = contacts.values().sum::<i64>().unsigned_abs();
    let of_sector = match sectors.first() {
        Some(sector) if sectors.len() == 1 => landscape.address_share(*sector).map_or(0.0, |q| targetedness(number, q)),
        _ => 0.0,
    };
    let of_org = match contacts.keys().next() {
        Some(org) if contacts.len() == 1 => fleet.focus(*org, number),
        _ => 0.0,
    };
    of_sector.max(of_org)
}

const SOURCES: &str = "SELECT COUNT(DISTINCT src_key) AS sources FROM campaign_contact WHERE campaign_id = $1";
const SENSORS: &str = "SELECT org_id, sensor_id, COUNT(*) AS contacts FROM campaign_contact WHERE campaign_id = $1
    GROUP BY org_id, sensor_id";
const REFRESH: &str =
    "UPDATE campaign SET sources = $2, sensors = $3, orgs = $4, aim = $5, targeted = $6, aim_factors = $7, stale = 0
    WHERE id = $1";
const STALE: &str = "SELECT id, named, human FROM campaign WHERE stale = 1 ORDER BY id LIMIT $1";
const OPEN: &str =
    "INSERT INTO campaign (id, org_id, realm, tlp, sessions, sources, sensors, orgs, class, joined_by, targeted,
        first_at, last_at, merged_into, stale) VALUES ($1,$2,$3,$4,0,1,1,1,$5,NULL,0.0,$6,$7,NULL,0)";
const UPDATE: &str =
    "UPDATE campaign SET sessions = $2, class = $3, tlp = $4, joined_by = $5, first_at = $6, last_at = $7,
        merged_into = $8, stale = $9, named = $10, human = $11 WHERE id = $1";
const CONTACT: &str =
    "INSERT INTO campaign_contact (campaign_id, sensor_id, src_key, src_ip, org_id, realm, tlp, sessions,
        first_at, last_at) VALUES ($1,$2,$3,$4,$5,$6,$7,1,$8,$9)
    ON CONFLICT (campaign_id, sensor_id, src_key) DO UPDATE SET sessions = campaign_contact.sessions + 1,
        first_at = CASE WHEN excluded.first_at < campaign_contact.first_at THEN excluded.first_at
            ELSE campaign_contact.first_at END,
        last_at = CASE WHEN excluded.last_at > campaign_contact.last_at THEN excluded.last_at
            ELSE campaign_contact.last_at END";
const MOVE_CONTACTS: &str =
    "INSERT INTO campaign_contact (campaign_id, sensor_id, src_key, src_ip, org_id, realm, tlp, sessions,
        first_at, last_at)
    SELECT c.id, k.sensor_id, k.src_key, k.src_ip, k.org_id, k.realm, k.tlp, k.sessions, k.first_at, k.last_at
        FROM campaign_contact k, campaign c WHERE k.campaign_id = $2 AND c.id = $1
    ON CONFLICT (campaign_id, sensor_id, src_key) DO UPDATE SET
        sessions = campaign_contact.sessions + excluded.sessions,
        first_at = CASE WHEN excluded.first_at < campaign_contact.first_at THEN excluded.first_at
            ELSE campaign_contact.first_at END,
        last_at = CASE WHEN excluded.last_at > campaign_contact.last_at THEN excluded.last_at
            ELSE campaign_contact.last_at END";
const DROP_CONTACTS: &str = "DELETE FROM campaign_contact WHERE campaign_id = $1";
const MOVE_SESSIONS: &str = "UPDATE attack_session SET campaign_id = $1 WHERE campaign_id = $2";
const MOVE_KEYS: &str = "UPDATE campaign_key SET campaign_id = $1 WHERE campaign_id = $2";
const MOVE_REDIRECTS: &str = "UPDATE campaign SET merged_into = $1 WHERE merged_into = $2";
const WRITE_KEY: &str = "INSERT INTO campaign_key (id, org_id, realm, tlp, campaign_id, kind, label, sessions)
    VALUES ($1,$2,$3,$4,$5,$6,$7,$8)";
const COUNT_KEY: &str = "UPDATE campaign_key SET sessions = $2 WHERE id = $1";
const WRITE_SIGNATURE: &str =
    "INSERT INTO campaign_signature (key_id, org_id, realm, tlp, signature) VALUES ($1,$2,$3,$4,$5)";
const WRITE_BAND: &str = "INSERT INTO campaign_band (band_id, key_id, org_id, realm, tlp) VALUES ($1,$2,$3,$4,$5)
    ON CONFLICT (band_id, key_id) DO NOTHING";
