//! The client's KEXINIT packet, read from the stream in clear before the key exchange (RFC 4253 clauses 6 and 7.1).

/// The largest packet looked at; a client with longer lists has no fingerprint.
pub const LONGEST: usize = 8 * 1024;
const KEXINIT: u8 = 20;

/// What the bytes after the version line are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Not enough bytes yet.
    More,
    /// A KEXINIT packet with this fingerprint.
    Hassh(String),
    /// Something else.
    Other,
}

/// Reads the first binary packet.
#[must_use]
pub fn read(bytes: &[u8]) -> Found {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return Found::More };
    let length = usize::try_from(u32::from_be_bytes(*head)).unwrap_or(usize::MAX);
    if !(2..=LONGEST).contains(&length) {
        return Found::Other;
    }
    let Some(packet) = rest.get(..length) else { return Found::More };
    match packet {
        // Padding length, message number, cookie of 16 bytes, then the name lists.
        [padding, KEXINIT, body @ ..] => {
            let end = body.len().saturating_sub(usize::from(*padding));
            body.get(16..end).and_then(hassh).map_or(Found::Other, Found::Hassh)
        }
        _ => Found::Other,
    }
}

fn hassh(mut body: &[u8]) -> Option<String> {
    let mut lists = Vec::with_capacity(8);
    for _ in 0..8 {
        let (head, rest) = body.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*head)).ok()?;
        let (names, rest) = rest.split_at_checked(length)?;
        let names = std::str::from_utf8(names).ok()?;
        lists.push(if names.is_empty() { Vec::new() } else { names.split(',').collect::<Vec<_>>() });
        body = rest;
    }
    // Order of RFC 4253 clause 7.1: kex, host keys, ciphers (to server, to client), MACs, compression.
    match lists.as_slice() {
        [kex, _, ciphers, _, macs, _, compression, _] => Some(logwire::hassh::hassh(kex, ciphers, macs, compression)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(lists: &[&str]) -> Vec<u8> {
        let mut body = vec![4, KEXINIT];
        body.extend([7; 16]);
        for list in lists {
            body.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            body.extend(list.bytes());
        }
        body.extend([0; 5 + 4]);
        let mut out = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        out.extend(body);
        out
    }

    #[test]
    fn gives_the_fingerprint_of_the_lists_to_the_server() {
        let wire = packet(&["a,b", "k", "c1", "c2", "m1", "m2", "none", "zlib", "", ""]);
        assert_eq!(read(&wire), Found::Hassh(logwire::hassh::of_algorithms("a,b;c1;m1;none")));
        assert_eq!(read(&wire[..wire.len() - 1]), Found::More);
        assert_eq!(read(&packet(&["a"])), Found::Other);
        assert_eq!(read(b"GET / HTTP/1.1\r\n"), Found::Other);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            let mut wire = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
            wire.extend(&bytes);
            prop_assert_ne!(read(&wire), Found::More);
        }
    }
}
