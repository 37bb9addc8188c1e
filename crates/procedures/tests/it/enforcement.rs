//! From published indicators to directives and back, and what enforcement and the fleet report.

use crate::world::{SCHEMA, seen, sensor, world};
use base::{Env, PointId, Realm};
use edge::{DirectiveState, EndReason};
use events::Event;
use events::edge::{DriftFound, ReceiptArrived};
use events::intel::IndicatorState;
use events::sensor::{SensorWentSilent, ValueKind};
use intel::AutoPolicy;
use procedures::protected_networks;
use runtime::{CancellationToken, Metrics, Supervisor};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn published_is_denied_renewed_and_revoked() {
    testkit::each_db_at(SCHEMA, |db, env: Env, clock| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        let attack = Event::ObservableAssessed(seen(&w, ValueKind::Ipv4, "192.0.2.7"));
        w.follow(attack.clone()).await;
        let row = w.indicators().await.remove(0);
        assert_eq!((row.state, row.automatic), (IndicatorState::Published, true));
        let first = w.directives(&row).await;
        assert_eq!((first.len(), first[0].state), (1, DirectiveState::Active));
        assert_eq!(first[0].expires, row.valid_until);
        clock.advance_secs(3_600);
        w.follow(attack).await;
        let longer = w.directives(&row).await;
        assert_eq!(longer.len(), 1, "fresh evidence renews the directive");
        assert!(longer[0].expires > first[0].expires);
        let row = w.indicators().await.remove(0);
        w.ctx.intel.revoke(&w.officer(), row.id, row.version, "shared address").await.unwrap();
        w.settle().await;
        let ended = w.directives(&row).await;
        assert_eq!((ended[0].state, ended[0].end_reason), (DirectiveState::Ended, Some(EndReason::Revoked)));
    })
    .await;
}

#[tokio::test]
async fn an_expired_indicator_ends_its_directive() {
    testkit::each_db_at(SCHEMA, |db, env: Env, clock| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        w.follow(Event::ObservableAssessed(seen(&w, ValueKind::Ipv4, "192.0.2.7"))).await;
        let row = w.indicators().await.remove(0);
        clock.set(row.valid_until);
        assert_eq!(w.ctx.intel.expire_due().await.unwrap(), 1);
        w.settle().await;
        assert_eq!(w.directives(&row).await[0].state, DirectiveState::Ended);
    })
    .await;
}

#[tokio::test]
async fn protected_networks_follow_the_registry_and_end_blocks() {
    testkit::each_db(SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        // Before enforcement knows the registry, a person of the centre could still ask for this block.
        let ask = edge::desk::directive::Ask {
            org: w.centre,
            realm: Realm::Real,
            tlp: base::Tlp::Green,
            scope: base::AddressScope::Global,
            key: "203.0.113.9".parse().unwrap(),
            intent: edge::wire::Intent::Deny,
            expires: w.ctx.env.now().plus_secs(3_600),
            reason: "test".into(),
            indicator: None,
            provenance: serde_json::json!({}),
        };
        w.ctx.edge.issue_automatic(ask.clone()).await.unwrap();
        let by_hand = edge::wire::ProtectedNet { net: "8.8.8.0/24".parse().unwrap(), why: "by hand".into() };
        let limits = edge::wire::ChangeLimits { floor: 77, ..edge::wire::ChangeLimits::default() };
        let before = w.ctx.edge.config(Realm::Real).await.unwrap().config;
        let config = edge::RealmConfig { protected: vec![by_hand.clone()], limits, ..before };
        w.ctx.edge.set_config_as(store::Actor::System("test".into()), Realm::Real, config).await.unwrap();
        assert!(protected_networks::follow(&w.ctx, Realm::Real).await.unwrap());
        assert!(!protected_networks::follow(&w.ctx, Realm::Real).await.unwrap(), "once is enough");
        let mut config = w.ctx.edge.config(Realm::Real).await.unwrap().config;
        assert_eq!(config.limits.floor, 77, "only the networks change");
        config.protected.retain(|entry| *entry != by_hand);
        assert_eq!(config.protected.len(), 1, "the critical member's, not the carrier's: {:?}", config.protected);
        assert!(w.ctx.edge.config(Realm::Real).await.unwrap().config.protected.contains(&by_hand), "people's stays");
        assert!(w.ctx.edge.issue_automatic(ask).await.is_err(), "refused from now on");
        w.settle().await;
        assert_eq!(w.rules().await, [("edge.protected".to_owned(), w.centre)], "people are told what the guard ended");
        let draft = intel::Draft {
            org: w.centre,
            tlp: base::Tlp::Green,
            scope: base::AddressScope::Global,
            kind: None,
            value: "203.0.113.0/24".into(),
            name: String::new(),
            description: String::new(),
            confidence: 50,
            lasts: None,
        };
        for value in ["203.0.113.0/24", "127.0.0.1", "9.0.0.0/8", "www.member.example"] {
            let refused = w.ctx.intel.draft(&w.officer(), intel::Draft { value: value.into(), ..draft.clone() }).await;
            assert!(matches!(refused, Err(intel::IntelError::Protected(_))), "{value}: {refused:?}");
        }
        w.ctx.intel.draft(&w.officer(), intel::Draft { value: "203.0.113.200".into(), ..draft }).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_fleet_and_the_points_are_watched() {
    testkit::each_db(SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::clean()).await;
        let last_heard = w.ctx.env.now();
        w.follow(Event::SensorWentSilent(SensorWentSilent { sensor: sensor(1), name: "dmz".into(), last_heard })).await;
        let point = PointId(Uuid::from_u128(5));
        w.follow(Event::DriftFound(DriftFound { point, missing: 2, extra: 0, repaired: true })).await;
        let receipt = ReceiptArrived { point, sequence: 7, elements: 3, read_back: 3, probed: true, ok: true };
        w.follow(Event::ReceiptArrived(receipt.clone())).await;
        let rules: Vec<String> = w.rules().await.into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(rules, ["edge.drift", "sensor.silent"], "a good receipt is no news");
        w.follow(Event::ReceiptArrived(ReceiptArrived { ok: false, ..receipt })).await;
        w.follow(Event::DriftFound(DriftFound { point, missing: 2, extra: 0, repaired: false })).await;
        let findings = w.findings().await;
        assert_eq!(findings.len(), 3);
        let drift = findings.iter().find(|finding| finding.rule == "edge.drift").unwrap();
        assert_eq!((drift.count, drift.severity), (2, 3), "unrepaired drift is worse");
    })
    .await;
}

#[tokio::test]
async fn started_procedures_react_by_themselves_and_stop() {
    testkit::each_db(SCHEMA, |db, env: Env| async move {
        let w = world(db, env, AutoPolicy::demo()).await;
        let supervisor = Supervisor::new(Metrics::default());
        procedures::start(&w.ctx, &supervisor);
        w.tell(Event::ObservableAssessed(seen(&w, ValueKind::Ipv4, "192.0.2.7"))).await;
        testkit::wait_until(Duration::from_secs(20), || {
            let w = w.clone();
            async move {
                match w.indicators().await.first() {
                    Some(row) => w.directives(row).await.iter().any(|d| d.state == DirectiveState::Active),
                    None => false,
                }
            }
        })
        .await;
        let report = supervisor.stop(Duration::from_secs(10)).await;
        assert!(report.graceful(), "{report:?}");
        let names: Vec<&str> =
            procedures::all(&w.ctx, &CancellationToken::new()).into_iter().map(|(name, _)| name).collect();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert!(names.len() == 7 && unique.len() == 7, "a cursor each: {names:?}");
    })
    .await;
}
