//! From a decision to a receipt, on both databases.

use base::{AddressScope, Coded, EventId, IndicatorId, Realm, Role, Tlp};
use edge::guard::Reason;
use edge::service::views::Status;
use edge::wire::config::MAX_PROTECTED;
use edge::wire::{Intent, ProtectedNet};
use edge::{DirectiveState, EdgeError, EndReason, RealmConfig, Refusal};
use events::intel::{IndicatorMoved, IndicatorState};
use events::sensor::ValueKind;
use events::{Envelope, Event};
use store::{Actor, Page};
use testkit::{all, each_db, each_db_at};
use uuid::Uuid;

use crate::world::{CENTRE, DAY, MEMBER, SCHEMA, World, canaries, duty, person, spec, world};

#[tokio::test]
async fn published_enforced_proved() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!(view.status, Status::Waiting);

        let first = w.deny("8.8.4.1").await;
        let second = w.deny("2a00:1450::1").await;
        let seen = w.edge.enforcement(&all(), second.id).await.unwrap();
        assert_eq!((seen[0].desired, seen[0].enforced, seen[0].since), (true, false, None));

        agent.apply(&w).await;
        assert_eq!(agent.denies(), ["8.8.4.1", "2a00:1450::1"]);
        let seen = w.edge.enforcement(&all(), second.id).await.unwrap();
        assert!(seen[0].enforced && seen[0].read_back && seen[0].probed);
        assert_eq!((seen[0].since, seen[0].needed_sequence), (Some(w.now()), Some(2)));
        let began = w.now();
        clock.advance_secs(5);
        w.deny("8.8.4.2").await;
        assert_eq!(w.edge.point(&all(), agent.id()).await.unwrap().status, Status::Behind);
        agent.apply(&w).await;
        let view = w.edge.point(&all(), agent.id()).await.unwrap();
        assert_eq!((view.status, view.since, view.desired_entries), (Status::Proved, Some(began), 3));
        assert_eq!(view.differs, []);
        assert_eq!(w.edge.enforcement(&all(), second.id).await.unwrap()[0].since, Some(began), "the first receipt");

        w.edge.withdraw(&duty(1), first.id).await.unwrap();
        agent.apply(&w).await;
        assert_eq!(agent.denies(), ["8.8.4.2", "2a00:1450::1"]);
        let seen = w.edge.enforcement(&all(), first.id).await.unwrap();
        assert_eq!((seen[0].desired, seen[0].enforced), (false, false));
        clock.advance_secs(61);
        assert_eq!(w.edge.point(&all(), agent.id()).await.unwrap().status, Status::Silent);
        assert!(!w.edge.enforcement(&all(), second.id).await.unwrap()[0].enforced, "a silent point proves nothing");
        assert_eq!(w.events("edge.directive_issued").await, 3);
        assert_eq!(w.events("edge.directive_ended").await, 1);
        assert_eq!(w.events("edge.receipt_arrived").await, 3);
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn wide_blocks_wait_for_a_second_person() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let held = w.edge.issue(&duty(1), w.ask("8.8.4.0/22", Intent::Deny)).await.unwrap();
        assert_eq!(held.state, DirectiveState::Held);
        agent.sync(&w).await;
        assert!(agent.denies().is_empty());
        assert_eq!(w.events("edge.directive_issued").await, 0);
        let own = w.edge.approve(&duty(1), held.id).await.unwrap_err();
        assert_eq!(own.problem().code.id, "LF-ACC-0005");
        let tier1 = w.edge.approve(&person(3, Role::Tier1, CENTRE), held.id).await.unwrap_err();
        assert_eq!(tier1.problem().code.http, 403);
        let queue = w.edge.directives(&all(), DirectiveState::Held, &Page::first(10)).await.unwrap();
        assert_eq!(queue.items.len(), 1);
        let active = w.edge.approve(&duty(2), held.id).await.unwrap();
        assert_eq!(active.state, DirectiveState::Active);
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["8.8.4.0/22"]);
        assert!(matches!(w.edge.approve(&duty(2), held.id).await, Err(EdgeError::Refused(Refusal::WrongState(_)))));

        let declined = w.edge.issue(&duty(1), w.ask("8.8.8.0/22", Intent::Deny)).await.unwrap();
        let declined = w.edge.decline(&duty(1), declined.id).await.unwrap();
        assert_eq!(declined.end_reason, Some(EndReason::Declined));
        assert_eq!(w.events("edge.directive_ended").await, 0, "it never was in force");
        // Who may block for one organisation steers its points, not everybody's; even less an exception.
        let theirs = edge::desk::directive::Ask { org: MEMBER, ..w.ask("8.8.9.9", Intent::Allow) };
        let narrow = w.edge.issue(&person(5, Role::DutyOfficer, MEMBER), theirs.clone()).await.unwrap();
        assert_eq!(narrow.scope, AddressScope::Org(MEMBER));
        let wide = edge::desk::directive::Ask { key: spec("8.8.9.10"), ..theirs };
        assert_eq!(w.edge.issue(&duty(1), wide).await.unwrap().scope, AddressScope::Global);
        let member = w.edge.issue(&person(4, Role::Member, MEMBER), w.ask("8.8.8.8", Intent::Deny)).await.unwrap_err();
        assert!(member.problem().code.http == 403 || member.problem().code.http == 404);
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_bad_feed_blocks_nothing_protected() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let own = ProtectedNet { net: spec("61.64.0.0/16"), why: "own".into() };
        let config = RealmConfig { protected: vec![own], ..RealmConfig::default() };
        w.edge.set_config(&person(1, Role::Administrator, CENTRE), config).await.unwrap();
        let bad = [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "61.64.3.4",
            "61.0.0.0/8",
            "::/0",
            "::ffff:10.1.2.3",
            "203.0.113.9",
            "192.168.1.1",
            "127.0.0.1",
            "2001:db8::1",
            "fe80::1",
            "224.0.0.1",
            "61.64.0.0/15",
        ];
        for text in bad {
            let refusal = w.edge.issue_automatic(w.ask(text, Intent::Deny)).await.unwrap_err();
            assert_eq!(refusal.problem().code.id, "LF-EDG-0102", "{text}");
        }
        assert_eq!(w.leaves("edge.issue", "refused").await, bad.len() as i64);
        let mixed = vec![w.ask("10.0.0.1", Intent::Deny), w.ask("8.8.4.4", Intent::Deny)];
        let issued = w.edge.issue_list(&duty(1), mixed).await.unwrap();
        assert!(issued[0].is_err() && issued[1].is_ok());
        let list = w.edge.block_list(&all(), CENTRE).await.unwrap();
        assert_eq!(list.lines(), "8.8.4.4\n");
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_network_that_becomes_protected_ends_its_blocks() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let inside = w.deny("61.64.3.4").await;
        let around = w.deny("61.64.3.0/24").await;
        w.deny("61.65.0.1").await;
        agent.apply(&w).await;
        let own = ProtectedNet { net: spec("61.64.3.0/26"), why: "critical infrastructure: power".into() };
        let config = RealmConfig { protected: vec![own.clone()], canaries: canaries(), ..RealmConfig::default() };
        w.edge.set_config(&person(1, Role::Administrator, CENTRE), config).await.unwrap();
        for id in [inside.id, around.id] {
            assert_eq!(w.edge.directive(&all(), id).await.unwrap().end_reason, Some(EndReason::Guard));
        }
        agent.apply(&w).await;
        assert_eq!(agent.denies(), ["61.65.0.1"]);
        let told = &agent.replica.config().unwrap().config;
        assert_eq!((&told.protected, &told.canaries, told.allow_documentation), (&vec![own], &canaries(), false));
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn allow_beats_deny_while_it_lasts() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        for key in ["8.8.4.1", "8.8.4.0/24", "8.8.5.1"] {
            w.deny(key).await;
        }
        let mut allow = w.ask("8.8.4.0/25", Intent::Allow);
        allow.expires = w.now().plus_secs(3_600);
        w.edge.issue(&duty(1), allow).await.unwrap();
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["8.8.5.1"], "equality, subtree and ancestor");
        assert_eq!(agent.keys(Intent::Allow), ["8.8.4.0/25"]);
        w.deny("8.8.4.9").await;
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["8.8.5.1"], "also what comes later");
        assert_eq!(w.edge.block_list(&all(), CENTRE).await.unwrap().lines(), "8.8.5.1\n");
        w.sound().await;
        clock.advance_secs(3_600);
        assert_eq!(w.edge.expire_due(w.now()).await.unwrap(), 1);
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["8.8.4.1", "8.8.4.9", "8.8.5.1", "8.8.4.0/24"], "the blocks come back");
        assert!(agent.keys(Intent::Allow).is_empty());
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn everything_ends() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let short = w.deny("8.8.4.1").await;
        let mut longer = w.ask("8.8.4.1", Intent::Deny);
        longer.expires = w.now().plus_secs(2 * DAY);
        let longer = w.edge.issue_automatic(longer).await.unwrap();
        agent.sync(&w).await;
        assert_eq!(agent.entries()[0].directive, longer.id, "the one that lasts longest stands there");
        let renewed = w.edge.renew(&duty(1), short.id, w.now().plus_secs(3 * DAY)).await.unwrap();
        agent.sync(&w).await;
        assert_eq!((agent.entries()[0].directive, agent.entries()[0].expires), (short.id, renewed.expires));
        clock.advance_secs(2 * DAY);
        assert_eq!(w.edge.expire_due(w.now()).await.unwrap(), 1);
        assert_eq!(w.edge.block_list(&all(), CENTRE).await.unwrap().keys.len(), 1);
        clock.advance_secs(DAY);
        assert!(w.edge.block_list(&all(), CENTRE).await.unwrap().keys.is_empty(), "also before it is swept");
        assert_eq!(w.edge.expire_due(w.now()).await.unwrap(), 1);
        agent.sync(&w).await;
        assert!(agent.entries().is_empty());
        assert_eq!(w.edge.expire_due(w.now()).await.unwrap(), 0);
        w.sound().await;
        const ENDLESS: &str = "INSERT INTO edge_directive (id, org_id, realm, tlp, scope, audience, value, lo, hi, \
            host, intent, impact, state, provenance, reason, verdicts, issued, expires, version, live, due) SELECT $1, org_id, \
            realm, tlp, scope, audience, value, lo, hi, host, intent, impact, state, provenance, reason, verdicts, \
            issued, NULL, version, live, due FROM edge_directive WHERE id = $2";
        let id: base::DirectiveId = w.env.id();
        let unit = store::Unit::new(Actor::Stranger, w.now()).exec(ENDLESS, store::params![id, short.id]);
        assert!(w.db.commit(unit).await.is_err(), "no row without an end");
    })
    .await;
}

fn moved(w: &World, indicator: u128, to: IndicatorState, days: i64) -> Envelope {
    Envelope {
        id: w.env.id::<EventId>(),
        org: MEMBER,
        realm: Realm::Real,
        tlp: Tlp::Amber,
        at: w.now(),
        event: Event::IndicatorMoved(IndicatorMoved {
            indicator: IndicatorId(Uuid::from_u128(indicator)),
            value_kind: ValueKind::Ipv4,
            value: "8.8.4.77".into(),
            scope: AddressScope::Global,
            from: Some(IndicatorState::Approved),
            to,
            score: 0.91,
            valid_until: w.now().plus_secs(days * DAY),
            automatic: true,
        }),
    }
}

#[tokio::test]
async fn indicators_become_blocks_once_and_lose_them_at_once() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let id = IndicatorId(Uuid::from_u128(7));
        let published = moved(&w, 7, IndicatorState::Published, 30);
        for _ in 0..3 {
            w.edge.react_now(&published).await.unwrap();
        }
        let made = w.edge.directives_of(&all(), id).await.unwrap();
        assert_eq!(made.len(), 1, "at least once is once");
        assert_eq!(made[0].expires, w.now().plus_secs(7 * DAY), "never longer than seven days");
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["8.8.4.77"], "what one member saw protects all");
        clock.advance_secs(DAY);
        w.edge.react_now(&moved(&w, 7, IndicatorState::Published, 30)).await.unwrap();
        let renewed = w.edge.directives_of(&all(), id).await.unwrap();
        assert_eq!((renewed.len(), renewed[0].expires), (1, w.now().plus_secs(7 * DAY)));
        w.edge.react_now(&moved(&w, 7, IndicatorState::Revoked, 30)).await.unwrap();
        agent.sync(&w).await;
        assert!(agent.denies().is_empty());
        w.edge.react_now(&published).await.unwrap();
        agent.sync(&w).await;
        assert!(agent.denies().is_empty(), "an old event does not block again");
        let mut protected = moved(&w, 8, IndicatorState::Published, 1);
        if let Event::IndicatorMoved(moved) = &mut protected.event {
            moved.value = "192.168.0.1".into();
        }
        w.edge.react_now(&protected).await.unwrap();
        assert!(w.edge.directives_of(&all(), IndicatorId(Uuid::from_u128(8))).await.unwrap().is_empty());
        assert_eq!(w.leaves("edge.issue", "refused").await, 1);
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn what_was_decided_before_a_network_became_protected_is_decided_again() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let net = ProtectedNet { net: spec("8.8.4.0/24"), why: "critical infrastructure: power".into() };
        let published = moved(&w, 7, IndicatorState::Published, 1);
        // The automatic path commits its unit with the cursor of the outbox, some time after it decided.
        let decided = w.edge.react(&published).await.unwrap();
        let add = |present: &[ProtectedNet]| [present, std::slice::from_ref(&net)].concat();
        w.edge.set_protected_as(Actor::Stranger, Realm::Real, add).await.unwrap();
        let late = w.db.commit(decided).await;
        assert!(matches!(late, Err(store::StoreError::Conflict(_))), "{late:?}");
        w.edge.react_now(&published).await.unwrap();
        assert!(w.edge.directives_of(&all(), IndicatorId(Uuid::from_u128(7))).await.unwrap().is_empty());
        assert_eq!(w.leaves("edge.issue", "refused").await, 1);
        agent.sync(&w).await;
        assert!(agent.denies().is_empty());
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn blocks_that_come_while_a_network_becomes_protected_are_seen() {
    each_db(SCHEMA, |db, env| async move {
        // Two services on one database, as two nodes would be: neither waits for the other's decisions.
        let (one, two) = (world(db.clone(), env.clone(), false), world(db, env, false));
        for n in 0..24 {
            let net = ProtectedNet { net: spec(&format!("9.{n}.0.0/16")), why: "own".into() };
            let add = |present: &[ProtectedNet]| [present, std::slice::from_ref(&net)].concat();
            let ask = two.ask(&format!("9.{n}.0.1"), Intent::Deny);
            let (told, issued) = tokio::join!(
                one.edge.set_protected_as(Actor::Stranger, Realm::Real, add),
                two.edge.issue_automatic(ask)
            );
            told.unwrap();
            if let Ok(issued) = issued {
                let now = two.edge.directive(&all(), issued.id).await.unwrap();
                assert_eq!(now.end_reason, Some(EndReason::Guard), "round {n}");
            }
        }
        one.sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_surge_is_held_and_its_approval_thaws() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let asks = (0..600).map(|n| w.ask(&format!("9.0.{}.{}", n / 250, n % 250), Intent::Deny)).collect();
        let issued = w.edge.issue_list(&duty(1), asks).await.unwrap();
        let held: Vec<_> =
            issued.iter().flatten().filter(|directive| directive.state == DirectiveState::Held).collect();
        assert_eq!(held.len(), 100, "the floor of 500 is free, the rest waits");
        let why = held[0].verdicts.last().unwrap().reason.clone().unwrap();
        assert!(matches!(why, Reason::Surge { adds: 501, most: 500, .. }));
        w.edge.approve(&duty(2), held[0].id).await.unwrap();
        let row = w.edge.config(Realm::Real).await.unwrap();
        assert_eq!(row.thaw_until, Some(w.now().plus_secs(600)));
        assert_eq!(w.deny("9.1.0.1").await.state, DirectiveState::Active, "a person accepted the surge");
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn a_first_import_is_accepted_in_advance() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        let asks = |from: u32| {
            let key = move |n: u32| format!("9.0.{}.{}", (from + n) / 250, (from + n) % 250);
            (0..600).map(|n| w.ask(&key(n), Intent::Deny)).collect::<Vec<_>>()
        };
        assert!(w.edge.thaw_all(&person(3, Role::Tier2, CENTRE), w.now().plus_secs(60)).await.is_err());
        w.edge.thaw_all(&duty(1), w.now().plus_secs(DAY)).await.unwrap();
        let issued = w.edge.issue_list(&duty(1), asks(0)).await.unwrap();
        assert!(issued.iter().flatten().all(edge::Directive::is_active));
        agent.sync(&w).await;
        let until = agent.replica.config().unwrap().config.thaw_until;
        assert_eq!(until, Some(w.now().plus_secs(3_600)), "one hour at most, and the point knows");
        clock.advance_secs(3_601);
        let issued = w.edge.issue_list(&duty(1), asks(600)).await.unwrap();
        assert_eq!(issued.iter().flatten().filter(|directive| !directive.is_active()).count(), 100);
        w.sound().await;
    })
    .await;
}

#[tokio::test]
async fn protected_networks_change_without_the_rest() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, false);
        let net = |text: &str, why: &str| ProtectedNet { net: spec(text), why: why.into() };
        let inside = w.deny("61.64.3.4").await;
        let by_hand = net("9.9.9.0/24", "own");
        let config = RealmConfig { protected: vec![by_hand.clone()], canaries: canaries(), ..RealmConfig::default() };
        w.edge.set_config(&person(1, Role::Administrator, CENTRE), config.clone()).await.unwrap();
        let more = net("61.64.3.0/26", "critical infrastructure: power");
        let add = |present: &[ProtectedNet]| [present, std::slice::from_ref(&more)].concat();
        w.edge.set_protected_as(Actor::Stranger, Realm::Real, add).await.unwrap();
        let row = w.edge.config(Realm::Real).await.unwrap();
        assert_eq!(row.config, RealmConfig { protected: vec![by_hand.clone(), more.clone()], ..config });
        assert_eq!(w.edge.directive(&all(), inside.id).await.unwrap().end_reason, Some(EndReason::Guard));
        w.edge.set_protected_as(Actor::Stranger, Realm::Real, <[_]>::to_vec).await.unwrap();
        let many = |_: &[ProtectedNet]| vec![by_hand.clone(); MAX_PROTECTED + 1];
        let refused = w.edge.set_protected_as(Actor::Stranger, Realm::Real, many).await.unwrap_err();
        assert!(matches!(refused, EdgeError::Refused(_)), "{refused:?}");
        // Within the number and too long for a line: a point would refuse it, and the kill switch that comes with it.
        let long = |_: &[ProtectedNet]| vec![net("203.0.113.128/25", "registry: own network of MINISTRY"); 60_000];
        let refused = w.edge.set_protected_as(Actor::Stranger, Realm::Real, long).await.unwrap_err();
        assert_eq!(refused.problem().code.id, "LF-EDG-0110");
        let long = RealmConfig { protected: long(&[]), ..RealmConfig::default() };
        let refused = w.edge.set_config(&person(1, Role::Administrator, CENTRE), long).await.unwrap_err();
        assert_eq!(refused.problem().code.id, "LF-EDG-0110");
        assert_eq!(w.edge.config(Realm::Real).await.unwrap(), row, "neither nothing new nor too much is written");
    })
    .await;
}

#[tokio::test]
async fn a_demonstration_blocks_documentation_networks() {
    each_db(SCHEMA, |db, env| async move {
        let w = world(db, env, true);
        let mut agent = w.point("border", CENTRE, Realm::Real).await;
        w.deny("203.0.113.7").await;
        assert!(w.edge.issue_automatic(w.ask("10.0.0.1", Intent::Deny)).await.is_err());
        agent.sync(&w).await;
        assert_eq!(agent.denies(), ["203.0.113.7"]);
        assert!(agent.replica.config().unwrap().config.allow_documentation);
    })
    .await;
}

#[tokio::test]
async fn decisions_of_two_nodes_do_not_undo_each_other() {
    each_db(SCHEMA, |db, env| async move {
        // Two services on one database, as two nodes would be: each has its own queue of decisions.
        let (one, two) = (world(db.clone(), env.clone(), false), world(db, env, false));
        let deny = |w: World, base: u8| async move {
            for n in 0..20 {
                w.deny(&format!("9.{base}.0.{n}")).await;
            }
        };
        let allow = |w: World| async move {
            for n in 0..10 {
                w.edge.issue(&duty(1), w.ask(&format!("9.1.0.{n}"), Intent::Allow)).await.unwrap();
            }
        };
        tokio::join!(deny(one.clone(), 1), deny(two.clone(), 2), allow(two.clone()));
        let mut agent = one.point("border", CENTRE, Realm::Real).await;
        agent.sync(&one).await;
        assert_eq!(agent.denies().len(), 30);
        one.sound().await;
    })
    .await;
}
