//! The TCP stream under the SSH library: limits on time and bytes, and a look at what the client says in clear.

use logwire::attack::What;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::kexinit::{self, Found};
use crate::visit::{BYTES_IN, BYTES_OUT, Visit};

/// A stream that ends by itself.
pub(super) struct Guarded {
    stream: TcpStream,
    visit: Arc<Visit>,
    /// The client's version line, handed to the library before anything else.
    replay: Vec<u8>,
    /// Bytes of the library's version line, which was sent already.
    swallow: usize,
    /// What came behind the version line, until the fingerprint is known.
    seen: Option<Vec<u8>>,
    version: String,
    deadline: Pin<Box<Sleep>>,
    read: u64,
    sent: u64,
}

impl Guarded {
    /// `replay` is what was read from the client so far: its version line and perhaps more.
    pub(super) fn new(stream: TcpStream, visit: Arc<Visit>, replay: Vec<u8>, version: String, swallow: usize) -> Self {
        let deadline = Box::pin(tokio::time::sleep(visit.trap.session_life));
        let behind = replay.iter().position(|b| *b == b'\n').and_then(|at| replay.get(at + 1..)).unwrap_or_default();
        let mut out = Self {
            seen: Some(Vec::new()),
            stream,
            visit,
            version,
            swallow,
            deadline,
            read: 0,
            sent: 0,
            replay: Vec::new(),
        };
        let behind = behind.to_vec();
        out.look(&behind);
        out.replay = replay;
        out
    }

    fn look(&mut self, bytes: &[u8]) {
        let Some(seen) = &mut self.seen else { return };
        seen.extend_from_slice(bytes);
        let hassh = match kexinit::read(seen) {
            Found::More if seen.len() <= kexinit::LONGEST => return,
            Found::Hassh(hassh) => Some(hassh),
            Found::More | Found::Other => None,
        };
        self.fingerprint(hassh);
    }

    fn fingerprint(&mut self, hassh: Option<String>) {
        if self.seen.take().is_some() {
            self.visit.emit(What::Fingerprint { version: std::mem::take(&mut self.version), hassh });
        }
    }

    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline.as_mut().poll(cx).is_ready() || self.read > BYTES_IN || self.sent > BYTES_OUT
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // A client that left before its lists still said who it is.
        self.fingerprint(None);
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.over(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if !self.replay.is_empty() {
            let count = self.replay.len().min(buf.remaining());
            let rest = self.replay.split_off(count);
            let now = std::mem::replace(&mut self.replay, rest);
            buf.put_slice(&now);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        self.read += fresh.len() as u64;
        self.look(fresh);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.over(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if self.swallow > 0 {
            let count = self.swallow.min(buf.len());
            self.swallow -= count;
            return Poll::Ready(Ok(count));
        }
        let count = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        self.sent += count as u64;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
