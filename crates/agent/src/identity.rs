//! Who this point is: key, certificate, the centre's authority and signing key, in files of mode 0600.

use base::PointId;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::AgentError;

const ABOUT: &str = "identity.json";
const KEY: &str = "key.pem";
const CERTIFICATE: &str = "certificate.pem";
const AUTHORITY: &str = "ca.pem";

/// What enrolment gave this point.
#[derive(Clone)]
pub struct Identity {
    /// The point's id at the centre.
    pub id: PointId,
    /// Where the agent dials.
    pub machine_url: String,
    /// The centre's Ed25519 key: only what it signed is enforced.
    pub signing_key: VerifyingKey,
    pub(crate) key_pem: String,
    pub(crate) certificate_pem: String,
    pub(crate) ca_pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("id", &self.id).field("machine_url", &self.machine_url).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct About {
    id: PointId,
    machine_url: String,
    signing_key: String,
}

impl Identity {
    /// Reads the identity of a folder.
    ///
    /// # Errors
    /// `LF-AGT-0101` when the point is not enrolled, `LF-AGT-0106` when a file is damaged.
    pub fn load(folder: &Path) -> Result<Self, AgentError> {
        let about: About = serde_json::from_str(&read(folder, ABOUT)?).map_err(AgentError::key)?;
        Ok(Self {
            id: about.id,
            machine_url: about.machine_url,
            signing_key: signing_key(&about.signing_key)?,
            key_pem: read(folder, KEY)?,
            certificate_pem: read(folder, CERTIFICATE)?,
            ca_pem: read(folder, AUTHORITY)?,
        })
    }

    /// Writes the identity; the file that says who this is comes last, so that half an identity is none.
    ///
    /// # Errors
    /// `LF-AGT-0102` when the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), AgentError> {
        fs::create_dir_all(folder).map_err(AgentError::file(folder))?;
        let about = About {
            id: self.id,
            machine_url: self.machine_url.clone(),
            signing_key: hex::encode(self.signing_key.as_bytes()),
        };
        write_private(&folder.join(KEY), self.key_pem.as_bytes())?;
        write_private(&folder.join(CERTIFICATE), self.certificate_pem.as_bytes())?;
        write_private(&folder.join(AUTHORITY), self.ca_pem.as_bytes())?;
        write_private(&folder.join(ABOUT), serde_json::to_string(&about).map_err(AgentError::key)?.as_bytes())
    }
}

/// An Ed25519 public key from 64 hexadecimal digits.
pub(crate) fn signing_key(text: &str) -> Result<VerifyingKey, AgentError> {
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(AgentError::key)?;
    VerifyingKey::from_bytes(&bytes).map_err(AgentError::key)
}

fn read(folder: &Path, name: &'static str) -> Result<String, AgentError> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => AgentError::NoIdentity(name),
        _ => AgentError::File { path, source: error },
    })
}

/// Writes a file that only its owner may read, as a whole: beside, synchronise, rename, synchronise the folder.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), AgentError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let beside = path.with_extension("new");
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(AgentError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn files_are_private_and_half_an_identity_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Identity::load(folder.path()), Err(AgentError::NoIdentity(_))));
        let identity = Identity {
            id: PointId(uuid::Uuid::from_u128(7)),
            machine_url: "https://centre:8444".to_owned(),
            signing_key: ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key(),
            key_pem: "k".to_owned(),
            certificate_pem: "c".to_owned(),
            ca_pem: "a".to_owned(),
        };
        identity.save(folder.path()).unwrap();
        let back = Identity::load(folder.path()).unwrap();
        assert_eq!((back.id, back.signing_key, &back.key_pem), (identity.id, identity.signing_key, &identity.key_pem));
        for entry in fs::read_dir(folder.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::remove_file(folder.path().join(KEY)).unwrap();
        assert!(matches!(Identity::load(folder.path()), Err(AgentError::NoIdentity(KEY))));
        assert!(!format!("{back:?}").contains("key_pem"));
    }
}
