//! The self-probe: a real connection to every own listener, so that "listening" is seen and not assumed.

use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

use crate::config::ListenerKind;
use crate::persona::Persona;
use crate::visit::OwnProbes;

/// How long a probe may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest banner.
const BANNER: usize = 512;

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// The listener: `ssh:2222`.
    pub listener: String,
    /// Whether it answered as it should.
    pub ok: bool,
    /// SHA-256 of the banner, hex.
    pub banner_sha256: String,
    /// How long it took.
    pub took_ms: u32,
}

/// A listener that can be probed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probed {
    pub(crate) kind: ListenerKind,
    pub(crate) address: SocketAddr,
}

/// Connects and compares what is said with what the persona says.
pub(crate) async fn probe(target: Probed, persona: &Persona, own: &OwnProbes) -> Probe {
    let started = Instant::now();
    let end = match target.kind {
        ListenerKind::Ssh => format!("{}\r\n", persona.ssh_version),
        ListenerKind::Telnet => format!("{} login: ", persona.router.hostname),
    };
    let banner = timeout(PATIENCE, banner(target.address, end.as_bytes(), own)).await;
    let banner = banner.map_err(io::Error::from).flatten().unwrap_or_default();
    Probe {
        listener: format!("{}:{}", target.kind.protocol(), target.address.port()),
        ok: banner.ends_with(end.as_bytes()),
        banner_sha256: hex::encode(Sha256::digest(&banner)),
        took_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
    }
}

async fn banner(address: SocketAddr, end: &[u8], own: &OwnProbes) -> io::Result<Vec<u8>> {
    let to = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Bound before connecting, so that the listener knows the port as ours when the connection arrives.
    socket.bind(SocketAddr::new(to, 0))?;
    let local = socket.local_addr()?;
    own.add(local);
    let said = listen(socket, SocketAddr::new(to, address.port()), end).await;
    own.remove(local);
    said
}

async fn listen(socket: TcpSocket, to: SocketAddr, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = socket.connect(to).await?;
    let mut said = Vec::new();
    let mut chunk = [0_u8; BANNER];
    while !said.ends_with(end) && said.len() < BANNER {
        let got = stream.read(&mut chunk).await?;
        if got == 0 {
            break;
        }
        said.extend_from_slice(chunk.get(..got).unwrap_or_default());
    }
    Ok(said)
}
