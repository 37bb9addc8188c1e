//! The point's own guards: what the centre signed is judged again here, with the networks compiled in.

use base::Timestamp;
use drivers::Element;
use edge::guard::{ChangeMeter, Guards, Reason};
use edge::replica::Change;
use edge::wire::receipt::MAX_LISTED;
use edge::wire::{ChangeLimits, Collection, Config, Entry, RefusedEntry};
use std::collections::BTreeMap;

use crate::desired::{Desired, Place};

/// Guards and limits under the configuration in force.
#[derive(Debug)]
pub(crate) struct Judge {
    guards: Guards,
    limits: ChangeLimits,
    thaw_until: Option<Timestamp>,
    meters: BTreeMap<Collection, ChangeMeter>,
    refused: BTreeMap<Place, Reason>,
}

impl Judge {
    /// Guards under a configuration; before the first one, the strictest.
    pub(crate) fn new(config: Option<&Config>) -> Self {
        let config = config.cloned().unwrap_or_default();
        Self {
            guards: Guards::from_config(&config),
            limits: config.limits,
            thaw_until: config.thaw_until,
            meters: BTreeMap::new(),
            refused: BTreeMap::new(),
        }
    }

    /// Takes another configuration; the memory of changes stays.
    pub(crate) fn configure(&mut self, config: &Config) {
        self.guards = Guards::from_config(config);
        self.limits = config.limits;
        self.thaw_until = config.thaw_until;
    }

    /// Whether a change is within the limits; if so, it is remembered.
    ///
    /// # Errors
    /// Why the set is frozen at its last good state.
    pub(crate) fn meter(&mut self, change: &Change, desired: &Desired, now: Timestamp) -> Result<(), Reason> {
        let mut moves: BTreeMap<Collection, (u64, u64)> = BTreeMap::new();
        for entry in &change.added {
            moves.entry(entry.collection).or_default().0 += 1;
        }
        // An entry that had come to its own end is no removal.
        for entry in change.removed.iter().filter(|entry| entry.expires > now) {
            moves.entry(entry.collection).or_default().1 += 1;
        }
        if self.thaw_until.is_none_or(|until| now >= until) {
            for (collection, (adds, removes)) in &moves {
                let size = desired.count(*collection);
                self.meters.entry(*collection).or_default().check(&self.limits, size, *adds, *removes, now)?;
            }
        }
        for (collection, (adds, removes)) in moves {
            self.meters.entry(collection).or_default().record(adds, removes, now);
        }
        Ok(())
    }

    /// The element of an entry that may be enforced; a refused one is remembered, an ended one is not.
    pub(crate) fn admit(&mut self, entry: &Entry, now: Timestamp, grace_secs: i64) -> Option<Element> {
        match self.guards.admit(entry, now) {
            // An end that grace still spares counts as if it lay ahead, so that the other guards are asked too.
            Err(Reason::Ended { expires }) if expires.plus_secs(grace_secs) > now => {
                let spared = Entry { expires: now.plus_secs(1), ..entry.clone() };
                self.judged(entry, self.guards.admit(&spared, now))
            }
            judged => self.judged(entry, judged),
        }
    }

    /// Forgets what was refused at places that are gone.
    pub(crate) fn forget<'a>(&mut self, places: impl IntoIterator<Item = &'a Place>) {
        for place in places {
            self.refused.remove(place);
        }
    }

    /// Forgets everything that was refused: all entries are about to be judged again.
    pub(crate) fn forget_all(&mut self) {
        self.refused.clear();
    }

    /// Refused entries for a receipt, and how many there are in all.
    pub(crate) fn refused(&self) -> (Vec<RefusedEntry>, u64) {
        let listed = self.refused.iter().take(MAX_LISTED).map(|((_, key), reason)| RefusedEntry {
            key: key.to_string(),
            guard: reason.guard().word().to_owned(),
            reason: reason.en(),
        });
        (listed.collect(), self.refused.len() as u64)
    }

    fn judged(&mut self, entry: &Entry, judged: Result<(), Reason>) -> Option<Element> {
        match judged {
            Ok(()) => {
                self.refused.remove(&entry.place());
                Some(Element::from(entry))
            }
            Err(Reason::Ended { .. }) => {
                self.refused.remove(&entry.place());
                None
            }
            Err(reason) => {
                self.refused.insert(entry.place(), reason);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::DirectiveId;
    use edge::wire::{Intent, Mark};

    const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

    fn entry(text: &str, secs: i64) -> Entry {
        Entry::new(text.parse().unwrap(), Intent::Deny, DirectiveId(uuid::Uuid::nil()), NOW.plus_secs(secs))
    }

    fn change(added: Vec<Entry>, removed: Vec<Entry>) -> Change {
        Change { mark: Mark::default(), snapshot: false, added, renewed: Vec::new(), removed, config: None }
    }

    #[test]
    fn protected_networks_are_refused_and_listed_until_they_are_gone() {
        let mut judge = Judge::new(None);
        for bad in ["10.1.2.3", "127.0.0.1", "203.0.113.7", "2001:db8::1", "224.0.0.1"] {
            assert!(judge.admit(&entry(bad, 60), NOW, 0).is_none(), "{bad}");
        }
        assert!(judge.admit(&entry("1.2.3.4", 60), NOW, 0).is_some());
        assert!(judge.admit(&entry("1.2.3.5", -60), NOW, 0).is_none());
        let (listed, total) = judge.refused();
        assert_eq!((listed.len(), total), (5, 5), "an ended entry is not refused");
        assert!(listed.iter().all(|refused| refused.guard == "protected"));
        judge.forget(&[entry("10.1.2.3", 0).place()]);
        assert_eq!(judge.refused().1, 4);
        judge.configure(&Config { allow_documentation: true, ..Config::default() });
        assert!(judge.admit(&entry("203.0.113.7", 60), NOW, 0).is_some());
        assert_eq!(judge.refused().1, 3);
    }

    #[test]
    fn grace_spares_an_end_but_no_protected_network() {
        let mut judge = Judge::new(None);
        assert!(judge.admit(&entry("1.2.3.4", -60), NOW, 0).is_none());
        assert!(judge.admit(&entry("1.2.3.4", -60), NOW, 100).is_some());
        assert!(judge.admit(&entry("1.2.3.4", -101), NOW, 100).is_none());
        assert!(judge.admit(&entry("10.2.3.4", -60), NOW, 100).is_none());
    }

    #[test]
    fn a_surge_freezes_unless_somebody_thaws_and_ended_entries_do_not_count() {
        let many: Vec<Entry> = (0..600).map(|n| entry(&format!("1.2.{}.{}", n / 250, n % 250), 60)).collect();
        let mut judge = Judge::new(None);
        let desired = Desired::default();
        assert!(judge.meter(&change(many[..400].to_vec(), vec![]), &desired, NOW).is_ok());
        assert!(matches!(judge.meter(&change(many[400..].to_vec(), vec![]), &desired, NOW), Err(Reason::Surge { .. })));
        let thaw = Config { thaw_until: Some(NOW.plus_secs(60)), ..Config::default() };
        judge.configure(&thaw);
        assert!(judge.meter(&change(many[400..].to_vec(), vec![]), &desired, NOW).is_ok());

        let mut judge = Judge::new(None);
        assert!(matches!(judge.meter(&change(vec![], many.clone()), &desired, NOW), Err(Reason::Shrink { .. })));
        let ended: Vec<Entry> = many.into_iter().map(|e| Entry { expires: NOW, ..e }).collect();
        assert!(judge.meter(&change(vec![], ended), &desired, NOW).is_ok());
    }
}
