//! Netlink messages and attributes (RFC 3549; include/uapi/linux/netlink.h): encoding into one buffer, decoding by
//! borrowed views. Headers are in the byte order of the machine, the values inside belong to the caller.

use std::fmt;

/// Length of a message header and of an attribute header.
pub(crate) const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;
/// Attribute types carry two flags in their highest bits.
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// The answer's bytes do not make sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A growing buffer of messages.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// One message: header, then what `body` writes, then the length is put in.
    pub(crate) fn message(&mut self, kind: u16, flags: u16, sequence: u32, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&flags.to_ne_bytes());
        self.bytes.extend_from_slice(&sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        body(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.patch(start, &length.to_ne_bytes());
    }

    /// Bytes as they are, for the family header after a message header.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// An attribute with a value, padded to four bytes.
    pub(crate) fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.open(kind, |encoder| encoder.raw(value));
    }

    /// A string attribute ends with a zero byte.
    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        self.open(kind, |encoder| {
            encoder.raw(value.as_bytes());
            encoder.raw(&[0]);
        });
    }

    /// An attribute that contains attributes.
    pub(crate) fn nested(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        self.open(kind | NESTED, body);
    }

    /// The length field has 16 bits: callers keep one attribute below 64 KiB.
    fn open(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        body(self);
        let length = u16::try_from(self.bytes.len() - start).unwrap_or(u16::MAX);
        self.patch(start, &length.to_ne_bytes());
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }

    fn patch(&mut self, at: usize, value: &[u8]) {
        if let Some(slot) = self.bytes.get_mut(at..at + value.len()) {
            slot.copy_from_slice(value);
        }
    }
}

/// A received message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

/// The messages of one datagram.
#[derive(Debug)]
pub(crate) struct Messages<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let parsed = message(self.0);
        match parsed {
            Ok((_, rest)) => self.0 = rest,
            Err(_) => self.0 = &[],
        }
        Some(parsed.map(|(message, _)| message))
    }
}

fn message(bytes: &[u8]) -> Result<(Message<'_>, &[u8]), Malformed> {
    const CUT: Malformed = Malformed("a message is cut off");
    let length = u32_at(bytes, 0).ok_or(CUT)? as usize;
    let body = bytes.get(HEADER..length).ok_or(CUT)?;
    let message = Message {
        kind: u16_at(bytes, 4).ok_or(CUT)?,
        flags: u16_at(bytes, 6).ok_or(CUT)?,
        sequence: u32_at(bytes, 8).ok_or(CUT)?,
        body,
    };
    Ok((message, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The attributes of a body.
#[derive(Debug)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes behind a header of `skip` bytes.
    pub(crate) fn after(body: &'a [u8], skip: usize) -> Self {
        Self(body.get(skip..).unwrap_or_default())
    }

    /// The value of the first attribute of this type.
    pub(crate) fn find(self, kind: u16) -> Result<Option<&'a [u8]>, Malformed> {
        for attribute in self {
            let (found, value) = attribute?;
            if found == kind {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let length = u16_at(self.0, 0).map(usize::from);
        let kind = u16_at(self.0, 2);
        let value = length.and_then(|length| self.0.get(ATTRIBUTE..length));
        let (Some(length), Some(kind), Some(value)) = (length, kind, value) else {
            self.0 = &[];
            return Some(Err(Malformed("an attribute is cut off")));
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok((kind & TYPE_MASK, value)))
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// The 32-bit number at the head of a body, in the machine's order (error numbers).
pub(crate) fn head_i32(body: &[u8]) -> Option<i32> {
    body.get(..4)?.try_into().ok().map(i32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nested_attributes_are_padded_and_measured() {
        let mut encoder = Encoder::default();
        encoder.message(7, 5, 9, |m| m.nested(1, |n| n.text(2, "ab")));
        let bytes = encoder.into_bytes();
        let expected: Vec<u8> = [
            &28_u32.to_ne_bytes()[..],
            &7_u16.to_ne_bytes(),
            &5_u16.to_ne_bytes(),
            &9_u32.to_ne_bytes(),
            &[0; 4],
            &12_u16.to_ne_bytes(),
            &0x8001_u16.to_ne_bytes(),
            &7_u16.to_ne_bytes(),
            &2_u16.to_ne_bytes(),
            b"ab\0\0",
        ]
        .concat();
        assert_eq!(bytes, expected);
        let message = Messages(&bytes).next().unwrap().unwrap();
        assert_eq!((message.kind, message.flags, message.sequence), (7, 5, 9));
        let inner = Attributes(message.body).find(1).unwrap().unwrap();
        assert_eq!(Attributes(inner).find(2).unwrap(), Some(&b"ab\0"[..]));
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in Messages(&bytes).flatten() {
                prop_assert!(Attributes::after(message.body, 4).count() <= bytes.len());
            }
            prop_assert!(Attributes(&bytes).count() <= bytes.len() + 1);
        }

        #[test]
        fn attributes_survive(values in proptest::collection::vec((0_u16..0x3fff, proptest::collection::vec(any::<u8>(), 0..40)), 0..20)) {
            let mut encoder = Encoder::default();
            for (kind, value) in &values {
                encoder.attribute(*kind, value);
            }
            let bytes = encoder.into_bytes();
            let back: Vec<_> = Attributes(&bytes).map(|a| a.map(|(k, v)| (k, v.to_vec())).unwrap()).collect();
            prop_assert_eq!(back, values);
        }
    }
}
