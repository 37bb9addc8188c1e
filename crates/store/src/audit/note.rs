//! Signed checkpoints: a C2SP tlog-checkpoint inside a C2SP signed-note, with Ed25519.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;

use super::tree::Hash;
use crate::error::StoreError;

/// The signature type Ed25519 of signed-note.
const ED25519: u8 = 1;

/// Who signs checkpoints: the tree's name and its key.
#[derive(Clone)]
pub struct Signer {
    origin: String,
    key: SigningKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer of a tree, for example `audit.centre.example`.
    ///
    /// # Errors
    /// [`StoreError::Shape`] when the name is empty or holds white space or `+`, which signed-note forbids.
    pub fn new(origin: &str, key: SigningKey) -> Result<Self, StoreError> {
        if origin.is_empty() || origin.contains(|c: char| c.is_whitespace() || c == '+') {
            return Err(StoreError::Shape("the name of an audit tree has no white space and no +".into()));
        }
        Ok(Self { origin: origin.to_owned(), key })
    }

    /// The tree's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The key to verify with.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// The signed note of a tree of this size.
    #[must_use]
    pub fn sign(&self, size: u64, root: &Hash) -> String {
        let text = text(&self.origin, size, root);
        let mut blob = key_id(&self.origin, &self.key.verifying_key()).to_vec();
        blob.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {} {}\n", self.origin, STANDARD.encode(blob))
    }
}

/// A checkpoint whose signature held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The tree's name.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

impl Note {
    /// Reads a note and checks its signature; only the exact form that [`Signer::sign`] writes is accepted.
    ///
    /// # Errors
    /// What does not fit.
    pub fn open(note: &str, origin: &str, key: &[u8; 32]) -> Result<Self, &'static str> {
        let key = VerifyingKey::from_bytes(key).map_err(|_| "the public key is not an Ed25519 key")?;
        let (body, signature) = note.split_once("\n\n").ok_or("the note has no signature")?;
        let mut lines = body.split('\n');
        if lines.next() != Some(origin) {
            return Err("the note belongs to another tree");
        }
        let size: u64 = lines.next().and_then(|size| size.parse().ok()).ok_or("the note has no size")?;
        let root = lines.next().and_then(|root| STANDARD.decode(root).ok()).and_then(|root| root.try_into().ok());
        let root: Hash = root.ok_or("the note has no root")?;
        let text = text(origin, size, &root);
        if format!("{body}\n") != text {
            return Err("the note is not in its one form");
        }
        let line = signature.strip_prefix("— ").and_then(|s| s.strip_prefix(origin)).and_then(|s| s.strip_prefix(' '));
        let blob = line.and_then(|s| s.strip_suffix('\n')).and_then(|s| STANDARD.decode(s).ok());
        let blob = blob.ok_or("the signature line is not in its one form")?;
        let (id, signature) = blob.split_first_chunk::<4>().ok_or("the signature is too short")?;
        if *id != key_id(origin, &key) {
            return Err("the note was signed with another key");
        }
        let signature = Signature::from_slice(signature).map_err(|_| "the signature has another length")?;
        key.verify_strict(text.as_bytes(), &signature).map_err(|_| "the signature does not hold")?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

fn text(origin: &str, size: u64, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

/// SHA-256(name || 0x0A || type || key), the first four bytes.
fn key_id(origin: &str, key: &VerifyingKey) -> [u8; 4] {
    let digest =
        Sha256::new().chain_update(origin).chain_update([b'\n', ED25519]).chain_update(key.as_bytes()).finalize();
    let mut id = [0; 4];
    id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_and_no_changed_byte_does() {
        let signer = Signer::new("audit.example", SigningKey::from_bytes(&[7; 32])).unwrap();
        let note = signer.sign(300, &[9; 32]);
        let opened = Note::open(&note, "audit.example", &signer.public_key()).unwrap();
        assert_eq!((opened.size, opened.root), (300, [9; 32]));
        assert!(note.starts_with("audit.example\n300\nCQkJ"));
        for at in 0..note.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(Note::open(&text, "audit.example", &signer.public_key()).is_err(), "byte {at}");
            }
        }
        assert!(Note::open(&format!("{note}x"), "audit.example", &signer.public_key()).is_err());
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        assert!(Note::open(&note, "audit.example", &other).is_err());
        assert!(Signer::new("two words", SigningKey::from_bytes(&[7; 32])).is_err());
    }
}
