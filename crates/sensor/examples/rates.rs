//! How fast intake acknowledges, history folds and pages read: `cargo run --release -p sensor --example rates [EVENTS]`,
//! or with Cowrie logs of your own: `... --example rates FILE...`.
//!
//! One process, SQLite, the real journal with its fsync. Prints one row a measurement; targets T20, T22 and T24.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement for people at a terminal: it stops at the first surprise"
)]

use base::{Env, OrgId, Realm, SensorId, Timestamp, Tlp, TokenId};
use logwire::Format;
use logwire::attack::{AttackEvent, AuthMethod, Transport, What};
use sensor::fleet::Enrolment;
use sensor::landscape::Flat;
use sensor::model::{ObservableFilter, SessionFilter};
use sensor::{Fleet, History, Intake, Reads};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;
use store::page::Page;
use store::{Actor, Db, Migration};
use uuid::Uuid;

const CLOSURE: &[Migration] = &[Migration {
    number: 999,
    name: "org_closure",
    sql: "
CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL, PRIMARY KEY (ancestor_id, descendant_id)) @strict;
",
}];

const SENSORS: usize = 10;
const PER_SESSION: usize = 6;
const PER_BATCH: usize = 1_000;

#[tokio::main]
async fn main() {
    let wishes: Vec<String> = std::env::args().skip(1).collect();
    let events: usize = wishes.first().map_or(Ok(200_000), |text| text.parse()).unwrap_or(0);
    let folder = testkit::folder();
    let env = Env::system();
    let db = Db::open_sqlite(&folder.path().join("state.db"), env.clone()).await.unwrap();
    db.migrate(&[sensor::schema::MIGRATIONS, CLOSURE]).await.unwrap();
    let options = journal::Options { free_floor: 0, ..journal::Options::default() };
    let (journal, _) = journal::Journal::open(&folder.path().join("journal"), options, &env).await.unwrap();
    let intake = Intake::open(db.clone(), env.clone(), journal).await.unwrap();
    let mut history = History::open(&intake, Arc::new(Flat)).await.unwrap();
    let fleet = Fleet::new(db.clone(), env.clone());
    let reads = Reads::new(db, env.clone());

    let org = OrgId(Uuid::from_u128(1));
    let mut traps = Vec::new();
    for number in 0..SENSORS {
        let id = SensorId(Uuid::from_u128(100 + number as u128));
        let enrolment = Enrolment {
            id,
            org,
            realm: Realm::Real,
            tlp: Tlp::Amber,
            name: format!("trap-{number}"),
            cert_serial: "1".into(),
            cert_expires: env.now(),
        };
        fleet.enrol(Actor::System("rates".into()), enrolment, |unit| unit).await.unwrap();
        traps.push(fleet.admit(id, "1").await.unwrap());
    }
    let grant = access::Grant::of_scopes(vec![access::Action::Ingest], org, []);
    let who = access::Who::Token { id: TokenId(Uuid::from_u128(5)) };
    let caller = access::Caller::mint(who, org, org, vec![grant], Realm::Real, Tlp::Red);
    if events == 0 {
        files(&wishes, &intake, &mut history, &caller).await;
        return pages(&reads, env.now()).await;
    }
    let batches = batches(events, env.now());
    measure("intake, native batches", events, async {
        for (number, body) in batches.iter().enumerate() {
            let first = (number / SENSORS * PER_BATCH + 1) as u64;
            let answer = intake.accept_batch(&traps[number % SENSORS], 1, first, body).await.unwrap();
            assert_eq!(answer.accepted as usize, PER_BATCH);
        }
    })
    .await;
    measure("history, native events", events, async { history.catch_up().await.unwrap() }).await;

    let lines = cowrie(events, env.now());
    for name in ["intake, Cowrie lines", "intake, the same lines again"] {
        measure(name, events, async {
            for part in lines.chunks(20_000) {
                let numbered = part.iter().map(|line| (0_u32, line.as_bytes()));
                intake.accept_lines(&caller, org, Format::Cowrie, numbered).await.unwrap();
            }
        })
        .await;
    }
    measure("history, Cowrie events", events, async { history.catch_up().await.unwrap() }).await;
    pages(&reads, env.now()).await;
}

/// Imports Cowrie logs and says what they hold.
async fn files(names: &[String], intake: &Intake, history: &mut History, caller: &access::Caller) {
    let texts: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(name).unwrap()).collect();
    let lines: usize = texts.iter().map(|text| logwire::lines::split(text).count()).sum();
    let mut sum = sensor::wire::LinesAnswer::default();
    measure("intake, files", lines, async {
        for text in &texts {
            let mut counter = logwire::lines::Occurrences::default();
            let numbered: Vec<_> =
                logwire::lines::split(text).map(|line| (counter.next(line.bytes), line.bytes)).collect();
            let part = intake.accept_lines(caller, caller.org(), Format::Cowrie, numbered.into_iter()).await.unwrap();
            sum.accepted += part.accepted;
            sum.rejected += part.rejected;
            sum.events += part.events;
            sum.reasons.extend(part.reasons.into_iter().take(3));
        }
    })
    .await;
    println!("{} lines: {} accepted, {} rejected, {} events", lines, sum.accepted, sum.rejected, sum.events);
    println!("{:?}", sum.reasons);
    measure("history, files", sum.events as usize, async { history.catch_up().await.unwrap() }).await;
}

async fn pages(reads: &Reads, now: Timestamp) {
    let (who, page) = (testkit::all(), Page::default());
    let mut classes = std::collections::BTreeMap::new();
    for bar in reads.timeline(&who, Timestamp::EPOCH, now).await.unwrap() {
        *classes.entry(bar.class).or_insert(0) += bar.sessions;
    }
    println!("{classes:?}");
    let none = SessionFilter::default();
    measure("page: sessions", 1, async { drop(reads.sessions(&who, &none, &page).await.unwrap()) }).await;
    let source = SessionFilter { source: Some("198.51.100.7".into()), ..SessionFilter::default() };
    measure("page: one source", 1, async { drop(reads.sessions(&who, &source, &page).await.unwrap()) }).await;
    let all = ObservableFilter::default();
    measure("page: sources", 1, async { drop(reads.observables(&who, &all, &page).await.unwrap()) }).await;
    measure("page: timeline of a day", 1, async {
        drop(reads.timeline(&who, now.plus_secs(-86_400), now).await.unwrap());
    })
    .await;
    measure("page: totals", 1, async { drop(reads.totals(&who).await.unwrap()) }).await;
    measure("page: campaigns", 1, async { drop(reads.campaigns(&who, &page).await.unwrap()) }).await;
}

async fn measure(what: &str, count: usize, work: impl Future<Output = ()>) {
    let start = Instant::now();
    work.await;
    let took = start.elapsed().as_secs_f64();
    println!("{what:32} {:>10.1} ms {:>12.0} /s", took * 1e3, count as f64 / took);
}

fn batches(events: usize, now: Timestamp) -> Vec<Vec<u8>> {
    (0..events / PER_BATCH)
        .map(|batch| {
            let mut body = Vec::new();
            for number in batch * PER_BATCH..(batch + 1) * PER_BATCH {
                serde_json::to_writer(&mut body, &event(number, now)).unwrap();
                body.push(b'\n');
            }
            body
        })
        .collect()
}

fn event(number: usize, now: Timestamp) -> AttackEvent {
    let session = number / PER_SESSION;
    let what = match number % PER_SESSION {
        0 => What::ConnOpen,
        1 => What::Fingerprint { version: "SSH-2.0-Go".into(), hassh: Some(format!("{:032x}", session % 40)) },
        5 => What::ConnClose { duration_ms: 900 },
        n => What::Auth {
            user: ["root", "admin", "pi"][n - 2].into(),
            password: format!("secret{}", (session * 7 + n) % 500),
            method: AuthMethod::Password,
            key: None,
            success: false,
        },
    };
    AttackEvent {
        at: Timestamp::from_micros(now.as_micros() - (number as i64 % 86_400) * 1_000_000),
        session: format!("s{session:x}"),
        src_ip: format!("198.51.{}.{}", session / 251 % 100, session % 251).parse().unwrap(),
        src_port: 40_000,
        dst_ip: None,
        dst_port: 22,
        protocol: "ssh".into(),
        transport: Transport::Tcp,
        what,
    }
}

fn cowrie(events: usize, now: Timestamp) -> Vec<String> {
    (0..events)
        .map(|number| {
            let at = Timestamp::from_micros(now.as_micros() - number as i64 * 1_000).rfc3339();
            let session = number / 4;
            let (source, common) = (session % 3_000, "\"sensor\":\"pot\",\"protocol\":\"ssh\"");
            let head = format!("\"timestamp\":\"{at}\",\"session\":\"{session:012x}\",\"src_ip\":\"203.0.{}.{}\"", source / 250, source % 250);
            match number % 4 {
                0 => format!("{{\"eventid\":\"cowrie.session.connect\",\"src_port\":4000,\"dst_port\":2222,{head},{common}}}"),
                3 => format!("{{\"eventid\":\"cowrie.session.closed\",\"duration\":\"1.5\",{head},{common}}}"),
                n => format!("{{\"eventid\":\"cowrie.login.failed\",\"username\":\"root\",\"password\":\"p{n}{}\",{head},{common}}}", session % 90),
            }
        })
        .collect()
}
