//! Enrolment: a one-time code becomes a key that never leaves the machine and a certificate of the centre.

use base::Env;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::error::LinkError;
use crate::files;
use crate::identity::{About, Identity};
use crate::line::{body, unreachable};
use crate::tls::{self, Kind};
use crate::trust::EnrolTrust;

/// What a machine says when it joins.
#[derive(Debug, Clone, Copy)]
pub struct Join<'a> {
    /// What it is.
    pub kind: Kind,
    /// The one-time code.
    pub code: &'a str,
    /// Its name in the request; the centre puts the real one into the certificate.
    pub name: &'a str,
    /// Its engine, for enforcement points.
    pub driver: Option<&'a str>,
}

#[derive(Serialize)]
struct Request<'a> {
    code: &'a str,
    csr_pem: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    certificate_pem: String,
    ca_pem: String,
    machine_url: String,
    signing_key: String,
}

/// A fresh key, and a request for a certificate of it.
pub(crate) fn request(name: &str) -> Result<(KeyPair, String), LinkError> {
    let key = KeyPair::generate().map_err(LinkError::key)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let csr = params.serialize_request(&key).and_then(|csr| csr.pem()).map_err(LinkError::key)?;
    Ok((key, csr))
}

/// Enrols a machine: makes a key, asks `centre_url` for a certificate with the one-time code, and writes the identity
/// into `dir`. `check` may refuse what the centre said about the machine, before anything is kept.
///
/// # Errors
/// [`LinkError::Centre`] when the centre cannot be reached, [`LinkError::Refused`] when it refuses,
/// [`LinkError::File`] when the folder cannot be written, [`LinkError::Key`] when what it gave cannot be used.
pub async fn enrol(
    centre_url: &str,
    join: &Join<'_>,
    trust: &EnrolTrust,
    dir: &Path,
    check: impl FnOnce(&About) -> Result<(), LinkError> + Send,
) -> Result<Identity, LinkError> {
    let env = Env::system();
    let (key, csr_pem) = request(join.name)?;
    let url = format!("{}/api/v1/enrol/{}", centre_url.trim_end_matches('/'), join.kind.word());
    let wish = Request { code: join.code.trim(), csr_pem: &csr_pem, driver: join.driver };
    let answer = tls::enrolling(trust, join.kind, &env)?.post(url).json(&wish).send().await.map_err(unreachable)?;
    let status = answer.status();
    let body = body(answer).await?;
    if !status.is_success() {
        let detail = base::code::excerpt(&String::from_utf8_lossy(&body));
        return Err(LinkError::Refused { status: status.as_u16(), detail });
    }
    let answer: Answer =
        serde_json::from_slice(&body).map_err(|error| LinkError::Centre(format!("answer: {error}")))?;
    let about = About { id: answer.id, machine_url: answer.machine_url, signing_key: answer.signing_key };
    check(&about)?;
    let identity = Identity::of(about, &key.serialize_pem(), &answer.certificate_pem, &answer.ca_pem);
    // A certificate for another key, or an authority that is none, is found now and not at the first start.
    tls::enrolled(&identity, join.kind, &env)?;
    files::private_folder(dir)?;
    identity.write(dir)?;
    Ok(identity)
}
