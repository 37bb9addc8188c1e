//! Networks, domains, AS numbers, circuits and contacts.

use base::{AddrSpec, AddressScope, Role, Timestamp};
use registry::{NewCircuit, NewContact, OrgKind, Registry, RegistryError, Span};

use crate::world::{code, each_world};

const GLOBAL: AddressScope = AddressScope::Global;

fn net(text: &str) -> AddrSpec {
    text.parse().unwrap()
}

fn span(from: Timestamp, seconds: (i64, i64)) -> Span {
    Span { from: Some(from.plus_secs(seconds.0)), to: Some(from.plus_secs(seconds.1)) }
}

#[tokio::test]
async fn an_address_has_one_owner_at_a_time() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let b = world.add("bb", world.centre, OrgKind::Operator).await;
        let now = world.env.now();
        let add = |org, text: &str, scope, when| {
            let net = net(text);
            async move { registry.network_add(system, org, net, scope, when).await }
        };
        let first = add(a, "203.0.113.0/24", GLOBAL, Span::default()).await.unwrap();
        assert_eq!(code(add(a, "203.0.113.0/24", GLOBAL, Span::default()).await), "LF-REG-0016");
        add(a, "203.0.113.128/25", GLOBAL, Span::default()).await.unwrap();
        for theirs in ["203.0.113.0/24", "203.0.113.7", "203.0.112.0/23"] {
            let error = add(b, theirs, GLOBAL, Span::default()).await.unwrap_err();
            let RegistryError::Overlap(Some((org, _))) = error else { panic!("{error}") };
            assert_eq!(org, a, "the centre sees whose it is");
        }
        add(b, "198.51.100.0/24", GLOBAL, span(now, (0, 100))).await.unwrap();
        add(a, "198.51.100.0/24", GLOBAL, span(now, (100, 200))).await.unwrap();
        assert_eq!(code(add(a, "198.51.100.0/25", GLOBAL, span(now, (99, 100))).await), "LF-REG-0015");
        for bad in ["0.0.0.0/0", "::/0", "128.0.0.0/7"] {
            assert_eq!(code(add(a, bad, GLOBAL, Span::default()).await), "LF-REG-0021", "{bad}");
        }
        for private in ["10.0.0.0/8", "192.168.1.1", "127.0.0.1", "100.64.0.0/10", "fd00::/16", "fe80::1"] {
            assert_eq!(code(add(a, private, GLOBAL, Span::default()).await), "LF-REG-0019", "{private}");
        }
        assert_eq!(code(add(a, "192.0.2.0/24", GLOBAL, span(now, (5, 5))).await), "LF-REG-0019");
        // Two members both have 10.0.0.0/8, each in its own plan.
        add(a, "10.0.0.0/8", AddressScope::Org(a), Span::default()).await.unwrap();
        add(b, "10.0.0.0/8", AddressScope::Org(b), Span::default()).await.unwrap();
        assert_eq!(code(add(b, "10.0.0.0/9", AddressScope::Org(a), Span::default()).await), "LF-REG-0019");
        registry.network_end(system, first, None, 1).await.unwrap();
        assert_eq!(code(registry.network_end(system, first, None, 1).await), "LF-REG-0018");
        assert_eq!(code(registry.network_end(system, first, None, 2).await), "LF-REG-0018", "ended already");
        world.clock.advance_secs(1);
        add(b, "203.0.113.0/25", GLOBAL, Span::default()).await.unwrap();
        assert_eq!(registry.networks(system.clearance(), a).await.unwrap().len(), 4);
    })
    .await;
}

#[tokio::test]
async fn the_other_network_is_named_only_to_who_may_see_it() {
    each_world(|world| async move {
        let registry = &world.registry;
        let (one, two) = (
            world.add("one", world.centre, OrgKind::Sector).await,
            world.add("two", world.centre, OrgKind::Sector).await,
        );
        let (a, b) = (world.add("aa", one, OrgKind::Operator).await, world.add("bb", two, OrgKind::Operator).await);
        let theirs = net("203.0.113.0/24");
        registry.network_add(&world.system, a, theirs, GLOBAL, Span::default()).await.unwrap();
        // A token of the centre that is kept below the marking of networks.
        let who = access::Who::Token { id: base::TokenId(uuid::Uuid::from_u128(1)) };
        let grant = access::Grant::of_scopes(vec![access::Action::ManageOrganisations], world.centre, []);
        let (realm, ceiling) = (base::Realm::Real, base::Tlp::Green);
        let kept = access::Caller::mint(who, world.centre, world.centre, vec![grant], realm, ceiling);
        let blind = registry.network_add(&kept, b, net("203.0.113.8"), GLOBAL, Span::default()).await;
        assert!(matches!(blind, Err(RegistryError::Overlap(None))), "{blind:?}");
        let seen = registry.network_add(&world.system, b, net("203.0.113.8"), GLOBAL, Span::default()).await;
        assert!(matches!(seen, Err(RegistryError::Overlap(Some((org, n)))) if org == a && n == theirs), "{seen:?}");
    })
    .await;
}

#[tokio::test]
async fn providers_and_ancestors_hold_what_they_delegate() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let isp = world.add("isp", world.centre, OrgKind::Isp).await;
        let group = world.add("group", world.centre, OrgKind::Operator).await;
        let part = world.add("part", group, OrgKind::Operator).await;
        let add = |org, text: &str| {
            let net = net(text);
            async move { registry.network_add(system, org, net, GLOBAL, Span::default()).await }
        };
        add(isp, "203.0.0.0/16").await.unwrap();
        add(part, "203.0.113.0/24").await.unwrap();
        assert_eq!(code(add(group, "203.0.0.0/16").await), "LF-REG-0015", "the very same is a dispute");
        add(group, "203.0.112.0/23").await.unwrap();
        assert_eq!(code(add(group, "203.0.113.0/25").await), "LF-REG-0015", "inside the part's own");
        let now = world.env.now();
        let whose = |text: &str| registry.whose().whose(text.parse().unwrap(), GLOBAL, now).unwrap();
        assert_eq!(whose("203.0.1.1").org, isp);
        assert_eq!(whose("203.0.112.1").org, group);
        assert_eq!(whose("203.0.113.1").org, part);
        assert_eq!(whose("::ffff:203.0.113.1").network, net("203.0.113.0/24"));
        let wide = registry.whose().whose_net(net("203.0.112.0/22"), GLOBAL, now).unwrap();
        assert_eq!(wide.org, isp, "all of it, not a part");
    })
    .await;
}

#[tokio::test]
async fn domains_and_as_numbers_have_one_owner() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let b = world.add("bb", world.centre, OrgKind::Operator).await;
        let now = world.env.now();
        let domain = |org, name: &str| {
            let name = name.parse().unwrap();
            async move { registry.domain_add(system, org, name, Span::default()).await }
        };
        let gov = domain(a, "gov.tw").await.unwrap();
        domain(b, "moda.gov.tw").await.unwrap();
        assert_eq!(code(domain(b, "GOV.tw.").await), "LF-REG-0017");
        assert_eq!(code(domain(a, "gov.tw").await), "LF-REG-0016");
        let whose = |name: &str| registry.whose().whose_domain(&name.parse().unwrap(), now).map(|(org, _)| org);
        assert_eq!(whose("www.moda.gov.tw"), Some(b));
        assert_eq!(whose("www.gov.tw"), Some(a));
        assert_eq!(whose("notgov.tw"), None, "a suffix is whole labels");
        let asn = registry.asn_add(system, a, "AS3462".parse().unwrap(), Span::default()).await.unwrap();
        assert_eq!(code(registry.asn_add(system, b, "3462".parse().unwrap(), Span::default()).await), "LF-REG-0017");
        registry.asn_end(system, asn, None, 1).await.unwrap();
        registry.domain_end(system, gov, None, 1).await.unwrap();
        world.clock.advance_secs(1);
        registry.asn_add(system, b, "3462".parse().unwrap(), Span::default()).await.unwrap();
        domain(b, "gov.tw").await.unwrap();
        assert_eq!(registry.domains(system.clearance(), b).await.unwrap().len(), 2);
        assert_eq!(registry.asns(system.clearance(), a).await.unwrap()[0].to, Some(now));
    })
    .await;
}

#[tokio::test]
async fn another_node_follows_and_never_decides_on_old_facts() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let b = world.add("bb", world.centre, OrgKind::Operator).await;
        let node = Registry::open(world.db.clone(), world.env.clone(), base::Realm::Real).await.unwrap();
        let now = world.env.now();
        registry.network_add(system, a, net("203.0.113.0/24"), GLOBAL, Span::default()).await.unwrap();
        let addr = "203.0.113.1".parse().unwrap();
        assert!(node.whose().whose(addr, GLOBAL, now).is_none(), "not yet");
        // Its own command sees the truth even so.
        let late = node.network_add(system, b, net("203.0.113.0/24"), GLOBAL, Span::default()).await;
        assert_eq!(code(late), "LF-REG-0015");
        assert!(!node.refresh().await.unwrap());
        registry.network_add(system, a, net("198.51.100.0/24"), GLOBAL, Span::default()).await.unwrap();
        assert!(node.refresh().await.unwrap());
        assert_eq!(node.whose().version(), registry.whose().version());
        // Both at the same moment: the claims are decided one after the other.
        let (x, y) = tokio::join!(
            registry.network_add(system, a, net("192.0.2.0/24"), GLOBAL, Span::default()),
            node.network_add(system, b, net("192.0.2.0/25"), GLOBAL, Span::default())
        );
        assert_eq!(u8::from(x.is_ok()) + u8::from(y.is_ok()), 1);
    })
    .await;
}

#[tokio::test]
async fn contacts_are_personal_data() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let b = world.add("bb", world.centre, OrgKind::Operator).await;
        let contact = NewContact {
            name: "王小明科長".into(),
            role: "duty".into(),
            mail: "wang@example.tw".into(),
            telephone: "(02)2380-0000 分機 123".into(),
        };
        let own = world.person(Role::Member, a).await;
        let id = registry.contact_add(&own, a, &contact).await.unwrap();
        assert_eq!(code(registry.contact_add(&own, b, &contact).await), "LF-ACC-0003");
        let bad = NewContact { role: "friend".into(), ..contact.clone() };
        assert_eq!(code(registry.contact_add(&own, a, &bad).await), "LF-REG-0019");
        assert_eq!(registry.contacts(own.clearance(), a).await.unwrap()[0].name, "王小明科長");
        let other = world.person(Role::Member, b).await;
        assert!(registry.contacts(other.clearance(), a).await.unwrap().is_empty());
        assert_eq!(code(registry.contact_end(&other, id, 1).await), "LF-REG-0022", "as an id of nobody");
        assert_eq!(code(registry.contact_end(&own, id, 2).await), "LF-REG-0018");
        registry.contact_end(&own, id, 1).await.unwrap();
        let left = registry.contacts(system.clearance(), a).await.unwrap();
        assert_eq!((left[0].name.as_str(), left[0].mail.as_str(), left[0].telephone.as_str()), ("", "", ""), "erased");
        let key = store::SystemKey::of("test");
        let leaves = world.db.system_read(key, "SELECT entry FROM audit_leaf", vec![]).await.unwrap();
        for leaf in leaves {
            let entry: String = leaf.get("entry").unwrap();
            assert!(!entry.contains("wang@") && !entry.contains("王小明"), "{entry}");
        }
    })
    .await;
}

#[tokio::test]
async fn circuits() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let a = world.add("aa", world.centre, OrgKind::Operator).await;
        let circuit = NewCircuit { number: "HN-0001".into(), provider: "CHT".into(), mbps: Some(1_000) };
        let id = registry.circuit_add(system, a, &circuit, Span::default()).await.unwrap();
        let own = world.person(Role::Administrator, a).await;
        assert_eq!(code(registry.circuit_add(&own, a, &circuit, Span::default()).await), "LF-ACC-0003");
        let held = registry.circuits(own.clearance(), a).await.unwrap();
        assert_eq!((held[0].number.as_str(), held[0].mbps), ("HN-0001", Some(1_000)));
        registry.circuit_end(system, id, None, 1).await.unwrap();
        assert_eq!(code(registry.circuit_end(system, id, None, 2).await), "LF-REG-0018");
        assert_eq!(registry.circuits(system.clearance(), a).await.unwrap()[0].to, Some(world.env.now()));
    })
    .await;
}

/// An id of another organisation's part is answered like an id of nothing, and the room writes no leaf about it.
#[tokio::test]
async fn parts_of_others_end_like_parts_of_nobody() {
    each_world(|world| async move {
        let (registry, system) = (&world.registry, &world.system);
        let sector = world.add("sector", world.centre, OrgKind::Sector).await;
        let power = world.add("power", sector, OrgKind::Operator).await;
        let water = world.add("water", world.centre, OrgKind::Operator).await;
        let net = registry.network_add(system, water, net("203.0.113.0/24"), GLOBAL, Span::default()).await.unwrap();
        let domain =
            registry.domain_add(system, water, "water.example".parse().unwrap(), Span::default()).await.unwrap();
        let asn = registry.asn_add(system, water, "AS64500".parse().unwrap(), Span::default()).await.unwrap();
        let new = NewCircuit { number: "HN-1".into(), provider: "Telecom".into(), mbps: None };
        let circuit = registry.circuit_add(system, water, &new, Span::default()).await.unwrap();
        let new = NewContact {
            name: "陳大文".into(),
            role: "security".into(),
            mail: String::new(),
            telephone: String::new(),
        };
        let contact = registry.contact_add(system, water, &new).await.unwrap();
        let chief = world.person(Role::Administrator, sector).await;
        let own = world.person(Role::Administrator, power).await;
        let none = uuid::Uuid::from_u128(9);
        for by in [&chief, &own] {
            for (hidden, absent) in [
                (
                    code(registry.network_end(by, net, None, 1).await),
                    code(registry.network_end(by, none.into(), None, 1).await),
                ),
                (
                    code(registry.domain_end(by, domain, None, 1).await),
                    code(registry.domain_end(by, none.into(), None, 1).await),
                ),
                (
                    code(registry.asn_end(by, asn, None, 1).await),
                    code(registry.asn_end(by, none.into(), None, 1).await),
                ),
                (
                    code(registry.circuit_end(by, circuit, None, 1).await),
                    code(registry.circuit_end(by, none.into(), None, 1).await),
                ),
                (
                    code(registry.contact_end(by, contact, 1).await),
                    code(registry.contact_end(by, none.into(), 1).await),
                ),
            ] {
                assert_eq!((hidden, absent), ("LF-REG-0022", "LF-REG-0022"));
            }
        }
        for action in ["registry.end_network", "registry.end_domain", "registry.end_asn", "registry.end_circuit"] {
            assert_eq!(world.leaves(action, "refused").await, 0, "{action}");
        }
        assert_eq!(registry.networks(system.clearance(), water).await.unwrap().len(), 1, "nothing ended");
    })
    .await;
}
