//! What the claimed SSH servers offer, list by list.
//!
//! The lists are the defaults of OpenSSH 7.6 and 7.9 in their order, less what the persona's own `sshd_config` takes
//! away: the UMAC codes (which this crate's SSH library lacks) and the slow groups (which would let a stranger burn
//! processor time). That file lies in the persona's file system, so that version, lists and configuration agree.
//! Neither version knows `kex-strict-s-v00@openssh.com`, which came in 2023.

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};
use std::borrow::Cow;

/// The lists of one server version.
#[derive(Debug)]
pub struct Algorithms {
    /// Key exchange methods.
    pub kex: &'static [kex::Name],
    /// Host key algorithms.
    pub keys: &'static [Algorithm],
    /// Ciphers.
    pub ciphers: &'static [cipher::Name],
    /// Message authentication codes.
    pub macs: &'static [mac::Name],
    /// The lines of `sshd_config` that lead from the version's defaults to these lists.
    pub config: &'static str,
}

const KEX: &[kex::Name] = &[
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G14_SHA256,
    kex::DH_G14_SHA1,
];

const CIPHERS: &[cipher::Name] = &[
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
];

const MACS: &[mac::Name] = &[
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA1_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
    mac::HMAC_SHA1,
];

const CONFIG: &str = "KexAlgorithms -diffie-hellman-group-exchange-*,diffie-hellman-group16-*,diffie-hellman-group18-*
MACs -umac-*
Compression no
";

const ECDSA: Algorithm = Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 };
const RSA_512: Algorithm = Algorithm::Rsa { hash: Some(HashAlg::Sha512) };
const RSA_256: Algorithm = Algorithm::Rsa { hash: Some(HashAlg::Sha256) };
const RSA_SHA1: Algorithm = Algorithm::Rsa { hash: None };

/// OpenSSH 7.9: RSA with SHA-2 stands before RSA with SHA-1.
pub(super) static OPENSSH_7_9: Algorithms = Algorithms {
    kex: KEX,
    keys: &[RSA_512, RSA_256, RSA_SHA1, ECDSA, Algorithm::Ed25519],
    ciphers: CIPHERS,
    macs: MACS,
    config: CONFIG,
};

/// OpenSSH 7.6: RSA with SHA-1 stands first.
pub(super) static OPENSSH_7_6: Algorithms = Algorithms {
    kex: KEX,
    keys: &[RSA_SHA1, RSA_512, RSA_256, ECDSA, Algorithm::Ed25519],
    ciphers: CIPHERS,
    macs: MACS,
    config: CONFIG,
};

impl Algorithms {
    /// The same lists for the SSH library.
    #[must_use]
    pub fn preferred(&self) -> Preferred {
        Preferred {
            kex: Cow::Borrowed(self.kex),
            key: Cow::Borrowed(self.keys),
            cipher: Cow::Borrowed(self.ciphers),
            mac: Cow::Borrowed(self.macs),
            compression: Cow::Borrowed(&[compression::NONE]),
        }
    }
}
