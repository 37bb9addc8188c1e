//! T20 and T22: what a sensor sends, how fast it is acknowledged, and when people see it.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use base::Timestamp;
use serde_json::{Value, json};

use crate::Bench;
use crate::centre::{Centre, Sensor};
use crate::hpfeeds;
use crate::machine::cpu;
use crate::report::{Row, Times};

/// Events of one generated session.
pub(crate) const SESSION: u64 = 20;
/// Events of one batch.
const BATCH: u64 = 2_000;

/// An address of the benchmark network 198.18.0.0/15 (RFC 2544), spread by a multiplicative hash.
pub(crate) fn source(n: u64) -> Ipv4Addr {
    let spread = u32::try_from(n.wrapping_mul(2_654_435_761) % 131_072).unwrap_or(0);
    Ipv4Addr::from(0xC612_0000 + spread)
}

/// One session of twenty events: a connection, a fingerprint, twelve guesses, five commands, the end.
fn session(n: u64, from: Ipv4Addr, begin: Timestamp, out: &mut String) {
    let mut step = 0;
    let mut line = |mut what: Value| {
        if let Some(object) = what.as_object_mut() {
            for (field, value) in [
                ("at", json!(begin.plus_secs(step).rfc3339())),
                ("session", json!(format!("b{n}"))),
                ("src_ip", json!(from)),
                ("src_port", json!(1_024 + n % 60_000)),
                ("dst_port", json!(22)),
                ("protocol", json!("ssh")),
                ("transport", json!("tcp")),
            ] {
                object.insert(field.to_owned(), value);
            }
        }
        step += 1;
        out.push_str(&what.to_string());
        out.push('\n');
    };
    line(json!({"kind": "conn.open"}));
    line(json!({"kind": "proto.fingerprint", "version": "SSH-2.0-Go", "hassh": format!("{:032x}", n % 97)}));
    for guess in 0..12_u64 {
        let password = format!("pass{}", (n.wrapping_mul(31) + guess) % 5_000);
        line(
            json!({"kind": "auth.attempt", "user": "root", "password": password, "method": "password", "success": guess == 11}),
        );
    }
    for command in ["uname -a", "cat /proc/cpuinfo", "nproc", "cd /tmp"] {
        line(json!({"kind": "cmd.input", "line": command}));
    }
    line(json!({"kind": "file.ref", "url": format!("http://loader.example/{}/x86.sh", n % 1_000)}));
    line(json!({"kind": "conn.close", "duration_ms": 19_000}));
}

/// Compressed lines of so many sessions from number `first` on, in time order over the last day.
pub(crate) fn batch(first: u64, sessions: u64, total: u64, now: Timestamp) -> Result<Vec<u8>> {
    let mut lines = String::new();
    for n in first..first + sessions {
        let ago = 86_000 - i64::try_from(n * 85_000 / total.max(1))?;
        session(n, source(n), now.plus_secs(-ago), &mut lines);
    }
    Ok(zstd::bulk::compress(lines.as_bytes(), 3)?)
}

/// Sends sessions `from..to` in batches of 2,000 events, prepared before the clock runs.
pub(crate) async fn fill(sensor: &mut Sensor, from: u64, to: u64, total: u64) -> Result<(Duration, reqwest::Version)> {
    let now = base::Env::system().now();
    let (mut sending, mut version, mut next) = (Duration::ZERO, reqwest::Version::HTTP_09, from);
    while next < to {
        let sessions = (to - next).min(BATCH / SESSION);
        let body = batch(next, sessions, total, now)?;
        let start = Instant::now();
        version = sensor.send(sessions * SESSION, body).await?;
        sending += start.elapsed();
        next += sessions;
    }
    Ok((sending, version))
}

/// T20: a batch is acknowledged; the finding about its source is listed.
pub(crate) async fn batch_to_finding(bench: &Bench) -> Result<Row> {
    let rounds = bench.pick(100, 50) as u64;
    let centre = Centre::start(bench).await?;
    let mut sensor = centre.sensor("by-hand").await?;
    let mut times = Times::default();
    for n in 0..rounds {
        let from = Ipv4Addr::from(0xC612_0000 + u32::try_from(n)? * 257);
        let mut lines = String::new();
        session(n, from, base::Env::system().now().plus_secs(-30), &mut lines);
        sensor.send(SESSION, zstd::bulk::compress(lines.as_bytes(), 3)?).await?;
        let start = Instant::now();
        loop {
            let found = centre.get(&format!("/api/v1/findings?which=all&value={from}")).await?;
            if found.pointer("/items/0").is_some() {
                break;
            }
            ensure!(start.elapsed() < Duration::from_secs(20), "no finding about {from} within 20 s");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(start.elapsed());
    }
    Ok(Row::new("T20", times.at(99) < 1_000.0, times.words())
        .note("From the answer to `POST /sensor/v1/batch` (mutual TLS, HTTP/2) until `GET /api/v1/findings` shows the finding about the source; asked every 2 ms. Each round is a new source in 198.18.0.0/15 with one session of 20 events, one at a time, on SQLite."))
}

/// The same events through the broker; a part of them, for it takes its time.
fn peer(bench: &Bench, sessions: u64, now: Timestamp) -> Result<hpfeeds::Reached> {
    let mut lines = String::new();
    for n in 0..sessions.min(5_000) {
        session(n, source(n), now.plus_secs(-60), &mut lines);
    }
    hpfeeds::pass(bench, &lines.lines().map(str::to_owned).collect::<Vec<_>>())
}

/// T22: batches of 2,000 events; acknowledged means durable.
pub(crate) async fn throughput(bench: &Bench) -> Result<Row> {
    let sessions = bench.pick(20_000, 5_000) as u64;
    let events = sessions * SESSION;
    let centre = Centre::start(bench).await?;
    let mut sensor = centre.sensor("by-hand").await?;
    let now = base::Env::system().now();
    let bodies: Vec<Vec<u8>> = (0..sessions)
        .step_by(usize::try_from(BATCH / SESSION)?)
        .map(|first| batch(first, BATCH / SESSION, sessions, now))
        .collect::<Result<_>>()?;
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let (start, used) = (Instant::now(), cpu(centre.pid())?);
    let mut version = reqwest::Version::HTTP_09;
    for body in bodies {
        version = sensor.send(BATCH, body).await?;
    }
    let (wall, acknowledged) = (start.elapsed().as_secs_f64(), cpu(centre.pid())? - used);
    let behind = centre.settle(Duration::from_secs(300)).await?;
    let folded = cpu(centre.pid())? - used;
    let known = centre.events().await?;
    ensure!(known == events, "the history has {known} of {events} acknowledged events");
    let count = events as f64;
    let (per_cpu, per_all) = (count / acknowledged.max(0.01), count / folded.max(0.01));
    let mut row = Row::new("T22", per_cpu >= 50_000.0, format!("{per_cpu:.0} events per CPU-second, {:.0}/s wall; with their history {per_all:.0} per CPU-second", count / wall))
        .note(format!("{events} events in batches of {BATCH} ({bytes} bytes of zstd in all), one connection ({version:?}, mutual TLS), one batch after the other, SQLite. Acknowledged means fsynced."))
        .note(format!("The CPU time until the last acknowledgement includes the history worker, which folds sessions at the same time. It went on for {:.1} s; then every event was in the history once. All of it: {per_all:.0} events per CPU-second.", behind.as_secs_f64()));
    match tokio::task::block_in_place(|| peer(bench, sessions, now)) {
        Ok(theirs) => {
            row.peer = format!(
                "hpfeeds broker: {:.0} events per CPU-second, {:.0}/s wall, kept nowhere",
                theirs.per_cpu, theirs.per_second
            );
            row = row.note(format!("hpfeeds broker 3.1.0 from PyPI: {} of the same events, one message each (as honeypots publish them), one publisher, one subscriber, no TLS. It has no acknowledgement and keeps nothing: an event counts once the subscriber has read it, all of them did, in order.", theirs.events));
        }
        Err(error) => row.peer = format!("hpfeeds broker: not run: {error:#}"),
    }
    row.cpu = format!("{acknowledged:.2} s acknowledged, {folded:.2} s with history");
    Ok(row)
}
