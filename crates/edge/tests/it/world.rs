//! A small centre for tests: two organisations, people with roles, points that keep replicas.

use access::{Caller, Grant, LoginId, Who};
use base::{AddrSpec, AddressScope, Env, OrgId, PersonId, PointId, Realm, Role, Timestamp, Tlp};
use ed25519_dalek::SigningKey;
use edge::desk::directive::Ask;
use edge::desk::point::NewPoint;
use edge::replica::{Accepted, Replica};
use edge::wire::{Canaries, CanaryResult, Entry, Frame, Intent, Probe, ReadBack, Receipt};
use edge::{Driver, Edge, Identity, Point, Settings};
use store::{Actor, Db, Migration, SystemKey};
use uuid::Uuid;

/// The table that the visibility clause asks; in the program it belongs to the registry.
const CLOSURE: &[Migration] = &[Migration {
    number: 299,
    name: "closure_for_tests",
    sql: "CREATE TABLE org_closure (ancestor_id @id NOT NULL, descendant_id @id NOT NULL, \
          PRIMARY KEY (ancestor_id, descendant_id)) @strict;",
}];

pub(crate) const SCHEMA: &[&[Migration]] = &[CLOSURE, edge::MIGRATIONS];
pub(crate) const CENTRE: OrgId = OrgId(Uuid::from_u128(1));
pub(crate) const MEMBER: OrgId = OrgId(Uuid::from_u128(2));
pub(crate) const DAY: i64 = 86_400;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) edge: Edge,
    pub(crate) db: Db,
    pub(crate) env: Env,
}

pub(crate) fn world(db: Db, env: Env, demo: bool) -> World {
    let identity = Identity { centre: CENTRE, key: SigningKey::from_bytes(&[3; 32]), demo };
    World { edge: Edge::new(db.clone(), env.clone(), identity, Settings::default()), db, env }
}

pub(crate) fn person(n: u128, role: Role, org: OrgId) -> Caller {
    let who = Who::Person { id: PersonId(Uuid::from_u128(n)), login: LoginId(Uuid::from_u128(n)) };
    Caller::mint(who, org, CENTRE, vec![Grant::of_role(role, org, [])], Realm::Real, Tlp::Red)
}

pub(crate) fn duty(n: u128) -> Caller {
    person(n, Role::DutyOfficer, CENTRE)
}

pub(crate) fn spec(text: &str) -> AddrSpec {
    text.parse().unwrap()
}

impl World {
    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(crate) fn ask(&self, key: &str, intent: Intent) -> Ask {
        Ask {
            org: CENTRE,
            realm: Realm::Real,
            tlp: Tlp::Green,
            scope: AddressScope::Global,
            key: spec(key),
            intent,
            expires: self.now().plus_secs(DAY),
            reason: "test".into(),
            indicator: None,
            provenance: serde_json::json!({}),
        }
    }

    pub(crate) async fn deny(&self, key: &str) -> edge::Directive {
        self.edge.issue_automatic(self.ask(key, Intent::Deny)).await.unwrap()
    }

    pub(crate) async fn point(&self, name: &str, org: OrgId, realm: Realm) -> Agent {
        let new = NewPoint {
            id: self.env.id(),
            org,
            realm,
            tlp: Tlp::Green,
            name: name.into(),
            driver: Driver::Nft,
            serial: "0a".into(),
            cert_expires: self.now().plus_secs(90 * DAY),
        };
        let point = self.edge.enrol_point(Actor::Stranger, new, |unit| unit).await.unwrap();
        Agent { replica: Replica::new(point.id, self.edge.verifying_key()), point }
    }

    /// Audit leaves of an action with an outcome.
    pub(crate) async fn leaves(&self, action: &str, outcome: &str) -> i64 {
        const COUNT: &str = "SELECT COUNT(*) AS n FROM audit_leaf WHERE action = $1 AND outcome = $2";
        self.count(COUNT, store::params![action, outcome]).await
    }

    /// Outbox events of a kind.
    pub(crate) async fn events(&self, kind: &str) -> i64 {
        self.count("SELECT COUNT(*) AS n FROM outbox WHERE kind = $1", store::params![kind]).await
    }

    async fn count(&self, sql: &'static str, params: Vec<store::Value>) -> i64 {
        self.db.system_read(SystemKey::of("test"), sql, params).await.unwrap()[0].get("n").unwrap()
    }

    /// The stored desired state is what compiling from nothing gives.
    pub(crate) async fn sound(&self) {
        assert_eq!(self.edge.check_desired(Realm::Real).await.unwrap(), Vec::<String>::new());
    }
}

/// A point in few lines: it believes what verifies and says so.
pub(crate) struct Agent {
    pub(crate) point: Point,
    pub(crate) replica: Replica,
}

impl Agent {
    pub(crate) fn id(&self) -> PointId {
        self.point.id
    }

    /// Takes frames as they travel.
    pub(crate) fn take(&mut self, frames: &[Frame], now: Timestamp) {
        for frame in frames {
            let frame = Frame::from_line(frame.to_line().as_bytes()).unwrap();
            if let Accepted::Change(change) = self.replica.accept(&frame, now).unwrap() {
                self.replica.commit(&change);
            }
        }
    }

    /// Asks once for what it does not have.
    pub(crate) async fn sync(&mut self, world: &World) -> usize {
        self.replica.reconnect();
        let frames = world.edge.frames_since(self.id(), self.replica.mark().sequence).await.unwrap();
        self.take(&frames, world.now().plus_secs(1));
        frames.len()
    }

    pub(crate) fn keys(&self, intent: Intent) -> Vec<String> {
        self.replica.entries().filter(|entry| entry.intent == intent).map(|entry| entry.key.to_string()).collect()
    }

    pub(crate) fn denies(&self) -> Vec<String> {
        self.keys(Intent::Deny)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.replica.entries().collect()
    }

    pub(crate) fn receipt(&self, world: &World) -> Receipt {
        let canary = |address: &str| vec![CanaryResult { address: address.parse().unwrap(), ok: true, took_us: 90 }];
        Receipt {
            point: self.id(),
            sequence: self.replica.mark().sequence,
            generation: self.replica.mark().sequence,
            driver: "nft".into(),
            applied_at: world.now(),
            took_us: 1_000,
            elements: self.replica.mark().count,
            digest: self.replica.mark().digest,
            config_revision: self.replica.config().unwrap().revision,
            read_back: ReadBack { changed: 1, sampled: 0, wrong: vec![] },
            probe: Probe::Probed { blocked: canary("8.8.4.250"), passed: canary("8.8.4.251") },
            drift: None,
            refused: vec![],
            refused_total: 0,
            frozen: None,
            kill: false,
        }
    }

    /// Synchronises and says so.
    pub(crate) async fn apply(&mut self, world: &World) {
        self.sync(world).await;
        world.edge.receipt(self.id(), self.receipt(world)).await.unwrap();
    }
}

pub(crate) fn canaries() -> Canaries {
    Canaries { blocked: vec!["8.8.4.250".parse().unwrap()], passed: vec!["8.8.4.251".parse().unwrap()] }
}
