//! Bounded collections whose content does not depend on the order of arrival: each keeps the smallest of what it was given,
//! by a total order, so that any split into batches and any order of them ends in the same value.

use base::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Counts distinct texts: exact up to `K`, then estimated from the `K` smallest hashes (k minimum values,
/// Bar-Yossef et al. 2002: (k - 1) / the largest kept hash as a fraction of its range).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Distinct<const K: usize = 128>(BTreeSet<u64>);

impl<const K: usize> Distinct<K> {
    /// Adds a text by its hash.
    pub fn add(&mut self, hash: u64) {
        self.0.insert(hash);
        if self.0.len() > K {
            self.0.pop_last();
        }
    }

    /// Adds what another one was given.
    pub fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|hash| self.add(*hash));
    }

    /// How many distinct ones were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.0.last() {
            Some(last) if self.0.len() >= K => {
                ((K - 1) as f64 / ((*last as f64 + 1.0) / (u64::MAX as f64 + 1.0))).round() as u64
            }
            _ => self.0.len() as u64,
        }
    }

    /// The kept hashes, ascending: equal sets have equal ones.
    pub fn hashes(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The earliest `N` texts, repeated ones as often as they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Earliest<const N: usize>(Vec<(i64, String)>);

impl<const N: usize> Default for Earliest<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<const N: usize> Earliest<N> {
    /// Adds a text of that time, at most `most` bytes of it, NUL made visible (no database column holds one).
    pub fn add(&mut self, at: Timestamp, text: &str, most: usize) {
        let at = at.as_micros();
        if self.0.len() >= N && self.0.last().is_some_and(|(last, _)| at > *last) {
            return;
        }
        let item = (at, clean(text, most));
        let place = self.0.partition_point(|kept| *kept <= item);
        self.0.insert(place, item);
        self.0.truncate(N);
    }

    /// The kept texts, earliest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> + '_ {
        self.0.iter().map(|(_, text)| text.as_str())
    }

    /// Their times, earliest first.
    pub fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.0.iter().map(|(at, _)| Timestamp::from_micros(*at))
    }

    /// The earliest.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, text)| text.as_str())
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The alphabetically first `N` distinct texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FirstOf<const N: usize>(BTreeSet<String>);

impl<const N: usize> Default for FirstOf<N> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<const N: usize> FirstOf<N> {
    /// Adds a text, at most `most` bytes of it.
    pub fn add(&mut self, text: &str, most: usize) {
        if text.is_empty() {
            return;
        }
        self.0.insert(clean(text, most));
        if self.0.len() > N {
            self.0.pop_last();
        }
    }

    /// The kept texts.
    pub fn iter(&self) -> impl Iterator<Item = &str> + '_ {
        self.0.iter().map(String::as_str)
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// At most `most` bytes of foreign text, cut at a character, NUL replaced.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    let end = if text.len() <= most {
        text.len()
    } else {
        (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
    };
    text.get(..end).unwrap_or_default().replace('\0', "\u{2400}")
}

/// A 64-bit hash of texts that is the same on every machine and release: FNV-1a, then the finaliser of SplitMix64.
#[must_use]
pub fn hash64(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        // A byte that UTF-8 does not use ends each part.
        hash = (hash ^ 0xff).wrapping_mul(0x0100_0000_01b3);
    }
    mix(hash)
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_estimate_stays_near() {
        let mut distinct: Distinct = Distinct::default();
        for n in 0..20_000_u64 {
            distinct.add(hash64(&[&n.to_string()]));
        }
        // The standard error of k minimum values is 1/sqrt(k - 2), about 9 %.
        let count = distinct.count();
        assert!((14_000..26_000).contains(&count), "{count}");
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(hash64(&["ab", "c"]), hash64(&["a", "bc"]));
        assert_eq!(clean("a\0台", 3), "a\u{2400}");
    }

    proptest! {
        #[test]
        fn order_does_not_matter(items in proptest::collection::vec((0_i64..20, "[a-d]{0,2}"), 0..40), turn in 0_usize..40) {
            let fold = |items: &[(i64, String)]| {
                let mut kept = (<Distinct>::default(), Earliest::<5>::default(), FirstOf::<4>::default());
                for (at, text) in items {
                    kept.0.add(hash64(&[text]));
                    kept.1.add(Timestamp::from_micros(*at), text, 64);
                    kept.2.add(text, 64);
                }
                kept
            };
            let mut turned = items.clone();
            if !turned.is_empty() {
                let middle = turn % turned.len();
                turned.rotate_left(middle);
                turned.reverse();
            }
            prop_assert_eq!(fold(&items), fold(&turned));
        }
    }
}
