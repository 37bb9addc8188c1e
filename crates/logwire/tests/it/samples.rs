//! Samples written for these tests, in the shape of what the honeypots write; addresses are documentation addresses.

use logwire::attack::{AttackEvent, Transport, What};
use logwire::{Format, Parsed, cowrie, hassh, lines, parse};
use std::collections::BTreeSet;

pub(crate) const COWRIE: &str = include_str!("../samples/cowrie.ndjson");
pub(crate) const COWRIE_2018: &str = include_str!("../samples/cowrie-2018.ndjson");
pub(crate) const COWRIE_SILENT: &str = include_str!("../samples/cowrie-silent.ndjson");
pub(crate) const OPENCANARY: &str = include_str!("../samples/opencanary.ndjson");

fn read(format: Format, text: &str) -> Vec<Parsed> {
    lines::split(text.as_bytes()).map(|line| parse(format, lines::check(line.bytes).unwrap()).unwrap()).collect()
}

fn events(format: Format, text: &str) -> Vec<AttackEvent> {
    read(format, text).into_iter().filter_map(|parsed| parsed.event).collect()
}

#[test]
fn every_mapped_cowrie_id_has_a_sample_that_gives_an_event() {
    let ids: BTreeSet<String> = COWRIE
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["eventid"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, cowrie::MAPPED.iter().map(|id| (*id).to_owned()).collect());
    assert_eq!(events(Format::Cowrie, COWRIE).len(), COWRIE.lines().count());
    assert!(read(Format::Cowrie, COWRIE).iter().all(|parsed| parsed.sensor.as_deref() == Some("pot-a")));
}

#[test]
fn what_says_nothing_we_keep_is_accepted_without_an_event() {
    let parsed = read(Format::Cowrie, COWRIE_SILENT);
    assert_eq!(parsed.len(), 11);
    assert!(parsed.iter().all(|parsed| parsed.event.is_none()));
}

#[test]
fn todays_cowrie() {
    let events = events(Format::Cowrie, COWRIE);
    let whats: Vec<&What> = events.iter().map(|event| &event.what).collect();
    assert!(
        matches!(whats[2], What::Fingerprint { hassh: Some(hassh), .. } if hassh == "03a80b21afa810682a776a7d42e5e6fb")
    );
    assert!(matches!(whats[4], What::Auth { password, success: true, .. } if password == "1234"));
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(
        matches!(whats[8], What::FileIn { sha256, name: Some(name), url: Some(_), .. } if sha256 == digest && name == "a.sh")
    );
    assert!(matches!(whats[9], What::FileRef { url } if url == "http://198.51.100.9/b.sh"));
    assert!(matches!(whats[10], What::FileIn { size: Some(3), .. }));
    assert_eq!(*whats[11], What::Forward { host: "mail.example".into(), port: 25 });
    // The wanted connection's ports never become the session's.
    assert_eq!((events[11].src_port, events[11].dst_port, events[11].dst_ip), (0, 0, None));
    assert_eq!(events[12].protocol, "telnet");
    assert_eq!(*whats[13], What::ConnClose { duration_ms: 9_500 });
    // An upload's path on the trap is no URL.
    assert!(matches!(whats[14], What::FileIn { name: Some(name), url: None, .. } if name == "up.txt"));
    assert_eq!(*whats[15], What::ConnClose { duration_ms: 575 });
}

#[test]
fn cowrie_of_2018() {
    let events = events(Format::Cowrie, COWRIE_2018);
    assert_eq!(events.len(), 6);
    let joined = hassh::of_algorithms("diffie-hellman-group1-sha1;aes128-ctr;hmac-sha1;none");
    assert_eq!(events[1].what, What::Fingerprint { version: "SSH-2.0-paramiko_2.1".into(), hassh: Some(joined) });
    let protocols: Vec<&str> = events.iter().map(|event| event.protocol.as_str()).collect();
    assert_eq!(protocols, ["ssh", "ssh", "ssh", "telnet", "ssh", "ssh"]);
    assert_eq!(events[5].what, What::ConnClose { duration_ms: 4_877 });
    assert_eq!(events[0].at.rfc3339(), "2018-05-06T04:00:07.123456Z");
}

#[test]
fn opencanary_lines() {
    let events = events(Format::Opencanary, OPENCANARY);
    assert_eq!(events.len(), OPENCANARY.lines().count() - 1, "the line about the canary itself gives none");
    assert_eq!(events[4].what, What::Fingerprint { version: "SSH-2.0-Go".into(), hassh: None });
    assert_eq!(events[3].session, events[5].session, "one connection is one session");
    assert_ne!(events[0].session, events[1].session);
    let udp: Vec<&str> =
        events.iter().filter(|event| event.transport == Transport::Udp).map(|event| event.protocol.as_str()).collect();
    assert_eq!(udp, ["ntp"]);
    assert!(matches!(&events[10].what, What::Request { verb, .. } if verb == "CONFIG"));
    assert_eq!(events[8].src_port, 41_005);
}

#[test]
fn what_we_write_we_read() {
    for event in events(Format::Cowrie, COWRIE).into_iter().chain(events(Format::Opencanary, OPENCANARY)) {
        let line = serde_json::to_string(&event).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(parse(Format::Native, &line).unwrap().event, Some(event));
    }
}
