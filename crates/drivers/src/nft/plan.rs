//! From elements to the steps of one transaction, and to the form of it that cannot fail on a differing engine.

use base::{AddrSpec, Timestamp};
use edge::wire::Collection;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::driver::Element;
use crate::nft::cover::Cover;
use crate::nft::message::{KernelElement, Step};
use crate::nft::ruleset::{is_interval, set_name};

/// The kernel removes an element by itself so long after the agent should have.
const DEAD_MAN_SECS: i64 = 24 * 3600;
/// Spreads those removals, so that they never all come in one second.
const SPREAD_SECS: u64 = 3 * 3600;

/// The steps of one transaction, by set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    now: Timestamp,
    /// Sets that are emptied first.
    pub(crate) flush: BTreeSet<Collection>,
    del: BTreeMap<Collection, Vec<KernelElement>>,
    put: BTreeMap<Collection, Vec<KernelElement>>,
}

impl Plan {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    pub(crate) fn put_host(&mut self, element: &Element) {
        let address = element.key.net().addr();
        let timeout = self.timeout(address, element.expires);
        self.put.entry(element.collection).or_default().push(kernel_element(address, Some(timeout)));
    }

    pub(crate) fn del_host(&mut self, collection: Collection, key: AddrSpec) {
        self.del.entry(collection).or_default().push(kernel_element(key.net().addr(), None));
    }

    pub(crate) fn put_nets(&mut self, collection: Collection, nets: impl Iterator<Item = (IpNet, Timestamp)>) {
        for (net, expires) in nets {
            let timeout = self.timeout(net.network(), expires);
            self.put.entry(collection).or_default().extend(interval(net, Some(timeout)));
        }
    }

    pub(crate) fn del_nets(&mut self, collection: Collection, nets: &[IpNet]) {
        self.del.entry(collection).or_default().extend(nets.iter().flat_map(|net| interval(*net, None)));
    }

    /// Removals come before additions, so that an interval's place is free when the next one takes it.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        let flush = self.flush.iter().map(|collection| Step::Flush(set_name(*collection)));
        let del = self.del.iter().map(|(collection, elements)| Step::Del(set_name(*collection), elements));
        let put = self.put.iter().map(|(collection, elements)| Step::Put(set_name(*collection), elements));
        flush.chain(del).chain(put).collect()
    }

    /// The same change whatever the engine holds. A removal is preceded by an addition, which tolerates what is
    /// there, so that it always finds its element; interval sets are built anew, because what should not be in them
    /// may overlap with what should.
    pub(crate) fn tolerant(&self, covers: &BTreeMap<Collection, Cover>) -> Tolerant {
        let mut out = Tolerant { ensure: BTreeMap::new(), plan: Self::new(self.now) };
        let touched: BTreeSet<Collection> = self.del.keys().chain(self.put.keys()).copied().collect();
        for collection in touched {
            if is_interval(collection) {
                out.plan.flush.insert(collection);
                let nets = covers.get(&collection).into_iter().flat_map(|cover| cover.outer());
                out.plan.put_nets(collection, nets.map(|(net, expires)| (*net, *expires)));
                continue;
            }
            let del = self.del.get(&collection).cloned().unwrap_or_default();
            let put = self.put.get(&collection).cloned().unwrap_or_default();
            // What is put must get its new timeout even if it is there already.
            let ensure: BTreeSet<KernelElement> =
                del.iter().chain(&put).map(|element| kernel_element(element.key, None)).collect();
            let ensure: Vec<KernelElement> = ensure.into_iter().collect();
            out.plan.del.insert(collection, ensure.clone());
            out.plan.put.insert(collection, put);
            out.ensure.insert(collection, ensure);
        }
        out
    }

    fn timeout(&self, address: IpAddr, expires: Timestamp) -> u64 {
        let left = expires.since(self.now).max(0) / 1_000;
        let left = u64::try_from(left.saturating_add(DEAD_MAN_SECS * 1_000)).unwrap_or(u64::MAX);
        left.saturating_add(spread(address) * 1_000)
    }
}

/// A plan with elements that are put only so that their removal finds them.
#[derive(Debug)]
pub(crate) struct Tolerant {
    ensure: BTreeMap<Collection, Vec<KernelElement>>,
    plan: Plan,
}

impl Tolerant {
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        let ensure = self.ensure.iter().map(|(collection, elements)| Step::Put(set_name(*collection), elements));
        ensure.chain(self.plan.steps()).collect()
    }
}

/// Seconds that differ from address to address but not from apply to apply (FNV-1a).
fn spread(address: IpAddr) -> u64 {
    let fold = |octets: &[u8]| {
        octets.iter().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3))
    };
    let hash = match address {
        IpAddr::V4(v4) => fold(&v4.octets()),
        IpAddr::V6(v6) => fold(&v6.octets()),
    };
    hash % SPREAD_SECS
}

pub(crate) const fn kernel_element(key: IpAddr, timeout_ms: Option<u64>) -> KernelElement {
    KernelElement { key, end: false, timeout_ms }
}

/// A network as the kernel wants it: where it starts and the first address behind it.
pub(crate) fn interval(net: IpNet, timeout_ms: Option<u64>) -> Vec<KernelElement> {
    let end = end_of(net).map(|key| KernelElement { key, end: true, timeout_ms: None });
    std::iter::once(kernel_element(net.network(), timeout_ms)).chain(end).collect()
}

/// The first address behind a network; none behind the last one.
pub(crate) fn end_of(net: IpNet) -> Option<IpAddr> {
    match net.broadcast() {
        IpAddr::V4(last) => u32::from(last).checked_add(1).map(|next| Ipv4Addr::from(next).into()),
        IpAddr::V6(last) => u128::from(last).checked_add(1).map(|next| Ipv6Addr::from(next).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_ends_behind_its_last_address() {
        let ends = |text: &str| end_of(text.parse().unwrap()).map(|end| end.to_string());
        assert_eq!(ends("10.0.0.0/8").as_deref(), Some("11.0.0.0"));
        assert_eq!(ends("192.0.2.7/32").as_deref(), Some("192.0.2.8"));
        assert_eq!(ends("255.255.255.0/24"), None);
        assert_eq!(ends("2001:db8::/32").as_deref(), Some("2001:db9::"));
        assert_eq!(ends("::/0"), None);
    }

    #[test]
    fn the_kernel_s_timeout_lies_a_day_behind_and_is_spread() {
        let plan = Plan::new(Timestamp::from_micros(0));
        let hour = Timestamp::from_micros(3_600_000_000);
        let timeouts: BTreeSet<u64> =
            (0..=255).map(|host| plan.timeout(Ipv4Addr::new(192, 0, 2, host).into(), hour)).collect();
        assert!(timeouts.first().unwrap() >= &(25 * 3_600_000));
        assert!(timeouts.last().unwrap() < &(28 * 3_600_000));
        assert!(timeouts.len() > 200, "{} different ends", timeouts.len());
        let long_gone = Timestamp::from_micros(-1_000_000_000_000);
        assert!(plan.timeout(Ipv4Addr::LOCALHOST.into(), long_gone) >= 24 * 3_600_000);
    }
}
