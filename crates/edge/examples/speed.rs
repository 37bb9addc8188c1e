//! Speed of the centre's half: 100,000 denials issued, sent, listed; then one at a time until a point has it.
//!
//! `cargo run --release -p edge --example speed [-- COUNT]` runs on SQLite and, where it is installed, PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a bench")]

use base::{AddrSpec, AddressScope, OrgId, Realm, Tlp};
use edge::desk::directive::Ask;
use edge::desk::point::NewPoint;
use edge::replica::{Accepted, Replica};
use edge::wire::{Frame, Intent};
use edge::{Driver, Edge, Identity, Settings};
use std::time::{Duration, Instant};
use store::{Actor, Migration};

const CLOSURE: &[Migration] = &[Migration {
    number: 299,
    name: "closure_for_bench",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL, \
          PRIMARY KEY (ancestor_id, descendant_id)) @strict;",
}];
const CENTRE: OrgId = OrgId(uuid::Uuid::from_u128(1));
const SINGLE: u32 = 200;

fn main() {
    let count = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("COUNT is a number"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(testkit::each_db(&[CLOSURE, edge::MIGRATIONS], |db, env| async move {
        let key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
        let identity = Identity { centre: CENTRE, key, demo: false };
        let edge = Edge::new(db, env.clone(), identity, Settings::default());
        let system = access::Caller::system(store::SystemKey::of("bench"), CENTRE, Realm::Real);
        edge.thaw_all(&system, env.now().plus_secs(3_600)).await.unwrap();
        let id = env.id();
        let new = NewPoint {
            id,
            org: CENTRE,
            realm: Realm::Real,
            tlp: Tlp::Green,
            name: "bench".into(),
            driver: Driver::File,
            serial: "01".into(),
            cert_expires: env.now().plus_secs(86_400),
        };
        edge.enrol_point(Actor::System("bench".into()), new, |unit| unit).await.unwrap();
        let ask = |n: u32, base: u32| Ask {
            org: CENTRE,
            realm: Realm::Real,
            tlp: Tlp::Green,
            scope: AddressScope::Global,
            key: AddrSpec::host(std::net::Ipv4Addr::from(base + n).into()),
            intent: Intent::Deny,
            expires: env.now().plus_secs(86_400),
            reason: "bench".into(),
            indicator: None,
            provenance: serde_json::json!({}),
        };
        let mut replica = Replica::new(id, edge.verifying_key());

        let began = Instant::now();
        let asks = (0..count - SINGLE).map(|n| ask(n, 0x0900_0000)).collect();
        let issued = edge.issue_list(&system, asks).await.unwrap();
        tell("issue", issued.len(), began);
        let began = Instant::now();
        let frames = edge.frames_since(id, 0).await.unwrap();
        tell("snapshot, signed", frames.len(), began);
        let lines: Vec<String> = frames.iter().map(Frame::to_line).collect();
        let began = Instant::now();
        lines.iter().for_each(|line| take(&mut replica, &Frame::from_line(line.as_bytes()).unwrap(), &env));
        tell("read, verify, take", replica.entries().count(), began);
        let began = Instant::now();
        let list = edge.block_list(system.clearance(), CENTRE).await.unwrap();
        tell("block list", list.keys.len(), began);

        let mut cursor = edge.open_stream(id, replica.mark().sequence);
        edge.next_frames(&mut cursor).await.unwrap();
        let mut times: Vec<Duration> = Vec::new();
        for n in 0..SINGLE {
            let began = Instant::now();
            edge.issue_automatic(ask(n, 0x0808_0000)).await.unwrap();
            for frame in edge.next_frames(&mut cursor).await.unwrap() {
                take(&mut replica, &frame, &env);
            }
            times.push(began.elapsed());
        }
        times.sort();
        println!("one, issued to taken: median {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
    }));
}

fn take(replica: &mut Replica, frame: &Frame, env: &base::Env) {
    if let Accepted::Change(change) = replica.accept(frame, env.now()).unwrap() {
        replica.commit(&change);
    }
}

fn tell(what: &str, count: usize, began: Instant) {
    println!("{what}: {count} in {:?}", began.elapsed());
}
