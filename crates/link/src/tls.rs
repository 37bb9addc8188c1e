//! TLS towards the centre: only its own authority is trusted, nobody's redirects or proxies, and the machine shows its
//! own certificate.

use base::Env;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::sync::Arc;
use std::time::Duration;

use crate::error::LinkError;
use crate::identity::Identity;
use crate::trust::{EnrolTrust, Pinned};

/// What a machine is: decides its doors at the centre and how it keeps connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sensor: short requests.
    Sensor,
    /// An enforcement point: one long stream beside short requests, HTTP/2 only.
    Edge,
}

impl Kind {
    /// `sensor` or `edge`, as in addresses and in the certificate's subject.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::Edge => "edge",
        }
    }
}

/// The clock of the machine for certificates: the same as for everything else.
#[derive(Debug)]
struct Wall(Env);

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().as_micros()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

/// Certificates of a PEM text; other sections are passed over.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(LinkError::key)
}

fn roots(pem: &str) -> Result<RootCertStore, LinkError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(LinkError::key)?;
    }
    if roots.is_empty() { Err(LinkError::Trust) } else { Ok(roots) }
}

fn builder(
    env: &Env,
    provider: &Arc<CryptoProvider>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, LinkError> {
    ClientConfig::builder_with_details(provider.clone(), Arc::new(Wall(env.clone())))
        .with_protocol_versions(versions)
        .map_err(LinkError::key)
}

/// The client of a machine that is not enrolled yet. The public door may stand behind somebody's proxy: TLS 1.2 will do.
pub(crate) fn enrolling(trust: &EnrolTrust, kind: Kind, env: &Env) -> Result<reqwest::Client, LinkError> {
    let provider = Arc::new(ring::default_provider());
    let builder = builder(env, &provider, &[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let mut config = match trust {
        EnrolTrust::CaPem(pem) => builder.with_root_certificates(roots(pem)?).with_no_client_auth(),
        EnrolTrust::Pin(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { pin: *pin, provider }))
            .with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    build(client(config, kind).timeout(Duration::from_secs(20)))
}

/// The client of an enrolled machine: mutual TLS under the centre's authority. Fails when key and certificate do not fit.
pub(crate) fn enrolled(identity: &Identity, kind: Kind, env: &Env) -> Result<reqwest::Client, LinkError> {
    let provider = Arc::new(ring::default_provider());
    let key = PrivateKeyDer::from_pem_slice(identity.pair_pem.as_bytes()).map_err(LinkError::key)?;
    let mut config = builder(env, &provider, &[&rustls::version::TLS13])?
        .with_root_certificates(roots(&identity.ca_pem)?)
        .with_client_auth_cert(certificates(&identity.pair_pem)?, key)
        .map_err(LinkError::key)?;
    match kind {
        Kind::Sensor => {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            build(client(config, kind).timeout(Duration::from_secs(60)).pool_idle_timeout(Duration::from_secs(90)))
        }
        Kind::Edge => {
            config.alpn_protocols = vec![b"h2".to_vec()];
            let client = client(config, kind)
                .http2_prior_knowledge()
                .http2_keep_alive_interval(Duration::from_secs(15))
                .http2_keep_alive_timeout(Duration::from_secs(10))
                .http2_keep_alive_while_idle(true);
            build(client)
        }
    }
}

fn client(config: ClientConfig, kind: Kind) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .user_agent(format!("lianfang-{}/{}", kind.word(), env!("CARGO_PKG_VERSION")))
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, LinkError> {
    builder.build().map_err(LinkError::key)
}
