//! Real engines for tests: PostgreSQL clusters, folders, ports.
//!
//! [`each_db`] runs a test on SQLite and on PostgreSQL. The PostgreSQL cluster is thrown together once (as an
//! unprivileged user, on a socket only), shared by all test processes and stopped by [`stop_postgres`].
//!
//! [`statements`] gathers the rooms' SQL, so that every statement can be prepared on both.
//!
//! [`authenticator`] is a passkey in software, honest or not.
//!
//! **Enters:** test bodies. **Leaves:** databases, folders and ports that are theirs alone.
#![allow(clippy::print_stdout, reason = "a test room speaks to the person who runs the tests")]

pub mod authenticator;
mod databases;
mod postgres;
mod skip;
pub mod statements;

pub use databases::{Scratch, each_db, each_db_at, sqlite, two_nodes};
pub use postgres::stop_postgres;
pub use skip::skip;

use base::{OrgId, Realm, Timestamp, Tlp};
use std::future::Future;
use std::time::Duration;
use store::{Area, Clearance, Reach};
use tempfile::TempDir;

/// When the clocks of tests start: 2026-11-21T06:00:00Z.
pub const START: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

/// A clearance that sees everything of real life.
#[must_use]
pub fn all() -> Clearance {
    Clearance::mint(Reach::All, [], Tlp::Red, Realm::Real, None)
}

/// A clearance that sees one organisation's subtree up to `within` and everybody else's rows up to `shared`.
#[must_use]
pub fn clearance(org: OrgId, within: Tlp, shared: Tlp) -> Clearance {
    Clearance::mint(Reach::Areas, [Area { top: org, within }], shared, Realm::Real, None)
}

/// A port of the loopback address that nobody listens on at this moment.
///
/// # Panics
/// When the machine has none left.
#[must_use]
#[allow(clippy::expect_used, reason = "a test that cannot get a port has nothing to go on with")]
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port of the loopback address");
    listener.local_addr().expect("the address of a bound listener").port()
}

/// A folder that is removed when the value is dropped.
///
/// # Panics
/// When the temporary folder cannot be written.
#[must_use]
#[allow(clippy::expect_used, reason = "a test that cannot get a folder has nothing to go on with")]
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("lianfang-").tempdir().expect("a temporary folder")
}

/// Waits until the condition holds.
///
/// # Panics
/// When it does not hold before the deadline.
pub async fn wait_until<F, Fut>(deadline: Duration, mut condition: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = bool>,
{
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(deadline, waiting).await.is_ok(), "the condition did not hold within {deadline:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn waiting_ends_with_the_condition_or_the_deadline() {
        let asked = AtomicU32::new(0);
        wait_until(Duration::from_secs(5), || async { asked.fetch_add(1, Ordering::Relaxed) == 3 }).await;
        assert_eq!(asked.into_inner(), 4);
        let late = tokio::spawn(wait_until(Duration::from_millis(1), || async { false })).await;
        assert!(late.is_err_and(|e| e.is_panic()));
    }

    #[test]
    fn ports_and_folders_are_free() {
        assert!(std::net::TcpListener::bind(("127.0.0.1", free_port())).is_ok());
        let folder = folder();
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
    }
}
