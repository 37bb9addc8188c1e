//! Retention: a nightly job that removes what is older than the configuration keeps, part by part. It can be cancelled and
//! goes on where it stopped; what it removed stands in one audit leaf per organisation and marking; counts per hour and
//! day stay, and every session leaves a digest, so that the provenance of an indicator can still be read and compared.

use access::{Caller, Facts, act};
use base::{JobId, OrgId, Realm, SessionId, Timestamp, Tlp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use store::jobs::{self, End, Job, NewJob};
use store::{Actor, AuditEntry, Db, Expect, Outcome, StoreError, Unit, params};

use crate::error::SensorError;
use crate::history::KEY;
use crate::net::named_id;
use crate::settings::{Days, Retention};

/// The kind of the job.
pub const KIND: &str = "sensor.retention";
/// The night begins, seconds of the day in UTC: 02:00 in Taiwan.
const NIGHT: i64 = 18 * 3_600;
const DAY: i64 = 86_400;
/// Sessions or values of one commit.
const STEP: i64 = 200;

const MARKINGS: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

const fn days(of: &Days, tlp: Tlp) -> u32 {
    match tlp {
        Tlp::Clear => of.clear,
        Tlp::Green => of.green,
        Tlp::Amber | Tlp::AmberStrict => of.amber,
        Tlp::Red => of.red,
    }
}

/// Puts the job of the coming night into the queue, once.
///
/// # Errors
/// [`SensorError::Store`].
pub async fn plan(db: &Db, org: OrgId, realm: Realm) -> Result<(), SensorError> {
    let now = db.env().now();
    let night = (now.as_secs() - NIGHT).div_euclid(DAY) + 1;
    let id = JobId(named_id(&[KIND.as_bytes(), &night.to_be_bytes()]));
    if !db.system_read(KEY, "SELECT id FROM job WHERE id = $1", params![id]).await?.is_empty() {
        return Ok(());
    }
    let run_at = Timestamp::EPOCH.plus_secs(night * DAY + NIGHT);
    let payload = serde_json::json!({});
    let job = NewJob { id, org, realm, tlp: Tlp::Amber, kind: KIND, payload, run_at };
    db.commit(jobs::enqueue(unit(now), &job)).await?;
    Ok(())
}

/// Works on a due job, if there is one; comes back with how many rows it removed.
///
/// # Errors
/// [`SensorError::Store`]; the job is then claimed again and goes on.
pub async fn work(db: &Db, keep: &Retention) -> Result<Option<u64>, SensorError> {
    let Some(job) = jobs::claim(db, &[KIND]).await? else { return Ok(None) };
    let mut night = Night { db, now: db.env().now(), job, removed: 0, total: 0 };
    match night.run(keep).await {
        Ok(end) => night.end(&end).await?,
        // Another worker has it.
        Err(SensorError::Store(StoreError::Conflict(_))) => return Ok(None),
        Err(error) => {
            let again = night.now.plus_secs(60);
            jobs::finish(db, &night.job, &End::Again(again, error.to_string()), unit(night.now)).await?;
            return Err(error);
        }
    }
    Ok(Some(night.removed))
}

fn unit(at: Timestamp) -> Unit {
    Unit::new(Actor::System("sensor".to_owned()), at)
}

/// Asks a job of this room to end: a waiting one ends at once, a running one with its step.
///
/// # Errors
/// [`SensorError::NotFound`] outside the clearance or for one that has ended, [`SensorError::Refused`] without the right.
pub async fn cancel(db: &Db, caller: &Caller, id: JobId) -> Result<(), SensorError> {
    let job = jobs::get(db, caller.clearance(), id).await?.filter(|job| job.kind == KIND);
    let job = job.ok_or(SensorError::NotFound)?;
    let _permit = caller.permit::<act::ManageSensors, _>(id, &Facts::new(job.org, job.tlp, job.realm))?;
    let entry = AuditEntry {
        action: "job.cancel".to_owned(),
        subject: format!("job:{id}"),
        org: job.org,
        realm: job.realm,
        tlp: job.tlp,
        outcome: Outcome::Done,
        detail: serde_json::json!({ "kind": KIND }),
    };
    let unit = jobs::cancel(Unit::new(caller.actor(), db.env().now()), id).audit(entry);
    match db.commit(unit).await {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict(_)) => Err(SensorError::NotFound),
        Err(error) => Err(error.into()),
    }
}

/// One night's work.
struct Night<'a> {
    db: &'a Db,
    now: Timestamp,
    job: Job,
    removed: u64,
    total: u64,
}

/// What one part removed, by whose it was.
type Counts = BTreeMap<(OrgId, Realm, Tlp), i64>;

impl Night<'_> {
    async fn run(&mut self, keep: &Retention) -> Result<End, SensorError> {
        let cut = |of: &Days, tlp: Tlp| {
            let days = i64::from(days(of, tlp));
            (days > 0).then(|| self.now.plus_secs(-days * DAY))
        };
        let cuts: Vec<(Tlp, Option<Timestamp>, Option<Timestamp>)> =
            MARKINGS.iter().map(|tlp| (*tlp, cut(&keep.events, *tlp), cut(&keep.sessions, *tlp))).collect();
        for (tlp, events, sessions) in &cuts {
            for (sql, at) in [(COUNT_EVENTS, *events.max(sessions)), (COUNT_SESSIONS, *sessions)] {
                if let Some(at) = at {
                    let rows = self.db.system_read(KEY, sql, params![*tlp, at]).await?;
                    self.total += rows.first().map_or(Ok(0), |row| row.get::<u64>("n"))?;
                }
            }
        }
        for (tlp, events, sessions) in cuts {
            // A session that goes takes its events with it, whatever the events' own days.
            for (part, at) in
                [(Part::Events, events.max(sessions)), (Part::Sessions, sessions), (Part::Values, sessions)]
            {
                let Some(at) = at else { continue };
                while self.step(part, tlp, at).await? {
                    if jobs::heartbeat(self.db, &self.job, self.removed, self.total.max(self.removed)).await? {
                        return Ok(End::Cancelled);
                    }
                }
            }
            if let Some(at) = sessions {
                let rows = unit(self.now)
                    .exec(DROP_BARS, params![tlp, at])
                    .exec(DROP_QUARANTINE, params![tlp, at])
                    .exec(DROP_CAMPAIGN_BANDS, params![tlp, at])
                    .exec(DROP_CAMPAIGN_SIGNATURES, params![tlp, at])
                    .exec(DROP_CAMPAIGN_KEYS, params![tlp, at])
                    .exec(DROP_CAMPAIGN_CONTACTS, params![tlp, at])
                    .exec(DROP_CAMPAIGNS, params![tlp, at]);
                self.db.commit(rows).await?;
            }
        }
        // A line is known again as long as any session may still stand for it.
        let longest = MARKINGS.iter().map(|tlp| days(&keep.sessions, *tlp)).max().unwrap_or(0);
        if longest > 0 && MARKINGS.iter().all(|tlp| days(&keep.sessions, *tlp) > 0) {
            let at = self.now.plus_secs(-i64::from(longest) * DAY);
            self.db.commit(unit(self.now).exec(DROP_LINE_KEYS, params![at])).await?;
        }
        Ok(End::Done)
    }

    /// Removes one part; comes back with whether there was one.
    async fn step(&mut self, part: Part, tlp: Tlp, at: Timestamp) -> Result<bool, SensorError> {
        let rows = self.db.system_read(KEY, part.due(), params![tlp, at, STEP]).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let (mut unit, mut counts) = (unit(self.now), Counts::new());
        for row in &rows {
            *counts.entry((row.get("org_id")?, row.get("realm")?, tlp)).or_default() += 1;
            match part {
                Part::Events => {
                    let id: SessionId = row.get("id")?;
                    let digest = self.digest(id).await?;
                    unit.push(KEEP, params![id, digest, self.now], Expect::Any);
                    unit.push(DROP_EVENTS, params![id], Expect::Any);
                }
                Part::Sessions => {
                    let id: SessionId = row.get("id")?;
                    unit.push(CLOSE_KEPT, params![id, self.now], Expect::Any);
                    unit.push(DROP_SESSION, params![id], Expect::Any);
                }
                Part::Values => {
                    let id: uuid::Uuid = row.get("id")?;
                    unit.push(DROP_EVIDENCE, params![id], Expect::Any);
                    unit.push(DROP_VALUE, params![id], Expect::Any);
                }
            }
        }
        for ((org, realm, tlp), count) in counts {
            unit.push(COUNT, params![self.job.id, part.word(), org, realm, tlp, count], Expect::Rows(1));
        }
        self.db.commit(unit).await?;
        self.removed += rows.len() as u64;
        Ok(true)
    }

    /// SHA-256 over the event lines of a session in the order they were acknowledged, each with its line end.
    async fn digest(&self, id: SessionId) -> Result<String, SensorError> {
        let mut hasher = Sha256::new();
        for row in self.db.system_read(KEY, LINES, params![id]).await? {
            hasher.update(row.get::<String>("lines")?.as_bytes());
            hasher.update(b"\n");
        }
        Ok(hex::encode(hasher.finalize()))
    }

    /// Ends the job together with the audit leaves of everything it removed, also before a restart.
    async fn end(&self, end: &End) -> Result<(), SensorError> {
        let mut unit = unit(self.now);
        let mut leaves: BTreeMap<(OrgId, Realm, Tlp), serde_json::Map<String, serde_json::Value>> = BTreeMap::new();
        for row in self.db.system_read(KEY, REMOVED, params![self.job.id]).await? {
            let whose = (row.get("org_id")?, row.get("realm")?, row.get("tlp")?);
            leaves.entry(whose).or_default().insert(row.get("part")?, row.get::<i64>("removed")?.into());
        }
        for ((org, realm, tlp), detail) in leaves {
            unit.audit.push(AuditEntry {
                action: KIND.to_owned(),
                subject: format!("job:{}", self.job.id),
                org,
                realm,
                tlp,
                outcome: Outcome::Done,
                detail: detail.into(),
            });
        }
        unit.push("DELETE FROM retention_count WHERE job_id = $1", params![self.job.id], Expect::Any);
        jobs::finish(self.db, &self.job, end, unit).await?;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Events,
    Sessions,
    Values,
}

impl Part {
    const fn word(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Sessions => "sessions",
            Self::Values => "observables",
        }
    }

    const fn due(self) -> &'static str {
        match self {
            Self::Events => {
                "SELECT s.id, s.org_id, s.realm FROM attack_session s WHERE s.tlp = $1 AND s.opened_at < $2
                 AND s.last_at < $2 AND EXISTS (SELECT 1 FROM attack_event e WHERE e.session_id = s.id)
                 ORDER BY s.opened_at, s.id LIMIT $3"
            }
            Self::Sessions => {
                "SELECT s.id, s.org_id, s.realm FROM attack_session s WHERE s.tlp = $1 AND s.opened_at < $2
                 AND s.last_at < $2 ORDER BY s.opened_at, s.id LIMIT $3"
            }
            Self::Values => {
                "SELECT v.id, v.org_id, v.realm FROM observable v WHERE v.tlp = $1 AND v.last_at < $2
                 ORDER BY v.last_at, v.id LIMIT $3"
            }
        }
    }
}

const COUNT_EVENTS: &str =
    "SELECT COUNT(*) AS n FROM attack_session s WHERE s.tlp = $1 AND s.opened_at < $2 AND s.last_at < $2
    AND EXISTS (SELECT 1 FROM attack_event e WHERE e.session_id = s.id)";
const COUNT_SESSIONS: &str =
    "SELECT COUNT(*) AS n FROM attack_session s WHERE s.tlp = $1 AND s.opened_at < $2 AND s.last_at < $2";
const LINES: &str = "SELECT lines FROM attack_event WHERE session_id = $1 ORDER BY journal_at";
const KEEP: &str =
    "INSERT INTO attack_kept (session_id, org_id, realm, tlp, sensor_id, src_ip, scope, protocol, dst_port, class,
        opened_at, last_at, closed_at, events, attempts, commands, digest, events_removed_at, session_removed_at)
    SELECT id, org_id, realm, tlp, sensor_id, src_ip, scope, protocol, dst_port, class, opened_at, last_at, closed_at,
        events, attempts, commands, CAST($2 AS TEXT), CAST($3 AS BIGINT), NULL FROM attack_session WHERE id = $1
    ON CONFLICT (session_id) DO UPDATE SET events = excluded.events, last_at = excluded.last_at, class = excluded.class,
        digest = attack_kept.digest || ' ' || excluded.digest, events_removed_at = excluded.events_removed_at";
const DROP_EVENTS: &str = "DELETE FROM attack_event WHERE session_id = $1";
const CLOSE_KEPT: &str = "UPDATE attack_kept SET session_removed_at = $2 WHERE session_id = $1";
const DROP_SESSION: &str = "DELETE FROM attack_session WHERE id = $1";
const DROP_EVIDENCE: &str = "DELETE FROM observable_evidence WHERE observable_id = $1";
const DROP_VALUE: &str = "DELETE FROM observable WHERE id = $1";
const COUNT: &str = "INSERT INTO retention_count (job_id, part, org_id, realm, tlp, removed) VALUES ($1,$2,$3,$4,$5,$6)
    ON CONFLICT (job_id, part, org_id, realm, tlp) DO UPDATE SET removed = retention_count.removed + excluded.removed";
const REMOVED: &str = "SELECT part, org_id, realm, tlp, removed FROM retention_count WHERE job_id = $1";
/// Bars of a minute go; those of hours and days stay.
const DROP_BARS: &str = "DELETE FROM attack_rollup WHERE tlp = $1 AND at < $2 AND step = 60";
const DROP_QUARANTINE: &str = "DELETE FROM quarantine WHERE tlp = $1 AND at < $2";
const DROP_CAMPAIGN_BANDS: &str =
    "DELETE FROM campaign_band WHERE key_id IN (SELECT k.id FROM campaign_key k, campaign c
    WHERE k.campaign_id = c.id AND c.tlp = $1 AND c.last_at < $2)";
const DROP_CAMPAIGN_SIGNATURES: &str =
    "DELETE FROM campaign_signature WHERE key_id IN (SELECT k.id FROM campaign_key k,
    campaign c WHERE k.campaign_id = c.id AND c.tlp = $1 AND c.last_at < $2)";
const DROP_CAMPAIGN_KEYS: &str =
    "DELETE FROM campaign_key WHERE campaign_id IN (SELECT id FROM campaign WHERE tlp = $1 AND last_at < $2)";
const DROP_CAMPAIGN_CONTACTS: &str =
    "DELETE FROM campaign_contact WHERE campaign_id IN (SELECT id FROM campaign WHERE tlp = $1 AND last_at < $2)";
const DROP_CAMPAIGNS: &str = "DELETE FROM campaign WHERE tlp = $1 AND last_at < $2";
const DROP_LINE_KEYS: &str = "DELETE FROM ingest_key WHERE at < $1";
