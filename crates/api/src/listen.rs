//! Listeners: accept, TLS, HTTP/1 and HTTP/2, limits, clean stop.
//!
//! A connection has a deadline for its handshake and for each request head; there are never more than
//! [`base::limits::CONNECTIONS`] of them. Stop = no new connections, open ones finish their request, then close.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base::limits;
use http::{HeaderValue, Request, header};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use runtime::{CancellationToken, Metrics};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::pki::peer_name;

/// Who is at the other end of the connection; an extension of every request.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Name and serial of its certificate, where one was asked for.
    pub machine: Option<(String, String)>,
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
                    open.spawn(self.clone().connection(stream, address, place, cancel.clone()));
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
        _place: OwnedSemaphorePermit,
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
        let router = self.router;
        let service = hyper::service::service_fn(move |mut request: Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer.clone());
            name_host(&mut request);
            router.clone().oneshot(request.map(Body::new))
        });
        let mut builder = Builder::new(TokioExecutor::new());
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

fn trace(name: &str, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(listener = name, %error, "connection ended");
    }
}
