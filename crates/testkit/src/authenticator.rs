//! A passkey in software: what browser and authenticator answer together, and every lie they could tell.
//!
//! Fields are open, so that a test says what is wrong about an answer: another origin, a flag less, a counter that
//! went back. Keys are as random as real ones; nothing else here is.
#![allow(clippy::expect_used, clippy::missing_panics_doc, reason = "an authenticator that fails fails the test")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use sha2::{Digest, Sha256};

/// User present and verified.
pub const PRESENT_AND_VERIFIED: u8 = 0b101;
/// The flag of attested credential data.
pub const ATTESTED: u8 = 1 << 6;

/// Which kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA with SHA-256.
    Rs256,
}

#[derive(Debug)]
enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

/// A passkey in software.
#[derive(Debug)]
pub struct Authenticator {
    key: Key,
    /// The credential's id.
    pub credential: Vec<u8>,
    /// The origin that the browser names.
    pub origin: String,
    /// The relying party it was made for.
    pub rp_id: String,
    /// What it says about the user.
    pub flags: u8,
    /// The counter; each answer counts one further.
    pub count: u32,
    /// Whether it counts at all.
    pub counts: bool,
    /// The user handle it keeps, base64url; empty says nothing.
    pub user: String,
    /// Whether the browser says that the page stood in a frame of another origin.
    pub crossed: bool,
}

/// An answer: parts in base64url, as a page's script sends them.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// `rawId`.
    pub credential: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `attestationObject` of a registration.
    pub object: String,
    /// `authenticatorData` of an assertion.
    pub authenticator_data: String,
    /// `signature` of an assertion.
    pub signature: String,
    /// `userHandle` of an assertion.
    pub user: String,
}

/// base64url without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of base64url.
#[must_use]
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

impl Authenticator {
    /// A fresh one, for an origin (`https://name` or with a port).
    #[must_use]
    pub fn new(kind: Kind, origin: &str) -> Self {
        let random = SystemRandom::new();
        let mut credential = vec![0; 32];
        random.fill(&mut credential).expect("randomness");
        let key = match kind {
            Kind::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
                Key::Es256(pair.expect("a key"))
            }
            Kind::EdDsa => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).expect("a key");
                Key::EdDsa(Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key"))
            }
            // ring makes no RSA keys: one key of tests for all.
            Kind::Rs256 => Key::Rs256(RsaKeyPair::from_pkcs8(include_bytes!("rsa_test_key.der")).expect("a key")),
        };
        let name = origin.trim_start_matches("https://").split(':').next().unwrap_or_default();
        Self {
            key,
            credential,
            origin: origin.to_owned(),
            rp_id: name.to_owned(),
            flags: PRESENT_AND_VERIFIED,
            count: 0,
            counts: true,
            user: String::new(),
            crossed: false,
        }
    }

    /// What the browser says about a ceremony (WebAuthn section 5.8.1).
    #[must_use]
    pub fn client_data(&self, ceremony: &str, challenge: &str) -> Vec<u8> {
        let (origin, crossed) = (&self.origin, self.crossed);
        let said =
            serde_json::json!({"type": ceremony, "challenge": challenge, "origin": origin, "crossOrigin": crossed});
        said.to_string().into_bytes()
    }

    /// Registers: the answer to a challenge (base64url).
    #[must_use]
    pub fn create(&mut self, challenge: &str) -> Answer {
        self.count += u32::from(self.counts);
        let mut data = self.data(self.flags | ATTESTED);
        data.extend_from_slice(&[0; 16]);
        data.extend_from_slice(&u16::try_from(self.credential.len()).expect("a short id").to_be_bytes());
        data.extend_from_slice(&self.credential);
        data.extend_from_slice(&self.cose());
        Answer {
            credential: encode(&self.credential),
            client_data: encode(&self.client_data("webauthn.create", challenge)),
            object: encode(&object(&data)),
            ..Answer::default()
        }
    }

    /// Shows itself: the answer to a challenge (base64url).
    #[must_use]
    pub fn get(&mut self, challenge: &str) -> Answer {
        self.count += u32::from(self.counts);
        let data = self.data(self.flags);
        let client_data = self.client_data("webauthn.get", challenge);
        let signature = self.sign(&[data.as_slice(), &Sha256::digest(&client_data)].concat());
        Answer {
            credential: encode(&self.credential),
            client_data: encode(&client_data),
            authenticator_data: encode(&data),
            signature: encode(&signature),
            user: self.user.clone(),
            ..Answer::default()
        }
    }

    /// Authenticator data without a credential (section 6.1).
    #[must_use]
    pub fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id.as_bytes()).to_vec();
        data.push(flags);
        data.extend_from_slice(&self.count.to_be_bytes());
        data
    }

    /// The public key in COSE.
    #[must_use]
    pub fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(pair) => {
                // 4, x, y: the uncompressed point.
                let (x, y) = pair.public_key().as_ref().get(1..).expect("a point").split_at(32);
                [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32], x, &[0x22, 0x58, 32], y].concat()
            }
            Key::EdDsa(pair) => [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32], pair.public_key().as_ref()].concat(),
            Key::Rs256(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (n, e) = (public.n.as_slice(), public.e.as_slice());
                let n_head =
                    [&[0x20, 0x59], u16::try_from(n.len()).expect("a short key").to_be_bytes().as_slice()].concat();
                let e_head = [0x21, 0x40 | u8::try_from(e.len()).expect("a short exponent")];
                [&[0xa4, 1, 3, 3, 0x39, 1, 0], n_head.as_slice(), n, &e_head, e].concat()
            }
        }
    }

    /// Signs anything.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es256(pair) => pair.sign(&random, message).expect("a signature").as_ref().to_vec(),
            Key::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Key::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("a signature");
                signature
            }
        }
    }
}

/// An attestation object of format `none` around authenticator data (section 6.5.4).
#[must_use]
pub fn object(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short data").to_be_bytes();
    let head: &[u8] = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59";
    [head, &length, data].concat()
}
