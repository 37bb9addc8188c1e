//! A hostile or broken centre, relay or feed: nothing that is not signed, next, fresh and harmless is enforced.

use ed25519_dalek::SigningKey;
use edge::wire::{Config, Frame, Intent};

use crate::support::{Running, centre, demonstration};

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

    let lines: Vec<(&str, &str, String)> = {
        let mut hub = centre.shared.hub.lock().unwrap();
        let good = hub.affirm();
        let stranger = SigningKey::from_bytes(&[9; 32]);
        let evil = hub.entry("203.0.113.66", Intent::Deny, 60);
        let mark = hub.mark();
        let changed = |edit: &dyn Fn(&mut Frame)| {
            let mut frame = Frame {
                adds: vec![evil.clone()],
                sequence: mark.sequence + 1,
                count_after: mark.count + 1,
                ..good.clone()
            };
            let mut digest = mark.digest;
            digest.insert(&evil);
            frame.digest_after = digest;
            edit(&mut frame);
            frame
        };
        let key = &hub.key;
        vec![
            ("no JSON", "LF-EDG-0002", "hello".to_owned()),
            ("endless JSON", "LF-EDG-0002", "[".repeat(100_000)),
            ("not canonical", "LF-EDG-0002", good.to_line().replacen(':', ": ", 1)),
            ("a stranger's signature", "LF-EDG-0001", changed(&|_| ()).sign(&stranger).to_line()),
            ("altered after signing", "LF-EDG-0001", {
                let mut frame = changed(&|_| ()).sign(key);
                frame.adds[0] =
                    edge::wire::Entry::new("203.0.113.67".parse().unwrap(), Intent::Deny, evil.directive, evil.expires);
                frame.to_line()
            }),
            (
                "for another point",
                "LF-EDG-0003",
                changed(&|f| f.point = base::PointId(uuid::Uuid::from_u128(99))).sign(key).to_line(),
            ),
            ("an old word (rollback)", "LF-EDG-0004", old.to_line()),
            (
                "a gap",
                "LF-EDG-0006",
                changed(&|f| {
                    f.after += 1;
                    f.sequence += 1;
                })
                .sign(key)
                .to_line(),
            ),
            ("another state", "LF-EDG-0007", changed(&|f| f.previous_hash = "00".repeat(32)).sign(key).to_line()),
            (
                "a stale word",
                "LF-EDG-0008",
                changed(&|f| {
                    f.issued = f.issued.plus_secs(-9_000);
                    f.expires = f.issued.plus_secs(60);
                })
                .sign(key)
                .to_line(),
            ),
            ("a wrong digest", "LF-EDG-0011", changed(&|f| f.count_after += 1).sign(key).to_line()),
        ]
    };
    let mut sequence = 2;
    for (what, code, line) in lines {
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

    let thaw = Config { thaw_until: Some(crate::support::NOW.plus_secs(600)), ..demonstration() };
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
