//! Listeners: accept, TLS, HTTP/1 and HTTP/2, limits, clean stop.
//!
//! A connection has a deadline for its handshake and for each request head; there are never more than
//! [`base::limits::CONNECTIONS`] of them. Stop = no new connections, open ones finish their request, then close.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Cursor;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use base::limits;
use futures::StreamExt;
use http::{HeaderValue, Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use runtime::{CancellationToken, Metrics};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::pki::peer_name;

/// Marks an answer that ends only with the connection: it is cut at the stop instead of being waited for.
#[derive(Debug, Clone, Copy)]
pub struct LongLived;

/// Who is at the other end of the connection; an extension of every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Name and serial of its certificate, where one was asked for.
    pub machine: Option<(String, String)>,
}

/// How many connections each address holds.
type Guests = Arc<Mutex<HashMap<IpAddr, u64>>>;

/// One connection of an address; leaves when it is dropped.
struct Guest {
    guests: Guests,
    address: Option<IpAddr>,
}

impl Guest {
    fn enter(guests: &Guests, address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return Some(Self { guests: guests.clone(), address: None });
        }
        let mut held = guests.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_insert(0);
        if *count >= limits::CONNECTIONS_PER_ADDRESS.most {
            return None;
        }
        *count += 1;
        drop(held);
        Some(Self { guests: guests.clone(), address: Some(address) })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut held = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&address);
            }
        }
    }
}

/// One listener.
#[derive(Clone)]
pub struct Listener {
    /// Its name in logs: `portal`, `machines`.
    pub name: &'static str,
    /// TLS settings.
    pub tls: Arc<rustls::ServerConfig>,
    /// What answers.
    pub router: Router,
    /// Time given to open requests at stop.
    pub grace: Duration,
    /// Where connections are counted.
    pub metrics: Metrics,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves until `cancel`, then drains.
    pub async fn run(self, socket: TcpListener, cancel: CancellationToken) {
        let places = Arc::new(Semaphore::new(usize::try_from(limits::CONNECTIONS.most).unwrap_or(1024)));
        let open = tokio_util::task::TaskTracker::new();
        let guests = Guests::default();
        loop {
            let place = tokio::select! {
                () = cancel.cancelled() => break,
                place = places.clone().acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                () = cancel.cancelled() => break,
                accepted = socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let Some(guest) = Guest::enter(&guests, address.ip()) else {
                        self.metrics
                            .counter("connections_refused", "Connections beyond the limit of one address.")
                            .inc();
                        continue;
                    };
                    open.spawn(self.clone().connection(stream, address, (place, guest), cancel.clone()));
                }
                // Out of descriptors or memory: wait for others to end instead of spinning.
                Err(error) => {
                    tracing::warn!(listener = self.name, %error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(socket);
        open.close();
        if tokio::time::timeout(self.grace, open.wait()).await.is_err() {
            tracing::warn!(listener = self.name, open = open.len(), "connections did not end in time");
        }
    }

    async fn connection(
        self,
        stream: TcpStream,
        address: SocketAddr,
        _held: (OwnedSemaphorePermit, Guest),
        cancel: CancellationToken,
    ) {
        // Small answers should not wait for more bytes; failing to set it only costs time.
        let _slower = stream.set_nodelay(true);
        let head = Duration::from_secs(limits::HEADER_SECONDS.most);
        let acceptor = TlsAcceptor::from(self.tls.clone());
        let Ok(Ok(stream)) = tokio::time::timeout(head, acceptor.accept(stream)).await else {
            self.metrics.counter("tls_handshakes_failed", "Connections that ended before TLS was agreed.").inc();
            return;
        };
        let machine = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).and_then(peer_name);
        let peer = Peer { address, machine };
        let (router, stop) = (self.router, cancel.clone());
        let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer.clone());
            name_host(&mut request);
            let (router, stop) = (router.clone(), stop.clone());
            async move {
                let response = router.oneshot(request.map(Body::new)).await?;
                Ok::<_, Infallible>(cut_at_stop(response, stop))
            }
        });
        // The version is agreed by ALPN (RFC 7301): nothing is guessed, and a silent client is not waited for.
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let Ok(Some(stream)) = tokio::time::timeout(head, begun(stream, h2)).await else { return };
        let builder = Builder::new(TokioExecutor::new());
        let mut builder = if h2 { builder.http2_only() } else { builder.http1_only() };
        builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(64 * 1024);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(limits::HEADER_BYTES.most).unwrap_or(16_384))
            .max_concurrent_streams(128)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(20));
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => trace(self.name, ended),
            () = cancel.cancelled() => {
                connection.as_mut().graceful_shutdown();
                trace(self.name, connection.await);
            }
        }
    }
}

/// HTTP/2 names the host in the request line only (RFC 9113 section 8.3.1); what stands behind reads one header.
fn name_host<B>(request: &mut Request<B>) {
    let authority = request.uri().authority().and_then(|name| HeaderValue::from_str(name.as_str()).ok());
    if let (false, Some(authority)) = (request.headers().contains_key(header::HOST), authority) {
        request.headers_mut().insert(header::HOST, authority);
    }
}

/// The connection once its client has begun to speak: the first byte, or the whole HTTP/2 preface (RFC 9113 section 3.4).
async fn begun<S>(mut stream: S, h2: bool) -> Option<impl AsyncRead + AsyncWrite + Unpin + Send>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    const PREFACE: usize = 24;
    let (mut first, mut got) = ([0_u8; PREFACE], 0);
    let wanted = if h2 { PREFACE } else { 1 };
    while got < wanted {
        let read = stream.read(first.get_mut(got..)?).await.ok()?;
        if read == 0 {
            return None;
        }
        got += read;
    }
    let (read, write) = tokio::io::split(stream);
    Some(tokio::io::join(Cursor::new(first).take(got as u64).chain(read), write))
}

fn cut_at_stop(response: Response, stop: CancellationToken) -> Response {
    let events = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if !events && response.extensions().get::<LongLived>().is_none() {
        return response;
    }
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(stop.cancelled_owned())))
}

fn trace(name: &str, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(listener = name, %error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let (guests, address) = (Guests::default(), IpAddr::from([198, 51, 100, 1]));
        let held: Vec<Guest> =
            (0..limits::CONNECTIONS_PER_ADDRESS.most).filter_map(|_| Guest::enter(&guests, address)).collect();
        assert_eq!(held.len() as u64, limits::CONNECTIONS_PER_ADDRESS.most);
        assert!(Guest::enter(&guests, address).is_none());
        assert!(Guest::enter(&guests, IpAddr::from([198, 51, 100, 2])).is_some());
        drop(held);
        assert!(Guest::enter(&guests, address).is_some());
        assert!(Guest::enter(&guests, IpAddr::from([127, 0, 0, 1])).is_some());
        assert!(guests.lock().unwrap().is_empty(), "nobody is left behind");
    }

    #[tokio::test]
    async fn a_silent_client_and_half_a_preface_do_not_begin() {
        let (near, far) = tokio::io::duplex(64);
        drop(far);
        assert!(begun(near, false).await.is_none());
        let (near, mut far) = tokio::io::duplex(64);
        tokio::io::AsyncWriteExt::write_all(&mut far, b"PRI * HTTP/2.0").await.unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(20), begun(near, true)).await;
        assert!(waiting.is_err(), "half a preface is waited for no longer than the head's limit");
    }
}
