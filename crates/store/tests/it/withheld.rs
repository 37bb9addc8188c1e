//! An export for a reader who may not see every leaf: whole, provable, and silent about what is withheld.

use base::{OrgId, Realm, Tlp};
use ed25519_dalek::SigningKey;
use futures::TryStreamExt;
use serde_json::Value;
use std::collections::BTreeSet;
use store::audit::{self, Expected, Sequencer, Signer, verify, verify_with};
use store::{AuditEntry, Clearance, Db, SystemKey, params};

use crate::support::{SCHEMA, entry, org, unit};

fn signer() -> Signer {
    Signer::new("audit.example", SigningKey::from_bytes(&[5; 32])).unwrap()
}

fn about(subject: &str, whose: OrgId, tlp: Tlp, realm: Realm) -> AuditEntry {
    AuditEntry { org: whose, tlp, realm, ..entry("thing.put", subject) }
}

/// Leaves of two organisations, of every marking, and one of an exercise; the closure knows both organisations.
async fn fill(db: &Db) {
    let drill = Realm::Drill(org(7).0);
    let mut work = unit(db.env().now());
    for whose in [org(1), org(2)] {
        work = work.exec("INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $1)", params![whose]);
        for tlp in Tlp::ALL {
            work = work.audit(about(&format!("thing:{}", tlp.word()), whose, tlp, Realm::Real));
        }
    }
    db.commit(work.audit(about("thing:drill", org(1), Tlp::Clear, drill))).await.unwrap();
    // More than one piece of the export.
    for _ in 0..5 {
        let many = (0..500).fold(unit(db.env().now()), |u, _| u.audit(about("thing:many", org(2), Tlp::Red, drill)));
        db.commit(many).await.unwrap();
    }
    Sequencer::new(db.clone(), signer()).step().await.unwrap();
}

async fn seen(db: &Db, who: &Clearance) -> Vec<u8> {
    let parts: Vec<_> = audit::export_seen(db.clone(), &signer(), who.clone(), None).try_collect().await.unwrap();
    parts.concat()
}

fn lines(file: &[u8]) -> Vec<Value> {
    file.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[tokio::test]
async fn a_leaf_outside_the_clearance_is_its_hash_alone_and_the_root_holds() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        fill(&db).await;
        let whole: Vec<_> = audit::export(db.clone(), &signer()).try_collect().await.unwrap();
        let whole = verify(whole.concat().as_slice()).unwrap();
        assert_eq!((whole.size, whole.withheld), (2_511, 0));

        // One organisation up to amber+strict, everybody's up to green.
        let member = testkit::clearance(org(2), Tlp::AmberStrict, Tlp::Green);
        let file = seen(&db, &member).await;
        let found = verify(file.as_slice()).unwrap();
        let shown = 2 + 4;
        assert_eq!((found.size, found.root, found.withheld), (whole.size, whole.root, whole.size - shown));
        for line in lines(&file) {
            let Some(seq) = line["seq"].as_u64() else { continue };
            let content = audit::one(&db, &member, seq).await.unwrap().map(|leaf| Value::String(leaf.entry));
            assert_eq!(line.get("entry").cloned(), content, "leaf {seq}");
            assert_eq!(line.get("withheld").is_some(), line.get("entry").is_none());
        }
        let text = String::from_utf8(file).unwrap();
        for hidden in ["thing:red", "thing:drill", "thing:many"] {
            assert!(!text.contains(hidden), "{hidden} is not for this reader");
        }

        // Everything of real life is still not the exercise; who sees all of it sees what the whole file says.
        let real = verify(seen(&db, &testkit::all()).await.as_slice()).unwrap();
        assert_eq!((real.root, real.withheld), (whole.root, 2_501));
        let strict = Expected { whole: true, ..Expected::default() };
        let refused = verify_with(seen(&db, &member).await.as_slice(), &strict).unwrap_err();
        assert_eq!(refused.entry, Some(3), "the first withheld one: {refused}");
    })
    .await;
}

#[tokio::test]
async fn who_sees_everything_gets_the_file_of_before_byte_for_byte() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        let work = Tlp::ALL.iter().fold(unit(db.env().now()), |u, tlp| {
            u.audit(about("thing:1", org(1), *tlp, Realm::Real)).audit(about("thing:2", org(2), *tlp, Realm::Real))
        });
        db.commit(work).await.unwrap();
        Sequencer::new(db.clone(), signer()).step().await.unwrap();
        let whole: Vec<_> = audit::export(db.clone(), &signer()).try_collect().await.unwrap();
        let whole = whole.concat();
        assert_eq!(seen(&db, &testkit::all()).await, whole);
        let strict = Expected { whole: true, ..Expected::default() };
        assert_eq!(verify_with(whole.as_slice(), &strict).unwrap().withheld, 0);
    })
    .await;
}

#[tokio::test]
async fn an_altered_withheld_hash_is_named() {
    let (db, _folder) = testkit::sqlite(&[SCHEMA], base::Env::fixed(testkit::START, 1).0).await;
    let work = unit(db.env().now())
        .audit(about("thing:1", org(1), Tlp::Clear, Realm::Real))
        .audit(about("thing:2", org(1), Tlp::Red, Realm::Real))
        .audit(about("thing:3", org(1), Tlp::Red, Realm::Real))
        .audit(about("thing:4", org(1), Tlp::Clear, Realm::Real));
    db.commit(work).await.unwrap();
    Sequencer::new(db.clone(), signer()).step().await.unwrap();
    let good = seen(&db, &testkit::clearance(org(9), Tlp::Red, Tlp::Green)).await;
    let found = verify(good.as_slice()).unwrap();
    assert_eq!((found.size, found.withheld), (4, 2));
    let rows: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();

    let mut at = rows[0].len() + rows[1].len();
    for (number, row) in rows.iter().enumerate().take(4).skip(2) {
        for _ in 0..row.len() {
            for bit in [0, 3, 7] {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                assert_eq!(verify(bad.as_slice()).expect_err("a flipped bit").entry, Some(number as u64), "byte {at}");
            }
            at += 1;
        }
    }
    // Two hashes change places, each with its check: the number is part of it.
    let mut swapped = rows.clone();
    swapped.swap(2, 3);
    assert_eq!(verify(swapped.concat().as_slice()).unwrap_err().entry, Some(2));
    // Both at once, or none, or a word in place of the check.
    for (was, is) in [
        (r#","withheld":""#, r#","entry":"{}","withheld":""#),
        (r#","withheld":""#, r#","withheld":"0"#),
        (r#","entry":""#, r#","withheld":""#),
    ] {
        let bad = String::from_utf8(good.clone()).unwrap().replacen(was, is, 1);
        assert!(verify(bad.as_bytes()).unwrap_err().entry.is_some(), "{was} -> {is}");
    }
    // Somebody who knows the format makes the check fit another hash: the root does not hold, and the file says so.
    let line: Value = serde_json::from_slice(rows[2]).unwrap();
    let mut leaf = [0; 32];
    hex::decode_to_slice(line["leaf"].as_str().unwrap(), &mut leaf).unwrap();
    leaf[0] ^= 1;
    let digest: [u8; 32] = {
        use sha2::{Digest as _, Sha256};
        Sha256::new().chain_update([2]).chain_update(2_u64.to_be_bytes()).chain_update(leaf).finalize().into()
    };
    let forged = format!(
        "{{\"seq\":2,\"leaf\":\"{}\",\"withheld\":\"{}\"}}\n",
        hex::encode(leaf),
        hex::encode(digest).get(..16).unwrap()
    );
    let bad = [rows[0], rows[1], forged.as_bytes(), rows[3], rows[4], rows[5]].concat();
    let broken = verify(bad.as_slice()).unwrap_err();
    assert_eq!(broken.entry, None);
    assert!(broken.why.contains("2 withheld hashes"), "{broken}");
}

/// Without a nonce two equal acts would differ by number and time alone, which can be guessed.
#[tokio::test]
async fn every_entry_holds_a_nonce_of_its_own() {
    testkit::each_db(&[SCHEMA], |db, _| async move {
        let work = (0..50).fold(unit(db.env().now()), |u, _| u.audit(entry("thing.put", "thing:1")));
        db.commit(work).await.unwrap();
        let rows = db.system_read(SystemKey::of("test"), "SELECT entry FROM audit_leaf", params![]).await.unwrap();
        let nonces: BTreeSet<String> = rows
            .iter()
            .map(|row| serde_json::from_str::<Value>(&row.get::<String>("entry").unwrap()).unwrap())
            .map(|entry| entry["nonce"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(nonces.len(), 50);
        assert!(nonces.iter().all(|nonce| nonce.len() == 32));
    })
    .await;
}
