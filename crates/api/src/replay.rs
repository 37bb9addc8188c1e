//! The memory of idempotency keys: what a caller asked under a key and how it was answered, for a day.
//!
//! A row is made before the work and settled after it, so that a key is never worked on twice: not by two requests at
//! once, not after a crash in the middle. What happens on the wire is in [`crate::idempotency`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use access::Caller;
use base::{Env, Tlp};
use store::{Actor, Db, Migration, Row, StoreError, SystemKey, Unit, params};

/// How long an answer is kept, in seconds.
pub const KEPT: i64 = 24 * 3_600;
/// How many keys of one caller are kept at a time.
pub const KEYS: i64 = 5_000;
/// The longest answer that is kept; the answers of commands are far shorter.
pub const ANSWER_BYTES: usize = 16 * 1024;

const KEY: SystemKey = SystemKey::of("api");

/// The migrations of this room, 700 to 799.
pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 700,
    name: "idempotency",
    sql: "
CREATE TABLE idempotency (
  caller @text NOT NULL, key @text NOT NULL, org_id @id NOT NULL, tlp @int NOT NULL, realm @text NOT NULL,
  print @bytes NOT NULL, state @text NOT NULL, status @int NOT NULL, kind @text, etag @text, body @bytes NOT NULL,
  started_at @int NOT NULL, ends_at @int NOT NULL, PRIMARY KEY (caller, key)
) @strict;
CREATE INDEX idempotency_caller ON idempotency (caller, ends_at);
CREATE INDEX idempotency_ends ON idempotency (ends_at);
",
}];

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub kind: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What is known about a key when a request comes with it.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: the work may begin. The turn ends when it is dropped.
    Fresh(Turn),
    /// It was done; this was answered.
    Done(Kept),
    /// It was done; what it answered is not kept whole (a secret, or too long). The body holds what may be shown.
    Spent(Kept),
    /// The key belongs to another request.
    Reused,
    /// It is being worked on.
    Running,
    /// It began, and its end is not known.
    Unknown,
    /// The caller has too many keys.
    Full,
}

/// How work under a key ended.
#[derive(Debug)]
pub enum End {
    /// Done: the answer is repeated from now on.
    Done(Kept),
    /// Done, but only this much of the answer may be shown again.
    Spent(Kept),
    /// Nothing was done: the key is free again.
    Released,
    /// It broke in the middle.
    Unknown,
}

type Running = Arc<Mutex<HashMap<(String, String), [u8; 32]>>>;

/// The right to work under a key; only one exists per caller and key in this process.
#[derive(Debug)]
pub struct Turn {
    running: Running,
    name: (String, String),
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

/// The memory, cheap to clone.
#[derive(Debug, Clone)]
pub struct Replays {
    db: Db,
    env: Env,
    running: Running,
}

impl Replays {
    /// Over a migrated store.
    #[must_use]
    pub fn new(db: Db, env: Env) -> Self {
        Self { db, env, running: Running::default() }
    }

    /// Asks for the turn to work under `key`; `who` names the caller and `print` the request.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn begin(&self, caller: &Caller, who: &str, key: &str, print: [u8; 32]) -> Result<Begun, StoreError> {
        let name = (who.to_owned(), key.to_owned());
        // From here on this process has one turn per key: a row that says `running` was left by somebody who ended.
        let turn = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            match running.get(&name) {
                Some(other) if *other == print => return Ok(Begun::Running),
                Some(_) => return Ok(Begun::Reused),
                None => running.insert(name.clone(), print),
            };
            Turn { running: self.running.clone(), name }
        };
        let now = self.env.now();
        let sql = "SELECT print, state, status, kind, etag, body FROM idempotency \
                   WHERE caller = $1 AND key = $2 AND ends_at > $3";
        if let Some(row) = self.db.system_read(KEY, sql, params![who, key, now]).await?.first() {
            return known(row, &print);
        }
        let sql = "SELECT COUNT(*) AS n FROM idempotency WHERE caller = $1 AND ends_at > $2";
        let held: i64 = match self.db.system_read(KEY, sql, params![who, now]).await?.first() {
            Some(row) => row.get("n")?,
            None => 0,
        };
        if held >= KEYS {
            return Ok(Begun::Full);
        }
        let unit = self
            .unit()
            .exec("DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND ends_at <= $3", params![who, key, now])
            .exec(
                "INSERT INTO idempotency (caller, key, org_id, tlp, realm, print, state, status, body, started_at, \
                 ends_at) VALUES ($1, $2, $3, $4, $5, $6, 'running', 0, $7, $8, $9)",
                params![
                    who,
                    key,
                    caller.org(),
                    Tlp::AmberStrict,
                    caller.realm(),
                    print.to_vec(),
                    Vec::<u8>::new(),
                    now,
                    now.plus_secs(KEPT)
                ],
            );
        match self.db.commit(unit).await {
            Ok(_) => Ok(Begun::Fresh(turn)),
            // Another node of the centre took it at this moment.
            Err(StoreError::Duplicate(_)) => Ok(Begun::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Writes down how the work of a turn ended.
    ///
    /// # Errors
    /// Those of the store; the key then answers that its end is not known.
    pub async fn end(&self, turn: &Turn, end: End) -> Result<(), StoreError> {
        const SETTLE: &str = "UPDATE idempotency SET state = $3, status = $4, kind = $5, etag = $6, body = $7 \
                              WHERE caller = $1 AND key = $2";
        let (who, key) = (turn.name.0.as_str(), turn.name.1.as_str());
        let (state, kept) = match end {
            End::Done(kept) => ("done", kept),
            End::Spent(kept) => ("spent", kept),
            End::Unknown => ("unknown", Kept { status: 0, kind: None, etag: None, body: Vec::new() }),
            End::Released => {
                let sql = "DELETE FROM idempotency WHERE caller = $1 AND key = $2";
                return self.db.commit(self.unit().exec(sql, params![who, key])).await.map(drop);
            }
        };
        let values = params![who, key, state, i64::from(kept.status), kept.kind, kept.etag, kept.body];
        self.db.commit(self.unit().exec(SETTLE, values)).await.map(drop)
    }

    /// Forgets what is older than a day; the scheduler calls it every hour.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE ends_at <= $1";
        self.db.commit(self.unit().exec(sql, params![self.env.now()])).await.map(drop)
    }

    fn unit(&self) -> Unit {
        Unit::new(Actor::System("api".to_owned()), self.env.now())
    }
}

fn known(row: &Row, print: &[u8; 32]) -> Result<Begun, StoreError> {
    if row.get::<Vec<u8>>("print")? != print {
        return Ok(Begun::Reused);
    }
    let kept = Kept {
        status: u16::try_from(row.get::<i64>("status")?).unwrap_or(500),
        kind: row.get("kind")?,
        etag: row.get("etag")?,
        body: row.get("body")?,
    };
    Ok(match row.get::<String>("state")?.as_str() {
        "done" => Begun::Done(kept),
        "spent" => Begun::Spent(kept),
        _ => Begun::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{OrgId, Realm};

    const ONE: [u8; 32] = [1; 32];

    fn caller(env: &Env) -> Caller {
        Caller::system(SystemKey::of("test"), env.id::<OrgId>(), Realm::Real)
    }

    fn answer() -> Kept {
        Kept { status: 201, kind: Some("application/json".into()), etag: Some("\"v1\"".into()), body: b"{}".to_vec() }
    }

    async fn fresh(replays: &Replays, caller: &Caller, who: &str, key: &str) -> Turn {
        match replays.begin(caller, who, key, ONE).await.unwrap() {
            Begun::Fresh(turn) => turn,
            other => panic!("{who} {key}: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_key_is_worked_on_once_and_repeated_for_a_day() {
        testkit::each_db_at(&[MIGRATIONS], |db, env, clock| async move {
            let (replays, caller) = (Replays::new(db.clone(), env.clone()), caller(&env));
            let turn = fresh(&replays, &caller, "token:1", "k").await;
            assert!(matches!(replays.begin(&caller, "token:1", "k", ONE).await.unwrap(), Begun::Running));
            assert!(matches!(replays.begin(&caller, "token:1", "k", [2; 32]).await.unwrap(), Begun::Reused));
            // The same key of somebody else is another key.
            drop(fresh(&replays, &caller, "token:2", "k").await);
            replays.end(&turn, End::Done(answer())).await.unwrap();
            drop(turn);
            // A new process finds it too.
            let later = Replays::new(db, env);
            clock.advance_secs(KEPT - 1);
            match later.begin(&caller, "token:1", "k", ONE).await.unwrap() {
                Begun::Done(kept) => assert_eq!(kept, answer()),
                other => panic!("{other:?}"),
            }
            assert!(matches!(later.begin(&caller, "token:1", "k", [2; 32]).await.unwrap(), Begun::Reused));
            clock.advance_secs(1);
            let turn = fresh(&later, &caller, "token:1", "k").await;
            later.end(&turn, End::Released).await.unwrap();
            drop(turn);
            drop(fresh(&later, &caller, "token:1", "k").await);
        })
        .await;
    }

    #[tokio::test]
    async fn what_broke_in_the_middle_is_never_repeated_by_itself() {
        testkit::each_db(&[MIGRATIONS], |db, env| async move {
            let (replays, caller) = (Replays::new(db.clone(), env.clone()), caller(&env));
            // The process ended before the work did.
            drop(fresh(&replays, &caller, "token:1", "crash").await);
            let later = Replays::new(db, env);
            assert!(matches!(later.begin(&caller, "token:1", "crash", ONE).await.unwrap(), Begun::Unknown));
            let turn = fresh(&later, &caller, "token:1", "broke").await;
            later.end(&turn, End::Unknown).await.unwrap();
            drop(turn);
            assert!(matches!(later.begin(&caller, "token:1", "broke", ONE).await.unwrap(), Begun::Unknown));
        })
        .await;
    }

    #[tokio::test]
    async fn keys_are_bounded_and_swept() {
        const MANY: &str = "INSERT INTO idempotency (caller, key, org_id, tlp, realm, print, state, status, body, \
                            started_at, ends_at) VALUES ($1, $2, $3, 2, 'real', $4, 'done', 204, $4, $5, $6)";
        testkit::each_db_at(&[MIGRATIONS], |db, env, clock| async move {
            let (replays, caller) = (Replays::new(db.clone(), env.clone()), caller(&env));
            let (now, ends) = (env.now(), env.now().plus_secs(KEPT));
            let unit = (0..KEYS).fold(replays.unit(), |unit, n| {
                let values = params!["token:1", format!("k{n}"), caller.org(), Vec::<u8>::new(), now, ends];
                unit.exec(MANY, values)
            });
            db.commit(unit).await.unwrap();
            assert!(matches!(replays.begin(&caller, "token:1", "new", ONE).await.unwrap(), Begun::Full));
            drop(fresh(&replays, &caller, "token:2", "new").await);
            clock.advance_secs(KEPT);
            replays.sweep().await.unwrap();
            let left = "SELECT COUNT(*) AS n FROM idempotency";
            let rows = db.system_read(KEY, left, Vec::new()).await.unwrap();
            assert_eq!(rows[0].get::<i64>("n").unwrap(), 0);
            drop(fresh(&replays, &caller, "token:1", "new").await);
        })
        .await;
    }
}
