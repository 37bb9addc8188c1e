//! Guessing and spraying across sessions; noise, targeted and undecided.

use crate::support::{Attack, Centre, SCHEMA, org};
use base::{OrgId, Timestamp};
use events::sensor::{Aim, AttackClass, ValueKind};
use sensor::landscape::Landscape;
use sensor::model::{Observable, Session, SessionFilter};
use std::net::IpAddr;
use std::sync::Arc;
use store::page::Page;
use testkit::{START, all, each_db};

/// One named organisation and one known scanner.
#[derive(Debug)]
struct Land;

impl Landscape for Land {
    fn sector(&self, org: OrgId) -> Option<OrgId> {
        Some(org)
    }

    fn address_share(&self, _sector: OrgId) -> Option<f64> {
        None
    }

    fn benign(&self, address: IpAddr) -> Option<String> {
        (address == IpAddr::from([198, 51, 100, 200])).then(|| "Census".to_owned())
    }

    fn words(&self, org_id: OrgId) -> Vec<String> {
        if org_id == org(1) { sensor::aim::words_of(["north-power"].into_iter()) } else { Vec::new() }
    }
}

async fn sessions(centre: &Centre, source: &str) -> Vec<Session> {
    let filter = SessionFilter { source: Some(source.into()), ..SessionFilter::default() };
    centre.reads.sessions(&all(), &filter, &Page::first(100)).await.unwrap().items
}

async fn source(centre: &Centre, value: &str) -> Observable {
    centre.reads.observable(&all(), ValueKind::Ipv4, value, None).await.unwrap()
}

async fn bars(centre: &Centre) -> Vec<(AttackClass, u64)> {
    let bars = centre.reads.timeline(&all(), START, START.plus_secs(60)).await.unwrap();
    bars.iter().map(|bar| (bar.class, bar.sessions)).collect()
}

const SOURCE: &str = "203.0.113.7";

#[tokio::test]
async fn one_password_a_connection_is_guessing() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let (here, there) = (centre.sensor(1, org(1)).await, centre.sensor(2, org(2)).await);
        let one = |n: i64, at: Timestamp| {
            Attack::new(&format!("g{n}"), SOURCE, at).tries(&[("root", format!("pw{n}").as_str())]).closes()
        };
        // The same source elsewhere, and the day before, is another matter.
        centre.send(&there, 1, 1, &one(8, START)).await;
        centre.send(&here, 1, 1, &one(9, START.plus_secs(-86_400))).await;
        let mut seq = 4;
        for n in 0..2 {
            centre.send(&here, 1, seq, &one(n, START)).await;
            seq += 3;
        }
        assert!(sessions(&centre, SOURCE).await.iter().all(|s| s.class == AttackClass::CredentialSpray));
        assert_eq!(source(&centre, SOURCE).await.class, AttackClass::CredentialSpray);
        centre.send(&here, 1, seq, &one(2, START)).await;
        let all_of = |list: &[Session]| {
            let mut classes: Vec<_> = list.iter().map(|s| (s.opened_at, s.org, s.class)).collect();
            classes.sort_unstable();
            classes
        };
        let (guess, spray) = (AttackClass::CredentialGuessing, AttackClass::CredentialSpray);
        let early = START.plus_secs(-86_400);
        let wanted = vec![
            (early, org(1), spray),
            (START, org(1), guess),
            (START, org(1), guess),
            (START, org(1), guess),
            (START, org(2), spray),
        ];
        assert_eq!(all_of(&sessions(&centre, SOURCE).await), wanted);
        assert_eq!(bars(&centre).await, [(guess, 3), (spray, 1)], "the timeline follows");
        let told = source(&centre, SOURCE).await;
        assert_eq!((told.class, told.sessions), (guess, 5));
        let turned = sessions(&centre, SOURCE).await.into_iter().find(|s| s.class == guess).unwrap();
        let detail = centre.reads.session(&all(), turned.id).await.unwrap();
        assert_eq!(detail.reason.rule, "many-passwords-across-sessions");
        // Everything again, and a start in between: nothing moves.
        centre.restart().await;
        for n in 0..3 {
            centre.send(&here, 1, 4 + n as u64 * 3, &one(n, START)).await;
        }
        assert_eq!(all_of(&sessions(&centre, SOURCE).await), wanted);
        // One more connection of the cached, turned sessions' source keeps the answer.
        centre.send(&here, 1, seq + 3, &one(0, START)).await;
        assert_eq!(source(&centre, SOURCE).await.class, guess);
    })
    .await;
}

#[tokio::test]
async fn the_same_few_passwords_for_everybody_is_spraying() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        for (n, user) in (0_u64..).zip(["root", "admin", "pi"]) {
            let pairs = ["a", "b", "c"].map(|password| (user, password));
            let attack = Attack::new(user, SOURCE, START.plus_secs(n as i64 * -3_600)).tries(&pairs).closes();
            centre.send(&trap, 1, 1 + n * 5, &attack).await;
            let class = if n == 0 { AttackClass::CredentialGuessing } else { AttackClass::CredentialSpray };
            assert!(sessions(&centre, SOURCE).await.iter().all(|s| s.class == class), "after {user}");
        }
        assert_eq!(source(&centre, SOURCE).await.class, AttackClass::CredentialSpray);
        assert_eq!(bars(&centre).await, [(AttackClass::CredentialSpray, 1)]);
    })
    .await;
}

#[tokio::test]
async fn noise_targeted_and_undecided() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open_in(db, env, Arc::new(Land)).await;
        let mut traps = Vec::new();
        for number in 1..=6 {
            traps.push(centre.sensor(number, org(number)).await);
        }
        let guess = |name: &str, from: &str, password: &str| {
            Attack::new(name, from, START).tries(&[("root", password), ("admin", "b")]).closes()
        };
        for trap in &traps {
            centre.send(trap, 1, 1, &guess("n", "203.0.113.1", "123456")).await;
        }
        centre.send(&traps[0], 1, 5, &guess("t", "203.0.113.2", "NorthPower2026!")).await;
        centre.send(&traps[0], 1, 9, &guess("u", "203.0.113.3", "abc")).await;
        centre.send(&traps[1], 1, 5, &guess("o", "203.0.113.4", "NorthPower2026!")).await;
        centre.send(&traps[0], 1, 13, &guess("b", "198.51.100.200", "NorthPower2026!")).await;
        let answer = async |value: &str| {
            let told = source(&centre, value).await;
            (told.aim, told.aim_factors.iter().map(|factor| factor.name.clone()).collect::<Vec<_>>())
        };
        assert_eq!(answer("203.0.113.1").await, (Aim::Noise, vec!["breadth".to_owned(), "sectors".to_owned()]));
        let (aim, factors) = answer("203.0.113.2").await;
        assert_eq!(aim, Aim::Targeted);
        assert!(factors.contains(&"names".to_owned()), "{factors:?}");
        assert_eq!(answer("203.0.113.3").await.0, Aim::Undecided);
        assert_eq!(answer("203.0.113.4").await.0, Aim::Undecided, "another organisation's name says nothing here");
        let known = source(&centre, "198.51.100.200").await;
        assert_eq!((known.benign.as_deref(), known.aim), (Some("Census"), Aim::Undecided));
        assert!(known.score < 0.1, "scored down: {}", known.score);
        let campaigns = centre.reads.campaigns(&all(), &Page::default()).await.unwrap().items;
        assert!(campaigns.iter().all(|campaign| Aim::ALL.contains(&campaign.aim)), "{campaigns:?}");
    })
    .await;
}
