//! From a body of bytes to lines that are safe to parse, and the key that makes a line count once.

use base::limits::{INGEST_LINE, JSON_DEPTH, json_depth};
use base::{OrgId, Problem};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

use crate::{Format, code};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One line of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawLine<'a> {
    /// Its number, from 1; empty lines count.
    pub number: u64,
    /// Its bytes without the line end, never empty, unchecked: see [`check`].
    pub bytes: &'a [u8],
}

/// The lines of a body that are not blank: LF or CRLF ends them, a byte order mark before the first one is dropped.
#[derive(Debug, Clone)]
pub struct RawLines<'a> {
    rest: Option<&'a [u8]>,
    number: u64,
}

/// Splits a body.
#[must_use]
pub fn split(body: &[u8]) -> RawLines<'_> {
    RawLines { rest: Some(body.strip_prefix(BOM).unwrap_or(body)), number: 0 }
}

impl<'a> Iterator for RawLines<'a> {
    type Item = RawLine<'a>;

    fn next(&mut self) -> Option<RawLine<'a>> {
        while let Some(rest) = self.rest {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let line = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
            self.rest = end.and_then(|end| rest.get(end + 1..));
            self.number += 1;
            let bytes = trim(line);
            if !bytes.is_empty() {
                return Some(RawLine { number: self.number, bytes });
            }
        }
        None
    }
}

/// The line without its carriage return; a line of nothing but white space is empty.
#[must_use]
pub fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(u8::is_ascii_whitespace) { &[] } else { line }
}

/// The line as text that may be parsed: bounded, UTF-8, without NUL, not nested too deeply.
///
/// # Errors
/// `LF-ING-0001` to `LF-ING-0004`.
pub fn check(line: &[u8]) -> Result<&str, Problem> {
    let length = line.len() as u64;
    if length > INGEST_LINE.most {
        return Err(Problem::new(&code::LINE_TOO_LONG, format!("{length} bytes")));
    }
    if let Some(at) = line.iter().position(|byte| *byte == 0) {
        return Err(Problem::new(&code::NUL_BYTE, format!("at byte {at}")));
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| Problem::new(&code::NOT_UTF8, format!("at byte {}", error.valid_up_to())))?;
    let depth = json_depth(line);
    if depth > JSON_DEPTH.most {
        return Err(Problem::new(&code::TOO_DEEP, format!("{depth} levels")));
    }
    Ok(text)
}

/// The key by which a line of a file counts once: organisation, format, the raw bytes, and which of the equal lines of
/// the file it is (from 0).
#[must_use]
pub fn key(org: OrgId, format: Format, raw: &[u8], occurrence: u32) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(org.0.as_bytes());
    // The word is followed by a byte no word holds, so that no two formats share a prefix.
    hasher.update(format.word().as_bytes());
    hasher.update([0]);
    hasher.update(occurrence.to_be_bytes());
    hasher.update(raw);
    hasher.finalize().into()
}

/// Counts how often the same line stood before in a file, in 16 bytes a distinct line.
#[derive(Debug, Default, Clone)]
pub struct Occurrences {
    seen: HashMap<[u8; 12], u32>,
}

impl Occurrences {
    /// How often this line (without its end, see [`trim`]) was given before.
    pub fn next(&mut self, raw: &[u8]) -> u32 {
        let digest = Sha256::digest(raw);
        let mut short = [0_u8; 12];
        for (to, from) in short.iter_mut().zip(digest) {
            *to = from;
        }
        let count = self.seen.entry(short).or_insert(0);
        let before = *count;
        *count = count.saturating_add(1);
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splits_what_real_files_hold() {
        let body = b"\xef\xbb\xbf{\"a\":1}\r\n\r\n  \n{\"b\":2}\nlast";
        let lines: Vec<(u64, &[u8])> = split(body).map(|line| (line.number, line.bytes)).collect();
        assert_eq!(lines, [(1, &b"{\"a\":1}"[..]), (4, b"{\"b\":2}"), (5, b"last")]);
        assert_eq!(split(b"").count(), 0);
        assert_eq!(split(b"\n\n").count(), 0);
    }

    #[test]
    fn refuses_each_broken_line_by_its_code() {
        let code = |line: &[u8]| check(line).unwrap_err().code.id;
        assert_eq!(code(&vec![b'x'; 65_537]), "LF-ING-0001");
        assert!(check(&vec![b'x'; 65_536]).is_ok());
        assert_eq!(code(b"\xff\xfe"), "LF-ING-0002");
        assert_eq!(code(b"a\0b"), "LF-ING-0003");
        assert_eq!(code("[".repeat(33).as_bytes()), "LF-ING-0004");
    }

    #[test]
    fn the_key_tells_every_part_apart() {
        let org: OrgId = "00000000-0000-7000-8000-000000000001".parse().unwrap();
        let other: OrgId = "00000000-0000-7000-8000-000000000002".parse().unwrap();
        let mut keys = vec![
            key(org, Format::Cowrie, b"x", 0),
            key(org, Format::Cowrie, b"x", 1),
            key(org, Format::Native, b"x", 0),
            key(org, Format::Cowrie, b"y", 0),
            key(other, Format::Cowrie, b"x", 0),
        ];
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 5);
    }

    proptest! {
        #[test]
        fn splitting_keeps_every_byte_that_is_not_a_line_end(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            let kept: Vec<&[u8]> = split(&body).map(|line| line.bytes).collect();
            let plain: Vec<&[u8]> = body.strip_prefix(BOM).unwrap_or(&body).split(|b| *b == b'\n').map(trim)
                .filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(kept, plain);
        }

        #[test]
        fn occurrences_count_equal_lines(lines in proptest::collection::vec("[ab]", 0..20)) {
            let mut counter = Occurrences::default();
            for (i, line) in lines.iter().enumerate() {
                let before = lines.iter().take(i).filter(|other| *other == line).count();
                prop_assert_eq!(counter.next(line.as_bytes()) as usize, before);
            }
        }
    }
}
