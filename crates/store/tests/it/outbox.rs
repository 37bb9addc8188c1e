//! Reactions: exactly-once effect, dead letters, retention.

use base::{Problem, Tlp};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use store::outbox::{Consumer, Drained, Stored, dead_letters, discard, prune};
use store::{Db, Page, StoreError, SystemKey, Unit, error, params};
use tokio_util::sync::CancellationToken;

use crate::support::{PUT, SCHEMA, org, put, silent, unit};

const KEY: SystemKey = SystemKey::of("test");
const QUICK: Consumer = Consumer::new("quick").attempts(2, Duration::from_millis(1));

async fn number(db: &Db, sql: &'static str) -> u64 {
    db.system_read(KEY, sql, params![]).await.unwrap()[0].get("n").unwrap()
}

async fn things(db: &Db) -> u64 {
    number(db, "SELECT COUNT(*) AS n FROM thing").await
}

async fn publish(db: &Db, count: u64) {
    for i in 0..count {
        db.commit(unit(db.env().now()).event(silent(u128::from(i), db.env().now()))).await.unwrap();
    }
}

/// A reaction that leaves one row per event.
#[allow(clippy::needless_pass_by_value, reason = "the shape of a handler")]
fn react(stored: Stored) -> std::future::Ready<Result<Unit, Problem>> {
    let id = i64::try_from(stored.seq).unwrap();
    std::future::ready(Ok(unit(stored.event.at).exec(PUT, put(id, org(1), Tlp::Green))))
}

#[tokio::test]
async fn effect_and_cursor_are_one_commit() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        publish(&db, 5).await;
        assert_eq!(QUICK.backlog(&db).await.unwrap(), 5);
        assert_eq!(QUICK.drain(&db, react).await.unwrap(), Drained { handled: 5, dead: 0 });
        assert_eq!(QUICK.drain(&db, react).await.unwrap(), Drained::default());
        assert_eq!((things(&db).await, QUICK.backlog(&db).await.unwrap()), (5, 0));
        // Another consumer has its own cursor, and passes over kinds it does not want.
        let other = Consumer::new("other").kinds(&["edge.kill_switched"]);
        assert_eq!(other.drain(&db, react).await.unwrap(), Drained::default());
        assert_eq!(other.backlog(&db).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn two_runners_of_one_consumer_do_it_once() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        publish(&db, 60).await;
        let seen = AtomicU32::new(0);
        let counted = |stored: Stored| {
            seen.fetch_add(1, Ordering::Relaxed);
            react(stored)
        };
        let (one, two) = tokio::join!(QUICK.drain(&db, counted), QUICK.drain(&db, counted));
        assert_eq!(one.unwrap().handled + two.unwrap().handled, 60);
        assert!(seen.into_inner() >= 60);
        assert_eq!(things(&db).await, 60);
        assert_eq!(dead_letters(&db, &testkit::all(), &Page::default()).await.unwrap().items, []);
    })
    .await;
}

#[tokio::test]
async fn a_failing_event_becomes_a_dead_letter_and_others_go_on() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        publish(&db, 3).await;
        let refuse = |stored: Stored| {
            let bad = stored.seq == 2;
            let good = react(stored);
            async move { if bad { Err(Problem::new(&error::SHAPE, "not this one")) } else { good.await } }
        };
        assert_eq!(QUICK.drain(&db, refuse).await.unwrap(), Drained { handled: 2, dead: 1 });
        let letters = dead_letters(&db, &testkit::all(), &Page::default()).await.unwrap().items;
        assert_eq!(letters.len(), 1);
        assert_eq!((letters[0].seq, letters[0].attempts, letters[0].consumer.as_str()), (2, 2, "quick"));
        assert!(letters[0].error.contains("LF-STO-0004"));
        let stranger = testkit::clearance(org(9), Tlp::Red, Tlp::Clear);
        assert_eq!(dead_letters(&db, &stranger, &Page::default()).await.unwrap().items, []);

        assert!(matches!(QUICK.redrive(&db, 2, refuse).await, Err(StoreError::Refused(_))));
        QUICK.redrive(&db, 2, react).await.unwrap();
        assert!(matches!(QUICK.redrive(&db, 2, react).await, Err(StoreError::Conflict(_))));
        assert_eq!(things(&db).await, 3);
        assert!(matches!(db.commit(discard(unit(db.env().now()), "quick", 2)).await, Err(StoreError::Conflict(0))));
    })
    .await;
}

#[tokio::test]
async fn an_unreadable_event_is_buried_at_once() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        publish(&db, 1).await;
        db.commit(unit(env.now()).exec_one("UPDATE outbox SET body = $1", params!["{}"])).await.unwrap();
        assert_eq!(QUICK.drain(&db, react).await.unwrap(), Drained { handled: 0, dead: 1 });
    })
    .await;
}

#[tokio::test]
async fn what_waiting_cures_is_not_counted() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        publish(&db, 1).await;
        let tries = AtomicU32::new(0);
        let away = |stored: Stored| {
            let early = tries.fetch_add(1, Ordering::Relaxed) < 6;
            let good = react(stored);
            async move { if early { Err(Problem::new(&error::UNAVAILABLE, "")) } else { good.await } }
        };
        assert_eq!(QUICK.drain(&db, away).await.unwrap(), Drained { handled: 1, dead: 0 });
    })
    .await;
}

#[tokio::test]
async fn a_running_consumer_wakes_up_and_stops() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        let stop = CancellationToken::new();
        let runner = tokio::spawn({
            let (db, stop) = (db.clone(), stop.clone());
            async move { QUICK.run(&db, react, stop).await }
        });
        publish(&db, 2).await;
        testkit::wait_until(Duration::from_secs(10), || async { things(&db).await == 2 }).await;
        publish(&db, 2).await;
        testkit::wait_until(Duration::from_secs(10), || async { things(&db).await == 4 }).await;
        stop.cancel();
        runner.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn retention_waits_for_every_consumer() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        publish(&db, 4).await;
        clock.advance_secs(100);
        let before = env.now();
        publish(&db, 1).await;
        assert_eq!(prune(&db, before).await.unwrap(), 0, "nobody has read anything");
        QUICK.drain(&db, react).await.unwrap();
        assert_eq!(prune(&db, before).await.unwrap(), 4);
        // Numbers go on even when the table is empty.
        assert_eq!(prune(&db, env.now().plus_secs(1)).await.unwrap(), 1);
        publish(&db, 1).await;
        assert_eq!(number(&db, "SELECT MAX(seq) AS n FROM outbox").await, 6);
    })
    .await;
}
