//! Canonical values, guesses and search keys.

use super::*;
use proptest::prelude::*;

fn found(text: &str, kind: ValueKind, value: &str) -> bool {
    let key = search_key(kind, value);
    ranges(text).iter().any(|(from, to)| *from <= key && key < *to)
}

#[test]
fn makes_one_form_of_what_people_paste() {
    for (kind, pasted, value) in [
        (ValueKind::Ipv4, " 203[.]0[.]113[.]7 ", "203.0.113.7"),
        (ValueKind::Ipv4, "203.0.113.0/24", "203.0.113.0/24"),
        (ValueKind::Ipv6, "2001:DB8:0::1", "2001:db8::1"),
        (ValueKind::Domain, "Evil[.]Example.", "evil.example"),
        (ValueKind::Url, "http://evil.example/惡\u{202e}", "http://evil.example/%E6%83%A1%E2%80%AE"),
        (ValueKind::Url, "hxxp://EVIL.example/A?b#c", "http://evil.example/A?b"),
    ] {
        assert_eq!(canonical(kind, pasted).unwrap(), value);
        assert_eq!(guess(pasted), Some((kind, value.to_owned())));
    }
    let hash = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
    assert_eq!(guess(hash), Some((ValueKind::Sha256, hash.to_ascii_lowercase())));
    let key = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    assert_eq!(guess(&format!("{key}=")), Some((ValueKind::SshKey, key.to_owned())));
}

#[test]
fn refuses_what_is_of_another_kind() {
    for (kind, text) in [
        (ValueKind::Ipv4, "203.0.113.7/24"),
        (ValueKind::Ipv4, "2001:db8::1"),
        (ValueKind::Domain, "localhost"),
        (ValueKind::Domain, "a..b"),
        (ValueKind::Domain, "資安.tw"),
        (ValueKind::Domain, "1.2.3.4"),
        (ValueKind::Url, "javascript://x"),
        (ValueKind::Url, "http:///path"),
        (ValueKind::Url, "http://\u{202e}/"),
        (ValueKind::Url, "http://a b/"),
        (ValueKind::Sha256, "abc"),
        (ValueKind::SshKey, "SHA256:abc"),
    ] {
        assert!(matches!(canonical(kind, text), Err(IntelError::Value(_))), "{text}");
    }
    assert_eq!(guess("hello"), None);
}

#[test]
fn a_search_finds_what_is_inside() {
    assert!(found("203.0.113.0/24", ValueKind::Ipv4, "203.0.113.7"));
    assert!(!found("203.0.113.0/24", ValueKind::Ipv4, "203.0.114.7"));
    assert!(found("255.255.255.255", ValueKind::Ipv4, "255.255.255.255"));
    assert!(found("example.com", ValueKind::Domain, "a.b.example.com"));
    assert!(found("example.com", ValueKind::Url, "http://user@www.example.com:81/x"));
    assert!(!found("example.com", ValueKind::Domain, "badexample.com"));
    assert!(found("203.0.113.7", ValueKind::Url, "http://203.0.113.7/bot.sh"));
    assert!(found("http://a.example/x", ValueKind::Url, "http://a.example/xy"));
    assert!(found("E3B0C4", ValueKind::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    assert!(ranges("bot").is_empty());
}

proptest! {
    #[test]
    fn any_text_is_canonical_after_one_pass(text in "\\PC{0,60}|[a-z.:/@\\[\\]#?0-9-]{0,60}") {
        let _keys = ranges(&text);
        if let Some((kind, value)) = guess(&text) {
            prop_assert_eq!(canonical(kind, &value).ok(), Some(value.clone()), "{}", text);
            prop_assert!(found(&value, kind, &value), "{} finds itself", value);
        }
    }
}
