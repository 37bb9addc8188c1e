//! Genuine SSH clients: a load of password attempts, and sessions that stay open.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use russh::client::{self, Handle};
use russh::{Channel, client::Msg};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

/// Connections at the same moment.
const CLIENTS: u8 = 24;

/// A client that trusts any host key: it plays an attacker.
pub(crate) struct Careless;

impl client::Handler for Careless {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _key: &russh::keys::PublicKey) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

async fn connect(from: Ipv4Addr, target: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(target).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries passwords until the time is over; says how many were answered over how many connections.
pub(crate) async fn load(target: SocketAddr, time: Duration) -> Result<serde_json::Value> {
    let (attempts, connections, failures) = (counter(), counter(), counter());
    let end = Instant::now() + time;
    let clients = (0..CLIENTS).map(|n| {
        let (attempts, connections, failures) = (attempts.clone(), connections.clone(), failures.clone());
        tokio::spawn(async move {
            let from = Ipv4Addr::new(127, 0, 1, n + 1);
            while Instant::now() < end {
                let work = guesses(from, target, end, &attempts, &connections);
                if tokio::time::timeout(Duration::from_secs(10), work).await.map_or(true, |done| done.is_err()) {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await?;
    }
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Ok(json!({"attempts": read(&attempts), "connections": read(&connections), "failures": read(&failures)}))
}

fn counter() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(0))
}

/// Tries passwords over one connection until the server closes it, as it does after a handful.
async fn guesses(
    from: Ipv4Addr,
    target: SocketAddr,
    end: Instant,
    attempts: &AtomicU64,
    connections: &AtomicU64,
) -> Result<()> {
    let mut session = client::connect_stream(config(), connect(from, target).await?, Careless).await?;
    connections.fetch_add(1, Ordering::Relaxed);
    for n in 0..64_u32 {
        if Instant::now() >= end {
            break;
        }
        // The server hangs up after its last refusal: that is the end of the connection, not a failure.
        let Ok(answer) = session.authenticate_password("nobody-here", format!("no-such-word-{n}")).await else { break };
        attempts.fetch_add(1, Ordering::Relaxed);
        if answer.success() {
            break;
        }
    }
    Ok(())
}

fn config() -> Arc<client::Config> {
    Arc::new(client::Config { inactivity_timeout: Some(Duration::from_secs(60)), ..client::Config::default() })
}

/// A session with a shell that stays open as long as the value lives.
pub(crate) type Held = (Handle<Careless>, Channel<Msg>);

/// Logs in and opens a shell.
pub(crate) async fn hold(from: Ipv4Addr, target: SocketAddr, account: (&str, &str)) -> Result<Held> {
    let open = async {
        let mut session = client::connect_stream(config(), connect(from, target).await?, Careless).await?;
        let answer = session.authenticate_password(account.0, account.1).await?;
        anyhow::ensure!(answer.success(), "the trap refused its own account");
        let channel = session.channel_open_session().await?;
        channel.request_pty(true, "xterm", 80, 24, 0, 0, &[]).await?;
        channel.request_shell(true).await?;
        Ok((session, channel))
    };
    tokio::time::timeout(Duration::from_secs(10), open).await?
}
