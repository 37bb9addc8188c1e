//! Jobs: claims, leases, cancellation, the end together with the output.

use base::{Env, JobId, Realm, Tlp};
use futures::future::join_all;
use store::jobs::{self, End, LEASE_SECONDS, MOST_ATTEMPTS, NewJob, State};
use store::{Db, Page, StoreError};

use crate::support::{PUT, SCHEMA, org, put, unit};

async fn queue(db: &Db, env: &Env, in_seconds: i64) -> JobId {
    let id = env.id();
    let job = NewJob {
        id,
        org: org(1),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        kind: "test.work",
        payload: serde_json::json!({"file": "報告"}),
        run_at: env.now().plus_secs(in_seconds),
    };
    db.commit(jobs::enqueue(unit(env.now()), &job)).await.unwrap();
    id
}

async fn state(db: &Db, id: JobId) -> State {
    jobs::get(db, &testkit::all(), id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn one_claim_per_job() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        queue(&db, &env, 10).await;
        assert_eq!(jobs::claim(&db, &["test.work"]).await.unwrap(), None, "not yet due");
        clock.advance_secs(10);
        assert_eq!(jobs::claim(&db, &["other.work"]).await.unwrap(), None);
        let claims = join_all((0..8).map(|_| jobs::claim(&db, &["other.work", "test.work"]))).await;
        let won: Vec<_> = claims.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1);
        assert_eq!((won[0].state, won[0].attempts), (State::Running, 1));
        assert_eq!(won[0].payload["file"], "報告");
    })
    .await;
}

#[tokio::test]
async fn a_lost_lease_writes_nothing() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        let id = queue(&db, &env, 0).await;
        let first = jobs::claim(&db, &["test.work"]).await.unwrap().unwrap();
        assert!(!jobs::heartbeat(&db, &first, 1, 4).await.unwrap());
        clock.advance_secs(LEASE_SECONDS + 1);
        let second = jobs::claim(&db, &["test.work"]).await.unwrap().unwrap();
        assert_eq!((second.id, second.attempts, second.done), (id, 2, 1));
        assert!(matches!(jobs::heartbeat(&db, &first, 2, 4).await, Err(StoreError::Conflict(0))));
        let output = || unit(env.now()).exec(PUT, put(1, org(1), Tlp::Green));
        assert!(matches!(jobs::finish(&db, &first, &End::Done, output()).await, Err(StoreError::Conflict(_))));
        // The loser's output was undone, so that the same row can be written now.
        jobs::finish(&db, &second, &End::Done, output()).await.unwrap();
        assert_eq!(state(&db, id).await, State::Done);
        assert_eq!(jobs::claim(&db, &["test.work"]).await.unwrap(), None);
        clock.advance_secs(1);
        assert_eq!(jobs::prune(&db, env.now()).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn cancelling_and_trying_again() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        let waiting = queue(&db, &env, 0).await;
        db.commit(jobs::cancel(unit(env.now()), waiting)).await.unwrap();
        assert_eq!(state(&db, waiting).await, State::Cancelled);
        assert!(matches!(db.commit(jobs::cancel(unit(env.now()), waiting)).await, Err(StoreError::Conflict(0))));

        let running = queue(&db, &env, 0).await;
        let job = jobs::claim(&db, &["test.work"]).await.unwrap().unwrap();
        jobs::finish(&db, &job, &End::Again(env.now().plus_secs(5), "later".into()), unit(env.now())).await.unwrap();
        assert_eq!(jobs::claim(&db, &["test.work"]).await.unwrap(), None);
        clock.advance_secs(5);
        let job = jobs::claim(&db, &["test.work"]).await.unwrap().unwrap();
        assert_eq!(job.error.as_deref(), Some("later"));
        db.commit(jobs::cancel(unit(env.now()), running)).await.unwrap();
        assert!(jobs::heartbeat(&db, &job, 1, 2).await.unwrap(), "the worker sees the flag");
        jobs::finish(&db, &job, &End::Cancelled, unit(env.now())).await.unwrap();
        assert_eq!(state(&db, running).await, State::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_given_up() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        let id = queue(&db, &env, 0).await;
        for _ in 0..MOST_ATTEMPTS {
            assert!(jobs::claim(&db, &["test.work"]).await.unwrap().is_some());
            clock.advance_secs(LEASE_SECONDS + 1);
        }
        assert_eq!(jobs::claim(&db, &["test.work"]).await.unwrap(), None);
        assert_eq!(state(&db, id).await, State::Failed);
    })
    .await;
}

#[tokio::test]
async fn lists_page_through_what_is_seen() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        for _ in 0..5 {
            queue(&db, &env, 0).await;
        }
        let mut page = Page::first(2);
        let mut seen = Vec::new();
        loop {
            let part = jobs::list(&db, &testkit::all(), &page).await.unwrap();
            seen.extend(part.items.into_iter().map(|job| job.id));
            match part.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.windows(2).all(|pair| pair[0] > pair[1]));
        let stranger = testkit::clearance(org(9), Tlp::Red, Tlp::Green);
        assert_eq!(jobs::list(&db, &stranger, &Page::default()).await.unwrap().items, []);
        assert_eq!(jobs::get(&db, &stranger, seen[0]).await.unwrap(), None);
    })
    .await;
}
