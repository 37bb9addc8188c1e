//! The attackers: genuine SSH (russh's client) and Telnet connections from an address of their own.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use drivers::netns::Place;
use russh::client::{self, Handle};
use russh::{ChannelMsg, Disconnect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::script::{ACCOUNT, Attack, Deed};

/// How long an attacker waits for an answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How an attack went, from the attacker's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The sensor spoke to them.
    Answered,
    /// Nobody answered: the packets are dropped.
    NoAnswer,
}

/// A client that trusts any host key: it attacks.
struct Careless;

impl client::Handler for Careless {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _key: &russh::keys::PublicKey) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// Does the deed from `place` against the SSH and Telnet ports of `target`.
pub(crate) async fn attack(place: &Place, attack: &Attack, ssh: SocketAddr, telnet: SocketAddr) -> Outcome {
    let target = if matches!(attack.deed, Deed::Telnet(_)) { telnet } else { ssh };
    let (place, source) = (place.clone(), attack.source);
    let connected = tokio::task::spawn_blocking(move || place.run(|| connect(source, target))).await;
    let Ok(Ok(Ok(stream))) = connected else { return Outcome::NoAnswer };
    let done = tokio::time::timeout(Duration::from_secs(60), deed(stream, &attack.deed)).await;
    if let Ok(Err(error)) = done {
        tracing::debug!(%source, %error, "the attacker was cut off");
    }
    Outcome::Answered
}

/// A TCP connection from exactly this source address.
fn connect(source: IpAddr, target: SocketAddr) -> std::io::Result<TcpStream> {
    use rustix::net::{AddressFamily, SocketType, bind, socket};
    let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket(family, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::new(source, 0))?;
    let stream = TcpStream::from(socket);
    // The standard library offers no connect with a limit on a bound socket: SO_SNDTIMEO is that limit on Linux.
    stream.set_write_timeout(Some(PATIENCE))?;
    rustix::net::connect(&stream, &target)?;
    stream.set_write_timeout(None)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

async fn deed(stream: TcpStream, deed: &Deed) -> Result<(), anyhow::Error> {
    let mut stream = tokio::net::TcpStream::from_std(stream)?;
    match deed {
        Deed::Scan => drop(stream),
        Deed::BannerGrab => {
            stream.write_all(b"SSH-2.0-Go\r\n").await?;
            let mut banner = [0_u8; 256];
            let got = stream.read(&mut banner).await?;
            anyhow::ensure!(got > 0, "the trap closed without a banner");
        }
        Deed::Guess(pairs) => guess(stream, pairs).await?,
        Deed::Commands(lines) => commands(login(stream).await?, lines).await?,
        Deed::Proxy(targets) => proxy(login(stream).await?, targets).await?,
        Deed::Telnet(lines) => telnet(stream, lines).await?,
    }
    Ok(())
}

fn config() -> Arc<client::Config> {
    Arc::new(client::Config { inactivity_timeout: Some(Duration::from_secs(30)), ..client::Config::default() })
}

async fn guess(stream: tokio::net::TcpStream, pairs: &[(String, String)]) -> Result<(), anyhow::Error> {
    let mut session = client::connect_stream(config(), stream, Careless).await?;
    for (user, password) in pairs {
        if session.authenticate_password(user, password).await?.success() {
            break;
        }
    }
    session.disconnect(Disconnect::ByApplication, "", "").await?;
    Ok(())
}

async fn login(stream: tokio::net::TcpStream) -> Result<Handle<Careless>, anyhow::Error> {
    let mut session = client::connect_stream(config(), stream, Careless).await?;
    let (user, password) = ACCOUNT;
    // The first try is refused on purpose: attackers seldom know the password.
    session.authenticate_password(user, "admin").await?;
    session.authenticate_password(user, password).await?;
    Ok(session)
}

async fn commands(session: Handle<Careless>, lines: &[String]) -> Result<(), anyhow::Error> {
    for line in lines {
        let mut channel = session.channel_open_session().await?;
        channel.exec(true, line.as_bytes()).await?;
        while let Some(message) = channel.wait().await {
            if matches!(message, ChannelMsg::Close | ChannelMsg::ExitStatus { .. }) {
                break;
            }
        }
    }
    session.disconnect(Disconnect::ByApplication, "", "").await?;
    Ok(())
}

async fn proxy(session: Handle<Careless>, targets: &[(String, u16)]) -> Result<(), anyhow::Error> {
    for (host, port) in targets {
        if let Ok(channel) = session.channel_open_direct_tcpip(host, u32::from(*port), "127.0.0.1", 40_000).await {
            channel.data(&b"EHLO relay.example\r\n"[..]).await?;
            channel.close().await?;
        }
    }
    session.disconnect(Disconnect::ByApplication, "", "").await?;
    Ok(())
}

async fn telnet(mut stream: tokio::net::TcpStream, lines: &[String]) -> Result<(), anyhow::Error> {
    let (user, password) = ACCOUNT;
    until(&mut stream, b"ogin:").await?;
    stream.write_all(format!("{user}\r\n").as_bytes()).await?;
    until(&mut stream, b"assword:").await?;
    stream.write_all(format!("{password}\r\n").as_bytes()).await?;
    for line in lines {
        // Anything the trap says is enough of an answer for a botnet.
        quiet(&mut stream).await?;
        stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    }
    quiet(&mut stream).await?;
    Ok(())
}

/// Reads until the words appear; IAC bytes are ignored as a botnet ignores them.
async fn until(stream: &mut tokio::net::TcpStream, words: &[u8]) -> Result<(), anyhow::Error> {
    let mut seen: Vec<u8> = Vec::new();
    let mut buffer = [0_u8; 512];
    loop {
        let got = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer)).await??;
        anyhow::ensure!(got > 0, "the trap closed the connection");
        seen.extend(buffer.iter().take(got));
        if seen.windows(words.len()).any(|window| window == words) {
            return Ok(());
        }
        anyhow::ensure!(seen.len() < 65_536, "the trap talks too much");
    }
}

/// Reads whatever comes until it is quiet for a moment.
async fn quiet(stream: &mut tokio::net::TcpStream) -> Result<(), anyhow::Error> {
    let mut buffer = [0_u8; 4096];
    while let Ok(got) = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut buffer)).await {
        anyhow::ensure!(got? > 0, "the trap closed the connection");
    }
    Ok(())
}
