//! The part of CBOR (RFC 8949) that authenticators speak: definite lengths, nothing nested deeply, no copies.
//!
//! What is not needed is skipped, but only when it is well formed. It must not allocate: lengths come from strangers.

/// The deepest nesting that is skipped; authenticators use four (CTAP 2.1 section 8).
const DEEPEST: u8 = 8;

/// Something that is not the CBOR expected here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The kind of the next item: the three high bits of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Major {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Simple,
}

/// Reads items from the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes as an array.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// The kind of the next item, which stays.
    pub(crate) fn peek(&self) -> Result<Major, Malformed> {
        Ok(match self.rest.first().ok_or(Malformed)? >> 5 {
            0 => Major::Unsigned,
            1 => Major::Negative,
            2 => Major::Bytes,
            3 => Major::Text,
            4 => Major::Array,
            5 => Major::Map,
            6 => Major::Tag,
            _ => Major::Simple,
        })
    }

    /// The head of an item: its kind and its argument. Indefinite lengths are refused.
    fn head(&mut self) -> Result<(Major, u64), Malformed> {
        let major = self.peek()?;
        let [first] = self.array::<1>()?;
        let argument = match first & 31 {
            short @ 0..=23 => u64::from(short),
            24 => u64::from(u8::from_be_bytes(self.array()?)),
            25 => u64::from(u16::from_be_bytes(self.array()?)),
            26 => u64::from(u32::from_be_bytes(self.array()?)),
            27 => u64::from_be_bytes(self.array()?),
            _ => return Err(Malformed),
        };
        Ok((major, argument))
    }

    fn of(&mut self, wanted: Major) -> Result<u64, Malformed> {
        let (major, argument) = self.head()?;
        if major == wanted { Ok(argument) } else { Err(Malformed) }
    }

    /// A whole number.
    pub(crate) fn int(&mut self) -> Result<i64, Malformed> {
        let (major, argument) = self.head()?;
        let size = i64::try_from(argument).map_err(|_| Malformed)?;
        match major {
            Major::Unsigned => Ok(size),
            Major::Negative => Ok(-1 - size),
            _ => Err(Malformed),
        }
    }

    /// A byte string.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.of(Major::Bytes)?;
        self.take(usize::try_from(length).map_err(|_| Malformed)?)
    }

    /// A text string.
    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        let length = self.of(Major::Text)?;
        std::str::from_utf8(self.take(usize::try_from(length).map_err(|_| Malformed)?)?).map_err(|_| Malformed)
    }

    /// The head of a map: how many pairs follow.
    pub(crate) fn map(&mut self) -> Result<u64, Malformed> {
        self.of(Major::Map)
    }

    /// Passes over one item, whatever it is.
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        self.pass(DEEPEST)
    }

    fn pass(&mut self, depth: u8) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let (major, argument) = self.head()?;
        // Every item takes a byte at least, so a large count ends with the bytes.
        let below = match major {
            Major::Unsigned | Major::Negative | Major::Simple => 0,
            Major::Bytes | Major::Text => {
                self.take(usize::try_from(argument).map_err(|_| Malformed)?)?;
                0
            }
            Major::Array => argument,
            Major::Map => argument.checked_mul(2).ok_or(Malformed)?,
            Major::Tag => 1,
        };
        for _ in 0..below {
            self.pass(depth)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_8949() {
        // Appendix A.
        for (bytes, number) in
            [(&[0x17][..], 23), (&[0x18, 0x64], 100), (&[0x1a, 0, 0x0f, 0x42, 0x40], 1_000_000), (&[0x38, 0x63], -100)]
        {
            assert_eq!(Reader::new(bytes).int(), Ok(number));
        }
        assert_eq!(Reader::new(&[0x44, 1, 2, 3, 4]).bytes(), Ok(&[1, 2, 3, 4][..]));
        assert_eq!(Reader::new(&[0x62, 0xc3, 0xbc]).text(), Ok("\u{fc}"));
        // {"a": 1, "b": [2, 3]}, true, 1.1, a tagged date.
        for whole in [
            &[0xa2, 0x61, 0x61, 1, 0x61, 0x62, 0x82, 2, 3][..],
            &[0xf5],
            &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
            &[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0],
        ] {
            let mut reader = Reader::new(whole);
            assert_eq!(reader.skip(), Ok(()));
            assert!(reader.rest().is_empty());
            for short in 0..whole.len() {
                assert_eq!(Reader::new(&whole[..short]).skip(), Err(Malformed), "{short} of {whole:?}");
            }
        }
    }

    #[test]
    fn hostile_lengths_and_depths_end_at_once() {
        for bytes in [
            &[0x5f, 0x41, 0][..],                                    // indefinite
            &[0x1c],                                                 // reserved
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // an array of 2^64 - 1
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // a map of as many
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x81; 100_000], // nested without end
            &[0xc1; 100_000],
            &[],
        ] {
            assert_eq!(Reader::new(bytes).skip(), Err(Malformed));
        }
        assert_eq!(Reader::new(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).int(), Err(Malformed));
    }
}
