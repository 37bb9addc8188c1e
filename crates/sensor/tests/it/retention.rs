//! What is older than the configuration keeps goes, part by part; what must stay stays.

use crate::support::{Attack, Centre, SCHEMA, org};
use base::{Realm, SessionId};
use logwire::attack::What;
use sensor::model::{ObservableFilter, SessionFilter};
use sensor::retention::{self, KIND};
use sensor::settings::{Days, Retention};
use sha2::{Digest, Sha256};
use store::jobs::{self, State};
use store::page::Page;
use store::{Db, SystemKey, params};
use testkit::{START, all};

const DAY: i64 = 86_400;

fn keep(events: u32, sessions: u32) -> Retention {
    Retention { events: Days::of(events), sessions: Days::of(sessions) }
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    db.system_read(SystemKey::of("test"), sql, params![]).await.unwrap()[0].get("n").unwrap()
}

async fn ids(centre: &Centre) -> Vec<SessionId> {
    let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::first(1000)).await.unwrap();
    page.items.iter().map(|session| session.id).collect()
}

#[tokio::test]
async fn events_then_sessions_go_and_digests_and_counts_stay() {
    testkit::each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        let trap = centre.sensor(1, org(1)).await;
        let fetch = || What::FileRef { url: "http://198.51.100.9/x".into() };
        let old = Attack::new("old", "203.0.113.7", START).then(fetch()).closes();
        let fresh = Attack::new("new", "203.0.113.8", START).then(fetch()).closes();
        centre.send(&trap, 1, 1, &old).await;
        let first = ids(&centre).await[0];
        let lines: String = old.iter().map(|event| format!("{}\n", serde_json::to_string(event).unwrap())).collect();
        let digest = hex::encode(Sha256::digest(lines.as_bytes()));

        clock.advance_secs(20 * DAY);
        let later: Vec<_> = fresh
            .into_iter()
            .map(|mut event| {
                event.at = event.at.plus_secs(20 * DAY);
                event
            })
            .collect();
        centre.send(&trap, 1, 10, &later).await;
        // One job a night, however often it is planned; nothing before its time.
        for _ in 0..3 {
            retention::plan(&db, org(0), Realm::Real).await.unwrap();
        }
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM job").await, 1);
        assert_eq!(retention::work(&db, &keep(10, 30)).await.unwrap(), None);
        clock.advance_secs(DAY);
        assert_eq!(retention::work(&db, &keep(10, 30)).await.unwrap(), Some(1), "the events of one session");
        let detail = centre.reads.session(&all(), first).await.unwrap();
        assert!(detail.events.is_empty());
        assert_eq!(detail.urls, ["http://198.51.100.9/x"], "the session itself is there");
        assert_eq!(detail.kept.unwrap().digest, digest);

        clock.advance_secs(12 * DAY);
        retention::plan(&db, org(0), Realm::Real).await.unwrap();
        clock.advance_secs(DAY);
        let bars = count(&db, "SELECT COUNT(*) AS n FROM attack_rollup WHERE step > 60").await;
        assert_eq!(retention::work(&db, &keep(0, 30)).await.unwrap(), Some(2), "the session and its address");
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM attack_rollup WHERE step > 60").await, bars);
        assert_eq!(ids(&centre).await.len(), 1);
        let gone = centre.reads.session(&all(), first).await.unwrap();
        assert_eq!((gone.session.src_ip.as_str(), gone.session.events), ("203.0.113.7", 3));
        let kept = gone.kept.unwrap();
        assert_eq!(kept.digest, digest, "provenance stays comparable");
        assert!(kept.session_removed_at.is_some());
        let sources = centre.reads.observables(&all(), &ObservableFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(sources.items.len(), 1);
        let leaves = "SELECT COUNT(*) AS n FROM audit_leaf WHERE action = 'sensor.retention'";
        assert_eq!(count(&db, leaves).await, 2, "one leaf for each night that removed something");
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM retention_count").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_night_can_be_cancelled_and_goes_on_after_a_crash() {
    testkit::each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        let trap = centre.sensor(1, org(1)).await;
        let events: Vec<_> = (0..450)
            .flat_map(|n| Attack::new(&format!("s{n}"), &format!("203.0.113.{}", n % 200 + 1), START).closes())
            .collect();
        centre.send(&trap, 1, 1, &events).await;
        clock.advance_secs(40 * DAY);
        retention::plan(&db, org(0), Realm::Real).await.unwrap();
        clock.advance_secs(DAY);
        // A worker that died left its claim behind.
        let dead = jobs::claim(&db, &[KIND]).await.unwrap().unwrap();
        assert_eq!(retention::work(&db, &keep(30, 30)).await.unwrap(), None, "its lease still holds");
        clock.advance_secs(jobs::LEASE_SECONDS + 1);
        // Somebody asks it to end: a running one ends with its step.
        let unit = store::Unit::new(store::Actor::System("test".into()), db.env().now());
        db.commit(jobs::cancel(unit, dead.id)).await.unwrap();
        retention::work(&db, &keep(30, 30)).await.unwrap();
        assert_eq!(jobs::get(&db, &all(), dead.id).await.unwrap().unwrap().state, State::Cancelled);
        assert_eq!(ids(&centre).await.len(), 450);
        clock.advance_secs(DAY);
        retention::plan(&db, org(0), Realm::Real).await.unwrap();
        clock.advance_secs(DAY);
        assert_eq!(retention::work(&db, &keep(30, 30)).await.unwrap(), Some(450 + 450 + 200));
        assert_eq!(ids(&centre).await.len(), 0);
        assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM attack_kept").await, 450);
        // Nothing for ever: markings that are kept are kept.
        clock.advance_secs(DAY);
        retention::plan(&db, org(0), Realm::Real).await.unwrap();
        clock.advance_secs(DAY);
        assert_eq!(retention::work(&db, &keep(0, 0)).await.unwrap(), Some(0));
    })
    .await;
}
