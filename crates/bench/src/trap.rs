//! T21: password attempts per second against the real sensor on one core, and its memory with open sessions.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Bench;
use crate::centre::{Centre, Process};
use crate::machine::{cpu, rss_mb};
use crate::report::{Row, Verdict};
use crate::ssh;

const ACCOUNT: (&str, &str) = ("root", "let-me-hold");

/// What a load reached.
#[derive(Debug)]
struct Reached {
    attempts: f64,
    per_second: f64,
    per_cpu: f64,
    connections_per_cpu: f64,
    words: String,
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Whether somebody greets with an SSH banner before the deadline.
async fn greets(target: SocketAddr, most: Duration) -> bool {
    let deadline = Instant::now() + most;
    while Instant::now() < deadline {
        if let Ok(stream) = tokio::net::TcpStream::connect(target).await {
            let mut banner = [0_u8; 4];
            let read = tokio::time::timeout(Duration::from_secs(2), stream.readable()).await;
            if matches!(read, Ok(Ok(()))) && matches!(stream.try_read(&mut banner), Ok(4)) && &banner == b"SSH-" {
                return true;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// The load from the other core, and what the server at `pid` used meanwhile.
fn attack(target: SocketAddr, seconds: u64, pid: u32) -> Result<Reached> {
    let this = std::env::current_exe()?;
    let (start, used) = (Instant::now(), cpu(pid)?);
    let words = ["ssh-load", "--target", &target.to_string(), "--seconds", &seconds.to_string()].map(str::to_owned);
    let output = Command::new("taskset").args(["-c", "1"]).arg(this).args(words).output()?;
    let (wall, used) = (start.elapsed().as_secs_f64(), cpu(pid)? - used);
    ensure!(output.status.success(), "the load failed: {}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let number = |field: &str| said.get(field).and_then(Value::as_f64).unwrap_or(0.0);
    let attempts = number("attempts");
    Ok(Reached {
        attempts,
        per_second: attempts / wall,
        per_cpu: attempts / used.max(0.01),
        connections_per_cpu: number("connections") / used.max(0.01),
        words: format!(
            "{attempts} attempts over {} connections in {wall:.1} s, {used:.2} CPU-seconds of the server, {} connections failed",
            number("connections"),
            number("failures")
        ),
    })
}

/// Waits until the centre's history holds at least so many events, and says how many it holds: every attempt is one.
async fn arrived(centre: &Centre, attempts: f64) -> Result<u64> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        centre.settle(Duration::from_secs(120)).await?;
        let known = centre.events().await?;
        if known as f64 >= attempts {
            return Ok(known);
        }
        ensure!(Instant::now() < deadline, "the centre knows {known} events of {attempts} attempts");
    }
}

/// T21.
pub(crate) async fn attempts(bench: &Bench) -> Result<Row> {
    if Command::new("taskset").arg("--version").output().is_err() {
        return Ok(Row::not_run("T21", "taskset is not installed"));
    }
    let seconds = bench.pick(15, 6) as u64;
    let centre = Centre::start(bench).await?;
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let settings = format!(
        "allow_root = true\nauth_delay_ms = 0\n[[listen]]\nkind = \"ssh\"\naddress = \"{target}\"\n\
         [[accounts]]\nuser = \"{}\"\npassword = \"{}\"\n",
        ACCOUNT.0, ACCOUNT.1
    );
    let sensor = centre.machine("sensor", ("sensor.toml", &settings), &["taskset", "-c", "0"])?;
    let log = || std::fs::read_to_string(centre.path("sensor.log")).unwrap_or_default();
    ensure!(greets(target, Duration::from_secs(20)).await, "the sensor does not greet: {}", log());
    let idle = rss_mb(sensor.id())?;
    let mut open = Vec::new();
    let mut at_200 = f64::NAN;
    for n in 0..600_u16 {
        let from = Ipv4Addr::new(127, 0, 2, u8::try_from(n / 16 + 1)?);
        match ssh::hold(from, target, ACCOUNT).await {
            Ok(held) => open.push(held),
            Err(error) if n < 200 => return Err(error.context(format!("session {n}"))),
            Err(_) => break,
        }
        if open.len() == 200 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            at_200 = rss_mb(sensor.id())?;
        }
    }
    let (most, at_most) = (open.len(), rss_mb(sensor.id())?);
    drop(open);
    let ours = attack(target, seconds, sensor.id())?;
    let after = rss_mb(sensor.id())?;
    let told = arrived(&centre, ours.attempts).await?;
    drop(sensor);
    let met = ours.per_cpu >= 800.0 && at_200 <= 40.0;
    let figure = format!(
        "{:.0} attempts, {:.0} connections per CPU-second ({:.0} attempts/s wall); RSS {at_200:.1} MB at 200 open sessions",
        ours.per_cpu, ours.connections_per_cpu, ours.per_second
    );
    let mut row = Row::new("T21", met, figure)
        .note(format!("`lianfang sensor` on core 0 with auth_delay_ms 0, clients on core 1, 24 connections at a time, reconnecting after the six tries a connection has: a full key exchange for six attempts. {}. Afterwards the centre held {told} events of it.", ours.words))
        .note(format!("RSS: idle {idle:.1} MB; 200 sessions with an open shell {at_200:.1} MB; the {most} sessions that were let in of 600 tried {at_most:.1} MB; after the load {after:.1} MB."));
    match cowrie(bench, seconds).await {
        Ok(theirs) => {
            row.peer = format!(
                "Cowrie: {:.0} attempts, {:.0} connections per CPU-second ({:.0} attempts/s wall)",
                theirs.per_cpu, theirs.connections_per_cpu, theirs.per_second
            );
            row = row.note(format!(
                "Cowrie from PyPI with its default settings on core 0, the same load: {}. Where it answers fewer attempts a connection, each of them carries more of the key exchange: compare connections.",
                theirs.words
            ));
        }
        Err(error) => row.peer = format!("Cowrie not run: {error:#}"),
    }
    if at_200.is_nan() {
        row.verdict = Verdict::Partly;
    }
    Ok(row)
}

/// Cowrie from PyPI, as house/cowrie installs and starts it.
async fn cowrie(bench: &Bench, seconds: u64) -> Result<Reached> {
    let script = bench.root.join("house/cowrie");
    let output = Command::new(&script).arg("install").output().context("house/cowrie")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let folder = bench.folder()?;
    // The script gives what it writes to another user, who must get there.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(&script).arg("run").arg(folder.path().join("cowrie")).arg(target.port().to_string());
    let log = folder.path().join("log");
    let process = Process::start(&mut command, &log)?;
    if !greets(target, Duration::from_secs(60)).await {
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        anyhow::bail!("it does not start: {}", said.lines().last().unwrap_or_default());
    }
    attack(target, seconds, process.id())
}
