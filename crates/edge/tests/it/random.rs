//! Random commands: whatever people and feeds do, the stored state is the compiled one, and every point agrees.

use base::{AddressScope, Realm, Tlp};
use edge::desired::{AllowIndex, Live, at, scratch};
use edge::guard::{GuardProfile, Guards};
use edge::model::Audience;
use edge::wire::{Intent, ProtectedNet};
use edge::{DirectiveState, RealmConfig};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{Actor, Page};
use testkit::{all, each_db_at};
use uuid::Uuid;

use crate::world::{CENTRE, MEMBER, SCHEMA, World, duty, spec, world};

/// Few keys that often touch each other.
const KEYS: [&str; 12] = [
    "8.8.4.1",
    "8.8.4.2",
    "8.8.4.129",
    "8.8.4.0/24",
    "8.8.4.0/25",
    "8.8.4.128/25",
    "8.8.4.0/22",
    "8.8.5.1",
    "10.0.0.1",
    "2a00:1450::1",
    "2a00:1450::/48",
    "2a00:1450::/47",
];

/// A small generator, so that a failure names its seed and nothing else decides.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len() as u64) as usize]
    }
}

async fn one_command(w: &World, dice: &mut Dice, seconds: &mut i64) {
    let running = async |state| w.edge.directives(&all(), state, &Page::first(100)).await.unwrap().items;
    match dice.roll(10) {
        0..=4 => {
            let mut ask = w.ask(dice.pick::<&str>(&KEYS), if dice.roll(4) == 0 { Intent::Allow } else { Intent::Deny });
            ask.tlp = *dice.pick(&[Tlp::Green, Tlp::Amber, Tlp::Red]);
            ask.scope = *dice.pick(&[AddressScope::Global, AddressScope::Global, AddressScope::Org(MEMBER)]);
            ask.org = *dice.pick(&[CENTRE, MEMBER]);
            ask.expires = w.now().plus_secs(60 + dice.roll(6_000) as i64);
            let _refused_or_not = w.edge.issue_automatic(ask).await;
        }
        5 => {
            if let Some(held) = running(DirectiveState::Held).await.first() {
                let _stale_or_not = w.edge.approve(&duty(2), held.id).await;
            }
        }
        6 => {
            let active = running(DirectiveState::Active).await;
            if !active.is_empty() {
                w.edge.withdraw(&duty(1), dice.pick(&active).id).await.unwrap();
            }
        }
        7 => {
            let active = running(DirectiveState::Active).await;
            if !active.is_empty() {
                let until = w.now().plus_secs(dice.roll(9_000) as i64);
                let _too_old_or_not = w.edge.renew(&duty(1), dice.pick(&active).id, until).await;
            }
        }
        8 => {
            let net = ProtectedNet { net: spec(dice.pick::<&str>(&KEYS)), why: "own".into() };
            let protected = if dice.roll(2) == 0 { vec![net] } else { vec![] };
            let config = RealmConfig { protected, ..RealmConfig::default() };
            w.edge.set_config_as(Actor::Stranger, Realm::Real, config).await.unwrap();
        }
        _ => {
            *seconds = dice.roll(2_000) as i64;
        }
    }
}

#[tokio::test]
async fn the_desired_state_is_what_compiling_from_nothing_gives() {
    each_db_at(SCHEMA, |db, env, clock| async move {
        let w = world(db, env, false);
        let mut dice = Dice(0x5eed_1ea5);
        let mut agents = [w.point("ours", CENTRE, Realm::Real).await, w.point("theirs", MEMBER, Realm::Real).await];
        for round in 0..160 {
            let mut seconds = 0;
            one_command(&w, &mut dice, &mut seconds).await;
            if seconds > 0 {
                clock.advance_secs(seconds);
                w.edge.expire_due(w.now()).await.unwrap();
            }
            if dice.roll(3) == 0 {
                agents[dice.roll(2) as usize].apply(&w).await;
            }
            if round % 8 == 0 {
                w.sound().await;
            }
        }
        w.sound().await;
        for agent in &mut agents {
            agent.apply(&w).await;
            let mut fresh = edge::replica::Replica::new(agent.id(), w.edge.verifying_key());
            for frame in w.edge.frames_since(agent.id(), 0).await.unwrap() {
                if let edge::replica::Accepted::Change(change) = fresh.accept(&frame, w.now()).unwrap() {
                    fresh.commit(&change);
                }
            }
            assert_eq!(fresh.mark(), agent.replica.mark(), "many differences lead where one snapshot leads");
            assert!(fresh.entries().eq(agent.replica.entries()));
            let guards = w.edge.guards(Realm::Real).await.unwrap();
            for entry in agent.entries() {
                assert!(entry.intent == Intent::Allow || guards.protected(entry.key).is_none(), "{}", entry.key);
            }
        }
    })
    .await;
}

fn any_live() -> impl Strategy<Value = Live> {
    let audience = prop_oneof![Just(Audience::All), Just(Audience::Org(MEMBER)), Just(Audience::Org(CENTRE))];
    (any::<u64>(), 0..KEYS.len(), any::<bool>(), audience, 0_i64..5).prop_map(|(id, key, deny, audience, expires)| {
        Live {
            id: base::DirectiveId(Uuid::from_u128(u128::from(id))),
            key: spec(KEYS[key]),
            intent: if deny { Intent::Deny } else { Intent::Allow },
            audience,
            expires: base::Timestamp::from_micros(expires),
            org: CENTRE,
            tlp: Tlp::Green,
            scope: AddressScope::Global,
        }
    })
}

proptest! {
    #[test]
    fn compilation_is_a_function_of_the_set(live in proptest::collection::vec(any_live(), 0..24), turn: prop::sample::Index) {
        let guards = Guards::new(GuardProfile::default(), &[]);
        let desired = scratch(&live, &guards);
        let mut turned = live.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn.index(live.len()));
        }
        prop_assert_eq!(&scratch(&turned, &guards), &desired, "the order of directives does not matter");
        for ((audience, collection, key), entry) in &desired {
            prop_assert_eq!((*collection, *key), entry.place());
            prop_assert!(*audience == Audience::All || !desired.contains_key(&(Audience::All, *collection, *key)));
            let beaten = live.iter().any(|one| one.intent == Intent::Allow && one.key.overlaps(*key)
                && (one.audience == Audience::All || one.audience == *audience));
            prop_assert!(entry.intent == Intent::Allow || !beaten, "allow beats deny");
            prop_assert!(entry.intent == Intent::Allow || guards.protected(*key).is_none());
        }
        // Nothing is lost: a denial that nobody beats is enforced for its audience, by it or by a longer one.
        let allows = AllowIndex::new(&live);
        for one in live.iter().filter(|one| one.intent == Intent::Deny && guards.protected(one.key).is_none()) {
            if allows.beats(one.key, one.audience).is_none() {
                let place = |audience| (audience, edge::wire::Collection::of(one.key, Intent::Deny), one.key);
                let stands = desired.get(&place(Audience::All)).or_else(|| desired.get(&place(one.audience)));
                prop_assert!(stands.is_some());
            }
        }
        let by_key: BTreeMap<_, _> = KEYS.iter().map(|key| (spec(key), at(spec(key), &live, &allows, &guards))).collect();
        prop_assert_eq!(by_key.values().map(BTreeMap::len).sum::<usize>(), desired.len());
    }
}
