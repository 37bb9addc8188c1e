//! A set of networks that answers "does this share an address with any of you?" in O(log n).
//!
//! Two prefixes are nested or disjoint, never half over each other. So only the widest of nested ones need be kept;
//! those are disjoint, stand in order, and one binary search finds the only one that can contain the question's
//! first address, a second look the first one that begins inside the question.

use base::AddrSpec;
use ipnet::IpNet;
use std::net::IpAddr;

/// Networks with something to say about each.
#[derive(Debug, Clone)]
pub struct NetIndex<T> {
    v4: Vec<Span<T>>,
    v6: Vec<Span<T>>,
}

#[derive(Debug, Clone)]
struct Span<T> {
    first: u128,
    last: u128,
    net: AddrSpec,
    about: T,
}

impl<T> Default for NetIndex<T> {
    fn default() -> Self {
        Self { v4: Vec::new(), v6: Vec::new() }
    }
}

impl<T> NetIndex<T> {
    /// An index of these networks. Of equal ones the first is kept, of nested ones the widest.
    pub fn new(nets: impl IntoIterator<Item = (AddrSpec, T)>) -> Self {
        let mut index = Self::default();
        for (net, about) in nets {
            let (first, last) = bounds(net);
            let spans = if net.is_v4() { &mut index.v4 } else { &mut index.v6 };
            spans.push(Span { first, last, net, about });
        }
        for spans in [&mut index.v4, &mut index.v6] {
            // Stable: of equal networks the first given stays first. Wider ones come before those inside them.
            spans.sort_by_key(|span| (span.first, std::cmp::Reverse(span.last)));
            let mut covered: Option<u128> = None;
            spans.retain(|span| {
                let outside = covered.is_none_or(|last| span.first > last);
                if outside {
                    covered = Some(span.last);
                }
                outside
            });
            spans.shrink_to_fit();
        }
        index
    }

    /// A network of the set that shares an address with `key`: equal to it, around it, or inside it.
    #[must_use]
    pub fn overlapping(&self, key: AddrSpec) -> Option<(AddrSpec, &T)> {
        let (first, last) = bounds(key);
        let spans = if key.is_v4() { &self.v4 } else { &self.v6 };
        let at = spans.partition_point(|span| span.last < first);
        spans.get(at).filter(|span| span.first <= last).map(|span| (span.net, &span.about))
    }

    /// Networks kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

/// First and last address of a network as numbers.
pub(crate) fn bounds(net: AddrSpec) -> (u128, u128) {
    let number = |addr: IpAddr| match addr {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let net: IpNet = net.net();
    (number(net.network()), number(net.broadcast()))
}
