//! Long work: jobs that show progress, can be cancelled and survive a restart.
//!
//! A worker claims a job for the time of a lease and renews it with every progress report; when a process dies its
//! leases run out and another worker claims the job again. Every claim counts up `attempts`, and every later write of a
//! worker names its count: a worker that lost its lease writes nothing.

use base::{Coded as _, JobId, OrgId, Problem, Realm, Timestamp, Tlp};
use serde::Serialize;

use crate::clearance::Clearance;
use crate::db::Db;
use crate::error::StoreError;
use crate::page::{Page, Paged};
use crate::params;
use crate::sql::ScopedSql;
use crate::unit::{Actor, Unit};
use crate::value::{Row, Value};

/// Seconds a claim lasts without a sign of life.
pub const LEASE_SECONDS: i64 = 60;
/// Claims after which a job that never ends is given up: its worker dies of it.
pub const MOST_ATTEMPTS: u32 = 5;

const DUE: &str = "SELECT j.* FROM job j WHERE j.state = 'waiting' AND j.kind = $1 AND j.run_at <= $2 \
     ORDER BY j.run_at LIMIT 8";
const ABANDONED: &str = "SELECT j.* FROM job j WHERE j.state = 'running' AND j.kind = $1 AND j.lease_until < $2 \
     ORDER BY j.run_at LIMIT 8";
const ENQUEUE: &str = "INSERT INTO job (id, org_id, realm, tlp, kind, payload, state, done, total, attempts, \
     created_at, run_at, lease_until, finished_at, cancel, error) \
     VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, 0, 0, $7, $8, 0, NULL, 0, NULL)";
const CLAIM: &str = "UPDATE job SET state = 'running', attempts = attempts + 1, lease_until = $1 \
     WHERE id = $2 AND attempts = $3 AND state IN ('waiting', 'running')";
const BEAT: &str = "UPDATE job SET lease_until = $1, done = $2, total = $3 \
     WHERE id = $4 AND attempts = $5 AND state = 'running'";
const FINISH: &str = "UPDATE job SET state = $1, finished_at = $2, error = $3, run_at = $4, lease_until = 0 \
     WHERE id = $5 AND attempts = $6 AND state = 'running'";
const CANCEL: &str = "UPDATE job SET cancel = 1, \
     finished_at = CASE WHEN state = 'waiting' THEN CAST($2 AS BIGINT) ELSE finished_at END, \
     state = CASE WHEN state = 'waiting' THEN 'cancelled' ELSE state END \
     WHERE id = $1 AND state IN ('waiting', 'running')";
const GET: ScopedSql = ScopedSql::new("SELECT j.* FROM job j WHERE j.id = $1 AND {visible:j}");
const LIST: ScopedSql =
    ScopedSql::new("SELECT j.* FROM job j WHERE j.id < $1 AND {visible:j} ORDER BY j.id DESC LIMIT $2");
const PRUNE: &str = "DELETE FROM job WHERE finished_at IS NOT NULL AND finished_at < $1";
const NAME: &str = "job";

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody works on it yet.
    Waiting,
    /// Somebody works on it, or died of it.
    Running,
    /// It ended well.
    Done,
    /// It ended badly.
    Failed,
    /// A person ended it.
    Cancelled,
}

impl State {
    /// The stable word: `waiting`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled].into_iter().find(|s| s.word() == word)
    }
}

/// A job to be put in the queue.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Whose job it is.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Which work: `intel.import`.
    pub kind: &'static str,
    /// What the worker needs to know.
    pub payload: serde_json::Value,
    /// Not before this time.
    pub run_at: Timestamp,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose job it is.
    pub org: OrgId,
    /// Its realm.
    pub realm: Realm,
    /// Its marking.
    pub tlp: Tlp,
    /// Which work.
    pub kind: String,
    /// What the worker needs to know.
    pub payload: serde_json::Value,
    /// Where it stands.
    pub state: State,
    /// Steps done.
    pub done: u64,
    /// Steps in all, 0 while nobody knows.
    pub total: u64,
    /// How often it was claimed.
    pub attempts: u32,
    /// When it was put in the queue.
    pub created_at: Timestamp,
    /// Not before this time.
    pub run_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Whether a person asked for its end.
    pub cancel: bool,
    /// Why it failed.
    pub error: Option<String>,
}

/// How a worker ends a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It ended well.
    Done,
    /// It ended badly; nobody tries again.
    Failed(String),
    /// The worker obeyed the request to cancel.
    Cancelled,
    /// It did not work now; try again at that time.
    Again(Timestamp, String),
}

/// Adds a job to a unit: it is in the queue exactly if the unit is committed.
#[must_use]
pub fn enqueue(unit: Unit, job: &NewJob) -> Unit {
    let at = unit.at;
    unit.exec_one(
        ENQUEUE,
        params![job.id, job.org, job.realm, job.tlp, job.kind, job.payload.to_string(), at, job.run_at],
    )
}

/// Adds to a unit (with its audit leaf) that a job is cancelled: a waiting one at once, a running one when its worker
/// sees the flag. A job that has ended already is a [`StoreError::Conflict`].
#[must_use]
pub fn cancel(unit: Unit, id: JobId) -> Unit {
    let at = unit.at;
    unit.exec_one(CANCEL, params![id, at])
}

/// Claims the next job of one of these kinds for [`LEASE_SECONDS`].
///
/// # Errors
/// Those of [`Db::commit`].
pub async fn claim(db: &Db, kinds: &[&str]) -> Result<Option<Job>, StoreError> {
    let now = db.env().now();
    for kind in kinds {
        for query in [ABANDONED, DUE] {
            for row in db.query(query, params![*kind, now]).await? {
                let mut job = job(&row)?;
                let until = now.plus_secs(LEASE_SECONDS);
                let work = unit(db).exec_one(CLAIM, params![until, job.id, job.attempts]);
                match db.commit(work).await {
                    Ok(_) => job.attempts += 1,
                    // Another worker was faster.
                    Err(StoreError::Conflict(_)) => continue,
                    Err(failure) => return Err(failure),
                }
                if job.cancel {
                    finish(db, &job, &End::Cancelled, unit(db)).await?;
                } else if job.attempts > MOST_ATTEMPTS {
                    let why = format!("given up: its worker died {MOST_ATTEMPTS} times");
                    finish(db, &job, &End::Failed(why), unit(db)).await?;
                } else {
                    job.state = State::Running;
                    return Ok(Some(job));
                }
            }
        }
    }
    Ok(None)
}

/// Reports progress and renews the lease; comes back with whether the job shall be cancelled.
///
/// # Errors
/// [`StoreError::Conflict`] when the lease was lost: stop, another worker has the job.
pub async fn heartbeat(db: &Db, job: &Job, done: u64, total: u64) -> Result<bool, StoreError> {
    let until = db.env().now().plus_secs(LEASE_SECONDS);
    db.commit(unit(db).exec_one(BEAT, params![until, done, total, job.id, job.attempts])).await?;
    let rows = db.query("SELECT cancel FROM job WHERE id = $1", params![job.id]).await?;
    rows.first().map_or(Ok(true), |row| row.get("cancel"))
}

/// Ends a job together with its output: both or neither become true.
///
/// # Errors
/// [`StoreError::Conflict`] when the lease was lost.
pub async fn finish(db: &Db, job: &Job, end: &End, output: Unit) -> Result<(), StoreError> {
    let now = db.env().now();
    let (state, at, error, again) = match end {
        End::Done => (State::Done, Some(now), None, job.run_at),
        End::Failed(why) => (State::Failed, Some(now), Some(why.as_str()), job.run_at),
        End::Cancelled => (State::Cancelled, Some(now), None, job.run_at),
        End::Again(again, why) => (State::Waiting, None, Some(why.as_str()), *again),
    };
    let row = params![state.word(), at, error, again, job.id, job.attempts];
    db.commit(output.exec_one(FINISH, row)).await.map(drop)
}

/// One job, if the clearance sees it.
///
/// # Errors
/// Those of [`Db::read`].
pub async fn get(db: &Db, who: &Clearance, id: JobId) -> Result<Option<Job>, StoreError> {
    db.read(GET, who, params![id]).await?.first().map(job).transpose()
}

/// The jobs a clearance sees, newest first.
///
/// # Errors
/// `LF-STO-0009` for a foreign cursor, and those of [`Db::read`].
pub async fn list(db: &Db, who: &Clearance, page: &Page) -> Result<Paged<Job>, Problem> {
    let mut params = page.keys(NAME)?.unwrap_or_else(|| params![uuid::Uuid::max()]);
    params.push(Value::Int(page.fetch()));
    let rows = db.read(LIST, who, params).await.map_err(|e| e.problem())?;
    let jobs = rows.iter().map(job).collect::<Result<Vec<_>, _>>().map_err(|e| e.problem())?;
    Ok(Paged::cut(jobs, page, NAME, |last| params![last.id]))
}

/// Deletes jobs that ended before a time; comes back with how many.
///
/// # Errors
/// Those of [`Db::commit`].
pub async fn prune(db: &Db, before: Timestamp) -> Result<u64, StoreError> {
    let done = db.commit(unit(db).exec(PRUNE, params![before])).await?;
    Ok(done.rows.first().copied().unwrap_or(0))
}

fn unit(db: &Db) -> Unit {
    Unit::new(Actor::System("store".into()), db.env().now())
}

fn job(row: &Row) -> Result<Job, StoreError> {
    let payload: String = row.get("payload")?;
    let state: String = row.get("state")?;
    Ok(Job {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        kind: row.get("kind")?,
        payload: serde_json::from_str(&payload).map_err(|e| StoreError::Shape(format!("job payload: {e}")))?,
        state: State::of(&state).ok_or_else(|| StoreError::Shape(format!("job state {state}")))?,
        done: row.get("done")?,
        total: row.get("total")?,
        attempts: row.get("attempts")?,
        created_at: row.get("created_at")?,
        run_at: row.get("run_at")?,
        finished_at: row.get("finished_at")?,
        cancel: row.get("cancel")?,
        error: row.get("error")?,
    })
}
