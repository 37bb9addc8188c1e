//! Measures lists at size: `cargo run --release -p detect --example measure_detect -- 1000000`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measuring tool speaks and stops")]

use base::{AddressScope, Env, OrgId, Realm, Timestamp, Tlp};
use detect::{Detect, Filter, FindingState, Raise, Subject, Which, Why};
use std::time::Instant;
use store::page::Page;
use store::{Actor, Db, Migration, Unit};
use uuid::Uuid;

const CLOSURE: &[Migration] = &[Migration {
    number: 499,
    name: "test_closure",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL) @strict;",
}];

#[tokio::main]
async fn main() {
    let wanted: u64 = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("a number of findings"));
    let start = Timestamp::from_micros(1_795_240_800_000_000);
    let (env, _) = Env::fixed(start, 7);
    match std::env::var("LIANFANG_PG") {
        Ok(url) => {
            let db = Db::open_postgres(&url, env.clone()).await.unwrap();
            db.migrate(&[detect::MIGRATIONS, CLOSURE]).await.unwrap();
            measure(db, env, wanted).await;
        }
        Err(_) => {
            let (db, _folder) = testkit::sqlite(&[detect::MIGRATIONS, CLOSURE], env.clone()).await;
            measure(db, env, wanted).await;
        }
    }
}

async fn measure(db: Db, env: Env, wanted: u64) {
    let detect = Detect::new(db.clone(), env.clone());
    let began = Instant::now();
    let mut unit = Unit::new(Actor::System("measure".into()), env.now());
    for n in 0..wanted {
        let raise = Raise {
            org: OrgId(Uuid::from_u128(u128::from(n % 50))),
            realm: Realm::Real,
            tlp: Tlp::Amber,
            scope: AddressScope::Global,
            rule: format!("sensor.rule{}", n % 12),
            severity: u8::try_from(n % 4 + 1).unwrap(),
            subject: Subject {
                kind: "ipv4".into(),
                value: format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255),
            },
            params: serde_json::json!({ "value": n }),
            why: Why::default(),
            first_at: env.now().plus_secs(i64::try_from(n).unwrap()),
            last_at: env.now().plus_secs(i64::try_from(n).unwrap()),
            campaign: None,
        };
        unit = unit.and(detect.raise_unit(raise, Actor::System("measure".into())).await.unwrap());
        if unit.statements.len() == 2_000 {
            unit.events.clear();
            db.commit(std::mem::replace(&mut unit, Unit::new(Actor::System("measure".into()), env.now())))
                .await
                .unwrap();
        }
    }
    unit.events.clear();
    db.commit(unit).await.unwrap();
    // Nine of ten are closed, as in a centre that works.
    const CLOSE: &str = "UPDATE finding SET state = 'resolved', open = 0, live_key = NULL, outcome = 'benign' \
         WHERE last_at % 10000000 <> 0";
    db.commit(Unit::new(Actor::System("measure".into()), env.now()).exec(CLOSE, vec![])).await.unwrap();
    println!("{wanted} findings in {:.1?}", began.elapsed());
    let who = testkit::all();
    let page = Page::first(50);
    let queue = Filter::default();
    let all = Filter { which: Which::All, ..Filter::default() };
    let resolved = Filter { which: Which::State(FindingState::Resolved), ..Filter::default() };
    let org = Filter { org: Some(OrgId(Uuid::from_u128(7))), ..Filter::default() };
    let value = Filter { value: Some("10.0.1.7".into()), ..Filter::default() };
    let rare = Filter { rule: Some("none".into()), which: Which::All, ..Filter::default() };
    for _ in 0..2 {
        for (name, filter) in [
            ("queue", &queue),
            ("all", &all),
            ("resolved", &resolved),
            ("org", &org),
            ("value", &value),
            ("rare", &rare),
        ] {
            let began = Instant::now();
            let rows = detect.list(&who, filter, &page).await.unwrap().items.len();
            println!("{name}: {rows} rows in {:.1?}", began.elapsed());
        }
        let began = Instant::now();
        let groups = detect.groups(&who).await.unwrap().len();
        println!("groups: {groups} in {:.1?}", began.elapsed());
        let member = testkit::clearance(OrgId(Uuid::from_u128(7)), Tlp::AmberStrict, Tlp::Green);
        let began = Instant::now();
        let rows = detect.list(&member, &queue, &page).await.unwrap().items.len();
        println!("member's queue (sees nothing): {rows} rows in {:.1?}", began.elapsed());
    }
}
