//! Host keys: made once from the persona's seed and kept on disk, so that a sensor stays the same host.

use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};
use russh::keys::ssh_key::rand_core::{TryCryptoRng, TryRng};
use russh::keys::{EcdsaCurve, PrivateKey};
use std::convert::Infallible;
use std::path::Path;

use crate::TrapError;
use crate::persona::Persona;

/// What `ssh-keygen -A` made at the time of the claimed versions.
const RSA_BITS: usize = 2048;

/// The generator of the persona, for the key library's version of the traits.
struct Generator(rand_chacha::ChaCha12Rng);

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(rand::RngCore::next_u32(&mut self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(rand::RngCore::next_u64(&mut self.0))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        rand::RngCore::fill_bytes(&mut self.0, into);
        Ok(())
    }
}

impl TryCryptoRng for Generator {}

/// The three host keys of a persona: read from `dir`, or made and written there. Takes a second or two the first time.
///
/// # Errors
/// `LF-TRP-0004` when a file cannot be used, `LF-TRP-0008` when a key cannot be made.
pub fn host_keys(persona: &Persona, dir: &Path) -> Result<Vec<PrivateKey>, TrapError> {
    ["rsa", "ecdsa", "ed25519"].into_iter().map(|kind| host_key(persona, dir, kind)).collect()
}

fn host_key(persona: &Persona, dir: &Path, kind: &'static str) -> Result<PrivateKey, TrapError> {
    let path = dir.join(format!("ssh_host_{kind}_key"));
    let failed = |e: russh::keys::ssh_key::Error| TrapError::Key(format!("{kind}: {e}"));
    if let Some(text) = link::read(&path)? {
        return PrivateKey::from_openssh(text).map_err(failed);
    }
    let mut generator = Generator(persona.draw(kind).generator());
    let data = match kind {
        "rsa" => KeypairData::from(RsaKeypair::random(&mut generator, RSA_BITS).map_err(failed)?),
        "ecdsa" => KeypairData::from(EcdsaKeypair::random(&mut generator, EcdsaCurve::NistP256).map_err(failed)?),
        _ => KeypairData::from(Ed25519Keypair::random(&mut generator)),
    };
    let key = PrivateKey::new(data, format!("root@{}", persona.server.hostname)).map_err(failed)?;
    link::replace(&path, key.to_openssh(LineEnding::LF).map_err(failed)?.as_bytes())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_over_restarts_and_differ_between_seeds() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let public =
            |keys: &[PrivateKey]| keys.iter().map(|k| k.public_key().to_openssh().unwrap()).collect::<Vec<_>>();
        let persona = Persona::from_text("a", &[]);
        let first = public(&host_keys(&persona, one.path()).unwrap());
        assert_eq!(public(&host_keys(&persona, one.path()).unwrap()), first);
        let other = public(&host_keys(&Persona::from_text("b", &[]), two.path()).unwrap());
        assert!(first.iter().zip(&other).all(|(a, b)| a.split(' ').nth(1) != b.split(' ').nth(1)));
        let mode =
            std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(one.path().join("ssh_host_rsa_key")).unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
}
