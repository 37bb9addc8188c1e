//! What a machine trusts when it meets its centre for the first time.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

use crate::error::LinkError;

/// What the machine trusts at enrolment.
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
    /// [`LinkError::Trust`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Self::CaPem(text.to_owned()));
        }
        let digits: String = text.trim_start_matches("sha256:").chars().filter(|c| *c != ':').collect();
        let mut pin = [0_u8; 32];
        hex::decode_to_slice(digits, &mut pin).map_err(|_| LinkError::Trust)?;
        Ok(Self::Pin(pin))
    }
}

/// Accepts a server whose own certificate is the pinned one, or whose chain verifies up to the pinned one.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) pin: [u8; 32],
    pub(crate) provider: Arc<CryptoProvider>,
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
        assert!(matches!(EnrolTrust::parse("-----BEGIN CERTIFICATE-----\nAA==\n"), Ok(EnrolTrust::CaPem(_))));
        assert_eq!(EnrolTrust::parse(&"ab".repeat(32)).unwrap(), EnrolTrust::Pin([0xab; 32]));
        let colons = format!("sha256:{}", vec!["AB"; 32].join(":"));
        assert_eq!(EnrolTrust::parse(&colons).unwrap(), EnrolTrust::Pin([0xab; 32]));
        for bad in ["", "abc", &"g".repeat(64), "-----BEGIN KEY-----"] {
            assert!(matches!(EnrolTrust::parse(bad), Err(LinkError::Trust)), "{bad}");
        }
    }
}
