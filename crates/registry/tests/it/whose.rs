//! The index against a linear scan, and what is protected.

use base::{AddrSpec, AddressScope, Env, OrgId, Realm, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use registry::{Criticality, Network, OrgKind, Registry, Span, Why};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::world::{each_world, org, standing};

#[tokio::test]
async fn own_and_critical_networks_are_protected_while_they_hold() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let power = world.add("power", world.centre, OrgKind::Operator).await;
        let shop = world.add("shop", world.centre, OrgKind::Operator).await;
        let now = world.env.now();
        let add = |org, text: &str, to| {
            let net: AddrSpec = text.parse().unwrap();
            let span = Span { from: None, to };
            async move { registry.network_add(system, org, net, AddressScope::Global, span).await.unwrap() }
        };
        add(world.centre, "192.0.2.0/24", None).await;
        add(power, "203.0.113.0/24", Some(now.plus_secs(60))).await;
        add(shop, "198.51.100.0/24", None).await;
        let nets = |at| registry.whose().protected(at).iter().map(|p| (p.net.to_string(), p.why)).collect::<Vec<_>>();
        assert_eq!(nets(now), [("192.0.2.0/24".to_owned(), Why::Own)]);
        let before = registry.whose().version();
        let critical = standing(OrgKind::Operator, Criticality::Critical);
        registry.org_set_standing(system, power, critical, 1).await.unwrap();
        assert!(registry.whose().version() > before, "the guard sees that it has to ask again");
        assert_eq!(nets(now), [("192.0.2.0/24".to_owned(), Why::Own), ("203.0.113.0/24".to_owned(), Why::Critical)]);
        assert_eq!(nets(now.plus_secs(60)).len(), 1);
        let owner = registry.whose().whose("203.0.113.4".parse().unwrap(), AddressScope::Global, now).unwrap();
        assert_eq!((owner.criticality, owner.own), (Criticality::Critical, false));
    })
    .await;
}

#[tokio::test]
async fn an_internal_plan_answers_first_and_the_internet_after_it() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let b = world.add("bb", world.centre, OrgKind::Operator).await;
        let add = |org, text: &str, scope| {
            let net: AddrSpec = text.parse().unwrap();
            async move { registry.network_add(system, org, net, scope, Span::default()).await.unwrap() }
        };
        add(a, "10.0.0.0/8", AddressScope::Org(a)).await;
        add(b, "10.0.0.0/8", AddressScope::Org(b)).await;
        add(b, "203.0.113.0/24", AddressScope::Global).await;
        let now = world.env.now();
        let whose = |text: &str, scope| registry.whose().whose(text.parse().unwrap(), scope, now).map(|o| o.org);
        assert_eq!(whose("10.0.0.5", AddressScope::Org(a)), Some(a));
        assert_eq!(whose("10.0.0.5", AddressScope::Org(b)), Some(b));
        assert_eq!(whose("10.0.0.5", AddressScope::Global), None);
        assert_eq!(whose("203.0.113.5", AddressScope::Org(a)), Some(b));
    })
    .await;
}

/// A claim that may or may not be accepted.
#[derive(Debug, Clone)]
struct Claim {
    holder: usize,
    addr: IpAddr,
    length: u8,
    internal: bool,
    from: i64,
    life: Option<i64>,
}

/// Addresses from a small corner, so that claims meet.
fn any_addr() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        3 => (0_u8..4, 0_u8..4).prop_map(|(b, c)| IpAddr::V4(Ipv4Addr::new(203, b, c, b ^ c))),
        1 => (0_u16..4, 0_u16..4).prop_map(|(b, c)| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, b, c, 0, 0, 0, 1))),
    ]
}

fn any_claim() -> impl Strategy<Value = Claim> {
    let lengths = select(vec![8_u8, 12, 14, 15, 16, 22, 23, 24, 30, 32]);
    (0_usize..3, any_addr(), lengths, any::<bool>(), 0_i64..50, proptest::option::of(1_i64..50)).prop_map(
        |(holder, addr, length, internal, from, life)| {
            let length = if addr.is_ipv6() { length * 2 } else { length };
            Claim { holder, addr, length, internal, from, life }
        },
    )
}

/// The owner by looking at every network there is.
fn scan(all: &[Network], addr: IpAddr, scope: AddressScope, at: Timestamp) -> Option<(OrgId, AddrSpec)> {
    let holds = |network: &&Network| {
        network.from <= at && network.to.is_none_or(|to| at < to) && network.net.net().contains(&addr)
    };
    let longest = |scope| {
        all.iter().filter(|n| n.scope == scope).filter(holds).max_by_key(|network| network.net.net().prefix_len())
    };
    longest(scope).or_else(|| longest(AddressScope::Global)).map(|network| (network.org, network.net))
}

async fn index_equals_scan(claims: Vec<Claim>, asked: Vec<(IpAddr, usize, bool, i64)>) -> Result<(), TestCaseError> {
    let (env, _clock) = Env::fixed(testkit::START, 3);
    let (db, _folder) = testkit::sqlite(&[access::MIGRATIONS, registry::MIGRATIONS], env.clone()).await;
    let registry = Registry::open(db.clone(), env.clone(), Realm::Real).await.unwrap();
    let centre = registry.ensure_centre(&org("centre", None, OrgKind::Centre)).await.unwrap();
    let system = access::Caller::system(store::SystemKey::of("test"), centre, Realm::Real);
    let mut holders = Vec::new();
    for (code, kind) in [("isp", OrgKind::Isp), ("group", OrgKind::Operator)] {
        holders.push(registry.org_add(&system, org(code, Some(centre), kind), Span::default()).await.unwrap());
    }
    let part = org("part", Some(holders[1]), OrgKind::Operator);
    holders.push(registry.org_add(&system, part, Span::default()).await.unwrap());
    for claim in &claims {
        let holder = holders[claim.holder];
        let net = ipnet::IpNet::new(claim.addr, claim.length).unwrap().trunc().to_string().parse().unwrap();
        let scope = if claim.internal { AddressScope::Org(holder) } else { AddressScope::Global };
        let from = testkit::START.plus_secs(claim.from);
        let span = Span { from: Some(from), to: claim.life.map(|life| from.plus_secs(life)) };
        let _accepted_or_not = registry.network_add(&system, holder, net, scope, span).await;
    }
    let mut all = Vec::new();
    for holder in &holders {
        all.extend(registry.networks(&testkit::all(), *holder).await.unwrap());
    }
    let fresh = Registry::open(db.clone(), env, Realm::Real).await.unwrap();
    for (addr, holder, internal, second) in asked {
        let scope = if internal { AddressScope::Org(holders[holder]) } else { AddressScope::Global };
        let at = testkit::START.plus_secs(second);
        let wanted = scan(&all, addr, scope, at);
        let told =
            |registry: &Registry| registry.whose().whose(addr, scope, at).map(|owner| (owner.org, owner.network));
        prop_assert_eq!(told(&registry), wanted, "{} in {:?} at {}", addr, scope, second);
        prop_assert_eq!(told(&fresh), wanted, "loaded: {} in {:?} at {}", addr, scope, second);
    }
    db.close().await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_index_equals_a_linear_scan(
        claims in vec(any_claim(), 1..25),
        asked in vec((any_addr(), 0_usize..3, any::<bool>(), 0_i64..110), 20..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(index_equals_scan(claims, asked))?;
    }
}
