//! The fleet: who our sensors are, whether they live and whether their silence is natural.

mod state;

pub use state::{HEARTBEAT_MISSING_SECS, learn, silence_window, state_of};

use access::{Caller, Facts, act};
use base::papers::{Paper, Papers, Shown};
use base::{Env, OrgId, Realm, SensorId, Timestamp, Tlp};
use events::sensor::{SensorEnrolled, SensorRevoked, SensorWentSilent};
use events::{Envelope, Event};
use store::{Actor, AuditEntry, Clearance, Db, Expect, Outcome, Row, ScopedSql, StoreError, Unit, params};

use crate::error::SensorError;
use crate::history::KEY;
use crate::model::{Sensor, SensorKind, SensorState};
use crate::sketch::clean;
use crate::wire::Heartbeat;
use state::Pulse;

/// What the door knows about a sensor that joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The id that stands in the certificate.
    pub id: SensorId,
    /// Whose sensor it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what it sees.
    pub tlp: Tlp,
    /// Its name.
    pub name: String,
    /// Serial of the certificate, hex.
    pub cert_serial: String,
    /// When the certificate ends.
    pub cert_expires: Timestamp,
}

/// A sensor that showed a valid certificate: what its batches belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// The sensor.
    pub sensor: SensorId,
    /// Whose it is.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what it sees.
    pub tlp: Tlp,
    /// What it is.
    pub kind: SensorKind,
}

/// The fleet service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Fleet {
    db: Db,
    env: Env,
}

macro_rules! columns {
    () => {
        "s.id, s.org_id, s.realm, s.tlp, s.name, s.kind, s.enrolled_at, s.revoked_at, s.cert_serial, s.cert_expires, s.cert_more, \
         s.last_heard, s.last_event, s.silent_since, s.missing_since, s.sessions_total, s.rate, s.rate_at, \
         s.rate_sessions, s.clock_offset, s.health, s.version"
    };
}

const LIST: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM sensor s WHERE {visible:s} ORDER BY s.org_id, s.name, s.id LIMIT 10000"
));
const GET: ScopedSql = ScopedSql::new(concat!("SELECT ", columns!(), " FROM sensor s WHERE s.id = $1 AND {visible:s}"));
const ANY: &str = concat!("SELECT ", columns!(), " FROM sensor s WHERE s.id = $1");
const LIVING: &str = concat!("SELECT ", columns!(), " FROM sensor s WHERE s.revoked_at IS NULL ORDER BY s.id");
const INSERT: &str = "INSERT INTO sensor (id, org_id, realm, tlp, name, kind, enrolled_at, cert_serial, cert_expires,
        sessions_total, events_total, rate, rate_at, rate_sessions, version)
    VALUES ($1,$2,$3,$4,$5,'native',$6,$7,$8,0,0,0.0,$6,0,1)";
const GIVEN: &str = "UPDATE sensor SET cert_more = $2, version = version + 1
    WHERE id = $1 AND version = $3 AND revoked_at IS NULL";
const SHOWN: &str = "UPDATE sensor SET cert_serial = $2, cert_expires = $3, cert_more = $4, version = version + 1
    WHERE id = $1 AND version = $5 AND revoked_at IS NULL";
const BEAT: &str = "UPDATE sensor SET last_heard = $2, clock_offset = $3, health = $4, missing_since = NULL
    WHERE id = $1 AND revoked_at IS NULL";
const REVOKE: &str = "UPDATE sensor SET revoked_at = $2, version = version + 1 WHERE id = $1 AND version = $3";
const PULSE: &str =
    "UPDATE sensor SET rate = $2, rate_at = $3, rate_sessions = $4, silent_since = $5, missing_since = $6
    WHERE id = $1";

impl Fleet {
    /// The fleet over a database.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// A sensor joins. `with` completes the unit, for example by spending
    /// the enrolment code: both happen, or neither.
    ///
    /// # Errors
    /// [`SensorError::NameTaken`], [`SensorError::BadField`];
    /// [`SensorError::Store`], with `Conflict` when the code was spent meanwhile.
    pub async fn enrol(
        &self,
        actor: Actor,
        enrolment: Enrolment,
        with: impl FnOnce(Unit) -> Unit + Send,
    ) -> Result<(), SensorError> {
        let Enrolment { id, org, realm, tlp, name, cert_serial, cert_expires } = enrolment;
        let name = name.trim().to_owned();
        if name.is_empty() || name.len() > 96 || name.contains(char::is_control) {
            return Err(SensorError::BadField("name"));
        }
        let now = self.env.now();
        let event = Event::SensorEnrolled(SensorEnrolled { sensor: id, name: name.clone() });
        let unit = Unit::new(actor, now)
            .exec_one(INSERT, params![id, org, realm, tlp, name.as_str(), now, cert_serial, cert_expires])
            .event(self.envelope(org, realm, tlp, event))
            .audit(entry("sensor.enrol", id, org, realm, tlp, serde_json::json!({ "name": name })));
        match self.db.commit(with(unit)).await {
            Ok(_) => Ok(()),
            Err(StoreError::Duplicate(_)) => Err(SensorError::NameTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// Admits a sensor by what its certificate says; a revoked one or an old certificate is refused.
    ///
    /// # Errors
    /// [`SensorError::Revoked`].
    pub async fn admit(&self, sensor: SensorId, cert_serial: &str) -> Result<Admitted, SensorError> {
        let now = self.env.now();
        // A second connection may show the next certificate at the same moment: then the row is read once more.
        for _ in 0..3 {
            let (row, papers) = self.papers(sensor).await?;
            let admitted = Admitted {
                sensor,
                org: row.get("org_id")?,
                realm: row.get("realm")?,
                tlp: row.get("tlp")?,
                kind: SensorKind::Native,
            };
            let after = match papers.show(cert_serial, now) {
                Shown::Good => return Ok(admitted),
                Shown::Refused => return Err(SensorError::Revoked),
                Shown::First(after) => after,
            };
            let detail = serde_json::json!({ "serial": after.present.serial, "valid_until": after.present.until });
            let version: u64 = row.get("version")?;
            let more = more(&after)?;
            let unit = Unit::new(Actor::Machine(format!("sensor:{sensor}")), now)
                .exec_one(SHOWN, params![sensor, after.present.serial, after.present.until, more, version])
                .audit(entry("sensor.certificate_in_use", sensor, admitted.org, admitted.realm, admitted.tlp, detail));
            match self.db.commit(unit).await {
                Ok(_) => return Ok(admitted),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(SensorError::Revoked)
    }

    /// How the certificates of a sensor that was admitted stand.
    ///
    /// # Errors
    /// [`SensorError::Revoked`] when it was revoked in the meantime.
    pub async fn certificates(&self, from: &Admitted) -> Result<Papers, SensorError> {
        Ok(self.papers(from.sensor).await?.1)
    }

    /// Keeps the next certificate of a sensor; the present one stays good until this one is shown.
    ///
    /// # Errors
    /// [`SensorError::Revoked`] when it was revoked, or got another one, in the meantime.
    pub async fn certify(&self, from: &Admitted, next: Paper) -> Result<(), SensorError> {
        let (row, papers) = self.papers(from.sensor).await?;
        let (name, version): (String, u64) = (row.get("name")?, row.get("version")?);
        let detail = serde_json::json!({ "name": name, "serial": next.serial, "valid_until": next.until });
        let unit = Unit::new(Actor::Machine(format!("sensor:{}", from.sensor)), self.env.now())
            .exec_one(GIVEN, params![from.sensor, more(&papers.given(next))?, version])
            .audit(entry("sensor.renew", from.sensor, from.org, from.realm, from.tlp, detail));
        match self.db.commit(unit).await {
            Err(StoreError::Conflict(_)) => Err(SensorError::Revoked),
            other => Ok(other.map(drop)?),
        }
    }

    /// The row of a sensor that lives, with its certificates; importers have none.
    async fn papers(&self, sensor: SensorId) -> Result<(Row, Papers), SensorError> {
        let mut rows = self.db.system_read(KEY, ANY, params![sensor]).await?;
        let row = rows.pop().ok_or(SensorError::Revoked)?;
        let revoked: Option<Timestamp> = row.get("revoked_at")?;
        let (serial, until): (Option<String>, Option<Timestamp>) = (row.get("cert_serial")?, row.get("cert_expires")?);
        let (None, Some(serial), Some(until)) = (revoked, serial, until) else { return Err(SensorError::Revoked) };
        let text: Option<String> = row.get("cert_more")?;
        let more = text.map(|text| serde_json::from_str(&text)).transpose();
        let more = more.map_err(|_| StoreError::Shape("sensor.cert_more".to_owned()))?.unwrap_or_default();
        Ok((row, Papers { present: Paper { serial, until }, more }))
    }

    /// Takes a heartbeat.
    ///
    /// # Errors
    /// [`SensorError::Revoked`] when the sensor was revoked in the meantime, [`SensorError::BadField`].
    pub async fn heartbeat(&self, from: &Admitted, beat: Heartbeat) -> Result<(), SensorError> {
        if beat.probes.len() > 64 {
            return Err(SensorError::BadField("probes"));
        }
        let mut beat = beat;
        for text in [&mut beat.version, &mut beat.config_hash] {
            *text = clean(text, 128);
        }
        for probe in &mut beat.probes {
            probe.listener = clean(&probe.listener, 64);
            probe.banner_sha256 = clean(&probe.banner_sha256, 64);
        }
        let now = self.env.now();
        let offset = beat.clock_micros.saturating_sub(now.as_micros());
        let health = serde_json::to_string(&beat).map_err(|e| StoreError::Shape(e.to_string()))?;
        let unit = Unit::new(Actor::Machine(format!("sensor:{}", from.sensor)), now)
            .exec_one(BEAT, params![from.sensor, now, offset, health]);
        match self.db.commit(unit).await {
            Err(StoreError::Conflict(_)) => Err(SensorError::Revoked),
            other => Ok(other.map(drop)?),
        }
    }

    /// Revokes a sensor for good.
    ///
    /// # Errors
    /// [`SensorError::NoSensor`] outside the clearance, [`SensorError::Refused`] without the right.
    pub async fn revoke(&self, caller: &Caller, sensor: SensorId) -> Result<(), SensorError> {
        let row = self.get(caller.clearance(), sensor).await?;
        let _permit = caller.permit::<act::ManageSensors, _>(sensor, &Facts::new(row.org, row.tlp, row.realm))?;
        if row.state == SensorState::Revoked {
            return Ok(());
        }
        let event = Event::SensorRevoked(SensorRevoked { sensor });
        let now = self.env.now();
        let unit = Unit::new(caller.actor(), now)
            .exec_one(REVOKE, params![sensor, now, row.version])
            .event(self.envelope(row.org, row.realm, row.tlp, event))
            .audit(entry(
                "sensor.revoke",
                sensor,
                row.org,
                row.realm,
                row.tlp,
                serde_json::json!({ "name": row.name }),
            ));
        self.db.commit(unit).await?;
        Ok(())
    }

    /// Every sensor within the clearance (a fleet is small), by organisation and name.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn list(&self, who: &Clearance) -> Result<Vec<Sensor>, SensorError> {
        let now = self.env.now();
        self.db.read(LIST, who, params![]).await?.iter().map(|row| sensor(row, now)).collect()
    }

    /// One sensor.
    ///
    /// # Errors
    /// [`SensorError::NoSensor`] when there is none within the clearance.
    pub async fn get(&self, who: &Clearance, id: SensorId) -> Result<Sensor, SensorError> {
        let rows = self.db.read(GET, who, params![id]).await?;
        rows.first().map_or(Err(SensorError::NoSensor), |row| sensor(row, self.env.now()))
    }

    /// Looks for sensors that fell silent or went missing, or came back; learns their rhythm. Called every few seconds.
    /// Comes back with how many changed their state.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn watch(&self) -> Result<usize, SensorError> {
        let now = self.env.now();
        let mut unit = Unit::new(Actor::System("sensor".to_owned()), now);
        let mut changed = 0;
        for row in self.db.system_read(KEY, LIVING, params![]).await? {
            let before = pulse(&row)?;
            let after = before.beat(now);
            if after == before {
                continue;
            }
            let id: SensorId = row.get("id")?;
            let values =
                params![id, after.rate, after.rate_at, after.rate_sessions, after.silent_since, after.missing_since];
            unit.push(PULSE, values, Expect::Rows(1));
            let (silent, missing) = (after.silent_since.is_some(), after.missing_since.is_some());
            let (was_silent, was_missing) = (before.silent_since.is_some(), before.missing_since.is_some());
            changed += usize::from((silent, missing) != (was_silent, was_missing));
            if (silent && !was_silent) || (missing && !was_missing) {
                let last_heard = after.last_heard.max(after.last_event).unwrap_or(after.enrolled_at);
                let event = SensorWentSilent { sensor: id, name: row.get("name")?, last_heard };
                let (org, realm, tlp) = (row.get("org_id")?, row.get("realm")?, row.get("tlp")?);
                unit.events.push(self.envelope(org, realm, tlp, Event::SensorWentSilent(event)));
            }
        }
        if !unit.statements.is_empty() {
            self.db.commit(unit).await?;
        }
        Ok(changed)
    }

    fn envelope(&self, org: OrgId, realm: Realm, tlp: Tlp, event: Event) -> Envelope {
        Envelope { id: self.env.id(), org, realm, tlp, at: self.env.now(), event }
    }
}

fn entry(action: &str, id: SensorId, org: OrgId, realm: Realm, tlp: Tlp, detail: serde_json::Value) -> AuditEntry {
    let subject = format!("sensor:{id}");
    AuditEntry { action: action.to_owned(), subject, org, realm, tlp, outcome: Outcome::Done, detail }
}

fn more(papers: &Papers) -> Result<String, StoreError> {
    serde_json::to_string(&papers.more).map_err(|error| StoreError::Shape(error.to_string()))
}

fn pulse(row: &Row) -> Result<Pulse, SensorError> {
    let serial: Option<String> = row.get("cert_serial")?;
    Ok(Pulse {
        beats: serial.is_some(),
        enrolled_at: row.get("enrolled_at")?,
        last_heard: row.get("last_heard")?,
        last_event: row.get("last_event")?,
        sessions: row.get("sessions_total")?,
        rate: row.get("rate")?,
        rate_at: row.get("rate_at")?,
        rate_sessions: row.get("rate_sessions")?,
        silent_since: row.get("silent_since")?,
        missing_since: row.get("missing_since")?,
    })
}

fn sensor(row: &Row, now: Timestamp) -> Result<Sensor, SensorError> {
    let (kind, health): (String, Option<String>) = (row.get("kind")?, row.get("health")?);
    let kind = SensorKind::from_word(&kind).ok_or_else(|| StoreError::Shape("sensor.kind".to_owned()))?;
    let health: Option<Heartbeat> = health
        .map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Shape("sensor.health".to_owned())))
        .transpose()?;
    let pulse = pulse(row)?;
    let clock_offset = row.get("clock_offset")?;
    let revoked: Option<Timestamp> = row.get("revoked_at")?;
    Ok(Sensor {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        name: row.get("name")?,
        kind,
        state: state_of(&pulse, revoked.is_some(), health.as_ref(), clock_offset, now),
        enrolled_at: pulse.enrolled_at,
        last_heard: pulse.last_heard.max(pulse.last_event),
        last_event: pulse.last_event,
        silent_since: pulse.silent_since,
        rate: pulse.rate,
        clock_offset,
        health,
        cert_serial: row.get("cert_serial")?,
        cert_expires: row.get("cert_expires")?,
        version: row.get("version")?,
    })
}
