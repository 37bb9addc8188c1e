//! What points are told and what they say: audiences, kill switches, streams, receipts; on both databases.

use base::{AddressScope, Coded, Realm, Role, Tlp};
use edge::service::views::{Difference, Status};
use edge::wire::{Drift, EdgeHeartbeat, Intent, Probe, SetDigest};
use edge::{EdgeError, RealmConfig, Standing};
use std::time::Duration;
use store::{Actor, Page};
use testkit::{all, each_db, each_db_at};
use uuid::Uuid;

use crate::world::{CENTRE, DAY, MEMBER, SCHEMA, duty, person, world};

#[tokio::test]
async fn kill_switches_are_told_and_audited() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        w.deny("8.8.4.1").await;
        agent.apply(&w).await;
        let killed = |agent: &crate::world::Agent| agent.replica.config().unwrap().config.kill;
        assert!(w.edge.kill_all(&person(3, Role::Tier2, CENTRE), true).await.is_err());
        w.edge.kill_all(&duty(1), true).await.unwrap();
        w.edge.kill_all(&duty(1), true).await.unwrap();
        agent.sync(&w).await;
        assert!(killed(&agent));
        let list = w.edge.block_list(&all(), CENTRE).await.unwrap();
        assert!(list.kill && list.keys.is_empty());
        w.edge.kill_all(&duty(1), false).await.unwrap();
        w.edge.kill_point(&duty(1), agent.id(), true).await.unwrap();
        agent.sync(&w).await;
        assert!(killed(&agent));
        let mut receipt = agent.receipt(&w);
        receipt.kill = true;
        w.edge.receipt(agent.id(), receipt).await.unwrap();
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!((view.status, view.differs), (Status::Trouble, vec![Difference::Killed]));
        w.edge.kill_point(&duty(1), agent.id(), false).await.unwrap();
        agent.sync(&w).await;
        assert!(!killed(&agent));
        assert_eq!(w.leaves("edge.kill", "done").await, 4);
        assert_eq!(w.events("edge.kill_switched").await, 4);
    })
    .await;
}

#[tokio::test]
async fn audiences_and_realms_do_not_mix() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut ours = w.point("ours", CENTRE, Realm::Real).await;
        let mut theirs = w.point("theirs", MEMBER, Realm::Real).await;
        let drill = Realm::Drill(Uuid::from_u128(77));
        let mut exercise = w.point("exercise", CENTRE, drill).await;
        let ask = |key: &str, tlp, scope| edge::desk::directive::Ask { tlp, scope, ..w.ask(key, Intent::Deny) };
        let member = AddressScope::Org(MEMBER);
        w.edge.issue_automatic(ask("8.8.4.1", Tlp::Amber, AddressScope::Global)).await.unwrap();
        w.edge.issue_automatic(ask("8.8.4.2", Tlp::Red, AddressScope::Global)).await.unwrap();
        w.edge.issue_automatic(ask("8.8.4.3", Tlp::Green, member)).await.unwrap();
        let mut pretend = w.ask("8.8.4.4", Intent::Deny);
        pretend.realm = drill;
        w.edge.issue_automatic(pretend).await.unwrap();
        for agent in [&mut ours, &mut theirs, &mut exercise] {
            agent.sync(&w).await;
        }
        assert_eq!(ours.denies(), ["8.8.4.1", "8.8.4.2"]);
        assert_eq!(theirs.denies(), ["8.8.4.1", "8.8.4.3"]);
        assert_eq!(exercise.denies(), ["8.8.4.4"], "no drill leaves its realm, nothing real enters it");

        // The same key for everybody and for one organisation: it stands once, and survives the first to end.
        let wide = w.edge.issue_automatic(ask("8.8.4.3", Tlp::Green, AddressScope::Global)).await.unwrap();
        for agent in [&mut ours, &mut theirs] {
            agent.sync(&w).await;
        }
        assert_eq!((ours.denies().len(), theirs.denies().len()), (3, 2));
        w.edge.withdraw(&duty(1), wide.id).await.unwrap();
        for agent in [&mut ours, &mut theirs] {
            agent.sync(&w).await;
        }
        assert_eq!(ours.denies(), ["8.8.4.1", "8.8.4.2"]);
        assert_eq!(theirs.denies(), ["8.8.4.1", "8.8.4.3"]);
        assert_eq!(w.edge.block_list(&all(), MEMBER).await.unwrap().lines(), "8.8.4.1\n8.8.4.3\n");
        // What is RED is denied where it applies, and is in no list that is handed out as text.
        assert_eq!(w.edge.block_list(&all(), CENTRE).await.unwrap().lines(), "8.8.4.1\n");
        let stranger = testkit::clearance(MEMBER, Tlp::Amber, Tlp::Clear);
        assert!(w.edge.points(&stranger, &Page::first(10)).await.unwrap().items.is_empty());
        assert!(matches!(w.edge.point(&stranger, ours.id()).await, Err(EdgeError::NotThere)));
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn large_sets_come_in_parts_and_old_points_get_a_snapshot() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let limits = edge::wire::ChangeLimits { floor: 20_000, ..edge::wire::ChangeLimits::default() };
        let config = RealmConfig { limits, ..RealmConfig::default() };
        w.edge.set_config_as(Actor::Stranger, Realm::Real, config).await.unwrap();
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let mut early = w.point("early", CENTRE, Realm::Real).await;
        w.deny("8.8.4.1").await;
        early.sync(&w).await;
        let asks = (0..5_000).map(|n| w.ask(&format!("9.0.{}.{}", n / 250, n % 250), Intent::Deny)).collect();
        w.edge.issue_list(&duty(1), asks).await.unwrap();
        assert_eq!(agent.sync(&w).await, 2, "a snapshot in two parts");
        assert_eq!(early.sync(&w).await, 2, "a difference in two parts");
        assert_eq!(agent.replica.mark(), early.replica.mark());
        assert_eq!(agent.entries().len(), 5_001);
        clock.advance_secs(8 * DAY);
        w.edge.expire_due(w.now()).await.unwrap();
        w.deny("8.8.4.2").await;
        clock.advance_secs(8 * DAY);
        w.edge.forget_old(w.now()).await.unwrap();
        let mut fresh = w.ask("8.8.4.3", Intent::Deny);
        fresh.expires = w.now().plus_secs(60);
        w.edge.issue_automatic(fresh).await.unwrap();
        let frames = w.edge.frames_since(agent.id(), agent.replica.mark().sequence).await.unwrap();
        assert!(frames[0].snapshot, "the log does not reach back so far");
        agent.take(&frames, w.now());
        assert_eq!(agent.denies(), ["8.8.4.2", "8.8.4.3"]);
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn streams_wake_at_once() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let mut cursor = w.edge.open_stream(agent.id(), 0);
        agent.take(&w.edge.next_frames(&mut cursor).await.unwrap(), w.now());
        let issuer = w.clone();
        let issuing = tokio::spawn(async move { issuer.deny("8.8.4.1").await });
        let soon = tokio::time::timeout(Duration::from_secs(5), w.edge.next_frames(&mut cursor));
        let frames = soon.await.expect("long before the quiet interval ends").unwrap();
        issuing.await.unwrap();
        agent.take(&frames, w.now());
        assert_eq!((agent.denies(), cursor.sequence()), (vec!["8.8.4.1".to_owned()], 1));
        w.edge.kill_point(&duty(1), agent.id(), true).await.unwrap();
        agent.take(&w.edge.next_frames(&mut cursor).await.unwrap(), w.now().plus_secs(1));
        assert!(agent.replica.config().unwrap().config.kill);
        w.edge.revoke_point(&person(1, Role::PlatformEngineer, CENTRE), agent.id()).await.unwrap();
        assert!(matches!(w.edge.next_frames(&mut cursor).await, Err(EdgeError::Revoked)));
        assert!(matches!(w.edge.admit_point(agent.id(), "0a").await, Err(EdgeError::Revoked)));
    })
    .await;
}

#[tokio::test]
async fn clocks_that_step_back_and_restarts_stop_nothing() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let right = w.now();
        // The centre's clock runs an hour ahead; the point's is right, and far enough away that it refuses.
        clock.advance_secs(3_600);
        w.deny("8.8.4.1").await;
        let mut cursor = w.edge.open_stream(agent.id(), 0);
        let ahead = w.edge.next_frames(&mut cursor).await.unwrap();
        let refused = agent.replica.accept(&ahead[0], right).unwrap_err();
        assert_eq!(refused.problem().code.id, "LF-EDG-0009");
        agent.take(&ahead, w.now());

        // It is set right. What comes on the same stream, on a new one, and from a centre that was started again is
        // taken at once, changes as well as the word that nothing is newer.
        clock.set(right);
        w.deny("8.8.4.2").await;
        let change = w.edge.next_frames(&mut cursor).await.unwrap();
        agent.take(&change, right);
        assert_eq!(agent.denies(), ["8.8.4.1", "8.8.4.2"]);
        let word = w.edge.frames_since(agent.id(), 2).await.unwrap();
        agent.take(&word, right);
        assert_eq!(agent.replica.fresh_until(), Some(right.plus_secs(120)));
        clock.set(right.plus_secs(-60));
        let again = world(w.db.clone(), w.env.clone(), false);
        agent.sync(&again).await;
        assert_eq!(agent.replica.fresh_until(), Some(right.plus_secs(60)));
        // The order is the centre's own, so that its earlier words stay what they were: replays.
        for old in [&word[0], &change[0], &ahead[0]] {
            let code = agent.replica.accept(old, right).unwrap_err().problem().code.id;
            assert!(["LF-EDG-0004", "LF-EDG-0005", "LF-EDG-0009"].contains(&code), "{code}");
        }
        assert_eq!(agent.replica.accept(&word[0], right).unwrap_err(), edge::wire::FrameRefusal::Replay);
    })
    .await;
}

#[tokio::test]
async fn receipts_are_compared_not_believed() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let directive = w.deny("8.8.4.1").await;
        agent.sync(&w).await;
        let good = agent.receipt(&w);
        let say = async |change: &dyn Fn(&mut edge::wire::Receipt)| {
            let mut receipt = good.clone();
            change(&mut receipt);
            w.edge.receipt(good.point, receipt).await
        };
        let bad = say(&|r| r.sequence = 2).await.unwrap_err();
        assert_eq!(bad.problem().code.id, "LF-EDG-0107");
        let other = base::PointId(Uuid::from_u128(99));
        assert!(w.edge.receipt(other, good.clone()).await.is_err());
        assert!(say(&|r| r.read_back.wrong = vec![String::new(); 1_001]).await.is_err());

        let lying = say(&|r| r.digest = SetDigest::from_bytes([7; 32])).await.unwrap();
        assert_eq!(lying.last.unwrap().standing, Standing::Differs);
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!((view.status, view.differs), (Status::Trouble, vec![Difference::Digest]));
        assert!(!w.edge.enforcement(&all(), directive.id).await.unwrap()[0].enforced);

        let torn = Drift { missing: 3, extra: 1, repaired: false };
        say(&|r| r.drift = Some(torn)).await.unwrap();
        say(&|r| r.drift = Some(torn)).await.unwrap();
        assert_eq!(w.events("edge.drift_found").await, 1);
        say(&|r| r.drift = Some(Drift { repaired: true, ..torn })).await.unwrap();
        assert_eq!(w.events("edge.drift_found").await, 2);
        say(&|r| r.probe = Probe::Failed { why: "no route".into() }).await.unwrap();
        assert_eq!(w.edge.point(&all(), agent.id()).await.unwrap().differs, [Difference::Probe,]);
        say(&|_| ()).await.unwrap();
        assert_eq!(w.edge.point(&all(), agent.id()).await.unwrap().status, Status::Proved);

        // The interruption counts: it is enforced only since the receipt after the last contradiction.
        assert_eq!(w.edge.enforcement(&all(), directive.id).await.unwrap()[0].since, None, "all at one moment");
        clock.advance_secs(1);
        say(&|r| r.kill = true).await.unwrap();
        clock.advance_secs(1);
        say(&|_| ()).await.unwrap();
        let seen = w.edge.enforcement(&all(), directive.id).await.unwrap();
        assert_eq!((seen[0].since, seen[0].since_exact, seen[0].enforced), (Some(w.now()), true, true));

        // An older receipt that comes late is compared with the state of its own sequence.
        w.deny("8.8.4.2").await;
        say(&|_| ()).await.unwrap();
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!((view.status, view.differs), (Status::Behind, vec![Difference::Behind { applied: 1, desired: 2 }]));

        let listed = w.edge.receipts(&all(), agent.id(), &Page::first(3)).await.unwrap();
        assert_eq!(listed.items.len(), 3);
        let next = Page { after: listed.next, limit: 100 };
        assert_eq!(w.edge.receipts(&all(), agent.id(), &next).await.unwrap().items.len(), 4, "only what was new");

        clock.advance_secs(2);
        let beat = EdgeHeartbeat {
            point: agent.id(),
            at: w.now().plus_secs(60),
            version: "0.1.0".into(),
            driver: "nft".into(),
            started_at: w.now(),
            sequence: 1,
            elements: 1,
            fresh_until: None,
            kill: false,
            trouble: Some("x".repeat(900)),
        };
        w.edge.heartbeat(agent.id(), beat).await.unwrap();
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!((view.clock_offset_us, view.seen_at), (Some(60_000_000), Some(w.now())));
        assert_eq!(view.heartbeat.unwrap().trouble.unwrap().len(), 500);
        assert!(view.differs.contains(&Difference::Clock { offset_us: 60_000_000 }));
    })
    .await;
}
