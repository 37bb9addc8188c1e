//! Sets of numbers as intervals: which of a sensor's events have arrived.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Disjoint intervals that do not touch, by their first number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Ranges(BTreeMap<u64, u64>);

impl From<Vec<(u64, u64)>> for Ranges {
    fn from(intervals: Vec<(u64, u64)>) -> Self {
        let mut ranges = Self::default();
        for (first, last) in intervals {
            ranges.insert(first, last);
        }
        ranges
    }
}

impl From<Ranges> for Vec<(u64, u64)> {
    fn from(ranges: Ranges) -> Self {
        ranges.0.into_iter().collect()
    }
}

impl Ranges {
    /// Whether the number is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| number <= *last)
    }

    /// Adds all numbers from `first` to `last`; nothing when `last` is smaller.
    pub fn insert(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        let (mut first, mut last) = (first, last);
        // Everything that overlaps or touches becomes one interval.
        while let Some((from, to)) = self.0.range(..=last.saturating_add(1)).next_back().map(|(from, to)| (*from, *to))
        {
            if to.saturating_add(1) < first {
                break;
            }
            self.0.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.0.insert(first, last);
    }

    /// Takes all numbers from `first` to `last` out.
    pub fn remove(&mut self, first: u64, last: u64) {
        while let Some((from, to)) = self.0.range(..=last).next_back().map(|(from, to)| (*from, *to)) {
            if first > last || to < first {
                break;
            }
            self.0.remove(&from);
            if to > last {
                self.0.insert(last + 1, to);
            }
            if from < first {
                self.0.insert(from, first - 1);
            }
        }
    }

    /// Takes everything of another set out.
    pub fn subtract(&mut self, other: &Self) {
        for (first, last) in &other.0 {
            self.remove(*first, *last);
        }
    }

    /// Whether no number is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts of `first..=last` that are not in the set.
    #[must_use]
    pub fn missing(&self, first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut at = first;
        let before = self.0.range(..=first).next_back().map(|(from, to)| (*from, *to));
        for (from, to) in before.into_iter().chain(self.0.range(first.saturating_add(1)..).map(|(f, t)| (*f, *t))) {
            if at > last || from > last {
                break;
            }
            if from > at {
                gaps.push((at, from - 1));
            }
            at = at.max(to.saturating_add(1));
        }
        if at <= last && !self.contains(at) {
            gaps.push((at, last));
        }
        gaps
    }

    /// The highest number below which nothing is missing, counted from 0 or 1; 0 when there is none.
    #[must_use]
    pub fn contiguous(&self) -> u64 {
        self.0.range(..=1).next_back().map_or(0, |(_, last)| *last)
    }

    /// How many intervals there are.
    #[must_use]
    pub fn gaps(&self) -> usize {
        self.0.len()
    }

    /// Adds everything of another set.
    pub fn extend(&mut self, other: &Self) {
        for (first, last) in &other.0 {
            self.insert(*first, *last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn is_a_set(intervals in proptest::collection::vec((0_u64..60, 0_u64..12), 0..12), ask in (0_u64..70, 0_u64..20)) {
            let mut ranges = Ranges::default();
            let mut plain = BTreeSet::new();
            for (first, length) in intervals {
                ranges.insert(first, first + length);
                plain.extend(first..=first + length);
            }
            for number in 0..100 {
                prop_assert_eq!(ranges.contains(number), plain.contains(&number), "{}", number);
            }
            let (first, last) = (ask.0, ask.0 + ask.1);
            let gaps: Vec<u64> = ranges.missing(first, last).into_iter().flat_map(|(a, b)| a..=b).collect();
            let want: Vec<u64> = (first..=last).filter(|number| !plain.contains(number)).collect();
            prop_assert_eq!(gaps, want);
            let start = u64::from(!plain.contains(&0));
            let run = (start..).take_while(|number| plain.contains(number)).last().unwrap_or(0);
            prop_assert_eq!(ranges.contiguous(), run);
            let again: Ranges = Vec::from(ranges.clone()).into();
            prop_assert_eq!(&again, &ranges);
            ranges.remove(first, last);
            plain.retain(|number| !(first..=last).contains(number));
            prop_assert_eq!(Vec::from(ranges.clone()).into_iter().flat_map(|(a, b)| a..=b).collect::<BTreeSet<_>>(), plain);
            ranges.subtract(&again);
            prop_assert!(ranges.is_empty());
        }
    }

    #[test]
    fn the_largest_number_is_no_trap() {
        let mut ranges = Ranges::default();
        ranges.insert(u64::MAX - 1, u64::MAX);
        ranges.insert(u64::MAX, u64::MAX);
        assert!(ranges.contains(u64::MAX));
        assert_eq!(ranges.missing(u64::MAX - 2, u64::MAX), [(u64::MAX - 2, u64::MAX - 2)]);
        ranges.remove(u64::MAX, u64::MAX);
        assert!(ranges.contains(u64::MAX - 1) && !ranges.contains(u64::MAX));
    }
}
