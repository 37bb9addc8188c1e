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
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..20_u8 {
        tasks.spawn(guess(sensor.ssh, 1 + worker, wanted / 20));
    }
    let done: usize = tasks.join_all().await.into_iter().sum();
    let rate = done as f64 / begun.elapsed().as_secs_f64();
    println!(
        "{done} attempts, {rate:.0}/s with client and server on the same cores; {} MiB with 200 open sessions on both sides",
        memory >> 20
    );
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
