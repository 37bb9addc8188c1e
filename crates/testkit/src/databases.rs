//! One test body, both databases.

use base::{Env, ManualClock};
use futures::FutureExt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use store::{Db, Migration};
use tempfile::TempDir;

use crate::{START, folder, postgres, skip};

/// Runs the body on SQLite and then on PostgreSQL, each with a fresh migrated database and a clock that stands still.
///
/// Without PostgreSQL on the machine the second half is skipped and counted in `target/testkit/skipped.txt`; with
/// `STRICT=1` it fails.
///
/// # Panics
/// When a database cannot be made, or the body panics.
pub async fn each_db<F, Fut>(schema: &[&[Migration]], body: F)
where
    F: Fn(Db, Env) -> Fut,
    Fut: Future<Output = ()>,
{
    each_db_at(schema, |db, env, _| body(db, env)).await;
}

/// Like [`each_db`], with the clock in the hand of the body.
///
/// # Panics
/// When a database cannot be made, or the body panics.
pub async fn each_db_at<F, Fut>(schema: &[&[Migration]], body: F)
where
    F: Fn(Db, Env, Arc<ManualClock>) -> Fut,
    Fut: Future<Output = ()>,
{
    let (env, clock) = Env::fixed(START, 7);
    let (db, _folder) = sqlite(schema, env.clone()).await;
    println!("database: SQLite");
    body(db.clone(), env, clock).await;
    db.close().await;
    on_postgres(schema, body).await;
}

/// A fresh migrated SQLite database in a folder that goes away with the second value.
///
/// # Panics
/// When it cannot be made.
#[allow(clippy::expect_used, reason = "a test without its database has nothing to go on with")]
pub async fn sqlite(schema: &[&[Migration]], env: Env) -> (Db, TempDir) {
    let folder = folder();
    let db = Db::open_sqlite(&folder.path().join("state.db"), env).await.expect("a fresh SQLite file");
    db.migrate(schema).await.expect("the migrations on SQLite");
    (db, folder)
}

/// Runs the body with two nodes of one centre: two stores on one PostgreSQL database. Skipped without PostgreSQL.
///
/// # Panics
/// When the database cannot be made, or the body panics.
pub async fn two_nodes<F, Fut>(schema: &[&[Migration]], body: F)
where
    F: Fn(Db, Db, Env) -> Fut,
    Fut: Future<Output = ()>,
{
    on_fresh_postgres(schema, async |url| {
        let (env, _) = Env::fixed(START, 7);
        let (one, two) = (connect(url, &env).await, connect(url, &env).await);
        body(one.clone(), two.clone(), env).await;
        one.close().await;
        two.close().await;
    })
    .await;
}

async fn on_postgres<F, Fut>(schema: &[&[Migration]], body: F)
where
    F: Fn(Db, Env, Arc<ManualClock>) -> Fut,
    Fut: Future<Output = ()>,
{
    on_fresh_postgres(schema, async |url| {
        let (env, clock) = Env::fixed(START, 7);
        let db = connect(url, &env).await;
        body(db.clone(), env, clock).await;
        db.close().await;
    })
    .await;
}

#[allow(clippy::expect_used, reason = "a test without its database has nothing to go on with")]
async fn connect(url: &str, env: &Env) -> Db {
    Db::open_postgres(url, env.clone()).await.expect("a connection to PostgreSQL")
}

/// The database goes away even if the body panics.
#[allow(clippy::expect_used, reason = "a test without its database has nothing to go on with")]
async fn on_fresh_postgres(schema: &[&[Migration]], body: impl AsyncFnOnce(&str)) {
    let Some(cluster) = postgres::cluster().expect("a PostgreSQL cluster for the tests") else {
        return skip("postgresql");
    };
    let name = cluster.fresh(schema).await.expect("a fresh PostgreSQL database");
    println!("database: PostgreSQL");
    let url = cluster.url(&name);
    let outcome = AssertUnwindSafe(body(&url)).catch_unwind().await;
    cluster.drop_database(&name).await.expect("the database is dropped");
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use store::{Engine, SystemKey, params};

    const SCHEMA: &[Migration] =
        &[Migration { number: 90, name: "t", sql: "CREATE TABLE t (id @int PRIMARY KEY) @strict;" }];

    #[tokio::test]
    async fn both_engines_see_the_body_with_a_fresh_schema() {
        let seen = Mutex::new(Vec::new());
        for _ in 0..2 {
            each_db_at(&[SCHEMA], |db, env, clock| {
                seen.lock().unwrap().push(db.engine());
                async move {
                    let unit = store::Unit::new(store::Actor::Stranger, env.now());
                    db.commit(unit.exec_one("INSERT INTO t (id) VALUES ($1)", params![1])).await.unwrap();
                    let rows = db.system_read(SystemKey::of("test"), "SELECT id FROM t", params![]).await.unwrap();
                    assert_eq!(rows.len(), 1);
                    clock.advance_secs(1);
                    assert_eq!(env.now(), START.plus_secs(1));
                }
            })
            .await;
        }
        let seen = seen.into_inner().unwrap();
        assert_eq!(seen.iter().filter(|engine| **engine == Engine::Sqlite).count(), 2);
        let there = postgres::cluster().unwrap().is_some();
        assert_eq!(seen.contains(&Engine::Postgres), there);
    }

    #[tokio::test]
    async fn a_panic_of_the_body_fails_the_test() {
        let run = tokio::spawn(async {
            each_db(&[], |db, _| async move { assert_eq!(db.engine(), Engine::Sqlite, "only one engine") }).await;
        });
        let failed = run.await.is_err_and(|e| e.is_panic());
        assert_eq!(failed, postgres::cluster().unwrap().is_some());
    }
}

/// A PostgreSQL database for a program under test, dropped by [`Scratch::remove`].
#[derive(Debug)]
pub struct Scratch {
    url: String,
    name: String,
}

#[allow(clippy::expect_used, reason = "a test that cannot have its database ends here")]
impl Scratch {
    /// A fresh database; none (and counted as skipped) where PostgreSQL is not installed.
    ///
    /// # Panics
    /// When the cluster cannot be started.
    pub async fn postgres() -> Option<Self> {
        let Some(cluster) = postgres::cluster().expect("the shared cluster") else {
            skip("postgresql");
            return None;
        };
        let name = cluster.fresh(&[]).await.expect("a fresh database");
        Some(Self { url: cluster.url(&name), name })
    }

    /// The connection text.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Drops it.
    ///
    /// # Panics
    /// When the cluster does not answer.
    pub async fn remove(self) {
        if let Some(cluster) = postgres::cluster().expect("the shared cluster") {
            cluster.drop_database(&self.name).await.expect("the database is dropped");
        }
    }
}
