//! The one way out: a client that trusts only the centre's own authority, and nobody's redirects or proxies.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

use crate::TrapError;
use crate::enrol::EnrolTrust;

/// The most an answer of the centre may have.
const ANSWER: usize = 1 << 20;

fn key_error(error: impl std::fmt::Display) -> TrapError {
    TrapError::Key(error.to_string())
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TrapError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(key_error)?;
    if found.is_empty() { Err(TrapError::Trust) } else { Ok(found) }
}

fn roots(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, TrapError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(key_error)?;
    }
    Ok(roots)
}

/// Accepts a chain that holds the pinned certificate: as its end, or as the authority everything else hangs on.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let is_pinned = |c: &CertificateDer<'_>| <[u8; 32]>::from(Sha256::digest(c.as_ref())) == self.pin;
        if is_pinned(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let anchor = intermediates.iter().find(|c| is_pinned(c)).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(anchor.clone().into_owned()).map_err(|_| unknown())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|_| unknown())?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn client(mut config: ClientConfig, timeout: Duration) -> Result<reqwest::Client, TrapError> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(90))
        .build()
        .map_err(key_error)
}

/// The client of an enrolled sensor: mutual TLS under the centre's authority.
pub(crate) fn machine_client(ca_pem: &str, cert_pem: &str, key_pem: &str) -> Result<reqwest::Client, TrapError> {
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(key_error)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(key_error)?
        .with_root_certificates(roots(certificates(ca_pem)?)?)
        .with_client_auth_cert(certificates(cert_pem)?, key)
        .map_err(key_error)?;
    client(config, Duration::from_secs(60))
}

/// The client of a sensor that is not enrolled yet.
pub(crate) fn enrol_client(trust: &EnrolTrust) -> Result<reqwest::Client, TrapError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(key_error)?;
    let config = match trust {
        EnrolTrust::CaPem(pem) => builder.with_root_certificates(roots(certificates(pem)?)?).with_no_client_auth(),
        EnrolTrust::Pin(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { pin: *pin, provider }))
            .with_no_client_auth(),
    };
    client(config, Duration::from_secs(20))
}

/// The body of an answer, within bounds.
pub(crate) async fn body(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut out = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = ANSWER.saturating_sub(out.len()).min(chunk.len());
        out.extend_from_slice(chunk.get(..room).unwrap_or_default());
        if room < chunk.len() {
            break;
        }
    }
    Ok(out)
}

/// An error with its causes in one line: reqwest keeps the useful part deep inside.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
