//! Who this machine is: key and certificate in one file, the centre's authority, and what the centre said about it.

use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::error::LinkError;
use crate::files;

const ABOUT: &str = "identity.json";
const PAIR: &str = "machine.pem";
const AUTHORITY: &str = "ca.pem";

/// What the centre said about this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Its id at the centre.
    pub id: String,
    /// Where it dials.
    pub machine_url: String,
    /// The centre's Ed25519 key that signs collections, hex.
    #[serde(default)]
    pub signing_key: String,
}

/// What enrolment gave this machine.
#[derive(Clone)]
pub struct Identity {
    /// What the centre said about it.
    pub about: About,
    /// Private key and certificate chain, PEM, in one text.
    pub(crate) pair_pem: String,
    /// The centre's authority, PEM.
    pub(crate) ca_pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("about", &self.about).finish_non_exhaustive()
    }
}

impl Identity {
    /// An identity of its parts.
    #[must_use]
    pub fn of(about: About, key_pem: &str, certificate_pem: &str, ca_pem: &str) -> Self {
        Self { about, pair_pem: pair(key_pem, certificate_pem), ca_pem: ca_pem.to_owned() }
    }

    /// Reads the identity of a folder.
    ///
    /// # Errors
    /// [`LinkError::NoIdentity`] when a file is missing, [`LinkError::Key`] when one is damaged.
    pub fn read(dir: &Path) -> Result<Self, LinkError> {
        let file = |name: &'static str| files::read(&dir.join(name))?.ok_or(LinkError::NoIdentity(name));
        let about = serde_json::from_str(&file(ABOUT)?).map_err(LinkError::key)?;
        Ok(Self { about, pair_pem: file(PAIR)?, ca_pem: file(AUTHORITY)? })
    }

    /// Writes the identity; the file that says who this is comes last, so that half an identity is none.
    ///
    /// # Errors
    /// [`LinkError::File`].
    pub fn write(&self, dir: &Path) -> Result<(), LinkError> {
        files::private_folder(dir)?;
        self.keep_pair(dir)?;
        files::replace(&dir.join(AUTHORITY), self.ca_pem.as_bytes())?;
        let about = serde_json::to_vec_pretty(&self.about).map_err(LinkError::key)?;
        files::replace(&dir.join(ABOUT), &about)
    }

    /// Writes key and certificate, both or neither.
    pub(crate) fn keep_pair(&self, dir: &Path) -> Result<(), LinkError> {
        files::replace(&dir.join(PAIR), self.pair_pem.as_bytes())
    }

    /// The same machine with another key and certificate.
    pub(crate) fn with_pair(&self, key_pem: &str, certificate_pem: &str) -> Self {
        Self { pair_pem: pair(key_pem, certificate_pem), ..self.clone() }
    }
}

fn pair(key_pem: &str, certificate_pem: &str) -> String {
    format!("{}\n{}\n", key_pem.trim_end(), certificate_pem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn files_are_private_and_half_an_identity_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Identity::read(dir.path()), Err(LinkError::NoIdentity(ABOUT))));
        let about = About { id: "7".into(), machine_url: "https://centre:8444".into(), signing_key: String::new() };
        let identity = Identity::of(about, "k", "c\n", "a");
        identity.write(dir.path()).unwrap();
        let back = Identity::read(dir.path()).unwrap();
        assert_eq!((&back.about, back.pair_pem.as_str()), (&identity.about, "k\nc\n"));
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::remove_file(dir.path().join(PAIR)).unwrap();
        assert!(matches!(Identity::read(dir.path()), Err(LinkError::NoIdentity(PAIR))));
        assert!(!format!("{back:?}").contains("pair_pem"));
    }
}
