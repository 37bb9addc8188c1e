//! The audit tree end to end: integrate, sign, prove, export, verify, and what must be noticed.

use base::{Realm, Timestamp, Tlp};
use ed25519_dalek::SigningKey;
use futures::TryStreamExt;
use std::time::Duration;
use store::audit::tree::verify_inclusion;
use store::audit::{self, Expected, Filter, Sequencer, Signer, Strangers, verify, verify_with};
use store::{Db, Page, StoreError, SystemKey, params};
use tokio_util::sync::CancellationToken;

use crate::support::{SCHEMA, entry, org, unit};

const KEY: SystemKey = SystemKey::of("test");

fn signer() -> Signer {
    Signer::new("audit.example", SigningKey::from_bytes(&[5; 32])).unwrap()
}

async fn act(db: &Db, count: usize) {
    let at = db.env().now();
    let work = (0..count).fold(unit(at), |u, i| u.audit(entry("thing.put", &format!("thing:{i}"))));
    db.commit(work).await.unwrap();
}

async fn exported(db: &Db) -> Vec<u8> {
    let parts: Vec<_> = audit::export(db.clone(), &signer()).try_collect().await.unwrap();
    parts.concat()
}

#[tokio::test]
async fn integrates_signs_and_proves_every_leaf() {
    testkit::each_db_at(&[SCHEMA], |db, _, clock| async move {
        let mut sequencer = Sequencer::new(db.clone(), signer());
        assert_eq!(sequencer.step().await.unwrap(), 0);
        assert_eq!(audit::latest(&db).await.unwrap(), None);
        assert_eq!(audit::inclusion(&db, 1).await.unwrap(), None);
        for part in [1, 254, 1, 1, 300, 700] {
            act(&db, part).await;
            clock.advance_secs(61);
            assert_eq!(sequencer.step().await.unwrap(), part as u64);
            // A fresh one finds the same tree.
            sequencer = Sequencer::new(db.clone(), signer());
        }
        let signed = audit::latest(&db).await.unwrap().unwrap();
        assert_eq!(signed.size, 1_257);
        for seq in [1, 2, 255, 256, 257, 512, 557, 1_024, 1_025, 1_257] {
            let proof = audit::inclusion(&db, seq).await.unwrap().unwrap();
            assert!(verify_inclusion(&proof.leaf, seq - 1, proof.size, &proof.path, &signed.root), "leaf {seq}");
            assert!(proof.entry.contains(&format!("\"seq\":{seq},")));
        }
        assert_eq!(audit::inclusion(&db, 1_258).await.unwrap(), None);
        let verified = verify(exported(&db).await.as_slice()).unwrap();
        assert_eq!((verified.size, verified.root), (signed.size, signed.root));
    })
    .await;
}

#[tokio::test]
async fn two_sequencers_do_no_harm_and_run_signs_within_a_second() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        let (mut one, mut two) = (Sequencer::new(db.clone(), signer()), Sequencer::new(db.clone(), signer()));
        act(&db, 3).await;
        one.step().await.unwrap();
        two.step().await.unwrap();
        act(&db, 3).await;
        let (a, b) = tokio::join!(one.step(), two.step());
        assert!(a.unwrap() + b.unwrap() >= 3);
        act(&db, 1).await;
        one.step().await.unwrap();
        act(&db, 1).await;
        two.step().await.unwrap();
        let stop = CancellationToken::new();
        let running = tokio::spawn(one.run(stop.clone()));
        act(&db, 1).await;
        testkit::wait_until(Duration::from_secs(10), || async {
            audit::latest(&db).await.unwrap().is_some_and(|signed| signed.size == 9)
        })
        .await;
        act(&db, 1).await;
        stop.cancel();
        running.await.unwrap().unwrap();
        assert_eq!(verify(exported(&db).await.as_slice()).unwrap().size, 10, "the last leaves are signed at the stop");
    })
    .await;
}

#[tokio::test]
async fn what_was_altered_in_the_store_is_not_signed() {
    const TEXT: &str = "UPDATE audit_leaf SET entry = REPLACE(entry, 'thing.put', 'thing.get') WHERE seq = $1";
    const COLUMN: &str = "UPDATE audit_leaf SET subject = 'thing:x' WHERE seq = $1";
    const HIDDEN: &str = "UPDATE audit_leaf SET tlp = tlp + 1 WHERE seq = $1";
    const DATED: &str = "UPDATE audit_leaf SET at = at + 1 WHERE seq = $1";
    const GONE: &str = "DELETE FROM audit_leaf WHERE seq = $1";
    const LEAF: &str = "UPDATE audit_leaf SET leaf = (SELECT o.leaf FROM audit_leaf o WHERE o.seq = 1) WHERE seq = $1";
    for sql in [TEXT, COLUMN, HIDDEN, DATED, GONE, LEAF] {
        testkit::each_db(&[SCHEMA], |db, env| async move {
            let mut sequencer = Sequencer::new(db.clone(), signer());
            act(&db, 2).await;
            sequencer.step().await.unwrap();
            act(&db, 4).await;
            db.commit(unit(env.now()).exec_one(sql, params![5])).await.unwrap();
            let failure = sequencer.step().await;
            assert!(matches!(failure, Err(StoreError::Tampered { entry: 5, .. })), "{sql}: {failure:?}");
            assert_eq!(audit::latest(&db).await.unwrap().unwrap().size, 2);
        })
        .await;
    }
    testkit::each_db(&[SCHEMA], |db, env| async move {
        act(&db, 300).await;
        Sequencer::new(db.clone(), signer()).step().await.unwrap();
        db.commit(unit(env.now()).exec_one(LEAF, params![299])).await.unwrap();
        act(&db, 1).await;
        let failure = Sequencer::new(db.clone(), signer()).step().await;
        assert!(matches!(failure, Err(StoreError::Tampered { .. })), "already signed, found at the next start");
        assert!(matches!(audit::inclusion(&db, 299).await, Err(StoreError::Tampered { .. })));
    })
    .await;
}

#[tokio::test]
async fn no_byte_of_an_export_changes_unseen() {
    let (db, _folder) = testkit::sqlite(&[SCHEMA], base::Env::fixed(testkit::START, 1).0).await;
    act(&db, 6).await;
    let mut sequencer = Sequencer::new(db.clone(), signer());
    sequencer.step().await.unwrap();
    let earlier = audit::latest(&db).await.unwrap().unwrap().note;
    act(&db, 2).await;
    sequencer.step().await.unwrap();
    let good = exported(&db).await;
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    assert_eq!((verify(good.as_slice()).unwrap().size, lines.len()), (8, 10));

    let mut at = 0;
    for (number, line) in lines.iter().enumerate() {
        for _ in 0..line.len() {
            for bit in [0, 3, 7] {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                let broken = verify(bad.as_slice()).expect_err("a flipped bit");
                if (1..=8).contains(&number) {
                    assert_eq!(broken.entry, Some(number as u64), "byte {at}: {broken}");
                }
            }
            at += 1;
        }
    }
    let without = |gone: usize| [&lines[..gone], &lines[gone + 1..]].concat().concat();
    assert_eq!(verify(without(4).as_slice()).unwrap_err().entry, Some(4));
    assert_eq!(verify(without(8).as_slice()).unwrap_err().entry, Some(8), "the last entry");
    assert_eq!(verify(without(9).as_slice()).unwrap_err().entry, None, "the checkpoint");
    let mut swapped = lines.clone();
    swapped.swap(3, 4);
    assert_eq!(verify(swapped.concat().as_slice()).unwrap_err().entry, Some(3));
    assert!(verify([good.as_slice(), b"\n"].concat().as_slice()).is_err());
    assert!(verify(&good[..good.len() - 1]).is_err());
    assert!(verify(&b""[..]).is_err());

    let expect = |key, earlier| verify_with(good.as_slice(), &Expected { key, earlier, whole: false });
    assert!(expect(Some(signer().public_key()), Some(earlier.clone())).is_ok());
    assert!(expect(Some([1; 32]), None).is_err());
    // A whole other history, signed with the right key, does not grow from the earlier checkpoint.
    let (other, _folder) = testkit::sqlite(&[SCHEMA], base::Env::fixed(Timestamp::EPOCH, 1).0).await;
    act(&other, 9).await;
    Sequencer::new(other.clone(), signer()).step().await.unwrap();
    let rewritten = exported(&other).await;
    assert!(verify(rewritten.as_slice()).is_ok());
    let known = Expected { key: None, earlier: Some(earlier), whole: false };
    assert_eq!(verify_with(rewritten.as_slice(), &known).unwrap_err().entry, Some(6));
}

#[tokio::test]
async fn checkpoints_are_thinned_to_one_a_minute() {
    testkit::each_db_at(&[SCHEMA], |db, _, clock| async move {
        let mut sequencer = Sequencer::new(db.clone(), signer());
        for _ in 0..3 {
            for _ in 0..4 {
                act(&db, 1).await;
                sequencer.step().await.unwrap();
            }
            clock.advance_secs(60);
        }
        let rows = db.system_read(KEY, "SELECT size FROM audit_checkpoint ORDER BY size", params![]).await.unwrap();
        let sizes: Vec<u64> = rows.iter().map(|row| row.get("size").unwrap()).collect();
        assert_eq!(sizes, [4, 8, 12]);
    })
    .await;
}

#[tokio::test]
async fn search_through_a_clearance_and_strangers_in_sum() {
    testkit::each_db_at(&[SCHEMA], |db, env, clock| async move {
        act(&db, 5).await;
        let strangers = Strangers::new(db.clone(), org(1), Realm::Real);
        for _ in 0..1000 {
            strangers.refused("sign_in");
        }
        strangers.refused("token");
        assert_eq!(strangers.flush(false).await.unwrap(), 0, "the minute is not over");
        clock.advance_secs(60);
        strangers.refused("sign_in");
        assert_eq!(strangers.flush(false).await.unwrap(), 2);
        assert_eq!(strangers.flush(true).await.unwrap(), 1);
        assert_eq!(strangers.flush(true).await.unwrap(), 0);

        let (since, until) = (Timestamp::EPOCH, env.now().plus_secs(1));
        let find = |filter: Filter, page: Page| {
            let db = db.clone();
            async move { audit::search(&db, &testkit::all(), &filter, since, until, &page).await.unwrap() }
        };
        let sums = find(Filter::Action("sign_in".into()), Page::default()).await.items;
        assert_eq!(sums.len(), 2);
        assert!(sums[1].entry.contains("\"count\":1000") && sums[1].actor == "stranger");
        assert_eq!(find(Filter::Subject("thing:3".into()), Page::default()).await.items[0].seq, 4);
        assert_eq!(find(Filter::Actor("system:test".into()), Page::default()).await.items.len(), 5);
        let first = find(Filter::All, Page::first(6)).await;
        let second = find(Filter::All, Page { after: first.next.clone(), limit: 6 }).await;
        assert_eq!((first.items.len(), second.items.len(), second.next), (6, 2, None));
        let (from, page) = (Timestamp::from_micros(1), Page::first(6));
        let bounded = audit::search(&db, &testkit::all(), &Filter::All, from, until, &page).await.unwrap();
        assert_eq!(bounded.items, first.items, "a beginning before everything changes nothing");
        let found = audit::one(&db, &testkit::all(), 4).await.unwrap();
        assert_eq!(found.as_ref(), first.items.iter().find(|leaf| leaf.seq == 4));
        let stranger = testkit::clearance(org(9), Tlp::Red, Tlp::Green);
        assert_eq!(audit::one(&db, &stranger, 4).await.unwrap(), None);
        assert_eq!(audit::one(&db, &testkit::all(), 999_999).await.unwrap(), None);
        let other = testkit::clearance(org(9), Tlp::Red, Tlp::Green);
        let seen = audit::search(&db, &other, &Filter::All, since, until, &Page::default()).await.unwrap();
        assert_eq!(seen.items, []);
    })
    .await;
}

/// A page costs what it shows: an index gives condition and order, nothing is sorted, nothing is read whole.
#[tokio::test]
async fn every_question_is_one_range_of_one_index() {
    testkit::each_db(&[SCHEMA], |db, env| async move {
        for _ in 0..10 {
            act(&db, 500).await;
            let other = store::Unit::new(store::Actor::System("other".into()), env.now());
            let same = (0..50).fold(other, |u, _| u.audit(entry("thing.same", "thing:same")));
            db.commit(same).await.unwrap();
        }
        // As the database's own upkeep does it.
        db.commit(unit(env.now()).exec("ANALYZE audit_leaf", params![])).await.unwrap();
        for (engine, sql, index) in audit::EXPLAINED.concat() {
            if engine != db.engine() {
                continue;
            }
            let mut params = params![Timestamp::EPOCH, env.now().plus_secs(1), i64::MIN, 51];
            match index {
                "audit_leaf_action" => params.extend(params!["thing.same"]),
                "audit_leaf_subject" => params.extend(params!["thing:same"]),
                "audit_leaf_actor" => params.extend(params!["system:other"]),
                _ => {}
            }
            let rows = db.read(sql, &testkit::all(), params).await.unwrap();
            let column = if engine == store::Engine::Sqlite { "detail" } else { "QUERY PLAN" };
            let plan: Vec<String> = rows.iter().map(|row| row.get(column).unwrap()).collect();
            let plan = plan.join("\n");
            println!("{index}:\n{plan}");
            // PostgreSQL weighs by its statistics which of the ordered indexes is cheapest; SQLite takes the question's own.
            let own = if engine == store::Engine::Sqlite { index } else { "Index Scan Backward using audit_leaf_" };
            assert!(plan.contains(own), "{index}: {plan}");
            let dear = ["TEMP B-TREE", "Sort", "Seq Scan on audit_leaf", "SCAN l"];
            assert!(!dear.iter().any(|word| plan.contains(word)), "{plan}");
        }
    })
    .await;
}
