//! Several nodes of one centre on one PostgreSQL.

use base::{Coded as _, Problem, Tlp};
use futures::future::join_all;
use std::sync::Mutex;
use std::time::Duration;
use store::outbox::{Consumer, Stored};
use store::{Db, Migration, StoreError, SystemKey, Unit, params};

use crate::support::{PUT, SCHEMA, entry, org, put, silent, unit};

const KEY: SystemKey = SystemKey::of("test");

#[tokio::test]
async fn numbers_of_both_nodes_are_read_in_order_while_they_write() {
    testkit::two_nodes(&[SCHEMA], |one, two, env| async move {
        let write =
            |db: Db, from: u128| {
                let env = env.clone();
                tokio::spawn(async move {
                    join_all((from..from + 300).map(|i| {
                        db.commit(unit(env.now()).event(silent(i, env.now())).audit(entry("thing.put", "thing")))
                    }))
                    .await
                    .into_iter()
                    .all(|answer| answer.is_ok())
                })
            };
        let (first, second) = (write(one.clone(), 0), write(two.clone(), 1000));
        // A number that became visible after a larger one would be passed over for ever.
        let seen = Mutex::new(Vec::new());
        let note = |stored: Stored| {
            seen.lock().unwrap().push(stored.seq);
            std::future::ready(Ok::<Unit, Problem>(unit(stored.event.at)))
        };
        let consumer = Consumer::new("watch");
        while seen.lock().unwrap().len() < 600 {
            consumer.drain(&two, note).await.unwrap();
        }
        assert!(first.await.unwrap() && second.await.unwrap());
        assert_eq!(*seen.lock().unwrap(), (1..=600).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn two_nodes_migrate_at_the_same_moment() {
    const MORE: &[Migration] = &[
        Migration { number: 91, name: "one", sql: "CREATE TABLE one (id @int PRIMARY KEY) @strict;" },
        Migration { number: 92, name: "two", sql: "CREATE TABLE two (id @int PRIMARY KEY) @strict;" },
    ];
    testkit::two_nodes(&[SCHEMA], |one, two, _| async move {
        let rooms = [SCHEMA, MORE];
        let (first, second) = tokio::join!(one.migrate(&rooms), two.migrate(&rooms));
        first.unwrap();
        second.unwrap();
        let rows = one.system_read(KEY, "SELECT COUNT(*) AS n FROM schema_migration WHERE number > 90", params![]);
        assert_eq!(rows.await.unwrap()[0].get::<i64>("n").unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    const CUT: &str = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    testkit::two_nodes(&[SCHEMA], |one, two, env| async move {
        one.commit(unit(env.now()).event(silent(1, env.now()))).await.unwrap();
        one.ping().await.unwrap();
        let cut = two.system_read(KEY, CUT, params![]).await.unwrap()[0].get::<i64>("n").unwrap();
        assert!(cut >= 2, "writer and reader of the first node");
        // The first attempt may meet the dead connection; it says so, and the next one works.
        let mut answer = one.commit(unit(env.now()).event(silent(2, env.now()))).await;
        if let Err(failure) = answer {
            assert!(matches!(failure, StoreError::Database(_)), "{failure:?}");
            answer = one.commit(unit(env.now()).event(silent(2, env.now()))).await;
        }
        answer.unwrap();
        testkit::wait_until(Duration::from_secs(10), || async { one.ping().await.is_ok() }).await;
        assert!(!one.is_poisoned());
    })
    .await;
}

#[tokio::test]
async fn a_column_that_another_node_adds_is_seen() {
    const MORE: Migration = Migration { number: 91, name: "more", sql: "ALTER TABLE thing ADD COLUMN more @int;" };
    const ALL: &str = "SELECT * FROM thing";
    testkit::two_nodes(&[SCHEMA], |one, two, env| async move {
        one.commit(unit(env.now()).exec(PUT, put(1, org(1), Tlp::Green))).await.unwrap();
        assert!(one.system_read(KEY, ALL, params![]).await.unwrap()[0].get::<Option<i64>>("more").is_err());
        two.migrate(&[SCHEMA, &[MORE]]).await.unwrap();
        let rows = one.system_read(KEY, ALL, params![]).await.unwrap();
        assert_eq!(rows[0].get::<Option<i64>>("more").unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_second_centre_is_refused_and_comes_in_when_the_first_is_gone() {
    testkit::two_nodes(&[SCHEMA], |one, two, _| async move {
        one.claim().await.unwrap();
        let refused = two.claim().await.unwrap_err();
        assert!(matches!(refused, StoreError::Taken), "{refused}");
        assert_eq!(refused.problem().code.id, "LF-STO-0012");
        one.close().await;
        two.claim().await.unwrap();
        // Somebody ends the connection that holds the claim: it is claimed again, and work goes on.
        const END: &str = "SELECT pg_terminate_backend(pid) AS ended FROM pg_locks WHERE locktype = 'advisory' \
            AND objid = 2969154610 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        const HELD: &str = "SELECT COUNT(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted \
            AND objid = 2969154610 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let held = async || two.system_read(KEY, HELD, params![]).await.unwrap()[0].get::<i64>("n").unwrap();
        assert_eq!(two.system_read(KEY, END, params![]).await.unwrap().len(), 1);
        testkit::wait_until(Duration::from_secs(20), async || held().await == 1).await;
        assert!(!two.is_poisoned());
    })
    .await;
}
