//! A disk that fails under the real SQLite: strace lets the nth sync of a child process fail.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the child is this test itself, under strace, and tells by text"
)]

use base::{Env, Tlp};
use futures::future::join_all;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use store::{Db, StoreError, SystemKey, params};

use crate::support::{PUT, SCHEMA, entry, org, put, silent, unit};

/// Where the child finds its folder.
const CHILD: &str = "LIANFANG_TEST_DISK_CHILD";

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return until_the_disk_fails(folder.as_ref()).await;
    }
    if !Command::new("strace").arg("-V").output().is_ok_and(|out| out.status.success()) {
        return testkit::skip("strace");
    }
    let mut poisoned = 0;
    for nth in [25, 30, 33, 36] {
        let folder = testkit::folder();
        let out = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"])
            .arg("-e")
            .arg(format!("inject=fsync,fdatasync:error=EIO:when={nth}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "disk::after_a_failed_sync_nothing_is_acknowledged", "--nocapture"])
            .env(CHILD, folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(out.status.success(), "{text}{}", String::from_utf8_lossy(&out.stderr));
        poisoned += usize::from(text.contains("poisoned after"));
        // What the child acknowledged is there; what it was refused may or may not be.
        let acknowledged = text.matches("ACK\n").count() as i64;
        let db = Db::open_sqlite(&folder.path().join("state.db"), Env::system()).await.unwrap();
        if acknowledged > 0 {
            let rows =
                db.system_read(SystemKey::of("test"), "SELECT COUNT(*) AS n FROM thing", params![]).await.unwrap();
            assert!(rows[0].get::<i64>("n").unwrap() >= acknowledged);
        }
    }
    assert!(poisoned > 0, "no injected failure hit a commit");
}

/// Commits until the disk fails; then every later commit must be refused although the disk works again.
async fn until_the_disk_fails(folder: &std::path::Path) {
    let db = Db::open_sqlite(&folder.join("state.db"), Env::system()).await.unwrap();
    if db.migrate(&[SCHEMA]).await.is_err() {
        return;
    }
    for id in 0..40 {
        match db.commit(unit(testkit::START).exec(PUT, put(id, org(1), Tlp::Green))).await {
            Ok(_) => println!("ACK"),
            Err(StoreError::Poisoned(_)) => {
                println!("poisoned after {id}");
                assert!(db.is_poisoned());
                assert!(matches!(db.commit(unit(testkit::START)).await, Err(StoreError::Poisoned(_))));
                assert!(matches!(db.ping().await, Err(StoreError::Poisoned(_))));
                return;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn after_a_kill_row_event_and_leaf_are_all_there_or_none() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return until_killed(folder.as_ref()).await;
    }
    let folder = testkit::folder();
    for round in 1..=4_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "disk::after_a_kill_row_event_and_leaf_are_all_there_or_none", "--nocapture"])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut acknowledged =
            lines.by_ref().filter(|line| line == "ACK").take(usize::try_from(37 * round).unwrap()).count();
        assert_eq!(acknowledged as u64, 37 * round, "the child works");
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts too.
        acknowledged += lines.filter(|line| line == "ACK").count();
        let db = Db::open_sqlite(&folder.path().join("state.db"), Env::system()).await.unwrap();
        let count = async |sql| {
            let rows = db.system_read(SystemKey::of("test"), sql, params![]).await.unwrap();
            rows[0].get::<u64>("n").unwrap()
        };
        let rows = count("SELECT COUNT(*) AS n FROM thing").await;
        assert!(rows >= acknowledged as u64, "{acknowledged} acknowledged, {rows} there");
        assert_eq!(count("SELECT COUNT(*) AS n FROM outbox").await, rows);
        assert_eq!(count("SELECT MAX(seq) AS n FROM audit_leaf").await, rows);
        assert_eq!(count("SELECT MAX(seq) AS n FROM outbox").await, rows);
        db.commit(unit(testkit::START).exec("DELETE FROM thing", params![])).await.unwrap();
        db.commit(unit(testkit::START).exec("DELETE FROM outbox", params![])).await.unwrap();
        db.commit(unit(testkit::START).exec("DELETE FROM audit_leaf", params![])).await.unwrap();
        db.commit(unit(testkit::START).exec("UPDATE sequence SET value = 0", params![])).await.unwrap();
        db.close().await;
    }
}

/// Commits in groups without end.
async fn until_killed(folder: &std::path::Path) {
    let db = Db::open_sqlite(&folder.join("state.db"), Env::system()).await.unwrap();
    db.migrate(&[SCHEMA]).await.unwrap();
    for group in 0_i64.. {
        let units = (group * 8..group * 8 + 8).map(|id| {
            let work = unit(testkit::START)
                .exec(PUT, put(id, org(1), Tlp::Green))
                .event(silent(id.unsigned_abs().into(), testkit::START))
                .audit(entry("thing.put", "thing"));
            async {
                db.commit(work).await.unwrap();
                println!("ACK");
            }
        });
        join_all(units).await;
    }
}
