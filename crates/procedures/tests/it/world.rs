//! A small sector: a centre, a critical member with a network and a domain, a carrier; every room is the real one.

use access::keys::KeyFile;
use access::{Access, Caller, Grant, LoginId, Settings, Who};
use base::{AddressScope, Env, OrgId, PersonId, Realm, Role, SensorId, SessionId, Tlp};
use detect::{Detect, Filter, Finding, Which};
use ed25519_dalek::SigningKey;
use edge::{Edge, Identity};
use events::sensor::{Aim, AttackClass, Factor, ObservableAssessed, ValueKind};
use events::{Envelope, Event};
use intel::{AutoPolicy, Indicator, Intel};
use procedures::{CentreGuard, Context};
use registry::command::Span;
use registry::{Criticality, NewOrg, OrgKind, Registry, Standing};
use std::sync::Arc;
use store::page::Page;
use store::{Actor, Db, Migration, SystemKey, Unit};
use uuid::Uuid;

pub(crate) const SCHEMA: &[&[Migration]] =
    &[access::MIGRATIONS, registry::MIGRATIONS, detect::MIGRATIONS, intel::MIGRATIONS, edge::MIGRATIONS];

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) ctx: Context,
    pub(crate) centre: OrgId,
    /// Critical: 203.0.113.0/25 and member.example.
    pub(crate) member: OrgId,
    /// A carrier: 198.51.100.0/24.
    pub(crate) isp: OrgId,
}

/// A demo centre: documentation addresses may be denied in it.
pub(crate) async fn world(db: Db, env: Env, policy: AutoPolicy) -> World {
    let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await.unwrap();
    let centre = registry.ensure_centre(&org("centre", OrgKind::Centre, Criticality::None)).await.unwrap();
    let system = Caller::system(SystemKey::of("test"), centre, Realm::Real);
    let add = |new: NewOrg| registry.org_add(&system, new, Span::default());
    let member = add(org("member", OrgKind::Operator, Criticality::Critical)).await.unwrap();
    let isp = add(org("isp", OrgKind::Isp, Criticality::None)).await.unwrap();
    for (holder, net) in [(member, "203.0.113.0/25"), (isp, "198.51.100.0/24")] {
        let (net, scope) = (net.parse().unwrap(), AddressScope::Global);
        registry.network_add(&system, holder, net, scope, Span::default()).await.unwrap();
    }
    let domain = "member.example".parse().unwrap();
    registry.domain_add(&system, member, domain, Span::default()).await.unwrap();
    let identity = Identity { centre, key: SigningKey::from_bytes(&[3; 32]), demo: true };
    let edge = Edge::new(db.clone(), env.clone(), identity, edge::Settings::default());
    let access = Access::new(db.clone(), env.clone(), KeyFile::of(&[7; 32]).unwrap(), Settings::default(), centre);
    let guard = Arc::new(CentreGuard::new(edge.clone(), registry.clone(), env.clone()));
    let intel = Intel::new(db.clone(), env.clone(), access, guard, policy);
    let detect = Detect::new(db.clone(), env.clone());
    World { ctx: Context { db, env, registry, detect, intel, edge }, centre, member, isp }
}

fn org(code: &str, kind: OrgKind, criticality: Criticality) -> NewOrg {
    NewOrg {
        code: code.parse().unwrap(),
        name_zh: code.into(),
        name_en: code.into(),
        parent: None,
        standing: Standing { kind, sector: None, criticality, level: None },
    }
}

/// What sensors would say about a value.
pub(crate) fn seen(world: &World, kind: ValueKind, value: &str) -> ObservableAssessed {
    let now = world.ctx.env.now();
    ObservableAssessed {
        value_kind: kind,
        value: value.into(),
        scope: AddressScope::Global,
        class: AttackClass::Download,
        score: 0.7,
        factors: vec![Factor { name: "class".into(), input: 0.65, part: 0.7 }],
        sessions_total: 2,
        sessions: vec![SessionId(Uuid::from_u128(1)), SessionId(Uuid::from_u128(2))],
        sensors_total: 2,
        campaign: None,
        aim: Aim::Undecided,
        benign: None,
        first_at: now,
        last_at: now,
    }
}

impl World {
    pub(crate) fn officer(&self) -> Caller {
        let who = Who::Person { id: PersonId(Uuid::from_u128(77)), login: LoginId(Uuid::from_u128(77)) };
        let grant = Grant::of_role(Role::DutyOfficer, self.centre, []);
        Caller::mint(who, self.centre, self.centre, vec![grant], Realm::Real, Tlp::Red)
    }

    /// Puts an event of the centre's sensors into the outbox.
    pub(crate) async fn tell(&self, event: Event) {
        let (env, realm) = (&self.ctx.env, Realm::Real);
        let envelope = Envelope { id: env.id(), org: self.centre, realm, tlp: Tlp::Green, at: env.now(), event };
        let unit = Unit::new(Actor::System("test".into()), env.now()).event(envelope);
        self.ctx.db.commit(unit).await.unwrap();
    }

    /// Tells, and lets everything follow from it; nothing may be given up.
    pub(crate) async fn follow(&self, event: Event) {
        self.tell(event).await;
        self.settle().await;
    }

    pub(crate) async fn settle(&self) {
        assert_eq!(procedures::drain(&self.ctx).await.unwrap(), 0, "no event is given up");
    }

    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let filter = Filter { which: Which::All, ..Filter::default() };
        self.ctx.detect.list(&testkit::all(), &filter, &Page::first(100)).await.unwrap().items
    }

    /// Rules and organisations of the findings, sorted.
    pub(crate) async fn rules(&self) -> Vec<(String, OrgId)> {
        let mut rules: Vec<_> = self.findings().await.into_iter().map(|finding| (finding.rule, finding.org)).collect();
        rules.sort();
        rules
    }

    pub(crate) async fn indicators(&self) -> Vec<Indicator> {
        let filter = intel::Filter::default();
        self.ctx.intel.list(&testkit::all(), &filter, &Page::first(100)).await.unwrap().items
    }

    pub(crate) async fn directives(&self, indicator: &Indicator) -> Vec<edge::Directive> {
        self.ctx.edge.directives_of(&testkit::all(), indicator.id).await.unwrap()
    }
}

pub(crate) fn sensor(n: u128) -> SensorId {
    SensorId(Uuid::from_u128(n))
}
