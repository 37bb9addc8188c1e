//! STIX patterns of single values: built with the right escaping, and read back.
//!
//! A host is compared with `=`, a network with `ISSUBSET`, so that consumers match the addresses inside (STIX 2.1
//! section 9.6.1). An SSH public key has no object of its own in STIX 2.1; its OpenSSH fingerprint `SHA256:...` is the
//! SHA-256 of the key's wire bytes (RFC 4253 section 6.6), and bytes with a hash are an Artifact (section 6.1), so the
//! pattern is `[artifact:hashes.'SHA-256' = '<hex>']`: standard, and every tool parses it.

use std::fmt::Write as _;

use base::AddrSpec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use events::sensor::ValueKind;

use crate::error::StixError;

/// The pattern of one canonical value.
///
/// # Errors
/// [`StixError::Value`] when the value is not of that kind or not canonical.
pub fn of(kind: ValueKind, value: &str) -> Result<String, StixError> {
    let wrong = || StixError::Value(format!("{} as {}", base::code::excerpt(value), kind.word()));
    let (path, operator, literal) = match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => {
            let spec: AddrSpec = value.parse().map_err(|_| wrong())?;
            if spec.is_v4() != (kind == ValueKind::Ipv4) || spec.to_string() != value {
                return Err(wrong());
            }
            let path = if spec.is_v4() { "ipv4-addr:value" } else { "ipv6-addr:value" };
            (path, if spec.is_host() { "=" } else { "ISSUBSET" }, value.to_owned())
        }
        ValueKind::Domain => ("domain-name:value", "=", value.to_owned()),
        ValueKind::Url => ("url:value", "=", value.to_owned()),
        ValueKind::Sha256 => ("file:hashes.'SHA-256'", "=", sha256_hex(value).ok_or_else(wrong)?),
        ValueKind::SshKey => ("artifact:hashes.'SHA-256'", "=", fingerprint_hex(value).ok_or_else(wrong)?),
    };
    if literal.is_empty() {
        return Err(wrong());
    }
    let mut pattern = String::with_capacity(literal.len() + 40);
    let _infallible = write!(pattern, "[{path} {operator} '{}']", escape(&literal));
    Ok(pattern)
}

/// The kind and value of a pattern that compares one value, as [`of`] writes it; none for any other pattern.
#[must_use]
pub fn single(pattern: &str) -> Option<(ValueKind, String)> {
    let inner = pattern.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let (path, rest) = inner.split_once(' ')?;
    let (operator, rest) = rest.trim_start().split_once(' ')?;
    let value = unescape(rest.trim_start())?;
    let network = operator == "ISSUBSET";
    if !network && operator != "=" {
        return None;
    }
    let kind = match (path, network) {
        ("ipv4-addr:value", _) => ValueKind::Ipv4,
        ("ipv6-addr:value", _) => ValueKind::Ipv6,
        ("domain-name:value", false) => ValueKind::Domain,
        ("url:value", false) => ValueKind::Url,
        ("file:hashes.'SHA-256'", false) => ValueKind::Sha256,
        ("artifact:hashes.'SHA-256'", false) => ValueKind::SshKey,
        _ => return None,
    };
    if kind == ValueKind::SshKey {
        let bytes = hex::decode(&value).ok().filter(|bytes| bytes.len() == 32)?;
        return Some((kind, format!("SHA256:{}", STANDARD_NO_PAD.encode(bytes))));
    }
    Some((kind, value))
}

/// The inside of a string literal: backslash and quote are escaped (section 9.2), everything else stands as it is.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '\'') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The text of a quoted string literal that takes up the whole input.
fn unescape(literal: &str) -> Option<String> {
    let inner = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next().filter(|next| matches!(next, '\\' | '\''))?),
            '\'' => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

fn sha256_hex(value: &str) -> Option<String> {
    let fits = value.len() == 64 && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    fits.then(|| value.to_owned())
}

fn fingerprint_hex(value: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(value.strip_prefix("SHA256:")?).ok()?;
    (bytes.len() == 32).then(|| hex::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn writes_the_patterns_of_the_specification() {
        for (kind, value, pattern) in [
            (ValueKind::Ipv4, "203.0.113.7", "[ipv4-addr:value = '203.0.113.7']".to_owned()),
            (ValueKind::Ipv4, "198.51.100.0/24", "[ipv4-addr:value ISSUBSET '198.51.100.0/24']".to_owned()),
            (ValueKind::Ipv6, "2001:db8::/32", "[ipv6-addr:value ISSUBSET '2001:db8::/32']".to_owned()),
            (ValueKind::Url, "http://a.example/b'c\\d", "[url:value = 'http://a.example/b\\'c\\\\d']".to_owned()),
            (ValueKind::Domain, "evil.example", "[domain-name:value = 'evil.example']".to_owned()),
            (ValueKind::Sha256, HASH, format!("[file:hashes.'SHA-256' = '{HASH}']")),
            (ValueKind::SshKey, KEY, format!("[artifact:hashes.'SHA-256' = '{HASH}']")),
        ] {
            assert_eq!(of(kind, value).unwrap(), pattern);
            assert_eq!(single(&pattern), Some((kind, value.to_owned())), "{pattern}");
            crate::model::check_pattern(&pattern).unwrap();
        }
    }

    #[test]
    fn refuses_values_of_another_kind() {
        for (kind, value) in [
            (ValueKind::Ipv4, "2001:db8::1"),
            (ValueKind::Ipv6, "203.0.113.7"),
            (ValueKind::Ipv4, "203.0.113.7/32"),
            (ValueKind::Sha256, "E3B0"),
            (ValueKind::SshKey, "SHA256:abc"),
            (ValueKind::Domain, ""),
        ] {
            assert!(matches!(of(kind, value), Err(StixError::Value(_))), "{value}");
        }
        assert_eq!(single("[url:value = 'a'] AND [url:value = 'b']"), None);
        assert_eq!(single("[url:value = 'a\\b']"), None);
    }

    proptest! {
        #[test]
        fn any_text_survives_the_escape(text in "\\PC{1,80}|[\\\\']{1,20}") {
            let pattern = of(ValueKind::Url, &text).unwrap();
            prop_assert_eq!(single(&pattern), Some((ValueKind::Url, text)));
            prop_assert!(crate::model::check_pattern(&pattern).is_ok(), "{}", pattern);
        }

        #[test]
        fn reading_any_text_does_not_panic(text in "\\PC{0,80}|\\[[a-z:]{1,20} = '.*'\\]") {
            let _read = single(&text);
            let _checked = crate::model::check_pattern(&text);
        }
    }
}
