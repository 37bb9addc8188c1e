//! A hostile or broken centre, relay or feed: nothing that is not signed, next, fresh and harmless is enforced.

use ed25519_dalek::SigningKey;
use edge::wire::{Config, Entry, Frame, Intent};

use crate::hub::Hub;
use crate::support::{NOW, Running, centre, demonstration};

/// What goes wrong with a frame, and what the point must say to it.
const BAD: &[(&str, &str)] = &[
    ("no JSON", "LF-EDG-0002"),
    ("endless nesting", "LF-EDG-0002"),
    ("not canonical", "LF-EDG-0002"),
    ("a stranger's signature", "LF-EDG-0001"),
    ("altered after signing", "LF-EDG-0001"),
    ("for another point", "LF-EDG-0003"),
    ("an old word (rollback)", "LF-EDG-0004"),
    ("a gap", "LF-EDG-0006"),
    ("another state", "LF-EDG-0007"),
    ("a stale word", "LF-EDG-0008"),
    ("a word from the future", "LF-EDG-0009"),
    ("a wrong digest", "LF-EDG-0011"),
];

/// A line that stands on the hub's present state and is wrong in exactly one way.
fn bad(hub: &mut Hub, what: &str) -> String {
    let evil = hub.entry("203.0.113.66", Intent::Deny, 60);
    let mark = hub.mark();
    let mut digest = mark.digest;
    digest.insert(&evil);
    let mut frame = Frame {
        adds: vec![evil.clone()],
        sequence: mark.sequence + 1,
        count_after: mark.count + 1,
        digest_after: digest,
        ..hub.affirm()
    };
    match what {
        "no JSON" => return "hello".to_owned(),
        "endless nesting" => return "[".repeat(100_000),
        "not canonical" => return frame.sign(&hub.key).to_line().replacen(':', ": ", 1),
        "a stranger's signature" => return frame.sign(&SigningKey::from_bytes(&[9; 32])).to_line(),
        "altered after signing" => {
            let mut signed = frame.sign(&hub.key);
            signed.adds = vec![Entry::new("203.0.113.67".parse().unwrap(), Intent::Deny, evil.directive, evil.expires)];
            return signed.to_line();
        }
        "for another point" => frame.point = base::PointId(uuid::Uuid::from_u128(99)),
        "a gap" => (frame.after, frame.sequence) = (frame.after + 1, frame.sequence + 1),
        "another state" => frame.previous_hash = "00".repeat(32),
        "a stale word" => (frame.issued, frame.expires) = (NOW.plus_secs(-9_000), NOW.plus_secs(-8_000)),
        "a word from the future" => (frame.issued, frame.expires) = (NOW.plus_secs(9_000), NOW.plus_secs(9_060)),
        "a wrong digest" => frame.count_after += 1,
        other => panic!("{other} is not known"),
    }
    frame.sign(&hub.key).to_line()
}

/// Frames that must not change anything, each followed by a good change that still arrives.
#[tokio::test]
async fn unsigned_altered_replayed_and_misplaced_frames_change_nothing() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.1"]));
    centre.receipt("the first change", |r| r.sequence == 1).await;
    let old = centre.shared.hub.lock().unwrap().affirm();
    centre.publish(|hub| hub.deny(&["203.0.113.2"]));
    centre.receipt("the second change", |r| r.sequence == 2).await;

    let mut sequence = 2;
    for (what, code) in BAD {
        let line = match *what {
            "an old word (rollback)" => old.to_line(),
            what => bad(&mut centre.shared.hub.lock().unwrap(), what),
        };
        centre.say_until_trouble(what, code, &[&line]).await;
        assert!(!agent.denied().iter().any(|key| key.starts_with("203.0.113.6")), "{what}: {:?}", agent.denied());
        sequence += 1;
        let key = format!("203.0.113.{}", 100 + sequence);
        centre.publish(|hub| hub.deny(&[key.as_str()]));
        centre.receipt(what, |r| r.sequence == sequence).await;
        assert!(agent.denied().contains(&key), "{what}");
    }
    // The very same word twice: the second is a replay.
    let word = centre.shared.hub.lock().unwrap().affirm().to_line();
    centre.say_until_trouble("the replay", "LF-EDG-0005", &[&word, &word]).await;
}

#[tokio::test]
async fn protected_networks_stay_free_whatever_the_centre_signed() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| {
        hub.deny(&["10.0.0.1", "127.0.0.1", "192.168.0.0/24", "203.0.113.7", "8.0.0.0/8", "fe80::1", "::1"])
    });
    let receipt = centre.receipt("the change", |r| r.sequence == 1).await;
    assert_eq!(agent.denied(), ["203.0.113.7"]);
    assert_eq!((receipt.refused_total, receipt.elements), (6, 1));
    assert!(receipt.refused.iter().any(|refused| refused.key == "10.0.0.1" && refused.guard == "protected"));

    // A configuration that protects more takes out what is already in force; one that protects less lets it in again.
    let net = edge::wire::ProtectedNet { net: "203.0.113.0/28".parse().unwrap(), why: "own".to_owned() };
    centre.publish(|hub| vec![hub.configure(Config { protected: vec![net], ..demonstration() })]);
    let receipt = centre.receipt("the stricter configuration", |r| r.config_revision == 2).await;
    assert_eq!((receipt.refused_total, receipt.elements), (7, 0));
    assert!(agent.denied().is_empty());
    centre.publish(|hub| vec![hub.configure(demonstration())]);
    centre.receipt("the former configuration", |r| r.config_revision == 3 && r.elements == 1).await;
    assert_eq!(agent.denied(), ["203.0.113.7"]);
    centre.publish(|hub| vec![hub.configure(Config::default())]);
    centre.receipt("a real centre's configuration", |r| r.config_revision == 4 && r.elements == 0).await;
}

#[tokio::test]
async fn a_sudden_flood_freezes_the_set_until_a_person_thaws_it() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7"]));
    centre.receipt("the first change", |r| r.sequence == 1).await;
    let flood: Vec<String> = (0..1_200).map(|n| format!("198.51.{}.{}", 100, n % 250)).collect();
    let flood: Vec<String> = flood.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let wide: Vec<String> = (0..600).map(|n| format!("1.2.{}.{}", n / 250, n % 250)).collect();
    let all: Vec<&str> = flood.iter().chain(&wide).map(String::as_str).collect();
    centre.publish(|hub| hub.deny(&all));
    let receipt = centre.receipt("the frozen state", |r| r.frozen.is_some()).await;
    assert_eq!((receipt.sequence, receipt.elements), (1, 1));
    assert_eq!(agent.denied(), ["203.0.113.7"]);

    let thaw = Config { thaw_until: Some(NOW.plus_secs(600)), ..demonstration() };
    centre.shared.hub.lock().unwrap().configure(thaw);
    let receipt = centre.receipt("the thawed state", |r| r.sequence == 2).await;
    assert_eq!((receipt.elements, receipt.frozen), (851, None));
    assert_eq!(agent.denied().len(), 851);
}

#[tokio::test]
async fn another_authority_s_centre_is_not_spoken_to() {
    let (mine, other) = (centre().await, centre().await);
    let mut agent = Running::enrolled(&mine).await;
    let path = agent.config.folder.join("identity.json");
    let text = std::fs::read_to_string(&path).unwrap().replace(&mine.url, &other.url);
    std::fs::write(&path, text).unwrap();
    agent.resume();
    let wrong = other.shared.clone();
    tokio::time::timeout(std::time::Duration::from_millis(600), async {
        while wrong.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect_err("the agent must not trust another authority");
    agent.stop().await;
}
