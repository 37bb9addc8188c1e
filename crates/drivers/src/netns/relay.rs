//! A way into a network that has none: connections are handed over a socket file, which is the same in every network
//! namespace. A rootless demonstration so shows its portal to the browser outside.

use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use std::net::SocketAddr;

/// Outside: whoever connects to `listener` is connected to the socket file. Until `cancel`.
///
/// # Errors
/// The listener fails.
pub async fn outside(listener: TcpListener, file: PathBuf, cancel: CancellationToken) -> io::Result<()> {
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = cancel.cancelled() => return Ok(()),
        };
        let (file, cancel) = (file.clone(), cancel.clone());
        tokio::spawn(async move { join(stream, UnixStream::connect(file).await, &cancel).await });
    }
}

/// Inside: whoever connects to the socket file is connected to `target`. Until `cancel`.
///
/// # Errors
/// The listener fails.
pub async fn inside(listener: UnixListener, target: SocketAddr, cancel: CancellationToken) -> io::Result<()> {
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = cancel.cancelled() => return Ok(()),
        };
        let cancel = cancel.clone();
        tokio::spawn(async move { join(stream, TcpStream::connect(target).await, &cancel).await });
    }
}

async fn join(
    mut from: impl AsyncRead + AsyncWrite + Unpin,
    to: io::Result<impl AsyncRead + AsyncWrite + Unpin>,
    cancel: &CancellationToken,
) {
    // A target that is not there closes the connection, as it would without a relay.
    if let Ok(mut to) = to {
        tokio::select! {
            _ended = copy_bidirectional(&mut from, &mut to) => {}
            () = cancel.cancelled() => {}
        }
    }
}
