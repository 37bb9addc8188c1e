//! A protected address is never let through, in no form; what is allowed is found in O(log n) and agrees with a scan.

use base::{AddrSpec, DirectiveId, Timestamp};
use edge::guard::{ChangeMeter, GuardName, GuardProfile, Guards, NetIndex, Reason, Ruling, ruling, special};
use edge::wire::{ChangeLimits, Entry, Intent, ProtectedNet};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

fn spec(text: &str) -> AddrSpec {
    text.parse().unwrap()
}

fn guards(demo: bool) -> Guards {
    let own = |net: &str| ProtectedNet { net: spec(net), why: "own".into() };
    let profile = GuardProfile { allow_documentation: demo, ..GuardProfile::default() };
    Guards::new(profile, &[own("61.64.0.0/16"), own("2001:b000::/20"), own("198.51.100.64/26"), own("9.9.9.9")])
}

fn rules(guards: &Guards, text: &str) -> Ruling {
    ruling(&guards.chain(spec(text), Intent::Deny, NOW.plus_secs(60), NOW))
}

#[test]
fn every_special_network_is_protected_by_equality_subtree_and_ancestor() {
    let guards = guards(false);
    for net in special::networks(false) {
        let inside = AddrSpec::host(net.spec.net().network());
        let last = AddrSpec::host(net.spec.net().broadcast());
        let around = net.spec.net().supernet().map(|wide| wide.to_string().parse::<AddrSpec>().unwrap());
        for key in [Some(net.spec), Some(inside), Some(last), around].into_iter().flatten() {
            assert!(guards.protected(key).is_some(), "{key} touches {}", net.spec);
            let entry = Entry::new(key, Intent::Deny, DirectiveId(uuid::Uuid::nil()), NOW.plus_secs(60));
            assert!(guards.admit(&entry, NOW).is_err(), "{key}");
        }
    }
}

#[test]
fn mapped_and_embedded_addresses_are_no_way_around() {
    for demo in [false, true] {
        let guards = guards(demo);
        for text in [
            "::ffff:10.0.0.1",
            "::ffff:10.0.0.0/104",
            "::ffff:0:0/96",
            "::/0",
            "0.0.0.0/0",
            "::a00:1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001::1",
            "::ffff:61.64.1.1",
            "::ffff:192.0.2.0/120",
            "8000::/1",
        ] {
            assert_eq!(rules(&guards, text), Ruling::Reject, "{text}");
        }
    }
}

#[test]
fn the_demonstration_may_deny_documentation_networks_only() {
    let (real, demo) = (guards(false), guards(true));
    for text in ["192.0.2.7", "198.51.100.0/26", "203.0.113.0/24", "2001:db8:1::/48"] {
        assert_eq!(rules(&real, text), Ruling::Reject, "{text}");
        assert_eq!(rules(&demo, text), Ruling::Pass, "{text}");
    }
    for text in ["198.51.100.70", "10.0.0.1", "192.0.0.1", "3fff::1", "198.18.0.1", "61.64.0.1", "224.0.0.1"] {
        assert_eq!(rules(&demo, text), Ruling::Reject, "{text}");
    }
}

#[test]
fn width_and_life_are_limited() {
    let guards = guards(false);
    for (text, wanted) in [
        ("8.8.8.8", Ruling::Pass),
        ("8.8.8.0/24", Ruling::Pass),
        ("8.8.8.0/23", Ruling::Hold),
        ("8.8.0.0/16", Ruling::Hold),
        ("8.8.0.0/15", Ruling::Reject),
        ("2a00:1450:1::/48", Ruling::Pass),
        ("2a00:1450::/47", Ruling::Hold),
        ("2a00:1450::/32", Ruling::Hold),
        ("2a00:1450::/31", Ruling::Reject),
    ] {
        assert_eq!(rules(&guards, text), wanted, "{text}");
    }
    let life = |secs: i64, intent: Intent| ruling(&guards.chain(spec("8.8.8.8"), intent, NOW.plus_secs(secs), NOW));
    assert_eq!(life(0, Intent::Deny), Ruling::Reject);
    assert_eq!(life(7 * 86_400, Intent::Deny), Ruling::Pass);
    assert_eq!(life(7 * 86_400 + 1, Intent::Deny), Ruling::Reject);
    assert_eq!(life(90 * 86_400, Intent::Allow), Ruling::Pass);
    assert_eq!(life(i64::MAX, Intent::Allow), Ruling::Reject);
    let verdicts = guards.chain(spec("10.0.0.0/23"), Intent::Deny, NOW, NOW);
    let said: Vec<_> = verdicts.iter().map(|verdict| (verdict.guard, verdict.ruling)).collect();
    assert_eq!(
        said,
        [(GuardName::Form, Ruling::Hold), (GuardName::Expiry, Ruling::Reject), (GuardName::Protected, Ruling::Reject),]
    );
}

#[test]
fn exceptions_may_name_protected_networks() {
    let verdicts = guards(false).chain(spec("10.0.0.0/24"), Intent::Allow, NOW.plus_secs(60), NOW);
    assert_eq!(ruling(&verdicts), Ruling::Pass);
}

#[test]
fn a_surge_freezes_and_the_floor_lets_small_sets_begin() {
    let limits = ChangeLimits::default();
    let mut meter = ChangeMeter::default();
    assert_eq!(meter.check(&limits, 0, 500, 0, NOW), Ok(()));
    assert!(matches!(meter.check(&limits, 0, 501, 0, NOW), Err(Reason::Surge { adds: 501, most: 500, .. })));
    // 2 % of 100,000 is 2,000; of a million it would be 20,000, but 5,000 is the most.
    assert_eq!(meter.check(&limits, 100_000, 2_000, 0, NOW), Ok(()));
    assert!(meter.check(&limits, 100_000, 2_001, 0, NOW).is_err());
    assert!(meter.check(&limits, 1_000_000, 5_001, 0, NOW).is_err());
    meter.record(1_500, 0, NOW);
    assert!(meter.check(&limits, 101_500, 501, 0, NOW.plus_secs(599)).is_err(), "the window remembers");
    assert_eq!(meter.check(&limits, 101_500, 500, 0, NOW.plus_secs(599)), Ok(()));
    assert_eq!(meter.check(&limits, 101_500, 2_000, 0, NOW.plus_secs(600)), Ok(()), "the window has passed");
}

#[test]
fn a_shrink_freezes() {
    let limits = ChangeLimits::default();
    let mut meter = ChangeMeter::default();
    assert_eq!(meter.check(&limits, 10_000, 0, 2_000, NOW), Ok(()));
    assert!(matches!(meter.check(&limits, 10_000, 0, 2_001, NOW), Err(Reason::Shrink { most: 2_000, .. })));
    meter.record(0, 2_000, NOW);
    assert!(meter.check(&limits, 8_000, 0, 1, NOW).is_err());
    assert_eq!(meter.check(&limits, 8_000, 1, 0, NOW), Ok(()), "additions are another matter");
    assert_eq!(ChangeMeter::default().check(&limits, 3, 0, 3, NOW), Ok(()), "a small set may end");
}

fn any_net() -> impl Strategy<Value = AddrSpec> {
    // Few distinct bits, so that networks often touch each other.
    let v4 = (any::<u8>(), any::<bool>(), 0_u8..=32).prop_map(|(low, high, prefix)| {
        let addr = std::net::Ipv4Addr::new(if high { 10 } else { 8 }, 0, low & 3, low);
        IpNet::V4(Ipv4Net::new(addr, prefix).unwrap().trunc())
    });
    let v6 = (any::<u8>(), any::<bool>(), 0_u8..=128).prop_map(|(low, high, prefix)| {
        let head = if high { 0xfe80 } else { 0x2a00 };
        let addr = std::net::Ipv6Addr::new(head, 0, 0, 0, 0, 0, u16::from(low & 3), u16::from(low));
        IpNet::V6(Ipv6Net::new(addr, prefix).unwrap().trunc())
    });
    prop_oneof![v4, v6].prop_map(|net| net.to_string().parse().unwrap())
}

proptest! {
    #[test]
    fn the_index_agrees_with_a_scan(nets in proptest::collection::vec(any_net(), 0..24), key in any_net()) {
        let index = NetIndex::new(nets.iter().map(|net| (*net, ())));
        let found = index.overlapping(key).map(|(net, ())| net);
        prop_assert_eq!(found.is_some(), nets.iter().any(|net| net.overlaps(key)));
        if let Some(net) = found {
            prop_assert!(nets.contains(&net) && net.overlaps(key));
        }
    }

    #[test]
    fn no_protected_address_in_any_form(bits: u128, prefix in 0_u8..=128, v4: bool, pick: prop::sample::Index, near: bool) {
        let guards = guards(false);
        let protected: Vec<AddrSpec> = special::networks(false).map(|net| net.spec)
            .chain(["61.64.0.0/16", "2001:b000::/20", "198.51.100.64/26", "9.9.9.9"].map(spec)).collect();
        // Half of the keys begin at a protected network, so that touching is not left to chance.
        let anchor = pick.get(&protected).net();
        let net = match (near, v4) {
            (true, _) => IpNet::new(anchor.network(), prefix.min(anchor.max_prefix_len())).unwrap(),
            (false, true) => IpNet::V4(Ipv4Net::new((bits as u32).into(), prefix % 33).unwrap()),
            (false, false) => IpNet::V6(Ipv6Net::new(bits.into(), prefix).unwrap()),
        };
        let key: AddrSpec = net.trunc().to_string().parse().unwrap();
        let touches = protected.iter().any(|net| net.overlaps(key));
        prop_assert_eq!(guards.protected(key).is_some(), touches);
        let entry = Entry::new(key, Intent::Deny, DirectiveId(uuid::Uuid::nil()), NOW.plus_secs(60));
        if touches {
            prop_assert!(guards.admit(&entry, NOW).is_err());
            prop_assert_eq!(ruling(&guards.chain(key, Intent::Deny, NOW.plus_secs(60), NOW)), Ruling::Reject);
        }
        if let IpNet::V4(inner) = key.net() {
            let mapped = format!("::ffff:{}/{}", inner.addr(), 96 + inner.prefix_len());
            let mapped: AddrSpec = mapped.parse().unwrap();
            prop_assert!(guards.protected(mapped).is_some() || (mapped == key && !touches));
        }
    }
}
