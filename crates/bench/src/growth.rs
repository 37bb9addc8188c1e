//! T23 and T24: an idle centre, and its lists with ten, a hundred and a thousand thousand events.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::StreamExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Bench;
use crate::centre::{Centre, Sensor};
use crate::ingest::{SESSION, fill, source};
use crate::machine::rss_mb;
use crate::person::Person;
use crate::report::{Row, Times, Verdict};

/// T23.
pub(crate) async fn idle(bench: &Bench) -> Result<Row> {
    let mut times = Times::default();
    let mut rss = 0.0_f64;
    for round in 0..bench.pick(5, 3) {
        let centre = Centre::start(bench).await?;
        times.push(centre.ready);
        if round == 0 {
            tokio::time::sleep(Duration::from_secs(10)).await;
            rss = rss_mb(centre.pid())?;
        }
    }
    let binary = std::fs::metadata(&bench.program)?.len() as f64 / 1e6;
    let met = rss <= 150.0 && times.at(50) <= 1_000.0 && binary <= 150.0;
    let ready = times.at(50);
    let mut row = Row::new("T23", met, format!("RSS {rss:.0} MB, ready after {ready:.0} ms, binary {binary:.0} MB"))
        .note(format!("A fresh folder on SQLite: keys, certificates and tables are made within the start. Start to /readyz: median {ready:.0} ms, most {:.0} ms of {}. RSS ten seconds after. The binary as the release profile leaves it (debug information stripped, symbols kept; `make dist` strips those too).", times.at(100), times.len()));
    row.peer = "published: MISP and OpenCTI ask for 8 GB and more".to_owned();
    Ok(row)
}

/// Drafts indicators through the API, eight at a time, until the count or the time is reached.
async fn indicators(centre: &Centre, from: u64, to: u64, most: Duration) -> Result<u64> {
    let start = Instant::now();
    let made = futures::stream::iter(from..to)
        .take_while(|_| futures::future::ready(start.elapsed() < most))
        .map(|n| async move {
            // Half names, half hashes: values that are nobody's address.
            let value = if n % 2 == 0 {
                format!("h{n}.bench.example.net")
            } else {
                hex::encode(Sha256::digest(n.to_be_bytes()))
            };
            centre.post("/api/v1/indicators", &json!({"value": value, "name": format!("bench {n}")})).await
        })
        .buffer_unordered(8);
    let mut count = from;
    futures::pin_mut!(made);
    while let Some(answer) = made.next().await {
        answer?;
        count += 1;
    }
    Ok(count)
}

/// The routes of the lists and the single pages behind them.
async fn routes(centre: &Centre) -> Result<Vec<(String, String)>> {
    let id = async |list: &str| -> Result<String> {
        let page = centre.get(&format!("{list}?limit=1")).await?;
        Ok(page.pointer("/items/0/id").and_then(Value::as_str).with_context(|| format!("an id in {list}"))?.to_owned())
    };
    let one_source = source(77);
    let (session, indicator) = (id("/api/v1/sessions").await?, id("/api/v1/indicators").await?);
    let page = centre.get("/api/v1/sessions?limit=1000").await?;
    let next = page.get("next").and_then(Value::as_str).map(|cursor| format!("?after={cursor}")).unwrap_or_default();
    let mut list: Vec<(String, String)> = [
        "/api/v1/sessions",
        "/api/v1/sessions?class=download",
        "/api/v1/observables",
        "/api/v1/observables?kind=ipv4&min_score=0.4",
        "/api/v1/timeline",
        "/api/v1/campaigns",
        "/api/v1/totals",
        "/api/v1/findings",
        "/api/v1/findings?which=all",
        "/api/v1/findings/groups",
        "/api/v1/indicators",
        "/api/v1/indicators?state=draft",
        "/api/v1/indicators?q=h77.bench",
        "/api/v1/points",
        "/api/v1/directives",
        "/api/v1/sensors",
        "/api/v1/orgs",
        "/api/v1/audit",
        "/feeds/block-ip.txt",
    ]
    .map(|path| (path.to_owned(), path.to_owned()))
    .to_vec();
    list.push(("/api/v1/sessions?source=ADDRESS".into(), format!("/api/v1/sessions?source={one_source}")));
    list.push(("/api/v1/sessions?after=CURSOR".into(), format!("/api/v1/sessions{next}")));
    list.push(("/api/v1/sessions/{id}".into(), format!("/api/v1/sessions/{session}")));
    list.push(("/api/v1/indicators/{id}".into(), format!("/api/v1/indicators/{indicator}")));
    Ok(list)
}

/// The portal's pages at size, as the first administrator (who is duty officer too) opens them.
async fn pages(centre: &Centre) -> Result<Vec<(String, String)>> {
    let mut list: Vec<(String, String)> = [
        "/",
        "/attacks",
        "/attacks?q=class%3Adownload",
        "/sessions",
        "/campaigns",
        "/findings",
        "/indicators",
        "/review",
        "/points",
        "/sensors",
        "/orgs",
        "/people",
        "/audit",
        "/me",
        "/search?q=198.18.0.77",
        "/search?q=h77.bench.example.net",
    ]
    .map(|path| (path.to_owned(), path.to_owned()))
    .to_vec();
    for (list_of, page) in
        [("/api/v1/sessions", "/sessions"), ("/api/v1/indicators", "/indicators"), ("/api/v1/findings", "/findings")]
    {
        let first = centre.get(&format!("{list_of}?limit=1")).await?;
        let id = first.pointer("/items/0/id").and_then(Value::as_str).with_context(|| format!("an id in {list_of}"))?;
        list.push((format!("{page}/{{id}}"), format!("{page}/{id}")));
    }
    Ok(list)
}

/// One size of the data: how it was reached and how long each route took.
struct Level {
    events: u64,
    indicators: u64,
    routes: Vec<(String, Times)>,
    ingest: String,
}

async fn level(
    centre: &Centre,
    person: &mut Person,
    sensor: &mut Sensor,
    (before, events): (u64, u64),
    made: u64,
    total: u64,
    rounds: usize,
) -> Result<Level> {
    let start = Instant::now();
    let (sending, _) = fill(sensor, before / SESSION, events / SESSION, total / SESSION).await?;
    let behind = centre.settle(Duration::from_secs(900)).await?;
    let known = centre.events().await?;
    ensure!(known == events, "the history has {known} of {events} acknowledged events");
    let ingest = format!(
        "{events} events: the last {} acknowledged in {:.1} s of sending, in the history {:.1} s after the first",
        events - before,
        sending.as_secs_f64(),
        (start.elapsed().as_secs_f64()).max(behind.as_secs_f64())
    );
    let indicators = indicators(centre, made, events / 10, Duration::from_secs(90)).await?;
    centre.settle(Duration::from_secs(60)).await?;
    let mut timed = Vec::new();
    for (name, path) in routes(centre).await? {
        let mut times = Times::default();
        for _ in 0..rounds {
            let start = Instant::now();
            centre.get(&path).await.with_context(|| name.clone())?;
            times.push(start.elapsed());
        }
        timed.push((name, times));
    }
    for (name, path) in pages(centre).await? {
        let mut times = Times::default();
        for _ in 0..rounds {
            let start = Instant::now();
            person.page(&path).await?;
            times.push(start.elapsed());
        }
        timed.push((format!("page {name}"), times));
    }
    Ok(Level { events, indicators, routes: timed, ingest })
}

/// T24.
pub(crate) async fn lists(bench: &Bench) -> Result<Row> {
    let sizes: &[u64] = if bench.quick { &[10_000, 100_000] } else { &[10_000, 100_000, 1_000_000] };
    let total = sizes.last().copied().unwrap_or(0);
    let centre = Centre::start(bench).await?;
    let mut sensor = centre.sensor("by-hand").await?;
    let mut person = centre.person().await?;
    let mut levels: Vec<Level> = Vec::new();
    let (mut before, mut made, mut stopped) = (0, 0, None);
    for events in sizes {
        match level(&centre, &mut person, &mut sensor, (before, *events), made, total, bench.pick(40, 20)).await {
            Ok(level) => {
                (before, made) = (*events, level.indicators);
                levels.push(level);
            }
            Err(error) => {
                stopped = Some(format!("{events} events were not reached: {error:#}"));
                break;
            }
        }
    }
    let last = levels.last().with_context(|| stopped.clone().unwrap_or_default())?;
    let worst = last.routes.iter().max_by(|a, b| a.1.at(95).total_cmp(&b.1.at(95))).context("a route")?;
    let p95 = worst.1.at(95);
    let figure =
        format!("worst p95 {p95:.0} ms (`{}`) at {} events, {} indicators", worst.0, last.events, last.indicators);
    let complete = last.events == 1_000_000 && last.indicators >= 100_000;
    let mut row = Row::new("T24", p95 <= 100.0, figure)
        .note("Round trip over one kept connection on loopback, an upper bound of the server's time; administrator's token, 50 rows a page; `sessions?limit=1000` is read to find a late cursor. Rows with `page` are the portal's pages, whole, as the first administrator opens them.")
        .note("Real ingest: generated sessions of 20 events from up to 131,072 addresses of 198.18.0.0/15 over the last day, in batches of 2,000. Indicators are drafted through `POST /api/v1/indicators`, each its own commit.");
    if p95 <= 100.0 && !complete {
        row.verdict = Verdict::Partly;
    }
    for level in &levels {
        row = row.note(format!("{}; {} indicators.", level.ingest, level.indicators));
    }
    if let Some(why) = stopped {
        row = row.note(why);
    }
    row.table = table(&levels)?;
    Ok(row)
}

fn table(levels: &[Level]) -> Result<String> {
    let mut out = String::from("p50 / p95 in milliseconds:\n\n| route |");
    for level in levels {
        write!(out, " {} events, {} indicators |", level.events, level.indicators)?;
    }
    write!(out, "\n|---|{}\n", "---|".repeat(levels.len()))?;
    for (name, _) in levels.first().map(|level| level.routes.as_slice()).unwrap_or_default() {
        write!(out, "| `{name}` |")?;
        for level in levels {
            let times = level.routes.iter().find(|(other, _)| other == name);
            write!(
                out,
                " {} |",
                times.map_or_else(String::new, |(_, t)| format!("{:.1} / {:.1}", t.at(50), t.at(95)))
            )?;
        }
        out.push('\n');
    }
    Ok(out)
}
