//! A disk that fails under the real SQLite: strace lets the nth sync of a child process fail.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the child is this test itself, under strace, and tells by text"
)]

use base::{Env, Tlp};
use std::process::Command;
use store::{Db, StoreError, SystemKey, params};

use crate::support::{PUT, SCHEMA, org, put, unit};

/// Where the child finds its folder.
const CHILD: &str = "LIANFANG_TEST_DISK_CHILD";

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return child(folder.as_ref()).await;
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
async fn child(folder: &std::path::Path) {
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
