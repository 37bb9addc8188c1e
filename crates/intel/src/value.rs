//! Values: canonical forms, guessing the kind of pasted text, and the keys under which they are found.

use std::fmt::Write as _;
use std::pin::Pin;

use base::code::excerpt;
use base::{AddrSpec, Realm};
use events::sensor::ValueKind;
use sha2::{Digest as _, Sha256};
use store::StoreError;

use crate::error::IntelError;

/// Longest value, bytes.
pub const LONGEST: usize = 2_048;
/// Bytes of the search key that are kept.
const KEY: usize = 512;

/// What a guard answers: why a value is protected, for people; none when it is not.
pub type Verdict<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, StoreError>> + Send + 'a>>;

/// Says which values can never be denied. The room `edge` has the lists; wiring hands them in.
pub trait ValueGuard: Send + Sync {
    /// Why a canonical value is protected in this realm.
    fn protected<'a>(&'a self, realm: Realm, kind: ValueKind, value: &'a str) -> Verdict<'a>;
}

/// The canonical form of a value of a known kind; defanged text is made whole first.
///
/// # Errors
/// [`IntelError::Value`] when it is not of that kind.
pub fn canonical(kind: ValueKind, text: &str) -> Result<String, IntelError> {
    let wrong = || IntelError::Value(format!("{} as {}", excerpt(text), kind.word()));
    let text = base::refang(text);
    if text.is_empty() || text.len() > LONGEST {
        return Err(wrong());
    }
    let value = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => text
            .parse::<AddrSpec>()
            .ok()
            .filter(|spec| spec.is_v4() == (kind == ValueKind::Ipv4))
            .map(|spec| spec.to_string()),
        ValueKind::Domain => domain(&text),
        ValueKind::Url => url(&text),
        ValueKind::Sha256 => Some(text.to_ascii_lowercase()),
        ValueKind::SshKey => Some(text.trim_end_matches('=').to_owned()),
    };
    // The pattern writer knows the exact form of hashes and fingerprints.
    value.filter(|value| stix::pattern::of(kind, value).is_ok()).ok_or_else(wrong)
}

/// The kind and canonical form of pasted text; none when it is no value at all.
#[must_use]
pub fn guess(text: &str) -> Option<(ValueKind, String)> {
    const ORDER: [ValueKind; 6] =
        [ValueKind::Ipv4, ValueKind::Ipv6, ValueKind::Sha256, ValueKind::SshKey, ValueKind::Url, ValueKind::Domain];
    ORDER.into_iter().find_map(|kind| canonical(kind, text).ok().map(|value| (kind, value)))
}

/// RFC 1035 names in ASCII, at least two labels; underscores are seen in the wild.
fn domain(text: &str) -> Option<String> {
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last_is_name = name.rsplit('.').next().is_some_and(|top| top.bytes().any(|b| b.is_ascii_alphabetic()));
    let fits = name.len() <= 253 && name.contains('.') && last_is_name && name.split('.').all(label);
    fits.then_some(name)
}

/// Scheme and host in lower case, the rest as it is, no fragment: what was asked for is what is compared. STIX wants a
/// URI (RFC 3986), so that what is not ASCII behind the host is percent-encoded (RFC 3987 section 3.1).
fn url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https" | "ftp" | "tftp") {
        return None;
    }
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let hidden = |c: char| c.is_control() || c.is_whitespace();
    if host(authority).is_empty() || !authority.is_ascii() || rest.contains(hidden) {
        return None;
    }
    let mut out = format!("{scheme}://{}", authority.to_ascii_lowercase());
    for byte in path.bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    Some(out).filter(|url| url.len() <= LONGEST)
}

/// The host of an authority: without user, without port.
fn host(authority: &str) -> &str {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some(v6) = host.strip_prefix('[') {
        return v6.split_once(']').map_or("", |(inside, _)| inside);
    }
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// The host of a canonical URL.
#[must_use]
pub fn url_host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?']).next()?;
    Some(host(authority)).filter(|host| !host.is_empty())
}

/// The exact key of a value: fixed size whatever the value's length.
#[must_use]
pub fn value_key(kind: ValueKind, value: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(kind.word().as_bytes());
    hash.update([0]);
    hash.update(value.as_bytes());
    hash.finalize().to_vec()
}

/// The ordered key of a value: addresses by number, names by reversed labels, so that a network, a domain with
/// its subdomains and the beginning of a hash or URL are each one range.
#[must_use]
pub fn search_key(kind: ValueKind, value: &str) -> Vec<u8> {
    let mut key = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => return value.parse::<AddrSpec>().map_or_else(|_| vec![], |s| ends(s).0),
        ValueKind::Domain => [b"d", reversed(value).as_bytes()].concat(),
        ValueKind::Url => {
            let host = url_host(value).unwrap_or_default();
            let tail = value.split_once(host).map_or("", |(_, tail)| tail);
            [b"u", reversed(host).as_bytes(), tail.as_bytes()].concat()
        }
        ValueKind::Sha256 => [b"h", value.as_bytes()].concat(),
        ValueKind::SshKey => [b"k", value.as_bytes()].concat(),
    };
    key.truncate(KEY);
    key
}

/// The last key of a network's range; none for a single value.
#[must_use]
pub fn search_end(kind: ValueKind, value: &str) -> Option<Vec<u8>> {
    let spec = kind.is_address().then(|| value.parse::<AddrSpec>().ok()).flatten()?;
    (!spec.is_host()).then(|| ends(spec).1)
}

/// First and last key of an address or network.
#[must_use]
pub fn ends(spec: AddrSpec) -> (Vec<u8>, Vec<u8>) {
    let net = spec.net();
    let key = |addr: std::net::IpAddr| match addr {
        std::net::IpAddr::V4(v4) => [&b"4"[..], &v4.octets()].concat(),
        std::net::IpAddr::V6(v6) => [&b"6"[..], &v6.octets()].concat(),
    };
    (key(net.network()), key(net.broadcast()))
}

fn reversed(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    for label in name.rsplit('.') {
        out.push_str(label);
        out.push('.');
    }
    out
}

/// Ranges `[from, to)` of search keys in which values for this text lie: the value itself, what is inside it
/// (network, subdomains, URLs of the host) and what begins with it (hash, fingerprint).
#[must_use]
pub fn ranges(text: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let text = base::refang(text);
    let starting = |from: Vec<u8>| after(&from).map(|to| (from, to));
    match guess(&text) {
        Some((ValueKind::Ipv4 | ValueKind::Ipv6, value)) => value
            .parse::<AddrSpec>()
            .ok()
            .map(ends)
            .and_then(|(from, last)| after(&last).map(|to| (from, to)))
            .into_iter()
            .chain(starting([b"u", reversed(&value).as_bytes()].concat()))
            .collect(),
        Some((ValueKind::Domain, value)) => {
            let name = reversed(&value);
            [b"d", b"u"].into_iter().filter_map(|tag| starting([tag, name.as_bytes()].concat())).collect()
        }
        Some((kind, value)) => starting(search_key(kind, &value)).into_iter().collect(),
        None if text.len() >= 6 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            starting([b"h", text.to_ascii_lowercase().as_bytes()].concat()).into_iter().collect()
        }
        None if text.len() > 10 && text.starts_with("SHA256:") => {
            starting([b"k", text.as_bytes()].concat()).into_iter().collect()
        }
        None => Vec::new(),
    }
}

/// The first key after every key that begins with `key`.
fn after(key: &[u8]) -> Option<Vec<u8>> {
    let mut next = key.to_vec();
    while let Some(last) = next.pop() {
        if let Some(up) = last.checked_add(1) {
            next.push(up);
            return Some(next);
        }
    }
    None
}

#[cfg(test)]
#[path = "value/tests.rs"]
mod tests;
