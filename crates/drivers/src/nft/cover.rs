//! Interval sets refuse elements that overlap: of networks that contain each other only the outermost go to the
//! kernel, and the inner ones come up when the outer one leaves.

use base::Timestamp;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// Networks of one set: all that are wanted, and the outermost of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cover {
    wanted: BTreeMap<IpNet, Timestamp>,
    outer: BTreeMap<IpNet, Timestamp>,
}

/// What the kernel's set must lose and gain, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    pub(crate) del: Vec<IpNet>,
    pub(crate) put: Vec<(IpNet, Timestamp)>,
}

impl Cover {
    /// The cover of exactly these networks.
    pub(crate) fn of(wanted: impl IntoIterator<Item = (IpNet, Timestamp)>) -> Self {
        let wanted: BTreeMap<_, _> = wanted.into_iter().collect();
        // In order of address and then length, an outer network stands directly before everything it contains.
        let mut outer = BTreeMap::new();
        let mut last: Option<IpNet> = None;
        for (net, expires) in &wanted {
            if !last.is_some_and(|last| last.contains(net)) {
                outer.insert(*net, *expires);
                last = Some(*net);
            }
        }
        Self { wanted, outer }
    }

    /// What the kernel holds.
    pub(crate) const fn outer(&self) -> &BTreeMap<IpNet, Timestamp> {
        &self.outer
    }

    /// What [`Cover::change`] must be given to take back a change of these networks.
    pub(crate) fn undo<'a>(&self, touched: impl Iterator<Item = &'a IpNet>) -> (Vec<(IpNet, Timestamp)>, Vec<IpNet>) {
        let (mut put, mut del) = (Vec::new(), Vec::new());
        for net in touched {
            match self.wanted.get(net) {
                Some(expires) => put.push((*net, *expires)),
                None => del.push(*net),
            }
        }
        (put, del)
    }

    /// Changes what is wanted and says what the kernel must lose and gain.
    pub(crate) fn change(&mut self, put: &[(IpNet, Timestamp)], del: &[IpNet]) -> Steps {
        let mut touched: BTreeSet<IpNet> = del.iter().chain(put.iter().map(|(net, _)| net)).copied().collect();
        for net in del {
            self.wanted.remove(net);
        }
        self.wanted.extend(put.iter().copied());
        // A region is the outermost network, old or new, around a touched one; regions do not overlap.
        let mut regions: Vec<IpNet> = Vec::new();
        while let Some(net) = touched.pop_first() {
            let region = outermost(&self.wanted, net).into_iter().chain(outermost(&self.outer, net)).chain([net]);
            let region = region.min_by_key(IpNet::prefix_len).unwrap_or(net);
            if !regions.last().is_some_and(|last| last.contains(&region)) {
                regions.push(region);
            }
        }
        let mut steps = Steps::default();
        for region in regions {
            let had: BTreeMap<IpNet, Timestamp> = within(&self.outer, region).collect();
            let has = Self::of(within(&self.wanted, region)).outer;
            steps.del.extend(had.iter().filter(|(net, expires)| has.get(net) != Some(expires)).map(|(net, _)| *net));
            steps.put.extend(has.iter().filter(|(net, expires)| had.get(net) != Some(expires)).map(|(n, e)| (*n, *e)));
        }
        for net in &steps.del {
            self.outer.remove(net);
        }
        self.outer.extend(steps.put.iter().copied());
        steps
    }

    /// The outermost wanted network around `net`, itself included: what the kernel holds in its stead.
    pub(crate) fn standing_for(&self, net: IpNet) -> Option<IpNet> {
        outermost(&self.outer, net)
    }
}

fn outermost(map: &BTreeMap<IpNet, Timestamp>, net: IpNet) -> Option<IpNet> {
    (0..=net.prefix_len())
        .filter_map(|length| IpNet::new(net.addr(), length).ok().map(|wide| wide.trunc()))
        .find(|wide| map.contains_key(wide))
}

fn within(map: &BTreeMap<IpNet, Timestamp>, region: IpNet) -> impl Iterator<Item = (IpNet, Timestamp)> + '_ {
    let last = IpNet::from(region.broadcast());
    map.range(region..=last).map(|(net, expires)| (*net, *expires))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    const T: Timestamp = Timestamp::from_micros(5);

    #[test]
    fn inner_networks_come_up_when_the_outer_leaves() {
        let mut cover = Cover::of([(net("10.0.0.0/8"), T), (net("10.1.0.0/16"), T), (net("10.1.2.0/24"), T)]);
        assert_eq!(cover.outer().keys().copied().collect::<Vec<_>>(), [net("10.0.0.0/8")]);
        assert_eq!(cover.standing_for(net("10.1.2.0/24")), Some(net("10.0.0.0/8")));
        let steps = cover.change(&[], &[net("10.0.0.0/8")]);
        assert_eq!(steps, Steps { del: vec![net("10.0.0.0/8")], put: vec![(net("10.1.0.0/16"), T)] });
        let steps = cover.change(&[(net("10.0.0.0/12"), T)], &[]);
        assert_eq!(steps, Steps { del: vec![net("10.1.0.0/16")], put: vec![(net("10.0.0.0/12"), T)] });
        assert_eq!(cover.change(&[(net("10.2.0.0/16"), T)], &[net("10.1.2.0/24")]), Steps::default());
    }

    fn some_net() -> impl Strategy<Value = IpNet> {
        // Few addresses, so that networks often contain each other.
        (0_u8..4, 0_u8..4, 8_u8..=32, any::<bool>()).prop_map(|(a, b, length, six)| {
            let wide: IpNet = if six {
                IpNet::new(
                    std::net::Ipv6Addr::new(0x2001, u16::from(a), u16::from(b), 0, 0, 0, 0, 1).into(),
                    length * 4,
                )
                .unwrap()
            } else {
                IpNet::new([10, a, b, a].into(), length).unwrap()
            };
            wide.trunc()
        })
    }

    proptest! {
        /// The kernel's set, led by the steps, is at every moment free of overlap and equal to the cover from scratch.
        #[test]
        fn steps_lead_to_the_cover(
            start in proptest::collection::vec((some_net(), 1_i64..4), 0..12),
            changes in proptest::collection::vec((proptest::collection::vec((some_net(), 1_i64..4), 0..5), proptest::collection::vec(some_net(), 0..5)), 1..8),
        ) {
            let timed = |list: &[(IpNet, i64)]| list.iter().map(|(n, t)| (*n, Timestamp::from_micros(*t))).collect::<Vec<_>>();
            let mut cover = Cover::of(timed(&start));
            let mut kernel = cover.outer().clone();
            for (put, del) in changes {
                let steps = cover.change(&timed(&put), &del);
                for net in &steps.del {
                    prop_assert!(kernel.remove(net).is_some(), "{net} was not there");
                }
                for (net, expires) in &steps.put {
                    prop_assert!(kernel.keys().all(|other| !other.contains(net) && !net.contains(other)), "{net} overlaps");
                    kernel.insert(*net, *expires);
                }
                prop_assert_eq!(&kernel, &Cover::of(cover.wanted.clone()).outer);
                prop_assert_eq!(&kernel, cover.outer());
            }
        }
    }
}
