//! The SSH trap: a real key exchange by the SSH library, a persona in front of it, and nothing behind it.
//!
//! The version lines are exchanged here and not by the library, so that nonsense is answered as the claimed server
//! would answer it and never reaches the library; the library's own line is swallowed in [`stream`].

use logwire::attack::What;
use russh::keys::PrivateKey;
use russh::server::{Config, run_stream};
use russh::{Disconnect, MethodKind, MethodSet, SshId};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::visit::{Trap, Visit, cut};

mod guess;
mod handler;
pub mod kexinit;
pub mod keys;
mod scp;
mod sftp;
mod stream;
mod upload;

/// RFC 4253 clause 4.2: the longest version line with its line end.
const LONGEST_VERSION: usize = 255;
/// `LoginGraceTime` of the claimed servers' default configuration.
const VERSION_GRACE: Duration = Duration::from_secs(120);

/// The methods that remain after a failure, in the order the claimed servers name them.
fn methods() -> MethodSet {
    MethodSet::from([MethodKind::PublicKey, MethodKind::Password, MethodKind::KeyboardInteractive].as_slice())
}

/// The library's settings for a persona.
pub(crate) fn library_config(trap: &Trap, keys: Vec<PrivateKey>) -> Arc<Config> {
    Arc::new(Config {
        server_id: SshId::Standard(Cow::Borrowed(trap.persona.ssh_version)),
        methods: methods(),
        // The handler waits by itself: a constant pause would be a fingerprint.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys,
        preferred: trap.persona.algorithms.preferred(),
        max_auth_attempts: handler::TRIES,
        inactivity_timeout: Some(trap.idle),
        channel_buffer_size: 4,
        event_buffer_size: 8,
        nodelay: true,
        ..Config::default()
    })
}

/// Talks to one stranger until either side has had enough.
pub(crate) async fn serve(
    mut stream: TcpStream,
    visit: Arc<Visit>,
    config: Arc<Config>,
    cancel: CancellationToken,
) -> io::Result<()> {
    let banner = format!("{}\r\n", visit.trap.persona.ssh_version);
    stream.write_all(banner.as_bytes()).await?;
    let Some(first) = version_line(&mut stream, &visit).await? else { return Ok(()) };
    let version = match check(&first) {
        Ok(version) => version,
        Err((shown, answer)) => {
            visit.emit(What::Fingerprint { version: cut(&shown, base::limits::TRAP_CREDENTIAL), hassh: None });
            stream.write_all(answer.as_bytes()).await?;
            return stream.shutdown().await;
        }
    };
    let guarded = stream::Guarded::new(stream, Arc::clone(&visit), first, version, banner.len());
    let (handler, handle) = handler::Handler::new(visit);
    let session = run_stream(config, guarded, handler).await.map_err(io::Error::other)?;
    let _ = handle.set(session.handle());
    let ending = session.handle();
    tokio::select! {
        ended = session => ended.map_err(io::Error::other),
        () = cancel.cancelled() => {
            let _ = ending.disconnect(Disconnect::ByApplication, String::new(), String::new()).await;
            Ok(())
        }
    }
}

/// The client's first line with whatever came behind it; none when it left without a word.
async fn version_line(stream: &mut TcpStream, visit: &Visit) -> io::Result<Option<Vec<u8>>> {
    let until = Instant::now() + VERSION_GRACE.min(visit.trap.idle);
    let mut line = Vec::new();
    let mut chunk = [0_u8; LONGEST_VERSION];
    while line.len() < LONGEST_VERSION && !line.contains(&b'\n') {
        let got = timeout_at(until, stream.read(&mut chunk)).await??;
        if got == 0 {
            break;
        }
        line.extend_from_slice(chunk.get(..got).unwrap_or_default());
    }
    Ok((!line.is_empty()).then_some(line))
}

/// The version in the line, or what to record and what OpenSSH 7 answers to anything else.
fn check(first: &[u8]) -> Result<String, (String, &'static str)> {
    let end = first.iter().position(|b| *b == b'\n').unwrap_or(first.len().min(LONGEST_VERSION));
    let line = first.get(..end).unwrap_or_default();
    let shown = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
    let whole = end < first.len() && std::str::from_utf8(line).is_ok();
    if whole && (shown.starts_with("SSH-2.0-") || shown.starts_with("SSH-1.99-")) {
        return Ok(shown);
    }
    let other = shown.strip_prefix("SSH-").is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
    Err((shown, if other { "Protocol major versions differ.\n" } else { "Protocol mismatch.\n" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_lines_are_judged_as_the_claimed_server_does() {
        assert_eq!(check(b"SSH-2.0-libssh2_1.4.3\r\n\0\0").as_deref(), Ok("SSH-2.0-libssh2_1.4.3"));
        assert_eq!(check(b"SSH-2.0-Go\nmore").as_deref(), Ok("SSH-2.0-Go"));
        assert_eq!(check(b"SSH-1.5-old\n").unwrap_err().1, "Protocol major versions differ.\n");
        assert_eq!(check(b"GET / HTTP/1.1\r\n").unwrap_err(), ("GET / HTTP/1.1".to_owned(), "Protocol mismatch.\n"));
        assert_eq!(check(b"\xff\xfe\n").unwrap_err().1, "Protocol mismatch.\n");
        assert_eq!(check(b"SSH-2.0-no-end").unwrap_err().1, "Protocol major versions differ.\n");
    }
}
