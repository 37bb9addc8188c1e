//! What a browser hands over (WebAuthn level 2), read and checked; no state, no I/O.
//!
//! Who made an authenticator is not asked (attestation `none`): the statement is passed over. Everything else is
//! checked in the order of sections 7.1 and 7.2; the signature is verified by `ring`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::passkey::cbor::{Major, Malformed, Reader};
use crate::passkey::site::Site;

/// The longest id of a credential (section 4).
pub const LONGEST_ID: usize = 1_023;
/// Longer parts are not read at all; real ones have a few hundred bytes.
const LONGEST_PART: usize = 16 * 1_024;

const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const MAY_BE_SYNCED: u8 = 1 << 3;
const IS_SYNCED: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// Signature algorithms in the order they are asked for: EdDSA, ES256, RS256 (what older Windows Hello has only).
pub const ALGORITHMS: [i64; 3] = [-8, -7, -257];

/// Why an answer is refused; the word goes into the audit leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is not what section 6 describes.
    #[error("malformed")]
    Malformed,
    /// It answers another kind of question.
    #[error("another ceremony")]
    Ceremony,
    /// It answers another challenge, or one that is spent or too old.
    #[error("another challenge")]
    Challenge,
    /// It was made at another origin, or inside somebody else's page.
    #[error("another origin")]
    Origin,
    /// It was made for another relying party.
    #[error("another relying party")]
    Party,
    /// Nobody touched the authenticator.
    #[error("nobody was present")]
    Presence,
    /// The authenticator did not ask for PIN, finger or face.
    #[error("the user was not verified")]
    Verification,
    /// A kind of key that was not asked for.
    #[error("an unknown kind of key")]
    Algorithm,
    /// The signature is not of this key and these bytes.
    #[error("the signature is wrong")]
    Signature,
    /// The credential is not one of this person's here.
    #[error("an unknown passkey")]
    Unknown,
    /// It was registered before.
    #[error("registered already")]
    Registered,
    /// The counter went back: there are two of it.
    #[error("the counter went back")]
    Cloned,
}

impl From<Malformed> for Flaw {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where.
    pub site: &'a Site,
    /// The challenge, as bytes.
    pub challenge: &'a [u8],
}

/// What a browser answers to a registration, in base64url as its script sends it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attestation<'a> {
    /// `response.clientDataJSON`.
    pub client_data: &'a str,
    /// `response.attestationObject`.
    pub object: &'a str,
}

/// What a browser answers at sign-in, in base64url as its script sends it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Assertion<'a> {
    /// `rawId`.
    pub credential: &'a str,
    /// `response.clientDataJSON`.
    pub client_data: &'a str,
    /// `response.authenticatorData`.
    pub authenticator_data: &'a str,
    /// `response.signature`.
    pub signature: &'a str,
    /// `response.userHandle`; may be empty.
    pub user: &'a str,
}

/// A new credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its id, chosen by the authenticator.
    pub credential: Vec<u8>,
    /// Its public key as sent (COSE, RFC 9053).
    pub key: Vec<u8>,
    /// Its signature counter.
    pub count: u32,
    /// Whether it may be copied to other devices of its owner.
    pub synced: bool,
}

/// What a verified assertion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The signature counter; zero where the authenticator has none.
    pub count: u32,
    /// Whether the credential may be copied to other devices.
    pub synced: bool,
}

/// The bytes of a part.
///
/// # Errors
/// [`Flaw::Malformed`] for anything but unpadded base64url of a sane length.
pub fn decode(part: &str) -> Result<Vec<u8>, Flaw> {
    if part.len() > LONGEST_PART {
        return Err(Flaw::Malformed);
    }
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)
}

/// The text form of bytes, as scripts get it.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Checks the answer to a registration (section 7.1).
///
/// # Errors
/// The first [`Flaw`] found.
pub fn registered(asked: Asked<'_>, answer: Attestation<'_>) -> Result<Registered, Flaw> {
    client_data("webauthn.create", asked, &decode(answer.client_data)?)?;
    let object = decode(answer.object)?;
    let data = authenticator_data(attestation_object(&object)?)?;
    data.meets(asked.site)?;
    let (credential, key) = data.attested.ok_or(Flaw::Malformed)?;
    PublicKey::read(key)?;
    Ok(Registered {
        credential: credential.to_vec(),
        key: key.to_vec(),
        count: data.count,
        synced: data.flags & MAY_BE_SYNCED != 0,
    })
}

/// Checks the answer at sign-in against the stored public key (section 7.2). Whose key it is and what its counter was
/// is for the caller to know.
///
/// # Errors
/// The first [`Flaw`] found.
pub fn asserted(asked: Asked<'_>, key: &[u8], answer: Assertion<'_>) -> Result<Shown, Flaw> {
    let hash = client_data("webauthn.get", asked, &decode(answer.client_data)?)?;
    let bytes = decode(answer.authenticator_data)?;
    let data = authenticator_data(&bytes)?;
    data.meets(asked.site)?;
    if data.attested.is_some() {
        return Err(Flaw::Malformed);
    }
    PublicKey::read(key)?.verify(&[bytes.as_slice(), &hash].concat(), &decode(answer.signature)?)?;
    Ok(Shown { count: data.count, synced: data.flags & MAY_BE_SYNCED != 0 })
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    crossed: bool,
    #[serde(rename = "topOrigin", default)]
    top: Option<String>,
}

/// Checks what the browser itself says (section 5.8.1) and gives its hash, which the authenticator signed.
fn client_data(ceremony: &str, asked: Asked<'_>, json: &[u8]) -> Result<[u8; 32], Flaw> {
    let said: ClientData = serde_json::from_slice(json).map_err(|_| Flaw::Malformed)?;
    if said.ceremony != ceremony {
        return Err(Flaw::Ceremony);
    }
    if decode(&said.challenge)? != asked.challenge {
        return Err(Flaw::Challenge);
    }
    if said.origin != asked.site.origin || said.crossed || said.top.is_some() {
        return Err(Flaw::Origin);
    }
    Ok(Sha256::digest(json).into())
}

/// The authenticator data inside an attestation object (section 6.5.4).
fn attestation_object(bytes: &[u8]) -> Result<&[u8], Flaw> {
    let mut reader = Reader::new(bytes);
    let (mut data, mut format, mut statement) = (None, false, false);
    for _ in 0..reader.map()? {
        let again = match reader.text()? {
            "authData" => data.replace(reader.bytes()?).is_some(),
            "fmt" => {
                reader.text()?;
                std::mem::replace(&mut format, true)
            }
            "attStmt" => {
                reader.skip()?;
                std::mem::replace(&mut statement, true)
            }
            _ => true,
        };
        if again {
            return Err(Flaw::Malformed);
        }
    }
    match data {
        Some(data) if format && statement && reader.rest().is_empty() => Ok(data),
        _ => Err(Flaw::Malformed),
    }
}

/// Authenticator data (section 6.1).
#[derive(Debug)]
struct Data<'a> {
    party: [u8; 32],
    flags: u8,
    count: u32,
    /// Id and public key of a new credential.
    attested: Option<(&'a [u8], &'a [u8])>,
}

fn authenticator_data(bytes: &[u8]) -> Result<Data<'_>, Flaw> {
    let mut reader = Reader::new(bytes);
    let party = reader.array()?;
    let [flags] = reader.array()?;
    let count = u32::from_be_bytes(reader.array()?);
    let attested = if flags & ATTESTED == 0 {
        None
    } else {
        let _model: [u8; 16] = reader.array()?;
        let length = usize::from(u16::from_be_bytes(reader.array()?));
        if length == 0 || length > LONGEST_ID {
            return Err(Flaw::Malformed);
        }
        let credential = reader.take(length)?;
        let from = reader.rest();
        reader.skip()?;
        let key = from.get(..from.len() - reader.rest().len()).ok_or(Flaw::Malformed)?;
        Some((credential, key))
    };
    if flags & EXTENDED != 0 {
        if reader.peek()? != Major::Map {
            return Err(Flaw::Malformed);
        }
        reader.skip()?;
    }
    if reader.rest().is_empty() { Ok(Data { party, flags, count, attested }) } else { Err(Flaw::Malformed) }
}

impl Data<'_> {
    fn meets(&self, site: &Site) -> Result<(), Flaw> {
        if self.party != <[u8; 32]>::from(Sha256::digest(site.rp_id.as_bytes())) {
            return Err(Flaw::Party);
        }
        if self.flags & PRESENT == 0 {
            return Err(Flaw::Presence);
        }
        if self.flags & VERIFIED == 0 {
            return Err(Flaw::Verification);
        }
        // What is copied without being allowed to is no authenticator (level 3, section 6.1.3).
        if self.flags & IS_SYNCED != 0 && self.flags & MAY_BE_SYNCED == 0 {
            return Err(Flaw::Malformed);
        }
        Ok(())
    }
}

/// A public key of one of the [`ALGORITHMS`].
#[derive(Debug, PartialEq, Eq)]
enum PublicKey<'a> {
    Es256([u8; 65]),
    Ed25519(&'a [u8]),
    Rs256 { n: &'a [u8], e: &'a [u8] },
}

/// A value of a COSE key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> PublicKey<'a> {
    /// Reads a COSE key (RFC 9053 sections 7.1 and 7.2; RFC 8230 section 4 for RSA).
    fn read(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let mut reader = Reader::new(bytes);
        let mut parts: [Option<Part<'a>>; 5] = [None; 5];
        for _ in 0..reader.map()? {
            let slot = match reader.int()? {
                1 => 0,
                3 => 1,
                -1 => 2,
                -2 => 3,
                -3 => 4,
                _ => {
                    reader.skip()?;
                    continue;
                }
            };
            let part = match reader.peek()? {
                Major::Bytes => Part::Bytes(reader.bytes()?),
                _ => Part::Int(reader.int()?),
            };
            if parts.get_mut(slot).is_none_or(|slot| slot.replace(part).is_some()) {
                return Err(Flaw::Malformed);
            }
        }
        if !reader.rest().is_empty() {
            return Err(Flaw::Malformed);
        }
        let [kind, algorithm, ..] = parts;
        let (Some(Part::Int(kind)), Some(Part::Int(algorithm))) = (kind, algorithm) else {
            return Err(Flaw::Malformed);
        };
        match (kind, algorithm, parts) {
            (2, -7, [_, _, Some(Part::Int(1)), Some(Part::Bytes(x)), Some(Part::Bytes(y))]) => {
                let point: Vec<u8> = [&[4], x, y].concat();
                match (x.len(), <[u8; 65]>::try_from(point)) {
                    (32, Ok(point)) => Ok(Self::Es256(point)),
                    _ => Err(Flaw::Malformed),
                }
            }
            (1, -8, [_, _, Some(Part::Int(6)), Some(Part::Bytes(x)), None]) if x.len() == 32 => Ok(Self::Ed25519(x)),
            (3, -257, [_, _, Some(Part::Bytes(n)), Some(Part::Bytes(e)), None]) => Ok(Self::Rs256 { n, e }),
            _ => Err(Flaw::Algorithm),
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Flaw> {
        match self {
            Self::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature),
            Self::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Self::Rs256 { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
        }
        .map_err(|_| Flaw::Signature)
    }
}
