//! One-time codes people type: letters and digits that cannot be mistaken for each other (Crockford's base 32).

use base::Env;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A fresh code of so many characters (5 random bits each), in groups.
pub(crate) fn fresh(env: &Env, characters: usize, group: usize) -> Zeroizing<String> {
    let random = Zeroizing::new(env.bytes::<32>());
    let mut out = Zeroizing::new(String::with_capacity(characters + characters / group));
    for (index, byte) in random.iter().take(characters).enumerate() {
        if index > 0 && index % group == 0 {
            out.push('-');
        }
        out.push(ALPHABET.get(usize::from(byte & 31)).map_or('0', |letter| char::from(*letter)));
    }
    out
}

/// What is stored of a code: its hash, whatever the spelling (case, groups, O for 0, I and L for 1), bound to a place.
pub(crate) fn hash(place: &[u8], code: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update((place.len() as u64).to_be_bytes());
    hash.update(place);
    for c in code.chars().take(128) {
        let letter = match c.to_ascii_uppercase() {
            '-' | ' ' => continue,
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        hash.update(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    #[test]
    fn codes_are_fresh_grouped_and_forgiving() {
        let (env, _) = Env::fixed(Timestamp::EPOCH, 9);
        let (one, two) = (fresh(&env, 20, 5), fresh(&env, 20, 5));
        assert_eq!(one.len(), 23);
        assert_ne!(*one, *two);
        assert!(one.split('-').all(|group| group.len() == 5));
        let typed = one.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(hash(b"x", &one), hash(b"x", &typed));
        assert_ne!(hash(b"x", &one), hash(b"y", &one), "bound to its place");
        assert_ne!(hash(b"x", &one), hash(b"x", &two));
    }
}
