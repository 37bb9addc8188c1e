//! A one-time code becomes an identity, and nobody but the expected centre is believed.

use agent::{AgentError, EnrolTrust, Identity};
use rcgen::{CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use std::path::Path;

use crate::centre::{Centre, point};
use crate::hub::Hub;
use crate::support::{NOW, trust};

/// Gives a folder the identity that enrolment would give it.
pub(crate) fn write_identity(centre: &Centre, folder: &Path) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("edge:{}", point()));
    let csr = params.serialize_request(&key).unwrap().pem().unwrap();
    let csr = CertificateSigningRequestParams::from_pem(&csr).unwrap();
    let certificate = centre.shared.sign(&csr);
    std::fs::create_dir_all(folder).unwrap();
    let signing_key = hex::encode(centre.shared.hub.lock().unwrap().key.verifying_key().as_bytes());
    let about = serde_json::json!({"id": point(), "machine_url": centre.url, "signing_key": signing_key});
    for (name, text) in [
        ("machine.pem", key.serialize_pem() + &certificate),
        ("ca.pem", centre.ca_pem.clone()),
        ("identity.json", about.to_string()),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

#[tokio::test]
async fn a_code_becomes_an_identity() {
    let centre = Centre::start(Hub::new(point(), NOW), false).await;
    let folder = tempfile::tempdir().unwrap();
    let identity = agent::enrol(&centre.url, " ONE-TIME\n", "file", &trust(&centre), folder.path()).await.unwrap();
    assert_eq!((identity.id, identity.machine_url.as_str()), (point(), centre.url.as_str()));
    let back = Identity::load(folder.path()).unwrap();
    assert_eq!(back.signing_key, centre.shared.hub.lock().unwrap().key.verifying_key());
    let key = std::fs::read_to_string(folder.path().join("machine.pem")).unwrap();
    assert!(key.contains("PRIVATE KEY"));

    let ca = CertificateDer::from_pem_slice(centre.ca_pem.as_bytes()).unwrap();
    let pin = EnrolTrust::Pin(Sha256::digest(&ca).into());
    let again = tempfile::tempdir().unwrap();
    agent::enrol(&centre.url, "ONE-TIME", "file", &pin, again.path()).await.unwrap();
}

#[tokio::test]
async fn a_wrong_code_or_centre_leaves_nothing() {
    let centre = Centre::start(Hub::new(point(), NOW), false).await;
    let other = Centre::start(Hub::new(point(), NOW), false).await;
    let folder = tempfile::tempdir().unwrap();
    let refused = agent::enrol(&centre.url, "WRONG", "file", &trust(&centre), folder.path()).await;
    assert!(matches!(refused, Err(AgentError::Refused { status: 403, .. })), "{refused:?}");
    let other_ca = agent::enrol(&centre.url, "ONE-TIME", "file", &trust(&other), folder.path()).await;
    assert!(matches!(other_ca, Err(AgentError::Centre(_))), "{other_ca:?}");
    let other_pin = agent::enrol(&centre.url, "ONE-TIME", "file", &EnrolTrust::Pin([7; 32]), folder.path()).await;
    assert!(matches!(other_pin, Err(AgentError::Centre(_))), "{other_pin:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(matches!(Identity::load(folder.path()), Err(AgentError::NoIdentity(_))));
}
