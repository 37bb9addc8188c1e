//! The table's names and the text that installs it: sets stay with their elements, rules are put anew.

use edge::wire::Collection;
use std::fmt::Write as _;

/// Chains with the rules, and the base chains that jump to them; without the jumps nothing is denied.
pub(crate) const INBOUND: &str = "inbound";
pub(crate) const OUTBOUND: &str = "outbound";
pub(crate) const BASE: [&str; 3] = ["input", "forward", "output"];
/// Which base chain jumps where: sources are judged on the way in, destinations on the way out.
pub(crate) const JUMPS: [(&str, &str); 4] =
    [("input", INBOUND), ("forward", INBOUND), ("forward", OUTBOUND), ("output", OUTBOUND)];
/// Packets of denied sources and to denied destinations.
pub(crate) const DROPPED: [&str; 2] = ["dropped_in", "dropped_out"];
/// Canary packets before the first and behind the last rule.
pub(crate) const CANARY_SEEN: &str = "canary_seen";
pub(crate) const CANARY_PASSED: &str = "canary_passed";
const ALLOWED: &str = "allowed";
/// Before `filter` (0), so that nothing else accepts first; behind connection tracking.
const PRIORITY: i32 = -10;

/// The set of a collection.
pub(crate) const fn set_name(collection: Collection) -> &'static str {
    match collection {
        Collection::Ip4Allow => "allow4",
        Collection::Ip4Host => "deny4_host",
        Collection::Ip4Net => "deny4_net",
        Collection::Ip6Allow => "allow6",
        Collection::Ip6Host => "deny6_host",
        Collection::Ip6Net => "deny6_net",
    }
}

/// Whether the set keeps intervals; hosts are in a hash, which is cheaper to change.
pub(crate) const fn is_interval(collection: Collection) -> bool {
    !matches!(collection, Collection::Ip4Host | Collection::Ip6Host)
}

const fn is_v4(collection: Collection) -> bool {
    matches!(collection, Collection::Ip4Allow | Collection::Ip4Host | Collection::Ip4Net)
}

/// Text for `nft -f -`: one transaction that puts the structure in place whatever was there, elements aside.
/// `canary` is the interface on which canary packets arrive; with `killed` the base chains stay empty.
pub(crate) fn install(table: &str, canary: &str, killed: bool) -> String {
    let mut out = format!("table inet {table} {{\n");
    for collection in Collection::ALL {
        let (kind, name) = (if is_v4(collection) { "ipv4_addr" } else { "ipv6_addr" }, set_name(collection));
        let flags = if is_interval(collection) { "interval,timeout" } else { "timeout" };
        line(&mut out, &format!("set {name} {{ type {kind}; flags {flags}; }}"));
    }
    for counter in [ALLOWED, CANARY_SEEN, CANARY_PASSED].iter().chain(&DROPPED) {
        line(&mut out, &format!("counter {counter} {{ }}"));
    }
    for chain in [INBOUND, OUTBOUND] {
        line(&mut out, &format!("chain {chain} {{ }}"));
    }
    for chain in BASE {
        line(&mut out, &format!("chain {chain} {{ type filter hook {chain} priority {PRIORITY}; policy accept; }}"));
    }
    out.push_str("}\n");
    for chain in [INBOUND, OUTBOUND].iter().chain(&BASE) {
        let _infallible = writeln!(out, "flush chain inet {table} {chain}");
    }
    let _infallible = writeln!(out, "table inet {table} {{");
    rules(&mut out, INBOUND, "saddr", DROPPED[0], Some(canary));
    rules(&mut out, OUTBOUND, "daddr", DROPPED[1], None);
    for (from, to) in JUMPS.iter().filter(|_| !killed) {
        line(&mut out, &format!("chain {from} {{ jump {to}; }}"));
    }
    out.push_str("}\n");
    out
}

/// Allow stands before deny, so that it wins inside the engine itself.
fn rules(out: &mut String, chain: &str, field: &str, dropped: &str, canary: Option<&str>) {
    let _infallible = writeln!(out, "\tchain {chain} {{");
    let mut rule = |text: String| line(out, &format!("\t{text}"));
    if let Some(interface) = canary {
        rule(format!("iifname \"{interface}\" meta l4proto udp counter name {CANARY_SEEN}"));
    }
    for (family, set) in [("ip", Collection::Ip4Allow), ("ip6", Collection::Ip6Allow)] {
        rule(format!("{family} {field} @{} counter name {ALLOWED} accept", set_name(set)));
    }
    let denied = [Collection::Ip4Host, Collection::Ip4Net, Collection::Ip6Host, Collection::Ip6Net];
    for set in denied {
        let family = if is_v4(set) { "ip" } else { "ip6" };
        rule(format!("{family} {field} @{} counter name {dropped} drop", set_name(set)));
    }
    if let Some(interface) = canary {
        rule(format!("iifname \"{interface}\" meta l4proto udp counter name {CANARY_PASSED}"));
    }
    out.push_str("\t}\n");
}

fn line(out: &mut String, text: &str) {
    let _infallible = writeln!(out, "\t{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_comes_before_deny_and_killed_has_no_jumps() {
        let text = install("lianfang", "lfp0", false);
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle} is missing in:\n{text}"));
        assert!(at("ip saddr @allow4") < at("ip saddr @deny4_host"));
        assert!(at("ip6 daddr @allow6") < at("ip daddr @deny4_net"));
        assert!(at("canary_seen\n\t\tip saddr") < at("udp counter name canary_passed"));
        assert_eq!(text.matches("jump").count(), 4);
        assert_eq!(install("lianfang", "lfp0", true).matches("jump").count(), 0);
    }
}
