//! A small centre: enrolment, batches and heartbeats over mutual TLS, with faults on demand.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use logwire::attack::AttackEvent;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub(crate) const CODE: &str = "one-time-code";

/// What the centre does wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// Every second batch is stored, but its answer is an error.
    pub(crate) lose_answers: bool,
    /// Every batch is stored, and every answer is an error.
    pub(crate) mute: bool,
    /// Every batch is refused with this status.
    pub(crate) refuse: Option<u16>,
    /// At most so many lines of a batch are acknowledged.
    pub(crate) acknowledge_at_most: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Seen {
    /// Events by epoch and number.
    pub(crate) events: BTreeMap<(u64, u64), AttackEvent>,
    pub(crate) duplicates: u64,
    pub(crate) batches: u64,
    pub(crate) heartbeats: Vec<serde_json::Value>,
    pub(crate) faults: Faults,
    /// The certificate of each connection, DER.
    pub(crate) shown: Vec<Vec<u8>>,
    /// How certificates are renewed.
    pub(crate) renewal: Renewal,
}

/// How certificates are renewed.
#[derive(Default)]
pub(crate) struct Renewal {
    /// Whether it is due, and the centre's clock; without it the centre does not know the question.
    pub(crate) standing: Option<(bool, String)>,
    /// The name put into the next certificate.
    pub(crate) name: String,
    /// Requests that were answered.
    pub(crate) given: u64,
}

impl Seen {
    fn contiguous(&self, epoch: u64) -> u64 {
        (1..).take_while(|n| self.events.contains_key(&(epoch, *n))).last().unwrap_or(0)
    }
}

#[derive(Clone)]
pub(crate) struct Centre {
    pub(crate) ca_pem: String,
    pub(crate) ca_sha256: String,
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
    ca_key: String,
    server: (String, String),
}

impl Centre {
    /// Makes an authority and reserves an address; nothing listens yet.
    pub(crate) async fn prepare() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test centre");
        let ca = params.self_signed(&ca_key).unwrap();
        let ca_sha256 = {
            use sha2::Digest;
            hex::encode(sha2::Sha256::digest(ca.der()))
        };
        let issuer = Issuer::from_params(&params, &ca_key);
        let server_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server = params.signed_by(&server_key, &issuer).unwrap();
        // A port of the moment; the listener takes it again when the centre comes.
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self {
            ca_pem: ca.pem(),
            ca_sha256,
            address,
            seen: Arc::default(),
            ca_key: ca_key.serialize_pem(),
            server: (format!("{}{}", server.pem(), ca.pem()), server_key.serialize_pem()),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Signs a sensor's request.
    pub(crate) fn sign(&self, csr_pem: &str) -> String {
        let key = KeyPair::from_pem(&self.ca_key).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.ca_pem, key).unwrap();
        let mut csr = CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
        csr.params.distinguished_name.push(DnType::CommonName, "sensor:0198");
        csr.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        csr.signed_by(&issuer).unwrap().pem()
    }

    /// Signs the next certificate, which ends later.
    fn sign_next(&self, csr_pem: &str, name: &str) -> String {
        let key = KeyPair::from_pem(&self.ca_key).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.ca_pem, key).unwrap();
        let mut csr = CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
        csr.params.distinguished_name.push(DnType::CommonName, name);
        csr.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        csr.params.not_after = rcgen::date_time_ymd(4_097, 1, 1);
        csr.signed_by(&issuer).unwrap().pem()
    }

    /// Serves until the returned handle is aborted.
    pub(crate) async fn serve(&self) -> tokio::task::JoinHandle<()> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes()).unwrap()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let chain = CertificateDer::pem_slice_iter(self.server.0.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.server.1.as_bytes()).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(self.address).await.unwrap();
        let centre = self.clone();
        tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, centre) = (acceptor.clone(), centre.clone());
                connections.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                    let known = shown.is_some();
                    centre.seen.lock().unwrap().shown.extend(shown.map(|der| der.to_vec()));
                    let mut router = Router::new().route("/api/v1/enrol/sensor", post(enrol));
                    if known {
                        router = router
                            .route("/sensor/v1/batch", post(batch))
                            .route("/sensor/v1/certificate", get(standing).post(renew))
                            .route("/sensor/v1/heartbeat", post(heartbeat));
                    }
                    let service = hyper_util::service::TowerToHyperService::new(router.with_state(centre));
                    let io = hyper_util::rt::TokioIo::new(stream);
                    let _ = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new())
                        .serve_connection(io, service)
                        .await;
                });
            }
        })
    }

    /// Waits until the events fit, or fails with what has arrived.
    pub(crate) async fn until(&self, what: &str, fits: impl Fn(&[AttackEvent]) -> bool) -> Vec<AttackEvent> {
        let end = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let events: Vec<AttackEvent> = self.seen.lock().unwrap().events.values().cloned().collect();
            if fits(&events) {
                return events;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "no {what}: {:#?}",
                events.iter().map(|e| &e.what).collect::<Vec<_>>()
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

async fn enrol(State(centre): State<Centre>, body: Bytes) -> impl IntoResponse {
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
    if request["code"] != CODE {
        return (StatusCode::FORBIDDEN, "the code is used up".to_owned());
    }
    let answer = serde_json::json!({
        "id": "0198", "certificate_pem": centre.sign(request["csr_pem"].as_str().unwrap()),
        "ca_pem": centre.ca_pem, "machine_url": centre.url(), "signing_key": "00",
    });
    (StatusCode::OK, answer.to_string())
}

async fn standing(State(centre): State<Centre>) -> (StatusCode, String) {
    match &centre.seen.lock().unwrap().renewal.standing {
        Some((renew, now)) => (StatusCode::OK, serde_json::json!({"renew": renew, "now": now}).to_string()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn renew(State(centre): State<Centre>, body: Bytes) -> (StatusCode, String) {
    let request: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let name = {
        let mut seen = centre.seen.lock().unwrap();
        seen.renewal.given += 1;
        seen.renewal.name.clone()
    };
    let pem = centre.sign_next(request["csr_pem"].as_str().unwrap(), &name);
    (StatusCode::CREATED, serde_json::json!({ "certificate_pem": pem }).to_string())
}

async fn heartbeat(State(centre): State<Centre>, body: Bytes) -> StatusCode {
    centre.seen.lock().unwrap().heartbeats.push(serde_json::from_slice(&body).unwrap());
    StatusCode::NO_CONTENT
}

async fn batch(State(centre): State<Centre>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let number = |name: &str| headers.get(name).unwrap().to_str().unwrap().parse::<u64>().unwrap();
    let (epoch, first) = (number("lianfang-epoch"), number("lianfang-seq"));
    assert_eq!(headers["content-encoding"], "zstd");
    let plain = zstd::bulk::decompress(&body, 64 << 20).unwrap();
    let mut seen = centre.seen.lock().unwrap();
    seen.batches += 1;
    if let Some(status) = seen.faults.refuse {
        return (StatusCode::from_u16(status).unwrap(), String::new());
    }
    if seen.contiguous(epoch) < number("lianfang-acked") {
        return (StatusCode::OK, serde_json::json!({ "ack": seen.contiguous(epoch) }).to_string());
    }
    let most = seen.faults.acknowledge_at_most.unwrap_or(u64::MAX);
    let (mut accepted, mut duplicate) = (0, 0);
    for (number, line) in (first..).zip(plain.split(|b| *b == b'\n').filter(|l| !l.is_empty())) {
        if number - first >= most {
            break;
        }
        let event: AttackEvent = serde_json::from_slice(line).unwrap();
        if seen.events.insert((epoch, number), event).is_some() { duplicate += 1 } else { accepted += 1 }
    }
    seen.duplicates += duplicate;
    if seen.faults.mute || (seen.faults.lose_answers && seen.batches % 2 == 1) {
        return (StatusCode::BAD_GATEWAY, String::new());
    }
    let answer = serde_json::json!({ "ack": seen.contiguous(epoch), "accepted": accepted, "duplicate": duplicate, "rejected": [] });
    (StatusCode::OK, answer.to_string())
}
