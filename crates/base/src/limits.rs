//! The limits of every door, in one place; docs print this table.

use std::io::{self, Read};

/// One limit of a door.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The door and what is limited, for example `ingest body`.
    pub what: &'static str,
    /// The largest value allowed.
    pub most: u64,
    /// The unit: `bytes`, `lines`, `levels`, `seconds`, `connections`.
    pub unit: &'static str,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $most:literal, $what:literal, $unit:literal;)*) => {
        $($(#[$doc])* pub const $name: Limit = Limit { what: $what, most: $most, unit: $unit };)*
        /// Every limit, for the generated table.
        pub const ALL: &[Limit] = &[$($name),*];
    };
}

limits! {
    /// A JSON request of the API or a form of the portal.
    REQUEST_BODY = 1_048_576, "request body", "bytes";
    /// An ingest body as it arrives.
    INGEST_BODY = 33_554_432, "ingest body", "bytes";
    /// An ingest body after decompression.
    INGEST_PLAIN = 134_217_728, "ingest body, decompressed", "bytes";
    /// Lines of one ingest request.
    INGEST_LINES = 200_000, "ingest lines per request", "lines";
    /// One ingested line.
    INGEST_LINE = 65_536, "ingest line", "bytes";
    /// Nesting of JSON from outside.
    JSON_DEPTH = 32, "JSON nesting", "levels";
    /// A request's head.
    HEADER_BYTES = 16_384, "request head", "bytes";
    /// Time a client has to send its request head.
    HEADER_SECONDS = 10, "request head", "seconds";
    /// Open connections of one listener.
    CONNECTIONS = 4_096, "open connections per listener", "connections";
    /// Open connections of one address to one listener; loopback is not counted.
    CONNECTIONS_PER_ADDRESS = 256, "open connections per listener and address", "connections";
    /// Time without a byte of a request's body.
    BODY_SECONDS = 30, "request body without a byte", "seconds";
    /// Time a whole body of ingest may take.
    BODY_WHOLE_SECONDS = 120, "ingest body, whole", "seconds";
    /// Open sessions of one honeypot listener.
    TRAP_SESSIONS = 512, "open honeypot sessions", "connections";
    /// Open honeypot sessions of one address.
    TRAP_PER_ADDRESS = 32, "open honeypot sessions per address", "connections";
    /// A command line typed into a honeypot that is kept.
    TRAP_COMMAND = 4_096, "honeypot command", "bytes";
    /// A file uploaded to a honeypot that is hashed and kept.
    TRAP_UPLOAD = 1_048_576, "honeypot upload", "bytes";
    /// A user name or password that is kept.
    TRAP_CREDENTIAL = 256, "honeypot credential", "bytes";
    /// A honeypot session's life.
    TRAP_SESSION_SECONDS = 600, "honeypot session", "seconds";
}

/// A reader that fails once more than `most` bytes have come out of it: for decompressors.
#[derive(Debug)]
pub struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Bounded<R> {
    /// Limits `inner` to `limit.most` bytes.
    pub const fn new(inner: R, limit: Limit) -> Self {
        Self { inner, left: limit.most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buf)?;
        self.left = self
            .left
            .checked_sub(got as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "more bytes than the door allows"))?;
        Ok(got)
    }
}

/// The depth of nesting of JSON text, counted without parsing; quotes are respected. O(n), no recursion.
#[must_use]
pub fn json_depth(text: &[u8]) -> u64 {
    let (mut depth, mut most, mut quoted, mut escaped) = (0_u64, 0_u64, false, false);
    for byte in text {
        if quoted {
            match (escaped, byte) {
                (true, _) => escaped = false,
                (false, b'\\') => escaped = true,
                (false, b'"') => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_stops_one_byte_over() {
        let limit = Limit { what: "test", most: 4, unit: "bytes" };
        let mut out = Vec::new();
        assert!(Bounded::new(&b"1234"[..], limit).read_to_end(&mut out).is_ok());
        assert!(Bounded::new(&b"12345"[..], limit).read_to_end(&mut out).is_err());
    }

    #[test]
    fn depth_ignores_strings() {
        assert_eq!(json_depth(br#"{"a":[1,{"b":"[[[\"["}]}"#), 3);
        assert_eq!(json_depth(b"]]]["), 1);
    }
}
