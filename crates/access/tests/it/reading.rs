//! What reading leaves in the audit tree, and questions for what is outside a clearance.

use access::{Caller, Grant, LoginId, OWNERS, Owners, Settings, Shown, Who, is_restricted};
use base::{PersonId, Realm, Role, Tlp};
use serde_json::Value;
use store::{SystemKey, params};
use uuid::Uuid;

use crate::world::{World, each_world};

const TABLES: Owners = &[OWNERS];

/// Leaves of an action, oldest first: organisation, realm, subject, outcome, entry.
async fn leaves(world: &World, action: &'static str) -> Vec<(base::OrgId, Realm, String, String, Value)> {
    let sql = "SELECT org_id, realm, subject, outcome, entry FROM audit_leaf WHERE action = $1 ORDER BY seq";
    let rows = world.db.system_read(SystemKey::of("test"), sql, params![action]).await.unwrap();
    rows.iter()
        .map(|row| {
            let entry: Value = serde_json::from_str(&row.get::<String>("entry").unwrap()).unwrap();
            let text = |name| row.get::<String>(name).unwrap();
            (row.get("org_id").unwrap(), row.get("realm").unwrap(), text("subject"), text("outcome"), entry)
        })
        .collect()
}

/// A duty officer of the centre in this realm.
fn officer(world: &World, number: u128, realm: Realm) -> Caller {
    let who = Who::Person { id: PersonId(Uuid::from_u128(number)), login: LoginId(Uuid::nil()) };
    let grants = vec![Grant::of_role(Role::DutyOfficer, world.centre, [])];
    Caller::mint(who, world.centre, world.centre, grants, realm, Tlp::Red)
}

#[test]
fn restricted_is_red() {
    assert!(Tlp::ALL.into_iter().filter(|tlp| is_restricted(*tlp)).eq([Tlp::Red]));
}

#[tokio::test]
async fn one_answer_is_one_leaf_and_what_was_just_read_is_not_noted_again() {
    each_world(Settings::default(), |world| async move {
        let (access, one, two) = (&world.access, officer(&world, 1, Realm::Real), officer(&world, 2, Realm::Real));
        let rows = |range: std::ops::Range<u128>| -> Vec<Shown> {
            range.map(|n| Shown::of("finding", Uuid::from_u128(n), world.member)).collect()
        };
        access.note_reading(&one, "GET /findings", Vec::new()).await.unwrap();
        assert!(leaves(&world, "data.read").await.is_empty(), "nothing restricted, no leaf");
        access.note_reading(&one, "GET /findings", rows(0..53)).await.unwrap();
        let found = leaves(&world, "data.read").await;
        assert_eq!(found.len(), 1);
        let (org, realm, subject, outcome, entry) = &found[0];
        assert_eq!(
            (*org, *realm, subject.as_str(), outcome.as_str()),
            (world.centre, Realm::Real, "GET /findings", "read")
        );
        let named = entry["detail"]["rows"].as_array().unwrap();
        assert_eq!((named.len(), &entry["detail"]["more"]), (20, &Value::from(33)));
        assert_eq!(entry["actor"], one.actor().to_string());

        // The same page again and again: nothing more, until the window is over; one new row is named alone.
        for _ in 0..50 {
            access.note_reading(&one, "GET /findings", rows(0..53)).await.unwrap();
        }
        assert_eq!(leaves(&world, "data.read").await.len(), 1);
        access.note_reading(&one, "GET /findings", rows(0..54)).await.unwrap();
        let found = leaves(&world, "data.read").await;
        assert_eq!((found.len(), found[1].2.clone()), (2, format!("finding:{}", Uuid::from_u128(53))));
        access.note_reading(&two, "GET /findings", rows(0..1)).await.unwrap();
        assert_eq!(leaves(&world, "data.read").await.len(), 3, "another reader is another leaf");
        world.clock.advance_secs(access::reading::FOLDED - 1);
        access.note_reading(&one, "GET /findings", rows(0..53)).await.unwrap();
        assert_eq!(leaves(&world, "data.read").await.len(), 3);
        world.clock.advance_secs(1);
        access.note_reading(&one, "GET /findings", rows(0..53)).await.unwrap();
        assert_eq!(leaves(&world, "data.read").await.len(), 4);
        // A clock that went back proves nothing.
        world.clock.advance_secs(-3_600);
        access.note_reading(&one, "GET /findings", rows(0..53)).await.unwrap();
        assert_eq!(leaves(&world, "data.read").await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn ones_own_row_is_no_reading_and_rows_of_several_stand_with_the_reader() {
    each_world(Settings::default(), |world| async move {
        let (access, caller) = (&world.access, officer(&world, 1, Realm::Drill(Uuid::from_u128(7))));
        let own = Shown::of("person", Uuid::from_u128(1), world.centre).personal();
        access.note_reading(&caller, "GET /people", vec![own.clone()]).await.unwrap();
        assert!(leaves(&world, "data.read").await.is_empty());
        let others = [(2, world.member), (3, world.other)]
            .map(|(n, org)| Shown::of("person", Uuid::from_u128(n), org).personal());
        access.note_reading(&caller, "GET /people", [&[own][..], &others].concat()).await.unwrap();
        let found = leaves(&world, "data.read").await;
        assert_eq!((found.len(), found[0].0, found[0].1), (1, world.centre, caller.realm()));
        assert_eq!(found[0].4["detail"]["rows"].as_array().unwrap().len(), 2);
    })
    .await;
}

/// People and RED rows in one answer: each leaf stands where its readers may see the row.
#[tokio::test]
async fn people_stand_with_their_organisation_and_red_rows_with_the_centre() {
    each_world(Settings::default(), |world| async move {
        let (access, caller) = (&world.access, officer(&world, 1, Realm::Real));
        let person = Shown::of("person", Uuid::from_u128(2), world.member).personal();
        let red = Shown::of("finding", Uuid::from_u128(3), world.member);
        let both = Shown::of("person", Uuid::from_u128(4), world.member);
        let shown = vec![person, red, both.clone().personal(), both];
        access.note_reading(&caller, "GET /mixed", shown.clone()).await.unwrap();
        let found = leaves(&world, "data.read").await;
        let places: Vec<_> = found.iter().map(|leaf| (leaf.0, leaf.4["detail"]["rows"].to_string())).collect();
        let id = |noun: &str, n| format!("\"{noun}:{}\"", Uuid::from_u128(n));
        let wanted = [
            (world.member, format!("[{}]", id("person", 2))),
            (world.centre, format!("[{},{}]", id("finding", 3), id("person", 4))),
        ];
        assert_eq!(places, wanted);
        assert_eq!(
            (&found[0].4["detail"]["place"], &found[1].4["detail"]["place"]),
            (&"restricted".into(), &"GET /mixed".into())
        );
        access.note_reading(&caller, "GET /mixed", shown).await.unwrap();
        assert_eq!(leaves(&world, "data.read").await.len(), 2, "a moment later");
        // The organisation's auditor finds who read its people, and nothing of the RED row.
        let auditor = world.caller("auditor", world.member, &[Role::Auditor]).await;
        let sight = auditor.clearance_for(access::Action::ReadAudit);
        let filter = store::audit::Filter::Action("data.read".into());
        let until = testkit::START.plus_secs(3_600);
        let page = store::Page::default();
        let seen =
            store::audit::search(&world.db, &sight, &filter, base::Timestamp::EPOCH, until, &page).await.unwrap();
        assert_eq!(seen.items.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_question_for_what_is_outside_leaves_one_leaf_a_minute_and_for_nothing_none() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (theirs, _) = world.invite("theirs", world.other, &[Role::Member]).await;
        let (seen, _) = world.invite("seen", world.member, &[Role::Member]).await;
        let admin = world.caller("admin", world.member, &[Role::Administrator]).await;
        let ask = async |caller: &Caller, id: PersonId| {
            access.note_outside(caller, TABLES, &format!("/api/v1/people/{id}")).await.unwrap();
        };
        ask(&admin, PersonId(Uuid::from_u128(99))).await;
        ask(&admin, seen).await;
        access.note_outside(&admin, TABLES, "/people/x/y").await.unwrap();
        access.note_outside(&admin, TABLES, "/audit/999999").await.unwrap();
        assert_eq!(access.outside().flush(true).await.unwrap(), 0, "an absent row and one that is seen");

        ask(&admin, theirs).await;
        assert!(leaves(&world, "access.outside").await.is_empty(), "nothing is written while the answer waits");
        assert_eq!(access.outside().flush(false).await.unwrap(), 1);
        let found = leaves(&world, "access.outside").await;
        let (org, realm, subject, outcome, entry) = &found[0];
        assert_eq!((*org, *realm, outcome.as_str()), (world.centre, admin.realm(), "refused"));
        assert_eq!((subject, &entry["detail"]["times"]), (&format!("person:{theirs}"), &Value::from(1)));
        assert_eq!((&entry["detail"]["why"], &entry["tlp"]), (&"LF-ACC-0002".into(), &"amber+strict".into()));

        // A flood: counted, and one leaf after the minute.
        let mut others = Vec::new();
        for n in 0..30 {
            others.push(world.invite(&format!("other.{n}"), world.other, &[Role::Member]).await.0);
        }
        for id in others.iter().cycle().take(1_000) {
            ask(&admin, *id).await;
        }
        assert_eq!(access.outside().flush(false).await.unwrap(), 0, "the minute is not over");
        world.clock.advance_secs(60);
        assert_eq!(access.outside().flush(false).await.unwrap(), 1);
        assert_eq!(access.outside().flush(true).await.unwrap(), 0);
        let found = leaves(&world, "access.outside").await;
        assert_eq!((found.len(), found[1].2.as_str(), &found[1].4["detail"]["times"]), (2, "outside", &1_000.into()));
        assert_eq!(found[1].4["detail"]["rows"].as_array().unwrap().len(), 20);

        // The prober's own auditor cannot read in the tree what the door did not say.
        let auditor = world.caller("auditor", world.member, &[Role::Auditor]).await;
        let sight = auditor.clearance_for(access::Action::ReadAudit);
        let filter = store::audit::Filter::Action("access.outside".into());
        let page = store::Page::default();
        let until = testkit::START.plus_secs(3_600);
        let found =
            store::audit::search(&world.db, &sight, &filter, base::Timestamp::EPOCH, until, &page).await.unwrap();
        assert!(found.items.is_empty());
    })
    .await;
}

/// The leaf is of the caller's realm, whoever's row it was.
#[tokio::test]
async fn questions_of_an_exercise_stay_in_the_exercise() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let (real, _) = world.invite("real", world.member, &[Role::Member]).await;
        let drill = Realm::Drill(Uuid::from_u128(7));
        let caller = officer(&world, 1, drill);
        access.note_outside(&caller, TABLES, &format!("/people/{real}")).await.unwrap();
        assert_eq!(access.outside().flush(false).await.unwrap(), 1);
        assert_eq!(leaves(&world, "access.outside").await[0].1, drill);
        let why = access::Refusal::Forbidden(access::Action::ManagePeople);
        access.record_refusal(&caller, "access.test", "person", &why).await.unwrap();
        assert_eq!(leaves(&world, "access.test").await[0].1, drill);
    })
    .await;
}

/// The same answer, and no leaf of the room itself, for a hidden row and for none.
#[tokio::test]
async fn hidden_and_absent_are_one_answer() {
    each_world(Settings::default(), |world| async move {
        let access = &world.access;
        let admin = world.caller("admin", world.member, &[Role::Administrator]).await;
        let (theirs, _) = world.invite("theirs", world.other, &[Role::Member]).await;
        let nobody = PersonId(Uuid::from_u128(99));
        let count = async || {
            let rows =
                world.db.system_read(SystemKey::of("test"), "SELECT COUNT(*) AS n FROM audit_leaf", vec![]).await;
            rows.unwrap()[0].get::<i64>("n").unwrap()
        };
        let before = count().await;
        let told = async |id: PersonId| {
            [
                format!("{:?}", access.person(&admin, id).await),
                format!("{:?}", access.disable(&admin, id, 1).await),
                format!("{:?}", access.sessions(&admin, id).await),
                format!("{:?}", access.invite_again(&admin, id).await.map(drop)),
            ]
        };
        assert_eq!(told(theirs).await, told(nobody).await);
        let token = |id: Uuid| access.token_revoke(&admin, base::TokenId(id));
        let host = access.bootstrap_token(&world.system).await.unwrap();
        let after = count().await;
        assert_eq!(after, before + 1, "the token alone");
        assert_eq!(format!("{:?}", token(host.id.0).await), format!("{:?}", token(Uuid::from_u128(99)).await));
        assert_eq!(count().await, after);
    })
    .await;
}
