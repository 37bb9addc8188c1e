//! Enrolment: a one-time code becomes a key that never leaves the sensor and a certificate of the centre.

use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519};
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::{TrapError, files, tls};

/// What the sensor trusts when it meets the centre for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolTrust {
    /// The centre's certificate authority, PEM.
    CaPem(String),
    /// SHA-256 of a certificate of the centre's chain (DER).
    Pin([u8; 32]),
}

impl EnrolTrust {
    /// PEM text or 64 hexadecimal digits (colons and a `sha256:` prefix are allowed).
    ///
    /// # Errors
    /// `LF-TRP-0007` when it is neither.
    pub fn parse(text: &str) -> Result<Self, TrapError> {
        let text = text.trim();
        if text.contains("-----BEGIN CERTIFICATE-----") {
            return Ok(Self::CaPem(text.to_owned()));
        }
        let digits: String = text.trim_start_matches("sha256:").chars().filter(|c| *c != ':').collect();
        let mut pin = [0_u8; 32];
        hex::decode_to_slice(digits, &mut pin).map_err(|_| TrapError::Trust)?;
        Ok(Self::Pin(pin))
    }
}

/// The outcome of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// The sensor's id at the centre.
    pub id: String,
    /// Where the sensor's uplink dials.
    pub machine_url: String,
}

/// What an enrolled node's folder holds.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) enrolled: Enrolled,
    pub(crate) key_pem: String,
    pub(crate) certificate_pem: String,
    pub(crate) ca_pem: String,
}

#[derive(Serialize)]
struct Request<'a> {
    code: &'a str,
    csr_pem: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    certificate_pem: String,
    ca_pem: String,
    machine_url: String,
}

/// Enrols this node: makes a key, asks `centre_url` for a certificate with the one-time `code`, and writes key,
/// certificate, authority and settings into `dir`. The key never leaves the folder.
///
/// # Errors
/// `LF-TRP-0005` when the centre cannot be reached, `LF-TRP-0006` when it refuses, `LF-TRP-0004` when the folder
/// cannot be written.
pub async fn enrol(
    centre_url: &str,
    code: &str,
    name: &str,
    trust: &EnrolTrust,
    dir: &Path,
) -> Result<Enrolled, TrapError> {
    let failed = |e: rcgen::Error| TrapError::Key(e.to_string());
    files::private_folder(dir)?;
    let key = KeyPair::generate_for(&PKCS_ED25519).map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let csr_pem = params.serialize_request(&key).and_then(|r| r.pem()).map_err(failed)?;
    let url = format!("{}/api/v1/enrol/sensor", centre_url.trim_end_matches('/'));
    let request = Request { code, csr_pem: &csr_pem };
    let unreachable = |e: reqwest::Error| TrapError::Centre(tls::causes(&e.without_url()));
    let response = tls::enrol_client(trust)?.post(url).json(&request).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = tls::body(response).await.map_err(unreachable)?;
    if !status.is_success() {
        let said = base::code::excerpt(&String::from_utf8_lossy(&body));
        return Err(TrapError::Refused(format!("HTTP {status}: {said}")));
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|e| TrapError::Centre(format!("answer: {e}")))?;
    let enrolled = Enrolled { id: answer.id, machine_url: answer.machine_url };
    let identity = Identity {
        enrolled: enrolled.clone(),
        key_pem: key.serialize_pem(),
        certificate_pem: answer.certificate_pem,
        ca_pem: answer.ca_pem,
    };
    // What cannot be used is not kept.
    tls::machine_client(&identity.ca_pem, &identity.certificate_pem, &identity.key_pem)?;
    identity.write(dir)?;
    write_settings(dir)?;
    Ok(enrolled)
}

impl Identity {
    fn write(&self, dir: &Path) -> Result<(), TrapError> {
        files::replace(&dir.join("key.pem"), self.key_pem.as_bytes())?;
        files::replace(&dir.join("cert.pem"), self.certificate_pem.as_bytes())?;
        files::replace(&dir.join("ca.pem"), self.ca_pem.as_bytes())?;
        // Last, so that a folder with this file is complete.
        let text =
            serde_json::to_vec_pretty(&self.enrolled).map_err(|e| TrapError::folder("identity.json", e.into()))?;
        files::replace(&dir.join("identity.json"), &text)
    }

    /// Reads what [`enrol`] has written.
    pub(crate) fn read(dir: &Path) -> Result<Self, TrapError> {
        let file = |name: &'static str| files::read(&dir.join(name))?.ok_or(TrapError::NoIdentity(name));
        let enrolled =
            serde_json::from_str(&file("identity.json")?).map_err(|e| TrapError::folder("identity.json", e.into()))?;
        Ok(Self { enrolled, key_pem: file("key.pem")?, certificate_pem: file("cert.pem")?, ca_pem: file("ca.pem")? })
    }
}

/// Settings to start from, unless there are some already.
fn write_settings(dir: &Path) -> Result<(), TrapError> {
    let path = dir.join("sensor.toml");
    if files::read(&path)?.is_some() {
        return Ok(());
    }
    let folder =
        serde_json::to_string(&dir.to_string_lossy()).map_err(|e| TrapError::folder("sensor.toml", e.into()))?;
    let mut text = format!("# Settings of this sensor; every key has a default.\ndir = {folder}\n");
    for listen in crate::NodeConfig::default().listen {
        let (kind, port) = (listen.kind.protocol(), listen.kind.well_known_port());
        text.push_str(&format!(
            "\n[[listen]]\nkind = \"{kind}\"\naddress = \"{}\"\n# The port attackers see when it is redirected to the one above:\n# advertised_port = {port}\n",
            listen.address
        ));
    }
    files::replace(&path, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_is_a_certificate_or_a_pin() {
        assert!(matches!(EnrolTrust::parse("-----BEGIN CERTIFICATE-----\nAA==\n"), Ok(EnrolTrust::CaPem(_))));
        let pin = format!("sha256:{}", ["ab"; 32].join(":"));
        assert_eq!(EnrolTrust::parse(&pin).unwrap(), EnrolTrust::Pin([0xab; 32]));
        assert!(EnrolTrust::parse("abcd").is_err());
    }

    #[test]
    fn written_settings_are_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        write_settings(dir.path()).unwrap();
        let read: crate::NodeConfig =
            toml::from_str(&std::fs::read_to_string(dir.path().join("sensor.toml")).unwrap()).unwrap();
        assert_eq!(read.dir, dir.path());
        assert_eq!(read.listen, crate::NodeConfig::default().listen);
    }

    #[test]
    fn a_folder_without_identity_is_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Identity::read(dir.path()), Err(TrapError::NoIdentity("identity.json"))));
    }
}
