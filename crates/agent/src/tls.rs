//! TLS of the agent: only the centre's authority is trusted, and the agent shows its own certificate.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

use crate::error::AgentError;
use crate::identity::Identity;

/// What the point trusts when it meets the centre for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolTrust {
    /// The centre's certificate authority, PEM.
    CaPem(String),
    /// SHA-256 of the centre's authority or of its very certificate (DER).
    Pin([u8; 32]),
}

impl EnrolTrust {
    /// PEM text, or 64 hexadecimal digits (colons and a `sha256:` prefix are allowed).
    ///
    /// # Errors
    /// `LF-AGT-0105` when it is neither.
    pub fn parse(text: &str) -> Result<Self, AgentError> {
        let text = text.trim();
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Self::CaPem(text.to_owned()));
        }
        let digits: String = text.trim_start_matches("sha256:").chars().filter(|c| *c != ':').collect();
        let mut pin = [0_u8; 32];
        hex::decode_to_slice(digits, &mut pin).map_err(|_| AgentError::Trust)?;
        Ok(Self::Pin(pin))
    }
}

/// TLS for enrolment: no certificate of our own yet.
pub(crate) fn enrolling(trust: &EnrolTrust) -> Result<ClientConfig, AgentError> {
    let builder = builder()?;
    Ok(match trust {
        EnrolTrust::CaPem(pem) => builder.with_root_certificates(roots(pem)?).with_no_client_auth(),
        EnrolTrust::Pin(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Pinned { pin: *pin, provider: provider() }))
            .with_no_client_auth(),
    })
}

/// Mutual TLS of an enrolled point; HTTP/2 only.
pub(crate) fn enrolled(identity: &Identity) -> Result<ClientConfig, AgentError> {
    let chain = certificates(&identity.certificate_pem)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(AgentError::key)?;
    let mut config = builder()?
        .with_root_certificates(roots(&identity.ca_pem)?)
        .with_client_auth_cert(chain, key)
        .map_err(AgentError::key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, AgentError> {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(AgentError::key)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, AgentError> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(AgentError::key)
}

fn roots(pem: &str) -> Result<RootCertStore, AgentError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(AgentError::key)?;
    }
    if roots.is_empty() {
        return Err(AgentError::Trust);
    }
    Ok(roots)
}

/// Accepts a server whose own certificate is the pinned one, or whose chain verifies up to the pinned one.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        Sha256::digest(certificate).as_slice() == self.pin
    }
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
        if self.is_pinned(end_entity) {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let root = intermediates.iter().find(|certificate| self.is_pinned(certificate)).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
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
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_anchors_as_people_paste_them() {
        let digits = "ab".repeat(32);
        assert_eq!(EnrolTrust::parse(&digits).unwrap(), EnrolTrust::Pin([0xab; 32]));
        let colons = format!("sha256:{}", vec!["AB"; 32].join(":"));
        assert_eq!(EnrolTrust::parse(&colons).unwrap(), EnrolTrust::Pin([0xab; 32]));
        for bad in ["", "abc", &"g".repeat(64), "-----BEGIN KEY-----"] {
            assert!(matches!(EnrolTrust::parse(bad), Err(AgentError::Trust)), "{bad}");
        }
    }
}
