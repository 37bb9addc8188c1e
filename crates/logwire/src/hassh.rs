//! HASSH: a fingerprint of an SSH client by the algorithms it offers, in the order it offers them.

use md5::{Digest, Md5};

/// The fingerprint of a client's key exchange offer: the MD5, in hex, of the four comma-joined lists (key exchange,
/// encryption, MAC and compression, client to server) joined by semicolons. MD5 is part of the definition; it guards nothing.
#[must_use]
pub fn hassh<S: AsRef<str>>(kex: &[S], encryption: &[S], mac: &[S], compression: &[S]) -> String {
    let mut hasher = Md5::new();
    for (i, list) in [kex, encryption, mac, compression].into_iter().enumerate() {
        if i > 0 {
            hasher.update(b";");
        }
        for (j, name) in list.iter().enumerate() {
            if j > 0 {
                hasher.update(b",");
            }
            hasher.update(name.as_ref().as_bytes());
        }
    }
    hex::encode(hasher.finalize())
}

/// The fingerprint of the text `kex;encryption;mac;compression` as some logs keep it.
#[must_use]
pub fn of_algorithms(text: &str) -> String {
    hex::encode(Md5::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_digest_of_the_joined_text() {
        let joined = hassh(&["curve25519-sha256", "ecdh-sha2-nistp256"], &["aes128-ctr"], &["hmac-sha1"], &["none"]);
        assert_eq!(joined, of_algorithms("curve25519-sha256,ecdh-sha2-nistp256;aes128-ctr;hmac-sha1;none"));
        // RFC 1321 appendix A.5: the digest of the empty text; and of a text of ours by another program (md5sum).
        assert_eq!(of_algorithms(""), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn order_counts() {
        assert_ne!(hassh(&["a", "b"], &[], &[], &[]), hassh(&["b", "a"], &[], &[], &[]));
    }
}
