//! Signing keys in `DATA/keys`: files of mode 0600 with the secret in hex, made on the first start.

use std::path::Path;

use base::Env;
use ed25519_dalek::SigningKey;

use crate::exit::Failure;

/// The key in the file, made when there is none.
pub(crate) fn signing_key(path: &Path, env: &Env) -> Result<SigningKey, Failure> {
    let failed = |error: std::io::Error| Failure::refused(format!("{}: {error}", path.display()));
    if path.exists() {
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let mut secret = [0_u8; 32];
        hex::decode_to_slice(text.trim(), &mut secret)
            .map_err(|_| Failure::refused(format!("{} is not a key (64 hexadecimal digits)", path.display())))?;
        return Ok(SigningKey::from_bytes(&secret));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let secret = env.bytes::<32>();
    api::pki::write_secret(path, &hex::encode(secret))?;
    Ok(SigningKey::from_bytes(&secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_junk_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/audit.key");
        let first = signing_key(&path, &Env::system()).unwrap();
        assert_eq!(first, signing_key(&path, &Env::system()).unwrap());
        std::fs::write(&path, "junk").unwrap();
        assert!(signing_key(&path, &Env::system()).is_err());
    }
}
