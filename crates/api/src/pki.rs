//! The centre's certificates: one authority for the servers, one for machines (sensors, enforcement agents).
//!
//! Made on the first start in `DIR/tls`; keys are files of mode 0600. A machine's certificate names it by its subject
//! common name, `sensor:<uuid>` or `edge:<uuid>`; its serial is kept in the machine's row, so that revoking is one update.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::papers::MACHINE_DAYS;
use base::{Coded, Env, Problem, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

base::codes! {
    /// Keys or certificates cannot be read or made.
    pub TLS_SETUP = "LF-API-0001", 500,
        en "Keys or certificates cannot be read or made.", zh "無法讀取或產生金鑰與憑證。",
        act_en "Check the folder tls inside the data folder and its permissions.", act_zh "請檢查資料夾中的 tls 目錄與權限。";
    /// A certificate request is not usable.
    pub BAD_REQUEST_CERT = "LF-API-0002", 400,
        en "The certificate signing request is not usable.", zh "憑證簽署要求無法使用。",
        act_en "Enrol again with `lianfang sensor enrol` or `lianfang edge enrol`.", act_zh "請以 `lianfang sensor enrol` 或 `lianfang edge enrol` 重新註冊。";
    /// A machine asks for its next certificate too early.
    pub NOT_DUE = "LF-API-0026", 409,
        en "The certificate of this machine is not due for renewal yet.", zh "此機器的憑證尚未到更新時間。",
        act_en "Check the clock of the machine; it renews by itself when a third of the life is left.",
        act_zh "請檢查機器的時鐘；憑證剩餘三分之一效期時會自動更新。";
}

/// Days a server certificate is valid; it is renewed at start when a third is left.
const SERVER_DAYS: i64 = 397;
/// Days an authority is valid.
const CA_DAYS: i64 = 3650;

/// What can go wrong with keys and certificates.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A key or certificate could not be made or parsed.
    #[error("certificate: {0}")]
    Certificate(String),
    /// A request from a machine is not usable.
    #[error("signing request: {0}")]
    Request(String),
}

impl Coded for PkiError {
    fn problem(&self) -> Problem {
        match self {
            Self::Request(why) => Problem::new(&BAD_REQUEST_CERT, why.clone()),
            _ => Problem::new(&TLS_SETUP, ""),
        }
    }
}

impl From<rcgen::Error> for PkiError {
    fn from(error: rcgen::Error) -> Self {
        Self::Certificate(error.to_string())
    }
}

/// A certificate given to a machine.
#[derive(Debug, Clone)]
pub struct Issued {
    /// PEM text.
    pub pem: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// End of validity.
    pub expires: Timestamp,
}

/// The centre's keys and certificates.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    ca_pem: String,
    machine_ca_pem: String,
    machine_ca_key: KeyPair,
}

impl Pki {
    /// Opens `dir` (`DATA/tls`), making what is missing; the server certificate covers `names` (host names and addresses).
    ///
    /// # Errors
    /// [`PkiError`] when files cannot be read, written or parsed.
    pub fn open(dir: &Path, names: &[String], env: &Env) -> Result<Self, PkiError> {
        fs::create_dir_all(dir).map_err(|error| PkiError::File(dir.display().to_string(), error))?;
        let (ca_pem, ca_key) = authority(dir, "ca", "Lianfang server authority", env)?;
        let (machine_ca_pem, machine_ca_key) = authority(dir, "machine-ca", "Lianfang machine authority", env)?;
        server_certificate(dir, &ca_pem, ca_key, names, env)?;
        Ok(Self { dir: dir.to_owned(), ca_pem, machine_ca_pem, machine_ca_key })
    }

    /// The authority that clients should trust for this centre's servers, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Signs a machine's request: only its public key is taken from it, the name is ours.
    ///
    /// # Errors
    /// [`PkiError::Request`] when the request does not parse or its signature is wrong.
    pub fn issue_machine(&self, csr_pem: &str, name: &str, env: &Env) -> Result<Issued, PkiError> {
        let mut request =
            CertificateSigningRequestParams::from_pem(csr_pem).map_err(|error| PkiError::Request(error.to_string()))?;
        let mut params = CertificateParams::default();
        let now = env.now();
        let serial = positive_serial(env);
        params.distinguished_name = common_name(name);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = offset(now.plus_secs(-300));
        params.not_after = offset(now.plus_secs(MACHINE_DAYS * 86_400));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params = params;
        let issuer = Issuer::from_ca_cert_pem(&self.machine_ca_pem, &self.machine_ca_key)?;
        let certificate = request.signed_by(&issuer)?;
        Ok(Issued {
            pem: certificate.pem(),
            serial: hex::encode(serial),
            expires: now.plus_secs(MACHINE_DAYS * 86_400),
        })
    }

    /// TLS for browsers and API clients: never asks for a certificate.
    ///
    /// # Errors
    /// [`PkiError`] when the key and certificate do not fit.
    pub fn portal_tls(&self, env: &Env) -> Result<Arc<ServerConfig>, PkiError> {
        let (chain, key) = self.server_identity()?;
        let config = builder(env)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| PkiError::Certificate(error.to_string()))?;
        Ok(finish(config))
    }

    /// TLS for machines: a certificate of the machine authority is required.
    ///
    /// # Errors
    /// [`PkiError`] when the key and certificate do not fit.
    pub fn machine_tls(&self, env: &Env) -> Result<Arc<ServerConfig>, PkiError> {
        let (chain, key) = self.server_identity()?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.machine_ca_pem.as_bytes()) {
            let certificate = certificate.map_err(|error| PkiError::Certificate(error.to_string()))?;
            roots.add(certificate).map_err(|error| PkiError::Certificate(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| PkiError::Certificate(error.to_string()))?;
        let config = builder(env)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| PkiError::Certificate(error.to_string()))?;
        Ok(finish(config))
    }

    fn server_identity(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PkiError> {
        let pem = read(&self.dir.join("server.pem"))?;
        let key = read(&self.dir.join("server.key"))?;
        let chain = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| PkiError::Certificate(error.to_string()))?;
        let key =
            PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| PkiError::Certificate(error.to_string()))?;
        Ok((chain, key))
    }
}

/// The clock of the centre for certificates: the same as for everything else.
#[derive(Debug)]
struct Wall(Env);

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().as_micros()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

fn builder(env: &Env) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, PkiError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_details(provider, Arc::new(Wall(env.clone())))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| PkiError::Certificate(error.to_string()))
}

fn finish(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// The name in a peer's certificate and its serial: `("sensor:0192..", "3fa0..")`.
#[must_use]
pub fn peer_name(certificate: &CertificateDer<'_>) -> Option<(String, String)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let raw = parsed.raw_serial();
    let serial = raw.strip_prefix(&[0]).unwrap_or(raw);
    Some((name, hex::encode(serial)))
}

fn authority(dir: &Path, name: &str, subject: &str, env: &Env) -> Result<(String, KeyPair), PkiError> {
    let (pem_path, key_path) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    if pem_path.exists() && key_path.exists() {
        return Ok((read(&pem_path)?, KeyPair::from_pem(&read(&key_path)?)?));
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(subject);
    params.serial_number = Some(SerialNumber::from_slice(&positive_serial(env)));
    params.not_before = offset(env.now().plus_secs(-300));
    params.not_after = offset(env.now().plus_secs(CA_DAYS * 86_400));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let pem = params.self_signed(&key)?.pem();
    write_secret(&key_path, &key.serialize_pem())?;
    write_public(&pem_path, &pem)?;
    Ok((pem, key))
}

fn server_certificate(dir: &Path, ca_pem: &str, ca_key: KeyPair, names: &[String], env: &Env) -> Result<(), PkiError> {
    let (pem_path, key_path) = (dir.join("server.pem"), dir.join("server.key"));
    if key_path.exists() && still_good(&pem_path, names, env.now()) {
        return Ok(());
    }
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = common_name("Lianfang centre");
    params.serial_number = Some(SerialNumber::from_slice(&positive_serial(env)));
    params.not_before = offset(env.now().plus_secs(-300));
    params.not_after = offset(env.now().plus_secs(SERVER_DAYS * 86_400));
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &Issuer::from_ca_cert_pem(ca_pem, ca_key)?)?;
    write_secret(&key_path, &key.serialize_pem())?;
    write_public(&pem_path, &certificate.pem())
}

/// Whether the certificate covers every name and a third of its life is left.
fn still_good(pem_path: &Path, names: &[String], now: Timestamp) -> bool {
    let Ok(pem) = fs::read(pem_path) else { return false };
    let Some(Ok(der)) = CertificateDer::pem_slice_iter(&pem).next() else { return false };
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(&der) else { return false };
    let left = parsed.validity().not_after.timestamp() - now.as_secs();
    let Ok(Some(alternatives)) = parsed.subject_alternative_name() else { return false };
    let covered: Vec<String> = alternatives.value.general_names.iter().filter_map(general_name).collect();
    left > SERVER_DAYS * 86_400 / 3 && names.iter().all(|name| covered.contains(name))
}

fn general_name(name: &x509_parser::extensions::GeneralName<'_>) -> Option<String> {
    match name {
        x509_parser::extensions::GeneralName::DNSName(text) => Some((*text).to_owned()),
        x509_parser::extensions::GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(|v4| std::net::IpAddr::from(v4).to_string())
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|v6| std::net::IpAddr::from(v6).to_string()))
            .ok(),
        _ => None,
    }
}

/// 16 random bytes whose first bit is 0 and first byte is not 0, so that DER adds nothing (RFC 5280 section 4.1.2.2).
fn positive_serial(env: &Env) -> [u8; 16] {
    let mut serial = env.bytes::<16>();
    serial[0] = (serial[0] & 0x7f) | 0x40;
    serial
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn offset(at: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.as_secs()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|error| PkiError::File(path.display().to_string(), error))
}

fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    write_mode(path, text, 0o644)
}

/// Writes a file that only its owner reads.
///
/// # Errors
/// [`PkiError::File`].
pub fn write_secret(path: &Path, text: &str) -> Result<(), PkiError> {
    write_mode(path, text, 0o600)
}

fn write_mode(path: &Path, text: &str, mode: u32) -> Result<(), PkiError> {
    let failed = |error| PkiError::File(path.display().to_string(), error);
    // A name of its own: beside the file may lie anything of anybody's.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", uuid::Uuid::new_v4().simple()));
    let temporary = path.with_file_name(name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        // The first error is the one to tell.
        let _left = fs::remove_file(&temporary);
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn machine_certificates_carry_our_name_not_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system();
        let pki = Pki::open(dir.path(), &["localhost".into(), "127.0.0.1".into()], &env).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut wanted = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
        wanted.distinguished_name = common_name("sensor:someone-else");
        let csr = wanted.serialize_request(&key).unwrap().pem().unwrap();
        let issued = pki.issue_machine(&csr, "edge:1", &env).unwrap();
        let der = CertificateDer::from_pem_slice(issued.pem.as_bytes()).unwrap();
        assert_eq!(peer_name(&der).unwrap(), ("edge:1".to_owned(), issued.serial));
        let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert!(parsed.subject_alternative_name().unwrap().is_none());
        assert!(!parsed.is_ca());
        assert_eq!(pki.issue_machine("junk", "edge:1", &env).unwrap_err().problem().code.id, "LF-API-0002");
    }

    #[test]
    fn writing_a_secret_touches_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, beside) = (dir.path().join("token"), dir.path().join("token.new"));
        fs::write(&beside, "somebody's").unwrap();
        for text in ["first", "second"] {
            write_secret(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_to_string(&beside).unwrap(), "somebody's");
        // What cannot be put in place leaves nothing behind.
        fs::create_dir_all(dir.path().join("folder/full")).unwrap();
        assert!(write_secret(&dir.path().join("folder"), "x").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn keys_are_private_and_kept_and_names_renew_the_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let env = Env::system();
        let first = Pki::open(dir.path(), &["localhost".into()], &env).unwrap();
        let server = fs::read(dir.path().join("server.pem")).unwrap();
        for key in ["ca.key", "machine-ca.key", "server.key"] {
            assert_eq!(fs::metadata(dir.path().join(key)).unwrap().permissions().mode() & 0o777, 0o600, "{key}");
        }
        let again = Pki::open(dir.path(), &["localhost".into()], &env).unwrap();
        assert_eq!(first.ca_pem(), again.ca_pem());
        assert_eq!(server, fs::read(dir.path().join("server.pem")).unwrap());
        Pki::open(dir.path(), &["localhost".into(), "192.0.2.1".into()], &env).unwrap();
        assert_ne!(server, fs::read(dir.path().join("server.pem")).unwrap());
    }
}
