//! How many authentication attempts a sensor takes, and how much memory open sessions cost.
//!
//! Small by default. `TRAP_LOAD_ATTEMPTS` and a release build give the figures of the targets' table; the client runs in
//! the same process, so that the rate is a lower bound.

use crate::bed;
use russh::client;
use russh::keys::PublicKey;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Guesser;

impl client::Handler for Guesser {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _key: &PublicKey) -> Result<bool, russh::Error> {
        Ok(true)
    }
}

/// Guesses five times on one connection, as guessing tools do, again and again.
async fn guess(to: SocketAddr, from: u8, attempts: usize) -> usize {
    let config = Arc::new(client::Config::default());
    let mut done = 0;
    while done < attempts {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 2, from], 0))).unwrap();
        let stream = socket.connect(to).await.unwrap();
        let mut session = client::connect_stream(Arc::clone(&config), stream, Guesser).await.unwrap();
        for n in 0..5.min(attempts - done) {
            let answer = session.authenticate_password("root", format!("guess {n}")).await.unwrap();
            assert!(!answer.success());
            done += 1;
        }
    }
    done
}

/// Processor time of this process, user and system (proc(5), fields 14 and 15 of stat).
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_per_second_and_memory() {
    let wanted: usize = std::env::var("TRAP_LOAD_ATTEMPTS").ok().and_then(|v| v.parse().ok()).unwrap_or(100);
    let (centre, sensor, _dir) = bed::pair().await;
    let mut idle = Vec::new();
    for n in 0..200_u8 {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 3, 1 + n % 20], 0))).unwrap();
        let stream = socket.connect(sensor.ssh).await.unwrap();
        idle.push(client::connect_stream(Arc::new(client::Config::default()), stream, Guesser).await.unwrap());
    }
    let memory = runtime::process::rss_bytes();
    let (begun, before) = (Instant::now(), cpu_ticks());
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..20_u8 {
        tasks.spawn(guess(sensor.ssh, 1 + worker, wanted / 20));
    }
    let done: usize = tasks.join_all().await.into_iter().sum();
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    // A tick is a hundredth of a second on Linux.
    let per_core = done as f64 / ((cpu_ticks() - before).max(1) as f64 / 100.0);
    println!("{done} attempts: {rate:.0}/s, {per_core:.0} per core-second of client and server together");
    println!("{} MiB with 200 open sessions on both sides", memory >> 20);
    // T21, and stricter than it: the clients' side and the test's centre are in the same process.
    // An unoptimised program maps more of itself.
    let most = if cfg!(debug_assertions) { 64 << 20 } else { 40 << 20 };
    assert!(memory <= most, "{memory} bytes with 200 open sessions");
    assert_eq!(done, wanted / 20 * 20);
    drop(idle);
    centre
        .until("every attempt as an event", |e| {
            e.iter().filter(|e| matches!(&e.what, logwire::attack::What::Auth { password, .. } if password.starts_with("guess"))).count() == done
        })
        .await;
    assert!(begun.elapsed() < Duration::from_secs(120));
    sensor.stop().await;
}
