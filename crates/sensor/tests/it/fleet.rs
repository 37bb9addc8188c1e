//! Sensors join, speak, fall silent and are revoked.

use crate::support::{Attack, Centre, SCHEMA, org};
use access::{Action, Caller, Grant, Who};
use base::papers::Paper;
use base::{Realm, SensorId, Tlp};
use sensor::SensorError;
use sensor::fleet::Enrolment;
use sensor::model::SensorState;
use sensor::wire::{Heartbeat, Probe};
use store::{Actor, Db, StoreError, SystemKey, Unit, params};
use testkit::{START, all, each_db, each_db_at};
use uuid::Uuid;

async fn kinds(db: &Db) -> Vec<String> {
    let rows = db.system_read(SystemKey::of("test"), "SELECT kind FROM outbox ORDER BY seq", vec![]).await.unwrap();
    rows.iter().map(|row| row.get("kind").unwrap()).collect()
}

#[tokio::test]
async fn the_life_of_a_sensor() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let mut centre = Centre::open(db.clone(), env.clone()).await;
        let trap = centre.sensor(1, org(1)).await;
        let state = async |centre: &Centre| centre.fleet.get(&all(), trap.sensor).await.unwrap().state;
        assert_eq!(state(&centre).await, SensorState::Enrolled);
        let beat = |ok| Heartbeat {
            version: "0.1.0".into(),
            clock_micros: env.now().as_micros(),
            probes: vec![Probe { listener: "ssh:2222".into(), ok, banner_sha256: String::new(), took_ms: 1 }],
            ..Heartbeat::default()
        };
        centre.fleet.heartbeat(&trap, beat(true)).await.unwrap();
        assert_eq!(state(&centre).await, SensorState::Healthy);
        centre.fleet.heartbeat(&trap, beat(false)).await.unwrap();
        assert_eq!(state(&centre).await, SensorState::Impaired);
        // A session every ten seconds for an hour teaches the rhythm.
        let mut seq = 1;
        for minute in 0..60 {
            let events: Vec<_> =
                (0..6).flat_map(|n| Attack::new(&format!("{minute}-{n}"), "203.0.113.7", env.now()).closes()).collect();
            centre.send(&trap, 1, seq, &events).await;
            seq += events.len() as u64;
            clock.advance_secs(60);
            centre.fleet.heartbeat(&trap, beat(true)).await.unwrap();
            centre.fleet.watch().await.unwrap();
        }
        let row = centre.fleet.get(&all(), trap.sensor).await.unwrap();
        assert!((row.rate - 0.1).abs() < 0.01, "{}", row.rate);
        assert_eq!(row.state, SensorState::Healthy);
        clock.advance_secs(300);
        centre.fleet.heartbeat(&trap, beat(true)).await.unwrap();
        assert_eq!(centre.fleet.watch().await.unwrap(), 1);
        assert_eq!(centre.fleet.watch().await.unwrap(), 0, "told once");
        assert_eq!(state(&centre).await, SensorState::Silent);
        clock.advance_secs(91);
        assert_eq!(centre.fleet.watch().await.unwrap(), 1);
        assert_eq!(state(&centre).await, SensorState::Missing);
        let told = kinds(&db).await;
        assert_eq!(told.iter().filter(|kind| *kind == "sensor.went_silent").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_sensor_is_not_admitted_and_cannot_renew() {
    each_db(SCHEMA, |db, env| async move {
        let centre = Centre::open(db.clone(), env.clone()).await;
        let trap = centre.sensor(1, org(1)).await;
        assert!(
            matches!(centre.fleet.admit(trap.sensor, "ff").await, Err(SensorError::Revoked)),
            "another certificate"
        );
        let person = |of: u128, actions: Vec<Action>| {
            let who = Who::Token { id: base::TokenId(Uuid::from_u128(of)) };
            Caller::mint(who, org(of), org(0), vec![Grant::of_scopes(actions, org(of), [])], Realm::Real, Tlp::Red)
        };
        let stranger = centre.fleet.revoke(&person(2, vec![Action::ManageSensors]), trap.sensor).await;
        assert!(matches!(stranger, Err(SensorError::NoSensor)));
        let unable = centre.fleet.revoke(&person(0, vec![Action::ReadSensors]), trap.sensor).await;
        assert!(matches!(unable, Err(SensorError::Refused(_))));
        centre.fleet.revoke(&person(0, vec![Action::ManageSensors]), trap.sensor).await.unwrap();
        assert!(matches!(centre.fleet.admit(trap.sensor, "1").await, Err(SensorError::Revoked)));
        assert!(matches!(centre.fleet.heartbeat(&trap, Heartbeat::default()).await, Err(SensorError::Revoked)));
        let enrolment = |id, name: &str| Enrolment {
            id,
            org: org(1),
            realm: Realm::Real,
            tlp: Tlp::Amber,
            name: name.into(),
            cert_serial: "2".into(),
            cert_expires: START,
        };
        let actor = || Actor::System("test".into());
        let next = Paper { serial: "2".into(), until: START.plus_secs(90 * 86_400) };
        assert!(matches!(centre.fleet.certify(&trap, next).await, Err(SensorError::Revoked)));
        assert!(matches!(centre.fleet.certificates(&trap).await, Err(SensorError::Revoked)));
        let taken = centre.fleet.enrol(actor(), enrolment(env.id(), "trap-1"), |unit| unit).await;
        assert!(matches!(taken, Err(SensorError::NameTaken)));
        let nameless = centre.fleet.enrol(actor(), enrolment(env.id(), " "), |unit| unit).await;
        assert!(matches!(nameless, Err(SensorError::BadField("name"))));
        assert_eq!(kinds(&db).await, ["sensor.enrolled", "sensor.revoked"]);
    })
    .await;
}

#[tokio::test]
async fn a_sensor_and_what_completes_its_enrolment_are_one_unit() {
    each_db(SCHEMA, |db, env| async move {
        let centre = Centre::open(db.clone(), env.clone()).await;
        let trap = centre.sensor(1, org(1)).await;
        let enrolment = |name: &str| Enrolment {
            id: env.id(),
            org: org(1),
            realm: Realm::Real,
            tlp: Tlp::Amber,
            name: name.into(),
            cert_serial: "2".into(),
            cert_expires: START,
        };
        // Stands for the code: its row changes when it is spent, and a row that is not there was spent before.
        let spend =
            |id: SensorId| move |unit: Unit| unit.exec_one("UPDATE sensor SET version = 9 WHERE id = $1", params![id]);
        let version = || async { centre.fleet.get(&all(), trap.sensor).await.unwrap().version };
        let actor = || Actor::System("test".into());
        let taken = centre.fleet.enrol(actor(), enrolment("trap-1"), spend(trap.sensor)).await;
        assert!(matches!(taken, Err(SensorError::NameTaken)));
        assert_eq!(version().await, 1, "not spent");
        let spent = centre.fleet.enrol(actor(), enrolment("trap-2"), spend(env.id())).await;
        assert!(matches!(spent, Err(SensorError::Store(StoreError::Conflict(_)))), "{spent:?}");
        assert_eq!(centre.fleet.list(&all()).await.unwrap().len(), 1, "no sensor without its code");
        centre.fleet.enrol(actor(), enrolment("trap-2"), spend(trap.sensor)).await.unwrap();
        assert_eq!((version().await, centre.fleet.list(&all()).await.unwrap().len()), (9, 2));
    })
    .await;
}

#[tokio::test]
async fn the_next_certificate_takes_over_when_it_is_shown() {
    each_db(SCHEMA, |db, env| async move {
        let centre = Centre::open(db.clone(), env.clone()).await;
        let trap = centre.sensor(1, org(1)).await;
        let until = START.plus_secs(90 * 86_400);
        let admitted = async |serial: &'static str| centre.fleet.admit(trap.sensor, serial).await.is_ok();
        let paper = |serial: &str| Paper { serial: serial.into(), until };
        centre.fleet.certify(&trap, paper("2")).await.unwrap();
        assert!(admitted("1").await, "given is not shown");
        centre.fleet.certify(&trap, paper("3")).await.unwrap();
        assert!(!admitted("2").await, "the answer was lost and another one given");
        // Two connections show it at the same moment; both are let in.
        let (one, two) = tokio::join!(admitted("3"), admitted("3"));
        assert!(one && two);
        assert!(admitted("1").await, "in its overlap");
        assert_eq!(centre.fleet.certificates(&trap).await.unwrap().present, paper("3"));
        let sensor = centre.fleet.get(&all(), trap.sensor).await.unwrap();
        assert_eq!((sensor.cert_serial.as_deref(), sensor.cert_expires), (Some("3"), Some(until)));
    })
    .await;
}
