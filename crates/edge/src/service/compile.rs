//! Moves of directives become one unit: rows, desired entries, log, digests, events, audit leaves.

use base::{AddrSpec, Realm};
use events::Event;
use events::edge::{DirectiveEnded, DirectiveIssued};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use store::{Outcome, Unit};

use crate::desired::{self, AllowIndex, Live, Place};
use crate::desk::directive::Fact;
use crate::error::EdgeError;
use crate::guard::Guards;
use crate::model::{Audience, Directive};
use crate::repo::desired::{self as rows, ChangeRow, Channel, EntryRow};
use crate::repo::realm::{self, RealmRow};
use crate::repo::{directive, range};
use crate::service::{Edge, leaf};
use crate::wire::{Entry, Intent};

/// One directive before and after its facts.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub(crate) before: Option<Directive>,
    pub(crate) after: Directive,
    pub(crate) facts: Vec<Fact>,
}

impl Move {
    /// The move that these facts make; none when nothing changes.
    pub(crate) fn of(before: Option<Directive>, facts: Vec<Fact>) -> Option<Self> {
        if facts.is_empty() {
            return None;
        }
        let after = facts.iter().fold(before.clone(), crate::desk::directive::apply)?;
        Some(Self { before, after, facts })
    }

    /// Whether the desired state may look different afterwards.
    fn matters(&self) -> bool {
        self.before.as_ref().and_then(Live::of) != Live::of(&self.after)
    }
}

impl Edge {
    /// Adds everything that these moves make true to the unit. All moves are of one realm; `head` is its row as the
    /// unit has it by now.
    pub(crate) async fn compile(
        &self,
        unit: &mut Unit,
        realm: Realm,
        head: &RealmRow,
        guards: &Guards,
        moves: &[Move],
    ) -> Result<(), EdgeError> {
        for step in moves {
            directive::write(unit, step.before.as_ref().map(|before| before.version), &step.after)?;
            self.tell(unit, step);
        }
        let moved: Vec<&Move> = moves.iter().filter(|step| step.matters()).collect();
        if moved.is_empty() {
            return Ok(());
        }
        let keys = self.touched(realm, &moved).await?;
        let wanted = self.wanted(realm, &keys, &moved, guards).await?;
        let held = rows::at(self.db(), realm, &keys).await?;
        realm::ensure(unit, realm, self.inner.identity.centre)?;
        let seq = head.seq + 1;
        realm::advance(unit, realm, head, seq);
        self.apply(unit, realm, seq, wanted, held).await
    }

    /// Keys whose entries may change: those of the moves, and of denials that a moved exception touches.
    async fn touched(&self, realm: Realm, moved: &[&Move]) -> Result<Vec<AddrSpec>, EdgeError> {
        let mut keys: BTreeSet<AddrSpec> = moved.iter().map(|step| step.after.key).collect();
        for step in moved.iter().filter(|step| step.after.intent == Intent::Allow) {
            let denials = directive::denials_over(self.db(), realm, step.after.key).await?;
            keys.extend(denials.iter().map(|denial| denial.key));
        }
        Ok(keys.into_iter().collect())
    }

    /// What shall stand at these keys once the moves are true.
    async fn wanted(
        &self,
        realm: Realm,
        keys: &[AddrSpec],
        moved: &[&Move],
        guards: &Guards,
    ) -> Result<BTreeMap<Place, Live>, EdgeError> {
        let new: Vec<Live> = moved.iter().filter_map(|step| Live::of(&step.after)).collect();
        let stale: HashSet<_> = moved.iter().map(|step| step.after.id).collect();
        let mut live = directive::live_at(self.db(), realm, keys).await?;
        let mut allows = Vec::new();
        for v4 in [true, false] {
            let family = keys.iter().filter(|key| key.is_v4() == v4).map(|key| range(*key));
            let span = family.reduce(|(lo, hi), (first, last)| (lo.min(first), hi.max(last)));
            if let Some((lo, hi)) = span {
                allows.extend(directive::allows_in(self.db(), realm, lo, hi).await?);
            }
        }
        for known in [&mut live, &mut allows] {
            known.retain(|one| !stale.contains(&one.id));
            known.extend(&new);
        }
        let allows = AllowIndex::new(&allows);
        let mut by_key: BTreeMap<AddrSpec, Vec<&Live>> = BTreeMap::new();
        for one in &live {
            by_key.entry(one.key).or_default().push(one);
        }
        let mut wanted = BTreeMap::new();
        for (key, same) in by_key {
            for ((audience, collection), one) in desired::at(key, same, &allows, guards) {
                wanted.insert((audience, collection, key), one);
            }
        }
        Ok(wanted)
    }

    /// Writes the difference between what stands there and what shall.
    async fn apply(
        &self,
        unit: &mut Unit,
        realm: Realm,
        seq: u64,
        mut wanted: BTreeMap<Place, Live>,
        held: Vec<EntryRow>,
    ) -> Result<(), EdgeError> {
        let mut channels: BTreeMap<Audience, Channel> = BTreeMap::new();
        for channel in rows::channels_of_realm(self.db(), realm).await? {
            channels.insert(channel.audience, channel);
        }
        let mut note = |unit: &mut Unit, owner: &EntryRow, old: Option<&Entry>, new: Option<&Entry>| {
            let channel = channels.entry(owner.audience).or_insert(Channel {
                audience: owner.audience,
                seq: 0,
                count: 0,
                digest: crate::wire::SetDigest::default(),
            });
            channel.seq = seq;
            if let Some(old) = old {
                channel.digest.remove(old);
                channel.count = channel.count.saturating_sub(1);
            }
            if let Some(new) = new {
                channel.digest.insert(new);
                channel.count += 1;
            }
            let held = |entry: &Entry| (entry.directive, entry.expires);
            let change = ChangeRow {
                audience: owner.audience,
                collection: owner.entry.collection,
                key: owner.entry.key,
                old: old.map(held),
                new: new.map(held),
            };
            rows::log(unit, realm, seq, &change, owner);
        };
        for old in held {
            let place = (old.audience, old.entry.collection, old.entry.key);
            match wanted.remove(&place) {
                Some(new) if new.entry() == old.entry => {}
                Some(new) => {
                    let mut row = row_of(&new, place.0, seq);
                    if row.entry.directive == old.entry.directive {
                        row.first_seq = old.first_seq;
                    }
                    rows::put(unit, realm, &row);
                    note(unit, &row, Some(&old.entry), Some(&row.entry));
                }
                None => {
                    rows::take(unit, realm, &old);
                    note(unit, &old, Some(&old.entry), None);
                }
            }
        }
        for (place, new) in wanted {
            let row = row_of(&new, place.0, seq);
            rows::put(unit, realm, &row);
            note(unit, &row, None, Some(&row.entry));
        }
        for channel in channels.values().filter(|channel| channel.seq == seq) {
            rows::put_channel(unit, realm, self.inner.identity.centre, channel);
        }
        Ok(())
    }

    /// Events and audit leaves of one move.
    fn tell(&self, unit: &mut Unit, step: &Move) {
        let d = &step.after;
        let whose = (d.org, d.realm, d.tlp);
        let was_active = step.before.as_ref().is_some_and(Directive::is_active);
        if !was_active && d.is_active() {
            let issued = DirectiveIssued {
                directive: d.id,
                value: d.key.to_string(),
                intent: d.intent.word().to_owned(),
                expires: d.expires,
                indicator: d.indicator,
            };
            unit.events.push(self.envelope(d.org, d.realm, d.tlp, Event::DirectiveIssued(issued)));
        }
        for fact in &step.facts {
            let (action, detail) = match fact {
                Fact::Issued(_) => ("edge.issue", json!({"reason": d.reason, "verdicts": d.verdicts})),
                Fact::Approved { .. } => ("edge.approve", json!({})),
                Fact::Renewed { .. } => ("edge.renew", json!({})),
                Fact::Ended { reason, .. } => ("edge.end", json!({"why": reason.word()})),
            };
            if let (Fact::Ended { reason, .. }, true) = (fact, was_active) {
                let ended =
                    DirectiveEnded { directive: d.id, value: d.key.to_string(), reason: reason.word().to_owned() };
                unit.events.push(self.envelope(d.org, d.realm, d.tlp, Event::DirectiveEnded(ended)));
            }
            let detail = json!({
                "value": d.key, "intent": d.intent.word(), "state": d.state.word(), "expires": d.expires,
                "indicator": d.indicator, "more": detail,
            });
            unit.audit.push(leaf(action, format!("directive:{}", d.id), whose, Outcome::Done, detail));
        }
    }
}

fn row_of(new: &Live, audience: Audience, seq: u64) -> EntryRow {
    EntryRow { audience, entry: new.entry(), org: new.org, tlp: new.tlp, scope: new.scope, seq, first_seq: seq }
}
