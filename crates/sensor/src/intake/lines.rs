//! Lines of logs: each counted once by its key, its sensor known or made, the unusable ones kept for inspection.

use base::limits::INGEST_LINES;
use base::{OrgId, Problem, Realm, SensorId, Timestamp, Tlp};
use events::sensor::SensorEnrolled;
use events::{Envelope, Event};
use logwire::{Format, Parsed};
use std::collections::{BTreeMap, HashSet};
use store::{Actor, Db, Expect, StoreError, Unit, params};
use tokio::sync::OwnedMutexGuard;

use super::lanes::OrgLane;
use super::{Intake, TURN, finish, rejected};
use crate::error::{SensorError, TOO_MANY_SENSORS};
use crate::history::{KEY, by_keys, in64};
use crate::model::SensorKind;
use crate::record::{Header, TARGET_BYTES, Writer};
use crate::sketch::clean;
use crate::summary::importer_id;
use crate::wire::{LinesAnswer, MOST_REASONS};

/// Where lines belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Belongs {
    pub(super) org: OrgId,
    pub(super) realm: Realm,
    pub(super) tlp: Tlp,
}

/// A line that cannot be used.
#[derive(Debug)]
pub(super) struct Refused<'a> {
    pub(super) raw: &'a [u8],
    pub(super) occurrence: u32,
    pub(super) problem: Problem,
}

/// A line waiting for the answer whether it is new.
struct Waiting<'a> {
    number: u64,
    occurrence: u32,
    raw: &'a [u8],
    key: [u8; 32],
}

/// Lines of one request.
struct Run<'a> {
    intake: Intake,
    /// Ours but for the moments when a record is being written.
    lane: Option<OwnedMutexGuard<OrgLane>>,
    belongs: Belongs,
    format: Format,
    answer: LinesAnswer,
    writer: Writer,
    sensors: Vec<SensorId>,
    by_name: BTreeMap<String, usize>,
    refused: Vec<Refused<'a>>,
    /// Keys of the record that is being written.
    unwritten: HashSet<[u8; 32]>,
    /// Keys taken since it was asked what is known: their record may be written, and folded, before the turn ends.
    in_turn: HashSet<[u8; 32]>,
    in_record: (u64, u64),
}

/// See [`Intake::accept_lines`].
pub(super) async fn accept<'a>(
    intake: &Intake,
    belongs: Belongs,
    format: Format,
    lines: impl Iterator<Item = (u32, &'a [u8])> + Send,
) -> Result<LinesAnswer, SensorError> {
    let lane = intake.lanes.org(belongs.org, belongs.realm).lock_owned().await;
    let mut run = Run {
        intake: intake.clone(),
        lane: Some(lane),
        belongs,
        format,
        answer: LinesAnswer::default(),
        writer: Writer::new(),
        sensors: Vec::new(),
        by_name: BTreeMap::new(),
        refused: Vec::new(),
        unwritten: HashSet::new(),
        in_turn: HashSet::new(),
        in_record: (0, 0),
    };
    let mut waiting = Vec::with_capacity(TURN);
    for (number, (occurrence, raw)) in (1_u64..).zip(lines) {
        if number > INGEST_LINES.most {
            return Err(SensorError::TooManyLines);
        }
        let raw = logwire::lines::trim(raw);
        if raw.is_empty() {
            continue;
        }
        let key = logwire::lines::key(belongs.org, format, raw, occurrence);
        waiting.push(Waiting { number, occurrence, raw, key });
        if waiting.len() == TURN {
            run.turn(&mut waiting).await?;
            tokio::task::yield_now().await;
        }
    }
    run.turn(&mut waiting).await?;
    run.flush().await?;
    let kept = quarantine(&intake.db, intake.env.now(), belongs, format, &run.refused).await?;
    run.answer.quarantined = kept;
    Ok(run.answer)
}

const KNOWN: &str = concat!("SELECT key FROM ingest_key WHERE key IN ", in64!());

impl<'a> Run<'a> {
    async fn turn(&mut self, waiting: &mut Vec<Waiting<'a>>) -> Result<(), SensorError> {
        let known = self.known(waiting).await?;
        self.in_turn.clear();
        for line in waiting.drain(..) {
            let taken = |keys: &HashSet<[u8; 32]>| keys.contains(&line.key);
            if taken(&known) || taken(&self.unwritten) || taken(&self.in_turn) {
                self.answer.duplicate += 1;
                continue;
            }
            let parsed = logwire::lines::check(line.raw).and_then(|text| logwire::parse(self.format, text));
            let outcome = match parsed {
                Ok(parsed) => self.take(&line, parsed).await?,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = outcome {
                self.refuse(&line, problem);
            }
            if self.writer.len() >= TARGET_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Which of the keys were taken before: those of the journal first, since history moves them to the database.
    async fn known(&self, waiting: &[Waiting<'a>]) -> Result<HashSet<[u8; 32]>, SensorError> {
        let mut known: HashSet<[u8; 32]> = HashSet::new();
        let mut ask = Vec::with_capacity(waiting.len());
        {
            let pending = self.intake.pending.keys();
            for line in waiting {
                if pending.contains(&line.key) {
                    known.insert(line.key);
                } else {
                    ask.push(line.key);
                }
            }
        }
        for row in by_keys(&self.intake.db, KNOWN, ask).await? {
            let key: Vec<u8> = row.get("key")?;
            known.extend(<[u8; 32]>::try_from(key));
        }
        Ok(known)
    }

    async fn take(&mut self, line: &Waiting<'a>, parsed: Parsed) -> Result<Result<(), Problem>, SensorError> {
        if let Some(event) = parsed.event {
            let name = parsed.sensor.as_deref().unwrap_or_else(|| self.format.word());
            let sensor = match self.sensor(name).await? {
                Ok(sensor) => sensor,
                Err(problem) => return Ok(Err(problem)),
            };
            match self.format {
                Format::Native => self.writer.event(sensor, line.raw),
                Format::Cowrie | Format::Opencanary => {
                    let json = serde_json::to_vec(&event).map_err(|e| SensorError::Journal(e.to_string()))?;
                    self.writer.event(sensor, &json);
                }
            }
            self.in_record.1 += 1;
        }
        self.writer.key(line.key);
        self.unwritten.insert(line.key);
        self.in_turn.insert(line.key);
        self.in_record.0 += 1;
        Ok(Ok(()))
    }

    fn refuse(&mut self, line: &Waiting<'a>, problem: Problem) {
        self.answer.rejected += 1;
        if self.answer.reasons.len() < MOST_REASONS {
            self.answer.reasons.push(rejected(line.number, &problem));
        }
        if self.refused.len() < MOST_QUARANTINED {
            self.refused.push(Refused { raw: line.raw, occurrence: line.occurrence, problem });
        }
    }

    /// Makes the record durable and counts it as accepted.
    async fn flush(&mut self) -> Result<(), SensorError> {
        if self.writer.is_empty() {
            return Ok(());
        }
        let header = Header {
            v: 1,
            org: self.belongs.org,
            realm: self.belongs.realm,
            tlp: self.belongs.tlp,
            at: self.intake.env.now(),
            sensors: self.sensors.clone(),
            batch: None,
            keys: 0,
        };
        let bytes = finish(&self.writer, header)?;
        let (intake, lane, keys) = (self.intake.clone(), self.lane.take(), std::mem::take(&mut self.unwritten));
        // A task of its own, with the lane: when the sender hangs up, the keys still end as what the journal holds, and
        // nobody asks for them meanwhile.
        let written = tokio::spawn(async move {
            // Pending before durable: history may fold the record, and take its keys out again, before this goes on.
            intake.pending.keys().extend(&keys);
            let outcome = intake.append(bytes).await;
            if outcome.is_err() {
                let mut pending = intake.pending.keys();
                keys.iter().for_each(|key| {
                    pending.remove(key);
                });
            }
            (outcome, lane)
        });
        let (outcome, lane) = written.await.map_err(|error| SensorError::Journal(error.to_string()))?;
        self.lane = lane;
        outcome?;
        self.answer.accepted += self.in_record.0;
        self.answer.events += self.in_record.1;
        self.in_record = (0, 0);
        self.writer = Writer::new();
        Ok(())
    }

    /// The number of the foreign sensor within the record; its row is made when it is first heard of.
    async fn sensor(&mut self, name: &str) -> Result<Result<usize, Problem>, SensorError> {
        if let Some(number) = self.by_name.get(name) {
            return Ok(Ok(*number));
        }
        let id = importer_id(self.belongs.org, self.belongs.realm, self.format, name);
        let Some(lane) = &mut self.lane else { return Err(SensorError::Journal("the lane is lost".to_owned())) };
        if lane.importers.is_none() {
            lane.importers = Some(importers(&self.intake.db, self.belongs).await?);
        }
        let importers = lane.importers.get_or_insert_default();
        if !importers.contains(&id) {
            if importers.len() >= MOST_IMPORTERS {
                return Ok(Err(Problem::new(&TOO_MANY_SENSORS, base::code::excerpt(name))));
            }
            self.intake.add_importer(self.belongs, self.format, id, name).await?;
            importers.insert(id);
        }
        let number = self.sensors.len();
        self.sensors.push(id);
        self.by_name.insert(name.to_owned(), number);
        Ok(Ok(number))
    }
}

/// Importers of one organisation.
const MOST_IMPORTERS: usize = 1_000;

async fn importers(db: &Db, belongs: Belongs) -> Result<HashSet<SensorId>, SensorError> {
    const IMPORTERS: &str = "SELECT id FROM sensor WHERE org_id = $1 AND realm = $2 AND cert_serial IS NULL";
    let rows = db.system_read(KEY, IMPORTERS, params![belongs.org, belongs.realm]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect::<Result<_, StoreError>>()?)
}

impl Intake {
    async fn add_importer(
        &self,
        belongs: Belongs,
        format: Format,
        id: SensorId,
        name: &str,
    ) -> Result<(), SensorError> {
        let kind = match format {
            Format::Native => SensorKind::Native,
            Format::Cowrie => SensorKind::Cowrie,
            Format::Opencanary => SensorKind::Opencanary,
        };
        let plain: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let plain = clean(&plain, 96);
        // A sensor of ours, or of another format, may have the name: the id tells them apart, the name says which.
        let second = format!("{plain} ({})", format.word());
        let third = format!("{second} {id}");
        let mut outcome = Ok(());
        for name in [plain, second, third] {
            outcome = self.insert_importer(belongs, kind, id, &name).await;
            if !matches!(outcome, Err(StoreError::Duplicate(_))) {
                break;
            }
            // A request that was given up may have made it already.
            const THERE: &str = "SELECT id FROM sensor WHERE id = $1";
            if !self.db.system_read(KEY, THERE, params![id]).await?.is_empty() {
                return Ok(());
            }
        }
        Ok(outcome?)
    }

    async fn insert_importer(
        &self,
        belongs: Belongs,
        kind: SensorKind,
        id: SensorId,
        name: &str,
    ) -> Result<(), StoreError> {
        const ADD: &str =
            "INSERT INTO sensor (id, org_id, realm, tlp, name, kind, enrolled_at, sessions_total, events_total,
            rate, rate_at, rate_sessions, version) VALUES ($1,$2,$3,$4,$5,$6,$7,0,0,0.0,$7,0,1)";
        let now = self.env.now();
        let Belongs { org, realm, tlp } = belongs;
        let event = Envelope {
            id: self.env.id(),
            org,
            realm,
            tlp,
            at: now,
            event: Event::SensorEnrolled(SensorEnrolled { sensor: id, name: name.to_owned() }),
        };
        let unit = Unit::new(Actor::System("sensor".to_owned()), now)
            .exec_one(ADD, params![id, org, realm, tlp, name, kind.word(), now])
            .event(event);
        self.db.commit(unit).await.map(drop)
    }
}

/// Of one request so many rejected lines are kept.
pub(super) const MOST_QUARANTINED: usize = 100;
/// Of one organisation so many.
const MOST_KEPT: i64 = 10_000;
/// Of each line so many bytes.
const EXCERPT_BYTES: usize = 1_024;

/// Keeps rejected lines for inspection, bounded; a line that comes again only counts. Comes back with how many.
pub(super) async fn quarantine(
    db: &Db,
    now: Timestamp,
    belongs: Belongs,
    format: Format,
    refused: &[Refused<'_>],
) -> Result<u64, SensorError> {
    const KEEP: &str = "INSERT INTO quarantine (key, org_id, realm, tlp, format, at, code, detail, excerpt, times)
        VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,1)
        ON CONFLICT (key) DO UPDATE SET at = excluded.at, times = quarantine.times + 1";
    const DROP: &str = "DELETE FROM quarantine WHERE org_id = $1 AND key IN
        (SELECT key FROM quarantine WHERE org_id = $1 ORDER BY at DESC, key DESC LIMIT 1000 OFFSET $2)";
    if refused.is_empty() {
        return Ok(0);
    }
    let mut unit = Unit::new(Actor::System("sensor".to_owned()), now);
    let mut kept = 0;
    for line in refused.iter().take(MOST_QUARANTINED) {
        let raw = line.raw.get(..EXCERPT_BYTES).unwrap_or(line.raw);
        let row = params![
            logwire::lines::key(belongs.org, format, line.raw, line.occurrence),
            belongs.org,
            belongs.realm,
            belongs.tlp,
            format.word(),
            now,
            line.problem.code.id,
            clean(&line.problem.detail, EXCERPT_BYTES),
            clean(&String::from_utf8_lossy(raw), 4 * EXCERPT_BYTES),
        ];
        unit.push(KEEP, row, Expect::Rows(1));
        kept += 1;
    }
    unit.push(DROP, params![belongs.org, MOST_KEPT], Expect::Any);
    db.commit(unit).await?;
    Ok(kept)
}
