//! What people with several roles see: the store's clause and the rule of permits agree, and both are the union.

use access::{Caller, Facts, Grant, LoginId, Settings, Who};
use base::{OrgId, PersonId, Realm, Role, Tlp};
use registry::Span;
use store::{ScopedSql, SystemKey, Unit, params};
use uuid::Uuid;

use crate::world::{World, each_world, org};

const SEEN: ScopedSql = ScopedSql::new("SELECT t.name FROM access_token t WHERE {visible:t} ORDER BY t.name");
const PUT: &str = "INSERT INTO access_token (id, org_id, tlp, realm, name, hash, scopes, ceiling, created_at) \
                   VALUES ($1, $2, $3, 'real', $4, $5, '', 0, 0)";
const BELOW: &str = "SELECT descendant_id FROM org_closure WHERE ancestor_id = $1";

async fn person(world: &World, grants: &[(Role, OrgId)]) -> Caller {
    let mut held = Vec::new();
    for (role, at) in grants {
        let rows = world.db.system_read(SystemKey::of("test"), BELOW, params![*at]).await.unwrap();
        let under: Vec<OrgId> = rows.iter().map(|row| row.get("descendant_id").unwrap()).collect();
        held.push(Grant::of_role(*role, *at, under));
    }
    let who = Who::Person { id: PersonId(Uuid::nil()), login: LoginId(Uuid::nil()) };
    Caller::mint(who, world.member, world.centre, held, Realm::Real, Tlp::Red)
}

async fn seen(world: &World, caller: &Caller) -> Vec<String> {
    let rows = world.db.read(SEEN, caller.clearance(), params![]).await.unwrap();
    rows.iter().map(|row| row.get("name").unwrap()).collect()
}

/// Every set of up to three of the grants that differ in what they show.
#[tokio::test]
async fn a_list_shows_the_union_of_what_each_role_alone_would_show() {
    each_world(Settings::default(), |world| async move {
        let registry = registry::Registry::open(world.db.clone(), base::Env::system(), Realm::Real).await.unwrap();
        let below = registry.org_add(&world.system, org("below", Some(world.member)), Span::default()).await.unwrap();
        let orgs = [("centre", world.centre), ("member", world.member), ("below", below), ("other", world.other)];
        let mut unit = Unit::new(world.system.actor(), testkit::START);
        for ((name, at), tlp) in orgs.iter().flat_map(|at| Tlp::ALL.map(|tlp| (*at, tlp))) {
            let (id, name) = (Uuid::now_v7(), format!("{name} {}", tlp.rank()));
            let hash = id.as_bytes().to_vec();
            unit = unit.exec_one(PUT, params![id, at, tlp, name, hash]);
        }
        world.db.commit(unit).await.unwrap();

        let roles = [Role::Member, Role::PublicEditor, Role::DutyOfficer, Role::Wall];
        let grants: Vec<(Role, OrgId)> =
            roles.iter().flat_map(|role| orgs.iter().map(|(_, at)| (*role, *at))).collect();
        let mut alone = Vec::new();
        for grant in &grants {
            alone.push(seen(&world, &person(&world, &[*grant]).await).await);
        }
        assert!(alone.iter().any(|list| list.len() == 20) && alone.iter().any(|list| list.len() == 8));
        for (i, j, k) in (0..grants.len()).flat_map(|i| (i..grants.len()).map(move |j| (i, j, (i * 7 + j * 3) % 16))) {
            let held = [grants[i], grants[j], grants[k]];
            let caller = person(&world, &held).await;
            let mut union: Vec<String> = [i, j, k].into_iter().flat_map(|at| alone[at].clone()).collect();
            union.sort_unstable();
            union.dedup();
            assert_eq!(seen(&world, &caller).await, union, "{held:?}");
            for ((name, at), tlp) in orgs.iter().flat_map(|at| Tlp::ALL.map(|tlp| (*at, tlp))) {
                let name = format!("{name} {}", tlp.rank());
                let sees = caller.sees(&Facts::new(at, tlp, Realm::Real));
                assert_eq!(sees, union.contains(&name), "{held:?} {name}");
            }
        }
    })
    .await;
}
