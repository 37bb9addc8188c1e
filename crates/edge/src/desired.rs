//! From directives to entries: the desired state is a pure function of active directives, guards and the allow list.
//!
//! A point of an organisation enforces the entries of two audiences: everybody's and its organisation's. The two
//! never hold the same place at once (everybody's wins), so that a point's state is their disjoint union.
//! A denial that shares an address with an allowing directive of the same or of everybody's audience is not
//! compiled: allow beats deny also for readers of plain lists, which know no order of evaluation.

use base::{AddrSpec, AddressScope, DirectiveId, OrgId, Timestamp, Tlp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::guard::{Guards, NetIndex};
use crate::model::{Audience, Directive};
use crate::wire::{Collection, Entry, Intent};

/// What compilation needs of an active directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// The directive.
    pub id: DirectiveId,
    /// The address or network.
    pub key: AddrSpec,
    /// Deny or allow.
    pub intent: Intent,
    /// Whose points.
    pub audience: Audience,
    /// When it ends.
    pub expires: Timestamp,
    /// Whose decision it is.
    pub org: OrgId,
    /// Its marking.
    pub tlp: Tlp,
    /// Whose address plan the key belongs to.
    pub scope: AddressScope,
}

impl Live {
    /// The live part of a directive, if it is active and somebody may enforce it.
    #[must_use]
    pub fn of(directive: &Directive) -> Option<Self> {
        let audience = directive.audience().filter(|_| directive.is_active())?;
        let Directive { id, key, intent, expires, org, tlp, scope, .. } = *directive;
        Some(Self { id, key, intent, audience, expires, org, tlp, scope })
    }

    /// The entry it becomes.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry::new(self.key, self.intent, self.id, self.expires)
    }
}

/// Where an entry stands at the centre.
pub type Place = (Audience, Collection, AddrSpec);

/// The allowing directives, by audience.
#[derive(Debug, Clone)]
pub struct AllowIndex {
    by_audience: BTreeMap<Audience, NetIndex<DirectiveId>>,
}

impl AllowIndex {
    /// The index of the allowing ones among these directives.
    pub fn new<'a>(live: impl IntoIterator<Item = &'a Live>) -> Self {
        let mut nets: BTreeMap<Audience, Vec<(AddrSpec, DirectiveId)>> = BTreeMap::new();
        for one in live.into_iter().filter(|one| one.intent == Intent::Allow) {
            nets.entry(one.audience).or_default().push((one.key, one.id));
        }
        Self { by_audience: nets.into_iter().map(|(audience, nets)| (audience, NetIndex::new(nets))).collect() }
    }

    /// The allowing directive that beats a denial of `key` for this audience.
    #[must_use]
    pub fn beats(&self, key: AddrSpec, audience: Audience) -> Option<(AddrSpec, DirectiveId)> {
        [Audience::All, audience]
            .into_iter()
            .find_map(|whose| self.by_audience.get(&whose)?.overlapping(key))
            .map(|(net, id)| (net, *id))
    }
}

/// What stands at `key`: `same` are the active directives with exactly this key; the result says which of them
/// becomes the entry of which audience and collection.
pub fn at<'a>(
    key: AddrSpec,
    same: impl IntoIterator<Item = &'a Live>,
    allows: &AllowIndex,
    guards: &Guards,
) -> BTreeMap<(Audience, Collection), Live> {
    let mut best: BTreeMap<(Audience, Collection), &Live> = BTreeMap::new();
    for one in same.into_iter().filter(|one| one.key == key) {
        let beaten = || guards.protected(key).is_some() || allows.beats(key, one.audience).is_some();
        if one.intent == Intent::Deny && beaten() {
            continue;
        }
        // The one that lasts longest stands there; of equals the oldest, so that the choice does not waver.
        let place = best.entry((one.audience, Collection::of(key, one.intent))).or_insert(one);
        if (one.expires, Reverse(one.id)) > (place.expires, Reverse(place.id)) {
            *place = one;
        }
    }
    let everybodys: BTreeSet<Collection> =
        best.keys().filter(|(audience, _)| *audience == Audience::All).map(|(_, collection)| *collection).collect();
    best.into_iter()
        .filter(|((audience, collection), _)| *audience == Audience::All || !everybodys.contains(collection))
        .map(|(place, one)| (place, *one))
        .collect()
}

/// The whole desired state from nothing: for checks and repairs; commands change it key by key.
#[must_use]
pub fn scratch(live: &[Live], guards: &Guards) -> BTreeMap<Place, Entry> {
    let allows = AllowIndex::new(live);
    let mut by_key: BTreeMap<AddrSpec, Vec<&Live>> = BTreeMap::new();
    for one in live {
        by_key.entry(one.key).or_default().push(one);
    }
    let mut desired = BTreeMap::new();
    for (key, same) in by_key {
        for ((audience, collection), one) in at(key, same, &allows, guards) {
            desired.insert((audience, collection, key), one.entry());
        }
    }
    desired
}
