//! A centre of a test's own: enrolment, the stream of frames, receipts; mutual TLS and HTTP/2 as in real life.

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{StatusCode, Version};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::PointId;
use edge::wire::{EdgeHeartbeat, Frame, Receipt};
use futures::StreamExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType, IsCa, KeyPair,
};
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::hub::Hub;

type Line = Result<Bytes, std::convert::Infallible>;

pub(crate) struct Centre {
    pub(crate) url: String,
    pub(crate) ca_pem: String,
    pub(crate) shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

pub(crate) struct Shared {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) hub: Mutex<Hub>,
    /// `since` of every stream that was asked for.
    pub(crate) asked: Mutex<Vec<u64>>,
    streams: Mutex<Vec<mpsc::UnboundedSender<Line>>>,
    pub(crate) receipts: Mutex<Vec<Receipt>>,
    pub(crate) heartbeats: Mutex<Vec<EdgeHeartbeat>>,
    /// Receipts are answered 503 while this is on.
    pub(crate) busy: AtomicBool,
    /// Streams say nothing by themselves while this is on.
    pub(crate) silent: AtomicBool,
    pub(crate) url: Mutex<String>,
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Centre {
    /// A centre for one point; `clients` says whether the listener wants certificates.
    pub(crate) async fn start(hub: Hub, clients: bool) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test centre");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let ca = CertificateDer::from_pem_slice(issuer.pem().as_bytes()).unwrap();
        let chain = vec![server.der().clone(), ca.clone()];
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca).unwrap();
        let builder = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if clients {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut tls = builder
            .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap())
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];

        let ca_pem = issuer.pem();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let shared = Arc::new(Shared {
            issuer,
            hub: Mutex::new(hub),
            asked: Mutex::default(),
            streams: Mutex::default(),
            receipts: Mutex::default(),
            heartbeats: Mutex::default(),
            busy: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            url: Mutex::new(url.clone()),
        });
        let router = Router::new()
            .route("/api/v1/enrol/edge", post(enrol))
            .route("/edge/v1/frames", get(frames))
            .route("/edge/v1/receipt", post(receipt))
            .route("/edge/v1/heartbeat", post(heartbeat))
            .with_state(shared.clone());
        let server = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), router));
        Self { url, ca_pem, shared, server }
    }

    /// Sends frames on the streams that are open.
    pub(crate) fn send(&self, frames: &[Frame]) {
        for frame in frames {
            self.send_line(&frame.to_line());
        }
    }

    pub(crate) fn send_line(&self, line: &str) {
        let mut streams = self.shared.streams.lock().unwrap();
        streams.retain(|stream| stream.send(Ok(Bytes::from(format!("{line}\n")))).is_ok());
    }

    /// Ends every stream.
    pub(crate) fn hang_up(&self) {
        self.shared.streams.lock().unwrap().clear();
    }

    /// Changes the hub and sends what comes of it.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut Hub) -> Vec<Frame>) {
        let frames = change(&mut self.shared.hub.lock().unwrap());
        self.send(&frames);
    }

    /// The first receipt that fits, waited for.
    pub(crate) async fn receipt(&self, what: &str, fits: impl Fn(&Receipt) -> bool) -> Receipt {
        wait_for(
            what,
            || self.shared.receipts.lock().unwrap().iter().find(|receipt| fits(receipt)).cloned(),
            || {
                format!(
                    "{:#?}\n{:#?}",
                    self.shared.receipts.lock().unwrap().last(),
                    self.shared.heartbeats.lock().unwrap().last()
                )
            },
        )
        .await
    }

    /// Says these lines until the agent tells of this trouble: it may just be opening a new stream.
    pub(crate) async fn say_until_trouble(&self, what: &str, code: &str, lines: &[&str]) {
        self.forget_words();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            for line in lines {
                self.send_line(line);
            }
            let told = |word: &EdgeHeartbeat| word.trouble.as_ref().is_some_and(|text| text.contains(code));
            for _ in 0..50 {
                if self.shared.heartbeats.lock().unwrap().iter().any(told) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let last = self.shared.heartbeats.lock().unwrap().last().cloned();
            assert!(tokio::time::Instant::now() < deadline, "{what} was not told: {last:#?}");
        }
    }

    pub(crate) async fn heartbeat(&self, what: &str, fits: impl Fn(&EdgeHeartbeat) -> bool) -> EdgeHeartbeat {
        wait_for(
            what,
            || self.shared.heartbeats.lock().unwrap().iter().find(|word| fits(word)).cloned(),
            || format!("{:#?}", self.shared.heartbeats.lock().unwrap().last()),
        )
        .await
    }

    pub(crate) fn forget_words(&self) {
        self.shared.receipts.lock().unwrap().clear();
        self.shared.heartbeats.lock().unwrap().clear();
    }
}

/// Waits until there is something, at most twenty seconds.
pub(crate) async fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>, state: impl Fn() -> String) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain for {what}: {}", state());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, router: Router) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            if let Ok(tls) = acceptor.accept(stream).await {
                let _ended = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), service).await;
            }
        });
    }
}

async fn enrol(
    State(shared): State<Arc<Shared>>,
    Json(body): Json<serde_json::Value>,
) -> (StatusCode, Json<serde_json::Value>) {
    if body["code"] != "ONE-TIME" || body["driver"] != "file" {
        return (StatusCode::FORBIDDEN, Json(serde_json::json!({"code": "LF-REG-0001"})));
    }
    let hub = shared.hub.lock().unwrap();
    let mut csr = CertificateSigningRequestParams::from_pem(body["csr_pem"].as_str().unwrap()).unwrap();
    csr.params.distinguished_name.push(DnType::CommonName, format!("edge:{}", hub.point));
    let certificate = csr.signed_by(&shared.issuer).unwrap();
    (
        StatusCode::OK,
        Json(serde_json::json!({
            "id": hub.point,
            "certificate_pem": certificate.pem(),
            "ca_pem": shared.issuer.pem(),
            "machine_url": *shared.url.lock().unwrap(),
            "signing_key": hex::encode(hub.key.verifying_key().as_bytes()),
        })),
    )
}

async fn frames(
    State(shared): State<Arc<Shared>>,
    version: Version,
    Query(query): Query<HashMap<String, u64>>,
) -> Body {
    assert_eq!(version, Version::HTTP_2);
    let since = query["since"];
    let (sender, receiver) = mpsc::unbounded_channel();
    if !shared.silent.load(Ordering::SeqCst) {
        for frame in shared.hub.lock().unwrap().catch_up(since) {
            sender.send(Ok(Bytes::from(frame.to_line() + "\n"))).unwrap();
        }
    }
    shared.streams.lock().unwrap().push(sender);
    shared.asked.lock().unwrap().push(since);
    Body::from_stream(tokio_stream::wrappers::UnboundedReceiverStream::new(receiver).map(|line: Line| line))
}

async fn receipt(State(shared): State<Arc<Shared>>, Json(receipt): Json<Receipt>) -> StatusCode {
    if shared.busy.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    shared.receipts.lock().unwrap().push(receipt);
    StatusCode::NO_CONTENT
}

async fn heartbeat(State(shared): State<Arc<Shared>>, Json(word): Json<EdgeHeartbeat>) -> StatusCode {
    shared.heartbeats.lock().unwrap().push(word);
    StatusCode::NO_CONTENT
}

pub(crate) const fn point() -> PointId {
    PointId(uuid::Uuid::from_u128(0x1234))
}

impl Shared {
    /// A certificate of this authority.
    pub(crate) fn sign(&self, csr: &CertificateSigningRequestParams) -> String {
        csr.signed_by(&self.issuer).unwrap().pem()
    }
}
