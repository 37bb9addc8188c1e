//! A centre with organisations, for tests.

use access::{Caller, Grant, LoginId, Who};
use base::{Coded, Env, ManualClock, OrgId, PersonId, Realm, Role, Tlp};
use registry::{Criticality, NewOrg, OrgKind, Registry, RegistryError, Span, Standing};
use std::future::Future;
use std::sync::Arc;
use store::{Db, SystemKey};
use uuid::Uuid;

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) registry: Registry,
    pub(crate) centre: OrgId,
    pub(crate) system: Caller,
}

pub(crate) fn standing(kind: OrgKind, criticality: Criticality) -> Standing {
    Standing { kind, sector: None, criticality, level: None }
}

pub(crate) fn org(code: &str, parent: Option<OrgId>, kind: OrgKind) -> NewOrg {
    NewOrg {
        code: code.parse().unwrap(),
        name_zh: format!("機關{code}"),
        name_en: format!("Organisation {code}"),
        parent,
        standing: standing(kind, Criticality::None),
    }
}

/// Runs the body on both databases, each with a centre.
pub(crate) async fn each_world<F, Fut>(body: F)
where
    F: Fn(World) -> Fut,
    Fut: Future<Output = ()>,
{
    testkit::each_db_at(&[access::MIGRATIONS, registry::MIGRATIONS], |db, env, clock| {
        let body = &body;
        async move {
            let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await.unwrap();
            let centre = registry.ensure_centre(&org("centre", None, OrgKind::Centre)).await.unwrap();
            let system = Caller::system(SystemKey::of("test"), centre, Realm::Real);
            body(World { db, env, clock, registry, centre, system }).await;
        }
    })
    .await;
}

impl World {
    pub(crate) async fn add(&self, code: &str, parent: OrgId, kind: OrgKind) -> OrgId {
        self.registry.org_add(&self.system, org(code, Some(parent), kind), Span::default()).await.unwrap()
    }

    /// A person with a role in an organisation and everything below it.
    pub(crate) async fn person(&self, role: Role, at: OrgId) -> Caller {
        let sql = "SELECT descendant_id FROM org_closure WHERE ancestor_id = $1";
        let rows = self.db.system_read(SystemKey::of("test"), sql, store::params![at]).await.unwrap();
        let under: Vec<OrgId> = rows.iter().map(|row| row.get("descendant_id").unwrap()).collect();
        let who = Who::Person { id: PersonId(Uuid::from_u128(1)), login: LoginId(Uuid::from_u128(1)) };
        Caller::mint(who, at, self.centre, vec![Grant::of_role(role, at, under)], Realm::Real, Tlp::Red)
    }

    /// The closure as pairs, and what it must be by following the parents.
    pub(crate) async fn assert_closure(&self) {
        let key = SystemKey::of("test");
        let rows = self.db.system_read(key, "SELECT id, parent_id FROM org", vec![]).await.unwrap();
        let parent: std::collections::HashMap<OrgId, Option<OrgId>> =
            rows.iter().map(|row| (row.get("id").unwrap(), row.get("parent_id").unwrap())).collect();
        let mut wanted = Vec::new();
        for id in parent.keys() {
            let mut at = Some(*id);
            while let Some(ancestor) = at {
                wanted.push((ancestor, *id));
                at = parent[&ancestor];
            }
        }
        let rows =
            self.db.system_read(key, "SELECT ancestor_id, descendant_id FROM org_closure", vec![]).await.unwrap();
        let mut held: Vec<(OrgId, OrgId)> =
            rows.iter().map(|row| (row.get("ancestor_id").unwrap(), row.get("descendant_id").unwrap())).collect();
        wanted.sort();
        held.sort();
        assert_eq!(held, wanted);
    }

    pub(crate) async fn leaves(&self, action: &'static str, outcome: &'static str) -> i64 {
        let sql = "SELECT COUNT(*) AS leaves FROM audit_leaf WHERE action = $1 AND outcome = $2";
        let rows = self.db.system_read(SystemKey::of("test"), sql, store::params![action, outcome]).await.unwrap();
        rows[0].get("leaves").unwrap()
    }
}

pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, RegistryError>) -> &'static str {
    outcome.unwrap_err().problem().code.id
}
