//! The form of a record on disk: `length u32 | crc u32 | kind u8 | payload`, little endian.
//!
//! The checksum covers length, kind, payload, the record's position and the segment's salt. The salt is random and
//! stands in the file's name: bytes that a stranger sends cannot look like a record when a reader searches for the next
//! one behind a damaged place.

use bytes::Bytes;

/// Bytes before the payload.
pub(crate) const HEAD: usize = 9;
/// A record of one payload, plain. Other numbers are for later forms.
const PLAIN: u8 = 1;

/// What stands at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record; the second number is its whole length.
    Record(Bytes, usize),
    /// The bytes end before the record does; it would have this whole length.
    Short(usize),
    /// No record.
    Damaged,
}

/// Appends a record to the buffer; `position` is where its first byte will stand.
pub(crate) fn put(buffer: &mut Vec<u8>, payload: &[u8], position: u64, salt: u32) {
    // The caller has checked the payload against the record limit, which is far below 4 GiB.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    buffer.extend_from_slice(&length);
    buffer.extend_from_slice(&checksum(length, payload, position, salt).to_le_bytes());
    buffer.push(PLAIN);
    buffer.extend_from_slice(payload);
}

/// Looks at the record whose first byte is `bytes[at]`.
pub(crate) fn look(bytes: &Bytes, at: usize, position: u64, salt: u32, most: usize) -> Found {
    let Some(rest) = bytes.get(at..) else { return Found::Short(HEAD) };
    let Some((head, rest)) = rest.split_first_chunk::<HEAD>() else { return Found::Short(HEAD) };
    let [a, b, c, d, e, f, g, h, kind] = *head;
    let length = [a, b, c, d];
    let size = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if kind != PLAIN || size > most {
        return Found::Damaged;
    }
    let Some(payload) = rest.get(..size) else { return Found::Short(HEAD + size) };
    if checksum(length, payload, position, salt) != u32::from_le_bytes([e, f, g, h]) {
        return Found::Damaged;
    }
    Found::Record(bytes.slice(at + HEAD..at + HEAD + size), HEAD + size)
}

/// How many bytes [`look`] checksummed before it called a place damaged.
pub(crate) fn checked(bytes: &Bytes, at: usize, most: usize) -> usize {
    let Some([a, b, c, d, _, _, _, _, PLAIN]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<HEAD>) else { return 0 };
    let size = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    if size > most { 0 } else { size.max(1) }
}

fn checksum(length: [u8; 4], payload: &[u8], position: u64, salt: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&position.to_le_bytes());
    hasher.update(&length);
    hasher.update(&[PLAIN]);
    hasher.update(payload);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_comes_back_and_no_flipped_bit_does(
            payload: Vec<u8>, position: u64, salt: u32, flip in any::<prop::sample::Index>(), bit in 0..8_u8,
        ) {
            let mut buffer = Vec::new();
            put(&mut buffer, &payload, position, salt);
            let bytes = Bytes::from(buffer.clone());
            let whole = bytes.len();
            prop_assert_eq!(look(&bytes, 0, position, salt, 1 << 20), Found::Record(payload.into(), whole));
            prop_assert_eq!(look(&bytes, 0, position ^ 1, salt, 1 << 20), Found::Damaged);
            prop_assert_eq!(look(&bytes, 0, position, salt ^ 1, 1 << 20), Found::Damaged);
            buffer[flip.index(whole)] ^= 1 << bit;
            prop_assert!(!matches!(look(&buffer.into(), 0, position, salt, 1 << 20), Found::Record(..)));
        }

        #[test]
        fn any_bytes_are_looked_at_without_panic(bytes: Vec<u8>, at in 0..300_usize) {
            prop_assert!(!matches!(look(&bytes.into(), at, 7, 9, 64), Found::Record(..)));
        }
    }
}
