//! Indicators on both databases: the desk of people, proposals of sensors, search, expiry, what a clearance hides.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says by panicking what went wrong")]

mod lists;
mod people;
mod sensors;

use access::keys::KeyFile;
use access::{Access, Caller, Grant, LoginId, Settings, Who};
use base::{AddressScope, Env, OrgId, PersonId, Realm, Role, SessionId, Tlp};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, Factor, ValueKind};
use intel::{AutoPolicy, Draft, Evidence, Indicator, Intel, Proposal, ValueGuard, Verdict};
use std::sync::Arc;
use store::{Actor, Db, Migration, Unit, params};
use uuid::Uuid;

/// The organisation tree belongs to another room; reads need its closure.
const CLOSURE: &[Migration] = &[Migration {
    number: 599,
    name: "test_closure",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL) @strict;",
}];
const CENTRE: OrgId = OrgId(Uuid::from_u128(1));
const MEMBER: OrgId = OrgId(Uuid::from_u128(2));
const OTHER: OrgId = OrgId(Uuid::from_u128(3));

fn schema() -> [&'static [Migration]; 3] {
    [access::MIGRATIONS, intel::MIGRATIONS, CLOSURE]
}

/// Protects 192.0.2.0/24 and example.gov.
struct Guard;

impl ValueGuard for Guard {
    fn protected<'a>(&'a self, _realm: Realm, kind: ValueKind, value: &'a str) -> Verdict<'a> {
        let net: base::AddrSpec = "192.0.2.0/24".parse().unwrap();
        let hit = match kind {
            ValueKind::Ipv4 | ValueKind::Ipv6 => value.parse::<base::AddrSpec>().unwrap().overlaps(net),
            ValueKind::Domain => value.ends_with("example.gov"),
            _ => false,
        };
        Box::pin(async move { Ok(hit.then(|| "192.0.2.0/24 is our own".to_owned())) })
    }
}

fn service(db: &Db, env: &Env, policy: AutoPolicy) -> Intel {
    let keys = KeyFile::of(&[7; 32]).unwrap();
    let access = Access::new(db.clone(), env.clone(), keys, Settings::default(), CENTRE);
    Intel::new(db.clone(), env.clone(), access, Arc::new(Guard), policy)
}

fn person(n: u128, role: Role, org: OrgId) -> Caller {
    let who = Who::Person { id: PersonId(Uuid::from_u128(n)), login: LoginId(Uuid::from_u128(n)) };
    Caller::mint(who, org, CENTRE, vec![Grant::of_role(role, org, [])], Realm::Real, Tlp::Red)
}

fn officer(n: u128) -> Caller {
    person(n, Role::IntelligenceOfficer, CENTRE)
}

fn draft(org: OrgId, value: &str) -> Draft {
    Draft {
        org,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: None,
        value: value.into(),
        name: String::new(),
        description: "seen by a partner".into(),
        confidence: 70,
        lasts: None,
    }
}

fn evidence(org: OrgId, value: &str, score: f64, sensors: u64) -> Evidence {
    let at = testkit::START;
    Evidence {
        org,
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: intel::value::guess(value).unwrap().0,
        value: value.into(),
        class: AttackClass::Download,
        score,
        factors: vec![Factor { name: "class".into(), input: 0.65, part: score }],
        sessions_total: 3,
        sessions: (1..=3).map(|n| SessionId(Uuid::from_u128(n))).collect(),
        sensors_total: sensors,
        campaign: None,
        first_at: at,
        last_at: at,
    }
}

/// Every organisation below itself and the centre, as the registry keeps it.
async fn tree(db: &Db) {
    const PUT: &str = "INSERT INTO org_closure (ancestor_id, descendant_id) VALUES ($1, $2)";
    let pairs = [(CENTRE, CENTRE), (CENTRE, MEMBER), (CENTRE, OTHER), (MEMBER, MEMBER), (OTHER, OTHER)];
    let unit = Unit::new(Actor::System("test".into()), testkit::START);
    let unit = pairs.into_iter().fold(unit, |unit, (above, below)| unit.exec(PUT, params![above, below]));
    db.commit(unit).await.unwrap();
}

/// Proposes and commits, as the joint procedure does.
async fn propose(intel: &Intel, db: &Db, evidence: Evidence) -> Proposal {
    let (unit, proposal) = intel.propose_unit(evidence, Actor::System("test".into())).await.unwrap();
    db.commit(unit).await.unwrap();
    proposal
}

async fn moved(intel: &Intel, db: &Db, evidence: Evidence) -> Indicator {
    match propose(intel, db, evidence).await {
        Proposal::Moved(row) => *row,
        Proposal::Quiet(why) => panic!("nothing came of it: {why:?}"),
    }
}

/// The stored row equals the fold of its stored history, and every stored object is valid STIX of that indicator.
async fn whole(intel: &Intel, row: &Indicator) {
    let dossier = intel.dossier(&testkit::all(), row.id).await.unwrap().unwrap();
    assert_eq!(dossier.indicator, *row, "what was returned is what is stored");
    assert_eq!(dossier.history.iter().fold(None, intel::apply).as_ref(), Some(row), "the fold of the history");
    assert!(!dossier.versions.is_empty());
    for version in &dossier.versions {
        let stored = stix::Stored::read(version.bytes.clone()).unwrap();
        stix::model::check(&stored).unwrap();
        assert_eq!(stored.header.uuid, row.id.0);
        assert_eq!(stored.header.modified.unwrap().at, version.modified);
    }
    let last = stix::Stored::read(dossier.versions.last().unwrap().bytes.clone()).unwrap();
    assert_eq!(last.header.revoked, row.state == IndicatorState::Revoked);
}
