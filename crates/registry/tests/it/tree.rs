//! The tree: adding, renaming, moving, ending, reading.

use base::{OrgId, Role};
use registry::{Criticality, Level, Names, OrgFilter, OrgKind, Registry, Span, Standing};
use store::page::Page;

use crate::world::{code, each_world, org, standing};

#[tokio::test]
async fn the_centre_is_founded_once() {
    each_world(|world| async move {
        let again = world.registry.ensure_centre(&org("other", None, OrgKind::National)).await.unwrap();
        assert_eq!(again, world.centre);
        let centre = world.registry.org(world.system.clearance(), world.centre).await.unwrap();
        assert!(centre.own);
        assert_eq!(centre.code.as_str(), "centre");
        assert_eq!(code(world.registry.org_end(&world.system, world.centre, None, 1).await), "LF-REG-0014");
        // Two nodes that start together found one centre.
        let node = Registry::open(world.db.clone(), world.env.clone(), base::Realm::Real).await.unwrap();
        assert_eq!(node.centre(), Some(world.centre));
        assert_eq!(world.leaves("registry.found_centre", "done").await, 1);
    })
    .await;
}

#[tokio::test]
async fn names_and_standing_change_with_the_version() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let power = world.add("power", world.centre, OrgKind::Operator).await;
        assert_eq!(
            code(registry.org_add(system, org("power", None, OrgKind::Isp), Span::default()).await),
            "LF-REG-0010"
        );
        let ghost = OrgId::from(uuid::Uuid::from_u128(5));
        let below = org("x1", Some(ghost), OrgKind::Operator);
        assert_eq!(code(registry.org_add(system, below, Span::default()).await), "LF-REG-0011");
        let mut nameless = org("x2", None, OrgKind::Operator);
        nameless.name_zh = " ".into();
        assert_eq!(code(registry.org_add(system, nameless, Span::default()).await), "LF-REG-0019");
        let names = |code: &str| Names { code: code.parse().unwrap(), zh: "台電".into(), en: "Power".into() };
        registry.org_rename(system, power, names("taipower"), 1).await.unwrap();
        assert_eq!(code(registry.org_rename(system, power, names("again"), 1).await), "LF-REG-0018");
        assert_eq!(code(registry.org_rename(system, power, names("centre"), 2).await), "LF-REG-0010");
        let critical = Standing {
            sector: Some("energy".into()),
            level: Some(Level::A),
            ..standing(OrgKind::Operator, Criticality::Critical)
        };
        registry.org_set_standing(system, power, critical.clone(), 2).await.unwrap();
        let held = registry.org_by_code(system.clearance(), &"taipower".parse().unwrap()).await.unwrap();
        assert_eq!((held.standing, held.version, held.name_zh.as_str()), (critical, 3, "台電"));
        assert_eq!(registry.whose().card(power).unwrap().code.as_str(), "taipower");
        assert_eq!(registry.whose().by_code(&"taipower".parse().unwrap(), world.env.now()), Some(power));
        assert_eq!(registry.whose().by_code(&"power".parse().unwrap(), world.env.now()), None);
        world.assert_closure().await;
    })
    .await;
}

#[tokio::test]
async fn branches_move_whole_and_never_below_themselves() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let energy = world.add("energy", world.centre, OrgKind::Sector).await;
        let water = world.add("water", world.centre, OrgKind::Sector).await;
        let power = world.add("power", energy, OrgKind::Operator).await;
        let plant = world.add("plant", power, OrgKind::Operator).await;
        world.assert_closure().await;
        assert_eq!(code(registry.org_move(system, energy, Some(plant), 1).await), "LF-REG-0012");
        assert_eq!(code(registry.org_move(system, energy, Some(energy), 1).await), "LF-REG-0012");
        registry.org_move(system, power, Some(water), 1).await.unwrap();
        world.assert_closure().await;
        registry.org_move(system, power, None, 2).await.unwrap();
        world.assert_closure().await;
        registry.org_move(system, power, Some(energy), 3).await.unwrap();
        world.assert_closure().await;
        let tree = registry.tree(system.clearance()).await.unwrap();
        let shape: Vec<_> = tree.iter().map(|node| (node.org.code.as_str(), node.depth)).collect();
        assert_eq!(shape, [("centre", 0), ("energy", 1), ("power", 2), ("plant", 3), ("water", 1)]);
        assert_eq!(code(registry.org_move(system, power, Some(water), 3).await), "LF-REG-0018");
    })
    .await;
}

#[tokio::test]
async fn an_organisation_ends_with_what_belongs_to_it() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let sector = world.add("sector", world.centre, OrgKind::Sector).await;
        let power = world.add("power", sector, OrgKind::Operator).await;
        let at = world.env.now();
        let global = base::AddressScope::Global;
        registry.network_add(system, power, "203.0.113.0/24".parse().unwrap(), global, Span::default()).await.unwrap();
        registry.domain_add(system, power, "power.tw".parse().unwrap(), Span::default()).await.unwrap();
        registry.asn_add(system, power, "AS64500".parse().unwrap(), Span::default()).await.unwrap();
        let later = Span { from: Some(at.plus_secs(9_000)), to: None };
        registry.domain_add(system, power, "later.tw".parse().unwrap(), later).await.unwrap();
        assert_eq!(code(registry.org_end(system, sector, None, 1).await), "LF-REG-0013");
        let end = at.plus_secs(3_600);
        registry.org_end(system, power, Some(end), 1).await.unwrap();
        assert_eq!(code(registry.org_end(system, sector, None, 1).await), "LF-REG-0013", "still active for an hour");
        let whose = registry.whose();
        let addr = "203.0.113.9".parse().unwrap();
        assert!(whose.whose(addr, global, end.plus_secs(-1)).is_some());
        assert!(whose.whose(addr, global, end).is_none());
        assert!(whose.whose_asn("AS64500".parse().unwrap(), end).is_none());
        assert!(whose.whose_domain(&"www.power.tw".parse().unwrap(), end.plus_secs(-1)).is_some());
        assert!(whose.whose_domain(&"www.power.tw".parse().unwrap(), end).is_none());
        assert!(whose.whose_domain(&"later.tw".parse().unwrap(), at.plus_secs(10_000)).is_none(), "never begins");
        let late = "198.51.100.0/24".parse().unwrap();
        assert_eq!(code(registry.network_add(system, power, late, global, Span::default()).await), "LF-REG-0020");
        let orphan = world.add("orphan", world.centre, OrgKind::Operator).await;
        assert_eq!(code(registry.org_move(system, orphan, Some(power), 1).await), "LF-REG-0020", "outlives its parent");
        let below = org("late", Some(power), OrgKind::Operator);
        assert_eq!(code(registry.org_add(system, below.clone(), Span::default()).await), "LF-REG-0020");
        registry.org_add(system, below, Span { from: None, to: Some(end) }).await.unwrap();
        registry.org_end(system, orphan, None, 1).await.unwrap();
        world.clock.advance_secs(3_601);
        registry.org_end(system, sector, None, 1).await.unwrap();
        let list = registry.orgs(system.clearance(), &OrgFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(list.items.len(), 1, "only the centre is left");
        let all = OrgFilter { ended: true, ..OrgFilter::default() };
        assert_eq!(registry.orgs(system.clearance(), &all, &Page::default()).await.unwrap().items.len(), 5);
        let below = org("later", Some(sector), OrgKind::Operator);
        assert_eq!(code(registry.org_add(system, below, Span::default()).await), "LF-REG-0020");
        // The index is what a fresh node loads.
        let node = Registry::open(world.db.clone(), world.env.clone(), base::Realm::Real).await.unwrap();
        assert!(node.whose().whose(addr, global, end.plus_secs(-1)).is_some());
        assert!(node.whose().whose(addr, global, end).is_none());
    })
    .await;
}

#[tokio::test]
async fn the_organisation_above_decides_and_refusals_are_recorded() {
    each_world(|world| async move {
        let registry = &world.registry;
        let sector = world.add("sector", world.centre, OrgKind::Sector).await;
        let power = world.add("power", sector, OrgKind::Operator).await;
        let water = world.add("water", world.centre, OrgKind::Operator).await;
        let chief = world.person(Role::Administrator, sector).await;
        let own = world.person(Role::Administrator, power).await;
        let global = base::AddressScope::Global;
        let net = "203.0.113.0/24".parse().unwrap();
        let plan = base::AddressScope::Org(power);
        registry.network_add(&chief, power, net, plan, Span::default()).await.unwrap();
        registry.org_add(&chief, org("plant", Some(power), OrgKind::Operator), Span::default()).await.unwrap();
        let other = "198.51.100.0/24".parse().unwrap();
        assert_eq!(
            code(registry.network_add(&own, power, other, global, Span::default()).await),
            "LF-ACC-0003",
            "own claim"
        );
        assert_eq!(code(registry.network_add(&chief, sector, other, global, Span::default()).await), "LF-ACC-0003");
        assert_eq!(code(registry.network_add(&chief, water, other, global, Span::default()).await), "LF-ACC-0003");
        assert_eq!(code(registry.org_move(&chief, power, Some(water), 1).await), "LF-ACC-0003");
        assert_eq!(code(registry.org_move(&chief, power, None, 1).await), "LF-ACC-0003");
        assert_eq!(
            code(registry.org_add(&chief, org("root", None, OrgKind::Sector), Span::default()).await),
            "LF-ACC-0003"
        );
        let critical = standing(OrgKind::Operator, Criticality::Critical);
        assert_eq!(code(registry.org_set_standing(&own, power, critical, 1).await), "LF-ACC-0003");
        let tier1 = world.person(Role::Tier1, world.centre).await;
        assert_eq!(code(registry.org_end(&tier1, power, None, 1).await), "LF-ACC-0003");
        for (action, refused) in [
            ("registry.add_network", 3),
            ("registry.move_org", 2),
            ("registry.add_org", 1),
            ("registry.set_standing", 1),
            ("registry.end_org", 1),
        ] {
            assert_eq!(world.leaves(action, "refused").await, refused, "{action}");
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_centre_decides_what_no_point_may_block() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let sector = world.add("sector", world.centre, OrgKind::Sector).await;
        let power = world.add("power", sector, OrgKind::Operator).await;
        let plant = world.add("plant", power, OrgKind::Operator).await;
        let chief = world.person(Role::Administrator, sector).await;
        let global = base::AddressScope::Global;
        let net = |text: &str| text.parse::<base::AddrSpec>().unwrap();
        let refused = "LF-ACC-0003";
        // Neither a child of its own with a claim on the internet, nor a standing that turns a claim into protection.
        let claim = registry.network_add(&chief, power, net("47.1.0.0/16"), global, Span::default()).await;
        assert_eq!(code(claim), refused);
        for weight in [Criticality::Important, Criticality::Critical] {
            let mut child = org("child", Some(power), OrgKind::Operator);
            child.standing.criticality = weight;
            assert_eq!(code(registry.org_add(&chief, child, Span::default()).await), refused);
            let heavier = standing(OrgKind::Operator, weight);
            assert_eq!(code(registry.org_set_standing(&chief, power, heavier, 1).await), refused);
        }
        // What the centre protects stays as the centre wants it.
        let critical = standing(OrgKind::Operator, Criticality::Critical);
        registry.org_set_standing(system, power, critical, 1).await.unwrap();
        let held = registry.network_add(system, power, net("203.0.113.0/24"), global, Span::default()).await.unwrap();
        assert_eq!(code(registry.network_end(&chief, held, None, 1).await), refused);
        let light = standing(OrgKind::Operator, Criticality::None);
        assert_eq!(code(registry.org_set_standing(&chief, power, light.clone(), 2).await), refused);
        assert_eq!(code(registry.org_move(&chief, power, Some(plant), 2).await), refused);
        assert_eq!(code(registry.org_end(&chief, power, None, 2).await), refused);
        let protected = registry.whose().protected(world.env.now());
        assert_eq!(protected.iter().map(|entry| entry.net).collect::<Vec<_>>(), [net("203.0.113.0/24")]);
        // Everything else below it is still its own to decide.
        registry.org_set_standing(&chief, plant, light, 1).await.unwrap();
        let inside = base::AddressScope::Org(power);
        let plan = registry.network_add(&chief, power, net("10.0.0.0/8"), inside, Span::default()).await.unwrap();
        registry.network_end(&chief, plan, None, 1).await.unwrap();
        let known = registry.network_add(system, plant, net("198.51.100.0/24"), global, Span::default()).await.unwrap();
        registry.network_end(&chief, known, None, 1).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn lists_are_paged_filtered_and_cleared() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let sector = world.add("sector", world.centre, OrgKind::Sector).await;
        for n in 0..5 {
            world.add(&format!("op-{n}"), sector, OrgKind::Operator).await;
        }
        world.add("isp-1", world.centre, OrgKind::Isp).await;
        let mut page = Page::first(3);
        let mut codes = Vec::new();
        loop {
            let got = registry.orgs(system.clearance(), &OrgFilter::default(), &page).await.unwrap();
            codes.extend(got.items.iter().map(|org| org.code.to_string()));
            let Some(next) = got.next else { break };
            page.after = Some(next);
        }
        codes.sort();
        assert_eq!(codes, ["centre", "isp-1", "op-0", "op-1", "op-2", "op-3", "op-4", "sector"]);
        let count = |filter| async move {
            registry.orgs(system.clearance(), &filter, &Page::default()).await.unwrap().items.len()
        };
        assert_eq!(count(OrgFilter { kind: Some(OrgKind::Isp), ..OrgFilter::default() }).await, 1);
        assert_eq!(count(OrgFilter { text: Some("OP-".into()), ..OrgFilter::default() }).await, 5);
        assert_eq!(count(OrgFilter { text: Some("機關op-3".into()), ..OrgFilter::default() }).await, 1);
        assert_eq!(count(OrgFilter { text: Some("%".into()), ..OrgFilter::default() }).await, 0);
        // Names are green: members see every organisation, but not what belongs to others.
        let member = world.person(Role::Member, sector).await;
        assert_eq!(registry.tree(member.clearance()).await.unwrap().len(), 8);
        let clear = testkit::clearance(sector, base::Tlp::Clear, base::Tlp::Clear);
        assert_eq!(code(registry.org(&clear, world.centre).await), "LF-REG-0011");
        assert!(registry.tree(&clear).await.unwrap().is_empty());
    })
    .await;
}
