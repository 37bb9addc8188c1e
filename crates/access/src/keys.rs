//! The key file of the data folder: seals what must be read back, signs known devices, and hashes bearer secrets.

use base::Env;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

use crate::error::AccessError;

const NONCE: usize = 12;

/// The key file, loaded. Every node of a centre needs the same file.
pub struct KeyFile {
    seal: LessSafeKey,
    device: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile(..)")
    }
}

impl KeyFile {
    /// Opens the file, or makes it (mode 0600, durable before this returns).
    ///
    /// # Errors
    /// [`AccessError::Key`] when it cannot be read, made or has another length.
    pub fn open(path: &Path, env: &Env) -> Result<Self, AccessError> {
        match read(path) {
            Ok(master) => Self::of(&master),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let master = Zeroizing::new(env.bytes::<32>());
                make(path, &master).map_err(|error| AccessError::Key(error.to_string()))?;
                // Read back: what counts is the file that is there.
                Self::of(&*read(path).map_err(|error| AccessError::Key(error.to_string()))?)
            }
            Err(error) => Err(AccessError::Key(error.to_string())),
        }
    }

    /// The keys that follow from a master key.
    ///
    /// # Errors
    /// [`AccessError::Key`] when the cipher refuses the key.
    pub fn of(master: &[u8; 32]) -> Result<Self, AccessError> {
        let seal = derive(master, b"lianfang access seal v1");
        let seal = UnboundKey::new(&CHACHA20_POLY1305, seal.as_slice())
            .map_err(|_| AccessError::Key("cipher key".into()))
            .map(LessSafeKey::new)?;
        Ok(Self { seal, device: derive(master, b"lianfang access device v1") })
    }

    /// Encrypts and authenticates `plain`, bound to `place` (the row it belongs to): nonce, then ciphertext.
    ///
    /// # Errors
    /// [`AccessError::Key`] when the cipher fails.
    pub fn seal(&self, env: &Env, place: &[u8], plain: &[u8]) -> Result<Vec<u8>, AccessError> {
        let nonce = env.bytes::<NONCE>();
        let mut text = plain.to_vec();
        self.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut text)
            .map_err(|_| AccessError::Key("sealing failed".into()))?;
        Ok([nonce.as_slice(), text.as_slice()].concat())
    }

    /// Opens what [`KeyFile::seal`] made for the same place.
    ///
    /// # Errors
    /// [`AccessError::Key`] when it was altered, moved to another row or sealed with another key.
    pub fn unseal(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, AccessError> {
        let broken = || AccessError::Key("a sealed value cannot be opened with this key".into());
        let (nonce, text) = sealed.split_at_checked(NONCE).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = self.seal.open_in_place(nonce, Aad::from(place), &mut text).map_err(|_| broken())?;
        Ok(Zeroizing::new(plain.to_vec()))
    }

    /// Signs the bytes of a known-device cookie.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> [u8; 32] {
        mac(self.device.as_slice(), bytes)
    }

    /// Whether the signature is of these bytes; takes the same time either way.
    #[must_use]
    pub fn verify(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.device.as_slice()) else { return false };
        mac.update(bytes);
        mac.verify_slice(signature).is_ok()
    }
}

fn mac(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so the empty answer cannot happen; it would match no signature.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    })
}

fn derive(master: &[u8; 32], label: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(mac(master, label))
}

fn read(path: &Path) -> std::io::Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(33));
    std::fs::File::open(path)?.take(33).read_to_end(&mut bytes)?;
    let master = <[u8; 32]>::try_from(bytes.as_slice())
        .map_err(|_| std::io::Error::new(ErrorKind::InvalidData, "the key file must hold 32 bytes"))?;
    Ok(Zeroizing::new(master))
}

/// Makes the file under its name only when it is whole; a file that is there already stays.
fn make(path: &Path, master: &[u8; 32]) -> std::io::Result<()> {
    let half = path.with_extension("half");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&half)?;
    file.write_all(master)?;
    file.sync_all()?;
    match std::fs::hard_link(&half, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => std::fs::remove_file(&half)?,
    }
    // The name is durable only when its folder is.
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// A fresh bearer secret of 256 bits as URL-safe text, after its prefix.
#[must_use]
pub fn fresh_secret(env: &Env, prefix: &str) -> Zeroizing<String> {
    let bytes = Zeroizing::new(env.bytes::<32>());
    Zeroizing::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

/// What is stored of a bearer secret. It has 256 random bits, so one plain hash is enough.
#[must_use]
pub fn hash_secret(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    fn keys() -> (KeyFile, Env) {
        (KeyFile::of(&[7; 32]).unwrap(), Env::fixed(Timestamp::EPOCH, 1).0)
    }

    #[test]
    fn sealed_values_open_only_in_their_place() {
        let (keys, env) = keys();
        let sealed = keys.seal(&env, b"person:1", b"secret").unwrap();
        assert_eq!(keys.unseal(b"person:1", &sealed).unwrap().as_slice(), b"secret");
        assert!(keys.unseal(b"person:2", &sealed).is_err(), "moved to another row");
        assert!(KeyFile::of(&[8; 32]).unwrap().unseal(b"person:1", &sealed).is_err(), "another key");
        for index in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[index] ^= 1;
            assert!(keys.unseal(b"person:1", &broken).is_err(), "byte {index}");
        }
        assert!(keys.unseal(b"person:1", &sealed[..5]).is_err());
        assert_ne!(sealed, keys.seal(&env, b"person:1", b"secret").unwrap(), "a nonce is used once");
    }

    #[test]
    fn signatures_bind_the_bytes() {
        let (keys, _) = keys();
        let signature = keys.sign(b"device");
        assert!(keys.verify(b"device", &signature));
        assert!(!keys.verify(b"devicf", &signature));
        assert!(!keys.verify(b"device", &signature[..31]));
    }

    #[test]
    fn the_file_is_made_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.key");
        let (env, _) = Env::fixed(Timestamp::EPOCH, 1);
        let first = KeyFile::open(&path, &env).unwrap();
        // A start that was cut off before the file had its name leaves only the half.
        assert!(!path.with_extension("half").exists());
        std::fs::write(path.with_extension("half"), b"cut").unwrap();
        make(&path, &[9; 32]).unwrap();
        let again = KeyFile::open(&path, &env).unwrap();
        assert_eq!(first.sign(b"x"), again.sign(b"x"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(KeyFile::open(&path, &env), Err(AccessError::Key(_))));
    }

    #[test]
    fn secrets_are_fresh_and_prefixed() {
        let (_, env) = keys();
        let (one, two) = (fresh_secret(&env, "lft_"), fresh_secret(&env, "lft_"));
        assert_ne!(*one, *two);
        assert!(one.starts_with("lft_") && one.len() == 47);
        assert_ne!(hash_secret(&one), hash_secret(&two));
    }
}
