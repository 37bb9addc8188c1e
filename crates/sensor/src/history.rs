//! Attack history: a worker that reads the journal from its cursor and folds events into sessions, campaigns and
//! observables. What a batch of records changes is committed together with the cursor: exactly once, whatever crashes.

mod campaigns;
mod fleetwide;
mod flood;
mod load;
pub(crate) mod observables;
mod session;
mod tries;

pub(crate) use flood::STEPS;
pub(crate) use load::{KEY, by_keys, in64};

use base::{Env, SensorId, SessionId, Timestamp};
use journal::{Journal, Position};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use store::{Actor, Db, Expect, Unit, Value, params};
use tokio_util::sync::CancellationToken;

use crate::error::SensorError;
use crate::intake::{EPOCHS_KEPT, Intake, Pending, Ranges, journal_error};
use crate::landscape::Landscape;
use crate::record::Record;
use fleetwide::Fleetwide;
use observables::Around;
use session::{Known, Touched, Work};

/// How much of the journal one commit folds.
const STEP_BYTES: usize = 1 << 20;
/// Idle sessions, fading observables or changed campaigns looked at in one commit.
const IDLE_STEP: i64 = 500;
/// Sessions kept in memory, in each of two generations.
const CACHED: usize = 8_192;
/// Rows about minutes are kept so long: floods are a matter of minutes.
const MINUTES_KEPT_SECS: i64 = 2 * 86_400;
/// The consumer's name in `journal_cursor`.
const CONSUMER: &str = "sensor.history";

/// How far history has folded the journal: the journal must not go on before it ([`Journal::open_behind`]).
///
/// # Errors
/// [`SensorError::Store`].
pub async fn read_cursor(db: &Db) -> Result<Position, SensorError> {
    const READ: &str = "SELECT at FROM journal_cursor WHERE consumer = $1";
    let rows = db.system_read(KEY, READ, params![CONSUMER]).await?;
    let at: u64 = rows.first().map_or(Ok(0), |row| row.get("at"))?;
    Ok(Position::from_u64(at))
}

/// Sessions in memory: the young generation takes what is used; when it is full it becomes the old one.
#[derive(Debug, Default)]
struct Cache {
    young: HashMap<SessionId, Arc<Known>>,
    old: HashMap<SessionId, Arc<Known>>,
}

impl Cache {
    fn get(&self, id: SessionId) -> Option<Arc<Known>> {
        self.young.get(&id).or_else(|| self.old.get(&id)).cloned()
    }

    fn put(&mut self, id: SessionId, known: Known) {
        if self.young.len() >= CACHED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, Arc::new(known));
    }
}

/// The worker. There is one for each centre.
#[derive(Debug)]
pub struct History {
    db: Db,
    env: Env,
    journal: Journal,
    pending: Arc<Pending>,
    landscape: Arc<dyn Landscape>,
    cache: Cache,
    fleet: Fleetwide,
    cursor: Position,
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Folded {
    /// Records read.
    pub records: usize,
    /// Events folded.
    pub events: usize,
    /// Sessions touched.
    pub sessions: usize,
}

impl History {
    /// The worker behind an intake.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn open(intake: &Intake, landscape: Arc<dyn Landscape>) -> Result<Self, SensorError> {
        Ok(Self {
            db: intake.db().clone(),
            env: intake.env().clone(),
            journal: intake.journal().clone(),
            pending: intake.pending(),
            landscape,
            cache: Cache::default(),
            fleet: Fleetwide::default(),
            cursor: read_cursor(intake.db()).await?,
        })
    }

    /// Works until it is cancelled; a failure of the store is tried again, nothing is skipped.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut head = self.journal.head();
        let mut failures = 0_u32;
        while !cancel.is_cancelled() {
            let pause = match self.catch_up().await {
                Ok(()) => {
                    failures = 0;
                    Duration::from_secs(1)
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    tracing::error!(%error, failures, "attack history does not get on; it will try again");
                    self.start_over().await;
                    Duration::from_millis(200 << failures.min(6))
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = head.changed(), if failures == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Goes back to what the database says. A commit whose answer was lost may have happened: what is in memory would
    /// then be folded a second time, and refused, for ever.
    async fn start_over(&mut self) {
        self.cache = Cache::default();
        match read_cursor(&self.db).await {
            Ok(cursor) => self.cursor = cursor,
            // The next attempt fails too and comes back here.
            Err(error) => tracing::warn!(%error, "the cursor of the attack history cannot be read"),
        }
    }

    /// Folds everything that is in the journal, looks at idle sessions and lets the journal drop what was read.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Journal`]; what was not committed is folded again by the next call.
    pub async fn catch_up(&mut self) -> Result<(), SensorError> {
        while self.step().await?.is_some() {}
        while self.idle().await? == IDLE_STEP as usize {}
        while self.fade().await? == IDLE_STEP as usize {}
        while self.refresh().await? == IDLE_STEP as usize {}
        self.journal.release_before(self.read_by_all().await?).await.map_err(journal_error)?;
        Ok(())
    }

    /// What every consumer of the journal has read: segments before it serve nobody any more.
    async fn read_by_all(&self) -> Result<Position, SensorError> {
        let rows = self.db.system_read(KEY, "SELECT MIN(at) AS at FROM journal_cursor", params![]).await?;
        let least: Option<u64> = rows.first().map_or(Ok(None), |row| row.get("at"))?;
        Ok(least.map_or(self.cursor, |least| Position::from_u64(least).min(self.cursor)))
    }

    /// Folds one part of the journal; none when everything is folded.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Journal`].
    pub async fn step(&mut self) -> Result<Option<Folded>, SensorError> {
        let batch = self.journal.read(self.cursor, STEP_BYTES).await.map_err(journal_error)?;
        if batch.next == self.cursor {
            return Ok(None);
        }
        let mut work = Work::new();
        let mut side = Side::default();
        for (position, bytes) in &batch.records {
            let Some(record) = Record::parse(bytes) else {
                tracing::error!(at = position.as_u64(), "a record of the journal is not of a known form");
                continue;
            };
            side.take(&record);
            for (sensor, json) in record.events() {
                match logwire::native::parse(json) {
                    Ok(event) => session::add(&mut work, &record.header, sensor, position.as_u64(), event, json),
                    Err(problem) => {
                        tracing::error!(at = position.as_u64(), %problem, "an accepted event cannot be read")
                    }
                }
            }
        }
        self.load(&mut work).await?;
        let folded = Folded { records: batch.records.len(), events: side.events(&work), sessions: work.len() };
        self.commit(work, side, Some(batch.next)).await?;
        Ok(Some(folded))
    }

    /// Completes sessions that were never closed. Comes back with how many it looked at.
    async fn idle(&mut self) -> Result<usize, SensorError> {
        let due = session::due(&self.db, self.env.now(), IDLE_STEP).await?;
        let count = due.len();
        if count > 0 {
            let work = due.into_iter().map(|(id, known)| (id, Touched::idle(&Arc::new(known)))).collect();
            self.commit(work, Side::default(), None).await?;
        }
        Ok(count)
    }

    /// Lets scores leave their bands when nothing new was seen. Comes back with how many did.
    async fn fade(&mut self) -> Result<usize, SensorError> {
        let now = self.env.now();
        self.fleet.renew(&self.db, now).await?;
        let mut unit = Unit::new(Actor::System("sensor".to_owned()), now);
        let around = Around { db: &self.db, env: &self.env, landscape: &*self.landscape, fleet: &self.fleet };
        let count = observables::fade(&around, IDLE_STEP, &mut unit).await?;
        if count > 0 {
            self.db.commit(unit).await?;
        }
        Ok(count)
    }

    async fn refresh(&self) -> Result<usize, SensorError> {
        campaigns::refresh(&self.db, &*self.landscape, &self.fleet, IDLE_STEP, self.env.now()).await
    }

    async fn load(&self, work: &mut Work) -> Result<(), SensorError> {
        let mut missing = Vec::new();
        for (id, touched) in work.iter_mut() {
            touched.before = self.cache.get(*id);
            if touched.before.is_none() {
                missing.push(*id);
            }
        }
        for (id, known) in session::load(&self.db, missing).await? {
            if let Some(touched) = work.get_mut(&id) {
                touched.before = Some(Arc::new(known));
            }
        }
        Ok(())
    }

    async fn commit(&mut self, mut work: Work, mut side: Side, next: Option<Position>) -> Result<(), SensorError> {
        let now = self.env.now();
        let actor = Actor::System("sensor".to_owned());
        self.fleet.renew(&self.db, now).await?;
        for touched in work.values_mut() {
            touched.settle(&self.fleet.words(touched.head.org, &*self.landscape));
        }
        let (mut unit, mut late) = (Unit::new(actor.clone(), now), Unit::new(actor, now));
        tries::settle(&self.db, &mut work, now, &mut unit).await?;
        flood::settle(&self.db, &mut work, &mut late).await?;
        let book = campaigns::join(&self.db, &self.env, &mut work, &mut unit).await?;
        for (id, touched) in &work {
            session::write(*id, touched, now, &mut unit)?;
        }
        unit = unit.and(late);
        let around = Around { db: &self.db, env: &self.env, landscape: &*self.landscape, fleet: &self.fleet };
        observables::assess(&around, &work, &book, &mut unit).await?;
        side.write(&self.db, &work, now, &mut unit).await?;
        if let Some(next) = next {
            unit.push(MOVE_CURSOR, params![CONSUMER, next.as_u64(), self.cursor.as_u64()], Expect::Rows(1));
            unit.push(DROP_MINUTES, params![now.plus_secs(-MINUTES_KEPT_SECS)], Expect::Any);
        }
        self.db.commit(unit).await?;
        self.committed(work, &side, next);
        Ok(())
    }

    fn committed(&mut self, work: Work, side: &Side, next: Option<Position>) {
        if let Some(next) = next {
            self.cursor = next;
        }
        for (id, touched) in work {
            self.cache.put(id, touched.into_known());
        }
        {
            let mut pending = self.pending.keys();
            for key in &side.keys {
                pending.remove(key);
            }
        }
        for ((sensor, epoch), taken) in &side.epochs {
            self.pending.forget(*sensor, *epoch, taken);
        }
    }
}

/// Only from where this worker believes it stands.
const MOVE_CURSOR: &str = "INSERT INTO journal_cursor (consumer, at) VALUES ($1, $2)
    ON CONFLICT (consumer) DO UPDATE SET at = excluded.at WHERE journal_cursor.at = $3";
const DROP_MINUTES: &str = "DELETE FROM attack_minute WHERE minute < $1";

/// What records hold besides events.
#[derive(Debug, Default)]
struct Side {
    keys: Vec<[u8; 32]>,
    epochs: BTreeMap<(SensorId, u64), Ranges>,
    arrived: BTreeMap<SensorId, Timestamp>,
}

impl Side {
    fn take(&mut self, record: &Record<'_>) {
        self.keys.extend(record.keys());
        for sensor in &record.header.sensors {
            let at = self.arrived.entry(*sensor).or_insert(record.header.at);
            *at = record.header.at.max(*at);
        }
        if let (Some(batch), Some(sensor)) = (&record.header.batch, record.header.sensors.first()) {
            let ranges = Ranges::from(batch.taken.clone());
            self.epochs.entry((*sensor, batch.epoch)).or_default().extend(&ranges);
        }
    }

    #[allow(clippy::unused_self, reason = "the count belongs to the step, beside the rest of what it read")]
    fn events(&self, work: &Work) -> usize {
        work.values().map(Touched::fresh).sum()
    }

    async fn write(&mut self, db: &Db, work: &Work, now: Timestamp, unit: &mut Unit) -> Result<(), SensorError> {
        const LOAD_EPOCH: &str = "SELECT taken FROM sensor_epoch WHERE sensor_id = $1 AND epoch = $2";
        const WRITE_EPOCH: &str = "INSERT INTO sensor_epoch (sensor_id, epoch, taken, at) VALUES ($1,$2,$3,$4)
            ON CONFLICT (sensor_id, epoch) DO UPDATE SET taken = excluded.taken, at = excluded.at";
        const DROP_EPOCHS: &str = "DELETE FROM sensor_epoch WHERE sensor_id = $1 AND epoch NOT IN
            (SELECT epoch FROM sensor_epoch WHERE sensor_id = $1 ORDER BY at DESC, epoch DESC LIMIT $2)";
        const COUNT: &str = "UPDATE sensor SET sessions_total = sessions_total + $2, events_total = events_total + $3,
            last_event = CASE WHEN last_event IS NULL OR last_event < $4 THEN $4 ELSE last_event END WHERE id = $1";
        let shape = |e: serde_json::Error| store::StoreError::Shape(e.to_string());
        for ((sensor, epoch), ranges) in &mut self.epochs {
            if let Some(row) = db.system_read(KEY, LOAD_EPOCH, params![*sensor, *epoch]).await?.first() {
                let text: String = row.get("taken")?;
                ranges.extend(&serde_json::from_str(&text).map_err(shape)?);
            }
            let text = serde_json::to_string(ranges).map_err(shape)?;
            unit.push(WRITE_EPOCH, params![*sensor, *epoch, text, now], Expect::Rows(1));
        }
        for sensor in self.epochs.keys().map(|(sensor, _)| *sensor).collect::<BTreeSet<_>>() {
            unit.push(DROP_EPOCHS, params![sensor, EPOCHS_KEPT as i64], Expect::Any);
        }
        let mut counts: BTreeMap<SensorId, (i64, i64)> = BTreeMap::new();
        for touched in work.values() {
            let entry = counts.entry(touched.head.sensor).or_default();
            entry.0 += i64::from(touched.before.is_none());
            entry.1 += touched.fresh() as i64;
        }
        for (sensor, (sessions, events)) in counts {
            if let Some(at) = self.arrived.get(&sensor) {
                unit.push(COUNT, params![sensor, sessions, events, *at], Expect::Any);
            }
        }
        write_keys(&self.keys, now, unit);
        Ok(())
    }
}

/// Keys, 64 a statement.
fn write_keys(keys: &[[u8; 32]], now: Timestamp, unit: &mut Unit) {
    for chunk in keys.chunks(load::PLACES) {
        let last = chunk.last().into_iter().cycle();
        let places = chunk.iter().chain(last).take(load::PLACES);
        let row: Vec<Value> = std::iter::once(Value::from(now)).chain(places.map(|key| Value::from(*key))).collect();
        unit.push(WRITE_KEYS, row, Expect::Any);
    }
}

const WRITE_KEYS: &str = "INSERT INTO ingest_key (at, key) VALUES \
($1,$2),($1,$3),($1,$4),($1,$5),($1,$6),($1,$7),($1,$8),($1,$9),($1,$10),($1,$11),($1,$12),($1,$13),($1,$14),($1,$15),\
($1,$16),($1,$17),($1,$18),($1,$19),($1,$20),($1,$21),($1,$22),($1,$23),($1,$24),($1,$25),($1,$26),($1,$27),($1,$28),\
($1,$29),($1,$30),($1,$31),($1,$32),($1,$33),($1,$34),($1,$35),($1,$36),($1,$37),($1,$38),($1,$39),($1,$40),($1,$41),\
($1,$42),($1,$43),($1,$44),($1,$45),($1,$46),($1,$47),($1,$48),($1,$49),($1,$50),($1,$51),($1,$52),($1,$53),($1,$54),\
($1,$55),($1,$56),($1,$57),($1,$58),($1,$59),($1,$60),($1,$61),($1,$62),($1,$63),($1,$64),($1,$65) \
ON CONFLICT (key) DO NOTHING";
