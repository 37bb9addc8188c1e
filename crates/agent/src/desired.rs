//! What the engine should hold, and when each element ends. Pure.

use base::{AddrSpec, Timestamp};
use drivers::{Change, Element};
use edge::wire::Collection;
use std::collections::{BTreeMap, BTreeSet};

/// Where an element stands.
pub(crate) type Place = (Collection, AddrSpec);

/// The desired state of the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desired {
    elements: BTreeMap<Place, Timestamp>,
    ends: BTreeSet<(Timestamp, Place)>,
    counts: BTreeMap<Collection, u64>,
}

impl Desired {
    /// Elements in all.
    pub(crate) fn len(&self) -> u64 {
        self.elements.len() as u64
    }

    /// Elements of one set.
    pub(crate) fn count(&self, collection: Collection) -> u64 {
        self.counts.get(&collection).copied().unwrap_or(0)
    }

    /// Every element.
    pub(crate) fn all(&self) -> Vec<Element> {
        self.elements.iter().map(|(place, expires)| element(*place, *expires)).collect()
    }

    /// What must change so that `put` are there and `del` are not; what is so already is left out.
    pub(crate) fn change(
        &self,
        put: impl IntoIterator<Item = Element>,
        del: impl IntoIterator<Item = Place>,
    ) -> Change {
        let mut change = Change::default();
        for element in put {
            match self.elements.get(&(element.collection, element.key)) {
                None => change.put.push(element),
                Some(expires) if *expires != element.expires => change.renew.push(element),
                Some(_) => {}
            }
        }
        change.del = del.into_iter().filter(|place| self.elements.contains_key(place)).collect();
        change
    }

    /// What must change so that exactly `all` is there.
    pub(crate) fn change_to(&self, all: &[Element]) -> Change {
        let wanted: BTreeSet<Place> = all.iter().map(|element| (element.collection, element.key)).collect();
        let gone: Vec<Place> = self.elements.keys().filter(|place| !wanted.contains(place)).copied().collect();
        self.change(all.iter().copied(), gone)
    }

    /// Takes a change in.
    pub(crate) fn take(&mut self, change: &Change) {
        for place in &change.del {
            self.forget(place);
        }
        for element in change.put.iter().chain(&change.renew) {
            let place = (element.collection, element.key);
            self.forget(&place);
            self.elements.insert(place, element.expires);
            self.ends.insert((element.expires, place));
            *self.counts.entry(element.collection).or_default() += 1;
        }
    }

    /// Elements whose end has come.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Place> {
        self.ends.iter().take_while(|(end, _)| *end <= now).map(|(_, place)| *place).collect()
    }

    /// About `most` elements, each as likely as any other; `random` decides which.
    pub(crate) fn sample(&self, most: usize, random: u64) -> Vec<Place> {
        let stride = self.elements.len().div_ceil(most.max(1)).max(1);
        let phase = usize::try_from(random % stride as u64).unwrap_or(0);
        self.elements.keys().skip(phase).step_by(stride).copied().collect()
    }

    /// Whether an element is there that stands around this place: its network stays denied when it leaves.
    pub(crate) fn is_covered(&self, (collection, key): Place) -> bool {
        let net = key.net();
        (0..=net.prefix_len()).any(|length| {
            let wide = ipnet::IpNet::new(net.addr(), length).ok().map(|wide| wide.trunc().to_string());
            let wide = wide.and_then(|wide| wide.parse::<AddrSpec>().ok());
            wide.is_some_and(|wide| self.elements.contains_key(&(collection, wide)))
        })
    }

    fn forget(&mut self, place: &Place) {
        if let Some(expires) = self.elements.remove(place) {
            self.ends.remove(&(expires, *place));
            if let Some(count) = self.counts.get_mut(&place.0) {
                *count -= 1;
            }
        }
    }
}

const fn element(place: Place, expires: Timestamp) -> Element {
    Element { collection: place.0, key: place.1, expires }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edge::wire::Intent;

    fn deny(text: &str, end: i64) -> Element {
        let key: AddrSpec = text.parse().unwrap();
        Element { collection: Collection::of(key, Intent::Deny), key, expires: Timestamp::from_micros(end) }
    }

    fn place(element: &Element) -> Place {
        (element.collection, element.key)
    }

    #[test]
    fn changes_name_only_what_differs() {
        let mut desired = Desired::default();
        let (one, two) = (deny("203.0.113.1", 10), deny("203.0.113.2", 20));
        let change = desired.change([one, two], [place(&deny("203.0.113.9", 0))]);
        assert_eq!((change.put.len(), change.renew.len(), change.del.len()), (2, 0, 0));
        desired.take(&change);
        assert!(desired.change([one, two], []).is_empty());
        let longer = deny("203.0.113.1", 30);
        let change = desired.change_to(&[longer]);
        assert_eq!((change.put.len(), &change.renew, &change.del), (0, &vec![longer], &vec![place(&two)]));
        desired.take(&change);
        assert_eq!((desired.len(), desired.count(Collection::Ip4Host)), (1, 1));
        assert_eq!(desired.due(Timestamp::from_micros(29)), []);
        assert_eq!(desired.due(Timestamp::from_micros(30)), [place(&one)]);
    }

    #[test]
    fn samples_reach_every_element() {
        let mut desired = Desired::default();
        let all: Vec<Element> = (0..250).map(|n| deny(&format!("203.0.113.{n}"), 5)).collect();
        desired.take(&desired.change_to(&all));
        let mut seen = BTreeSet::new();
        for random in 0..25 {
            let sample = desired.sample(10, random);
            assert_eq!(sample.len(), 10);
            seen.extend(sample);
        }
        assert_eq!(seen.len(), 250);
        assert_eq!(desired.sample(1_000, 77).len(), 250);
        assert!(Desired::default().sample(10, 3).is_empty());
    }

    #[test]
    fn a_wider_network_covers() {
        let mut desired = Desired::default();
        desired.take(&desired.change_to(&[deny("203.0.113.0/24", 5), deny("203.0.113.7", 5)]));
        assert!(desired.is_covered(place(&deny("203.0.113.64/26", 0))));
        assert!(!desired.is_covered(place(&deny("203.0.112.0/23", 0))));
        assert!(!desired.is_covered(place(&deny("203.0.113.8", 0))), "hosts stand in another set");
    }
}
