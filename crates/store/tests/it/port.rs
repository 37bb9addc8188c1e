//! The port: values, units, version checks, group commit, clearances, migrations.

use base::{Env, Realm, Tlp};
use futures::future::join_all;
use store::{Area, Clearance, Db, Expect, Migration, Reach, ScopedSql, StoreError, SystemKey, Value, params};
use uuid::Uuid;

use crate::support::{PUT, SCHEMA, entry, org, put, silent, unit};

const KEY: SystemKey = SystemKey::of("test");
const LIST: ScopedSql =
    ScopedSql::new("SELECT i.id FROM thing i WHERE i.id >= $1 AND {visible:i} ORDER BY i.id LIMIT $2");

async fn ids(db: &Db, who: &Clearance) -> Vec<i64> {
    let rows = db.read(LIST, who, params![0, 100]).await.unwrap();
    rows.iter().map(|row| row.get("id").unwrap()).collect()
}

async fn count(db: &Db) -> i64 {
    db.system_read(KEY, "SELECT COUNT(*) AS n FROM thing", params![]).await.unwrap()[0].get("n").unwrap()
}

#[tokio::test]
async fn every_value_comes_back() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        let key = Uuid::from_u128(77);
        let row = params![1, "警訊 'x'", i64::MAX, 1.25, vec![0_u8, 1, 255], key, org(1), Realm::Real, Tlp::Red];
        db.commit(unit(env.now()).exec(PUT, row)).await.unwrap();
        let row =
            params![2, "", i64::MIN, Value::Null, Value::Null, Value::Null, org(1), Realm::Drill(key), Tlp::Clear];
        db.commit(unit(env.now()).exec(PUT, row)).await.unwrap();
        let rows = db.system_read(KEY, "SELECT * FROM thing ORDER BY id", params![]).await.unwrap();
        assert_eq!(rows[0].get::<String>("name").unwrap(), "警訊 'x'");
        assert_eq!(rows[0].get::<i64>("version").unwrap(), i64::MAX);
        assert_eq!(rows[0].get::<f64>("part").unwrap(), 1.25);
        assert_eq!(rows[0].get::<Vec<u8>>("raw").unwrap(), [0, 1, 255]);
        assert_eq!(rows[0].get::<Uuid>("key").unwrap(), key);
        assert_eq!(rows[1].get::<Option<Uuid>>("key").unwrap(), None);
        assert_eq!(rows[1].get::<Realm>("realm").unwrap(), Realm::Drill(key));
        assert!(matches!(rows[1].get::<i64>("name"), Err(StoreError::Shape(_))));
        assert!(matches!(rows[1].get::<i64>("nothing"), Err(StoreError::Shape(_))));
        // A sum of integers is an integer on both; a mean is a real.
        let rows = db.system_read(KEY, "SELECT SUM(id) AS s, AVG(id) AS m FROM thing", params![]).await.unwrap();
        assert_eq!((rows[0].get::<i64>("s").unwrap(), rows[0].get::<f64>("m").unwrap()), (3, 1.5));
    })
    .await;
}

#[tokio::test]
async fn a_failed_unit_leaves_nothing() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        let good = unit(env.now()).exec(PUT, put(1, org(1), Tlp::Green));
        assert_eq!(db.commit(good.clone()).await.unwrap().rows, [1]);
        let both = |u: store::Unit| u.event(silent(1, env.now())).audit(entry("thing.put", "thing:2"));
        // The same key again, after a statement that would have worked.
        let twice = both(unit(env.now()).exec(PUT, put(2, org(1), Tlp::Green))).and(good);
        assert!(matches!(db.commit(twice).await, Err(StoreError::Duplicate(what)) if what.contains("thing.id")));
        // A version check that misses; the statement after it would fail too, but the first decides.
        const MOVE: &str = "UPDATE thing SET version = version + 1 WHERE id = $1 AND version = $2";
        let stale = both(unit(env.now()).exec(PUT, put(3, org(1), Tlp::Green)).exec_one(MOVE, params![1, 9]))
            .exec(PUT, put(1, org(1), Tlp::Green));
        assert!(matches!(db.commit(stale).await, Err(StoreError::Conflict(1))));
        let orphan = both(unit(env.now())).exec("INSERT INTO part (id, thing_id) VALUES ($1, $2)", params![1, 99]);
        assert!(matches!(db.commit(orphan).await, Err(StoreError::Refused(_))));
        let nul = unit(env.now()).exec("UPDATE thing SET name = $1", params!["a\0b"]);
        assert!(matches!(db.commit(nul).await, Err(StoreError::Shape(_))));
        let missing = unit(env.now()).exec("UPDATE nothing SET a = $1", params![1]);
        assert!(matches!(db.commit(missing).await, Err(StoreError::Refused(_))));
        let few = unit(env.now()).exec(MOVE, params![1]);
        assert!(matches!(db.commit(few).await, Err(StoreError::Refused(_))));
        assert_eq!(count(&db).await, 1);
        for table in ["SELECT COUNT(*) AS n FROM outbox", "SELECT COUNT(*) AS n FROM audit_leaf"] {
            assert_eq!(db.system_read(KEY, table, params![]).await.unwrap()[0].get::<i64>("n").unwrap(), 0);
        }
        assert_eq!(*db.outbox_head().borrow(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_group_holds_good_and_bad_units_and_numbers_have_no_gap() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        let all = (0..200_i64).map(|i| {
            let id = if i % 5 == 4 { 0 } else { i };
            let work = unit(env.now())
                .exec(PUT, put(id, org(1), Tlp::Green))
                .event(silent(u128::try_from(i).unwrap(), env.now()))
                .audit(entry("thing.put", "x"));
            db.commit(work)
        });
        let answers = join_all(all).await;
        let refused = answers.iter().filter(|a| matches!(a, Err(StoreError::Duplicate(_)))).count();
        assert_eq!((answers.iter().filter(|a| a.is_ok()).count(), refused), (160, 40));
        assert_eq!(count(&db).await, 160);
        for table in ["SELECT seq FROM outbox ORDER BY seq", "SELECT seq FROM audit_leaf ORDER BY seq"] {
            let rows = db.system_read(KEY, table, params![]).await.unwrap();
            let seqs: Vec<u64> = rows.iter().map(|row| row.get("seq").unwrap()).collect();
            assert_eq!(seqs, (1..=160).collect::<Vec<_>>(), "{table}");
        }
        assert_eq!(*db.outbox_head().borrow(), 160);
    })
    .await;
}

#[tokio::test]
async fn a_clearance_decides_what_is_seen() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        let mut work = unit(env.now());
        for (ancestor, descendant) in [(1, 1), (1, 2), (2, 2), (3, 3)] {
            let row = params![org(ancestor), org(descendant)];
            work.push("INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $2)", row, Expect::Rows(1));
        }
        // Ids: organisation times ten plus the rank of the marking.
        for (of, tlp) in (1..=3_u8).flat_map(|of| Tlp::ALL.map(|tlp| (of, tlp))) {
            work.push(PUT, put(i64::from(of) * 10 + tlp.rank(), org(of.into()), tlp), Expect::Rows(1));
        }
        let drill = Realm::Drill(Uuid::from_u128(5));
        let row = params![99, "drill", 1, Value::Null, Value::Null, Value::Null, org(1), drill, Tlp::Clear];
        work.push(PUT, row, Expect::Rows(1));
        db.commit(work).await.unwrap();

        assert_eq!(ids(&db, &testkit::all()).await.len(), 15);
        let parent = testkit::clearance(org(1), Tlp::Amber, Tlp::Clear);
        assert_eq!(ids(&db, &parent).await, [10, 11, 12, 20, 21, 22, 30]);
        let child = testkit::clearance(org(2), Tlp::Red, Tlp::Green);
        assert_eq!(ids(&db, &child).await, [10, 11, 20, 21, 22, 23, 24, 30, 31]);
        let shared = Clearance::mint(Reach::Shared, [], Tlp::Clear, Realm::Real, None);
        assert_eq!(ids(&db, &shared).await, [10, 20, 30]);
        // Several areas, each to its own marking; three of them need room for four.
        let area = |of, within| Area { top: org(of), within };
        let two =
            Clearance::mint(Reach::Areas, [area(2, Tlp::Amber), area(3, Tlp::Red)], Tlp::Clear, Realm::Real, None);
        assert_eq!(ids(&db, &two).await, [10, 20, 21, 22, 30, 31, 32, 33, 34]);
        let three = Clearance::mint(
            Reach::All,
            [area(1, Tlp::Green), area(2, Tlp::Red), area(3, Tlp::Amber)],
            Tlp::Clear,
            Realm::Real,
            None,
        );
        assert_eq!(ids(&db, &three).await, [10, 11, 20, 21, 22, 23, 24, 30, 31, 32]);
        let exercise = Clearance::mint(Reach::All, [], Tlp::Red, drill, None);
        assert_eq!(ids(&db, &exercise).await, [99]);
        assert!(matches!(db.read(LIST, &shared, params![1]).await, Err(StoreError::Refused(_))));
    })
    .await;
}

#[tokio::test]
async fn migrations_are_checked() {
    const MORE: Migration =
        Migration { number: 91, name: "more", sql: "CREATE TABLE more (id @int PRIMARY KEY) @strict;" };
    const ALTERED: Migration = Migration { number: 91, name: "more", sql: "CREATE TABLE more (id @text) @strict;" };
    const BROKEN: Migration =
        Migration { number: 92, name: "broken", sql: "CREATE TABLE half (id @int) @strict;\nCREATE TABL;" };
    testkit::each_db(&[SCHEMA], |db, _| async move {
        db.migrate(&[SCHEMA]).await.unwrap();
        db.migrate(&[SCHEMA, &[MORE]]).await.unwrap();
        assert!(matches!(db.migrate(&[SCHEMA, &[ALTERED]]).await, Err(StoreError::Schema(_))));
        assert!(matches!(db.migrate(&[SCHEMA]).await, Err(StoreError::Schema(why)) if why.contains("newer")));
        assert!(matches!(db.migrate(&[SCHEMA, &[MORE, BROKEN]]).await, Err(StoreError::Schema(_))));
        let half = db.system_read(KEY, "SELECT id FROM half", params![]).await;
        assert!(matches!(half, Err(StoreError::Refused(_))), "a broken migration leaves nothing");
        db.migrate(&[SCHEMA, &[MORE]]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn close_drains_and_then_refuses() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        let waiting: Vec<_> = (0..50)
            .map(|i| {
                tokio::spawn({
                    let (db, env) = (db.clone(), env.clone());
                    async move { db.commit(unit(env.now()).exec(PUT, put(i, org(1), Tlp::Green))).await }
                })
            })
            .collect();
        let answers: Vec<_> = join_all(waiting).await.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(Result::is_ok));
        db.ping().await.unwrap();
        db.close().await;
        db.close().await;
        assert!(matches!(db.commit(unit(env.now())).await, Err(StoreError::Database(_))));
        assert!(matches!(db.ping().await, Err(StoreError::Database(_))));
        assert!(!db.is_poisoned());
    })
    .await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let folder = testkit::folder();
    let path = folder.path().join("state.db");
    for round in 0..3 {
        let db = Db::open_sqlite(&path, Env::system()).await.unwrap();
        db.migrate(&[SCHEMA]).await.unwrap();
        assert_eq!(count(&db).await, round);
        db.commit(unit(testkit::START).exec(PUT, put(round, org(1), Tlp::Green))).await.unwrap();
    }
}

#[tokio::test]
async fn a_full_disk_is_refused_and_goes_on_later() {
    // A limit of pages is what SQLite answers as a full disk; the schema runner is the one way to say it to the writer.
    const SMALL: Migration = Migration { number: 93, name: "small", sql: "PRAGMA max_page_count = 80;" };
    const LARGE: Migration = Migration { number: 94, name: "large", sql: "PRAGMA max_page_count = 100000;" };
    let (db, _folder) = testkit::sqlite(&[SCHEMA, &[SMALL]], Env::system()).await;
    let large = |id: i64| {
        let bytes = vec![7_u8; 300_000];
        let row = params![id, format!("n{id}"), 1, Value::Null, bytes, Value::Null, org(1), Realm::Real, Tlp::Green];
        db.commit(unit(testkit::START).exec(PUT, row).audit(entry("thing.put", "thing")))
    };
    assert!(matches!(large(1).await, Err(StoreError::DiskFull)));
    assert!(!db.is_poisoned());
    assert_eq!(count(&db).await, 0);
    db.commit(unit(testkit::START).exec(PUT, put(5, org(1), Tlp::Green))).await.unwrap();
    db.migrate(&[SCHEMA, &[SMALL, LARGE]]).await.unwrap();
    large(2).await.unwrap();
    assert_eq!(count(&db).await, 2);
}

/// Handlers of a web server run on any thread: every future of the port must be able to.
#[tokio::test]
async fn every_future_is_send() {
    fn send<T: Send>(future: T) -> T {
        future
    }
    let (db, folder) = testkit::sqlite(&[SCHEMA], Env::system()).await;
    let (who, page) = (testkit::all(), store::Page::default());
    send(db.migrate(&[SCHEMA])).await.unwrap();
    assert!(send(db.read(LIST, &who, params![0, 1])).await.unwrap().is_empty());
    assert!(send(store::jobs::claim(&db, &["x"])).await.unwrap().is_none());
    assert!(send(store::jobs::list(&db, &who, &page)).await.unwrap().items.is_empty());
    assert!(send(store::outbox::dead_letters(&db, &who, &page)).await.unwrap().items.is_empty());
    assert_eq!(send(store::outbox::prune(&db, testkit::START)).await.unwrap(), 0);
    assert!(send(store::audit::inclusion(&db, 1)).await.unwrap().is_none());
    let strangers = store::audit::Strangers::new(db.clone(), org(1), Realm::Real);
    assert_eq!(send(strangers.flush(true)).await.unwrap(), 0);
    let blobs = send(store::blobs::Blobs::open(&folder.path().join("blobs"), db.clone())).await.unwrap();
    send(blobs.put("x".into())).await.unwrap();
    send(db.close()).await;
}

#[tokio::test]
async fn a_copy_is_whole_while_work_goes_on() {
    let (db, folder) = testkit::sqlite(&[SCHEMA], Env::system()).await;
    db.commit(unit(testkit::START).exec(PUT, put(0, org(1), Tlp::Green))).await.unwrap();
    let target = folder.path().join("copy.db");
    let busy = (1..200).map(|id| db.commit(unit(testkit::START).exec(PUT, put(id, org(1), Tlp::Green))));
    let (copied, _) = tokio::join!(db.copy_to(&target), join_all(busy));
    copied.unwrap();
    assert!(matches!(db.copy_to(&target).await, Err(StoreError::Refused(_))), "a copy is never overwritten");
    let copy = Db::open_sqlite(&target, Env::system()).await.unwrap();
    copy.migrate(&[SCHEMA]).await.unwrap();
    let there = ids(&copy, &testkit::all()).await;
    assert!(!there.is_empty() && there.iter().copied().eq(0..there.len() as i64), "all up to one moment");
}
