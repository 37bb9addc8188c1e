//! Measures lists and search at size: `cargo run --release -p intel --example measure_intel -- 100000`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measuring tool speaks and stops")]

use access::keys::KeyFile;
use access::{Access, Settings};
use base::{AddressScope, Env, OrgId, Realm, Tlp};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, Factor, ValueKind};
use intel::{AutoPolicy, Evidence, Filter, Intel, ValueGuard, Verdict};
use std::sync::Arc;
use std::time::Instant;
use store::page::Page;
use store::{Actor, Db, Migration, Unit};
use uuid::Uuid;

const CLOSURE: &[Migration] = &[Migration {
    number: 599,
    name: "test_closure",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL) @strict;",
}];

struct Open;

impl ValueGuard for Open {
    fn protected<'a>(&'a self, _realm: Realm, _kind: ValueKind, _value: &'a str) -> Verdict<'a> {
        Box::pin(async { Ok(None) })
    }
}

#[tokio::main]
async fn main() {
    let wanted: u64 = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("a number of indicators"));
    let (env, _) = Env::fixed(testkit::START, 7);
    let (db, _folder) = testkit::sqlite(&[intel::MIGRATIONS, CLOSURE], env.clone()).await;
    measure(&db, env, wanted).await;
    db.close().await;
}

async fn measure(db: &Db, env: Env, wanted: u64) {
    let org = OrgId(Uuid::from_u128(1));
    let access = Access::new(db.clone(), env.clone(), KeyFile::of(&[7; 32]).unwrap(), Settings::default(), org);
    let intel = Intel::new(db.clone(), env.clone(), access, Arc::new(Open), AutoPolicy::demo());
    let actor = Actor::System("measure".into());
    let began = Instant::now();
    let mut unit = Unit::new(actor.clone(), env.now());
    for n in 0..wanted {
        let (kind, value) = match n % 4 {
            0 => (ValueKind::Url, format!("http://host{n}.example{}.com/bot.sh", n % 1000)),
            1 => (ValueKind::Domain, format!("c{n}.evil{}.net", n % 1000)),
            _ => (ValueKind::Ipv4, format!("{}.{}.{}.{}", 20 + (n >> 24), n >> 16 & 255, n >> 8 & 255, n & 255)),
        };
        let evidence = Evidence {
            org,
            realm: Realm::Real,
            tlp: Tlp::Amber,
            scope: AddressScope::Global,
            kind,
            value,
            class: AttackClass::Download,
            score: 0.6 + f64::from(u32::try_from(n % 40).unwrap()) / 100.0,
            factors: vec![Factor { name: "class".into(), input: 0.65, part: 0.65 }],
            sessions_total: 3,
            sessions: vec![],
            sensors_total: u64::from(n % 10 != 0),
            campaign: None,
            first_at: env.now(),
            last_at: env.now(),
        };
        unit = unit.and(intel.propose_unit(evidence, actor.clone()).await.unwrap().0);
        if unit.statements.len() > 2_000 {
            unit.events.clear();
            unit.audit.clear();
            db.commit(std::mem::replace(&mut unit, Unit::new(actor.clone(), env.now()))).await.unwrap();
        }
    }
    unit.events.clear();
    unit.audit.clear();
    db.commit(unit).await.unwrap();
    println!("{wanted} indicators in {:.1?}", began.elapsed());
    let who = testkit::all();
    let page = Page::first(50);
    let text = |text: &str| Filter { text: text.into(), ..Filter::default() };
    let state = |state| Filter { state: Some(state), ..Filter::default() };
    let filters = [
        ("all", Filter::default()),
        ("in review", state(IndicatorState::InReview)),
        ("revoked (none)", state(IndicatorState::Revoked)),
        ("keys (none)", Filter { kind: Some(ValueKind::SshKey), ..Filter::default() }),
        ("exact address", text("20.0.1.7")),
        ("network /16", text("20.0.0.0/16")),
        ("domain", text("evil77.net")),
        ("url host", text("example33.com")),
        ("words (none)", text("no such words")),
    ];
    for _ in 0..2 {
        for (name, filter) in &filters {
            let began = Instant::now();
            let rows = intel.list(&who, filter, &page).await.unwrap().items.len();
            println!("{name}: {rows} rows in {:.1?}", began.elapsed());
        }
        let began = Instant::now();
        println!("totals: {:?} in {:.1?}", intel.totals(&who).await.unwrap(), began.elapsed());
        let began = Instant::now();
        let rows = intel.waiting(&who, &page).await.unwrap().items.len();
        println!("review queue: {rows} rows in {:.1?}", began.elapsed());
    }
}
