//! From what sensors assessed to findings and indicators.

use crate::world::{World, seen, world};
use base::Env;
use events::Event;
use events::intel::IndicatorState;
use events::sensor::{Aim, AttackClass, ObservableAssessed, ValueKind};
use intel::AutoPolicy;

fn assessed(world: &World, value: &str, change: impl FnOnce(&mut ObservableAssessed)) -> Event {
    let (kind, _) = intel::value::guess(value).unwrap_or((ValueKind::Url, String::new()));
    let mut seen = seen(world, kind, value);
    change(&mut seen);
    Event::ObservableAssessed(seen)
}

#[tokio::test]
async fn an_attacker_becomes_a_finding_and_a_proposal() {
    testkit::each_db(crate::world::SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::clean()).await;
        w.follow(assessed(&w, "192.0.2.7", |_| {})).await;
        assert_eq!(w.rules().await, [("sensor.download".to_owned(), w.centre)]);
        let finding = &w.findings().await[0];
        assert_eq!((finding.severity, finding.count, finding.why.sessions.len()), (2, 1, 2));
        assert_eq!(finding.why.score, Some(0.7));
        let all = w.indicators().await;
        assert_eq!((all.len(), all[0].state), (1, IndicatorState::InReview), "a clean centre waits for people");
        w.settle().await;
        assert_eq!(w.findings().await[0].count, 1, "an event is counted once");
        w.follow(assessed(&w, "192.0.2.7", |seen| seen.score = 0.85)).await;
        let finding = &w.findings().await[0];
        assert_eq!((finding.severity, finding.count), (3, 2), "surer, and the same finding");
        assert_eq!(w.indicators().await.len(), 1, "and the same indicator");
    })
    .await;
}

#[tokio::test]
async fn our_own_are_told_and_never_denied() {
    testkit::each_db(crate::world::SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        w.follow(assessed(&w, "203.0.113.9", |seen| seen.score = 1.0)).await;
        w.follow(assessed(&w, "http://www.member.example/bot.sh", |seen| seen.score = 1.0)).await;
        w.follow(assessed(&w, "http://203.0.113.9/bot.sh", |seen| seen.score = 1.0)).await;
        w.follow(assessed(&w, "member.example", |seen| seen.score = 1.0)).await;
        assert!(w.indicators().await.is_empty());
        let rules = [("sensor.download".to_owned(), w.centre), ("sensor.infected_host".to_owned(), w.member)];
        assert_eq!(w.rules().await, rules);
        let infected = w.findings().await.into_iter().find(|f| f.org == w.member).unwrap();
        assert_eq!(infected.severity, 4);
        // What a carrier's customer does concerns the carrier, and is denied like any other.
        w.follow(assessed(&w, "198.51.100.7", |_| {})).await;
        assert!(w.rules().await.contains(&("sensor.customer_attacks".to_owned(), w.isp)));
        assert_eq!(w.indicators().await[0].state, IndicatorState::Published);
    })
    .await;
}

#[tokio::test]
async fn noise_and_forged_sources_lead_to_nothing() {
    testkit::each_db(crate::world::SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        let quiet: [fn(&mut ObservableAssessed); 4] = [
            |seen| (seen.class, seen.score) = (AttackClass::UdpProbe, 1.0),
            |seen| (seen.class, seen.score, seen.aim) = (AttackClass::CredentialGuessing, 0.9, Aim::Noise),
            |seen| seen.score = 0.39,
            |seen| (seen.class, seen.score, seen.aim) = (AttackClass::Scan, 0.5, Aim::Undecided),
        ];
        for (n, change) in quiet.into_iter().enumerate() {
            w.follow(assessed(&w, &format!("192.0.2.{n}"), change)).await;
        }
        // What an attacker typed instead of a URL is no failure.
        w.follow(assessed(&w, "http://\u{202e}", |_| {})).await;
        w.follow(assessed(&w, "not a url at all", |_| {})).await;
        assert!(w.findings().await.is_empty() && w.indicators().await.is_empty());
        let noisy: fn(&mut ObservableAssessed) = |seen| seen.aim = Aim::Noise;
        w.follow(assessed(&w, "192.0.2.99", noisy)).await;
        assert_eq!((w.findings().await.len(), w.indicators().await.len()), (1, 1), "noise that downloads is not noise");
    })
    .await;
}

#[tokio::test]
async fn artefacts_become_indicators_without_a_finding() {
    testkit::each_db(crate::world::SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for value in [hash, "http://evil.example/bot.sh", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"] {
            w.follow(assessed(&w, value, |_| {})).await;
        }
        assert!(w.findings().await.is_empty());
        let all = w.indicators().await;
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|row| row.state == IndicatorState::Published && row.automatic));
        for row in &all {
            assert!(w.directives(row).await.is_empty(), "only addresses are denied by address lists");
        }
    })
    .await;
}
