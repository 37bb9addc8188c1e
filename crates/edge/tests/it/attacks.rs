//! Attacks on signed frames (TUF specification, section 1.5.2): each is one vector, each must change nothing.

use base::{Coded, DirectiveId, PointId, Timestamp, canonical_json};
use ed25519_dalek::SigningKey;
use edge::replica::{Accepted, Replica};
use edge::wire::config::MAX_CONFIG;
use edge::wire::frame::{MAX_CHANGES, MAX_ENTRY, MAX_LINE, MAX_PARTS, VERSION};
use edge::wire::{
    Canaries, Collection, Config, Entry, Frame, FrameRefusal, Intent, Mark, ProtectedNet, Removal, SetDigest,
    SignedConfig,
};
use proptest::prelude::*;
use std::cell::Cell;

const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn point(n: u128) -> PointId {
    PointId(uuid_of(n))
}

fn uuid_of(n: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(n)
}

fn entry(key: &str, n: u128) -> Entry {
    Entry::new(key.parse().unwrap(), Intent::Deny, DirectiveId(uuid_of(n)), NOW.plus_secs(3_600))
}

/// An honest centre in few lines: what it would send next.
struct Centre {
    key: SigningKey,
    point: PointId,
    mark: Mark,
    entries: Vec<Entry>,
    now: Timestamp,
    words: Cell<u64>,
}

impl Centre {
    fn new() -> Self {
        Self { key: key(1), point: point(7), mark: Mark::default(), entries: Vec::new(), now: NOW, words: Cell::new(0) }
    }

    fn replica(&self) -> Replica {
        Replica::new(self.point, self.key.verifying_key())
    }

    fn frame(&self, adds: Vec<Entry>, to: Mark) -> Frame {
        self.words.set(self.words.get() + 1);
        Frame {
            adds,
            after: self.mark.sequence,
            centre: String::new(),
            config: None,
            count_after: to.count,
            digest_after: to.digest,
            expires: self.now.plus_secs(120),
            issued: self.now,
            number: self.words.get(),
            part: 1,
            parts: 1,
            point: self.point,
            previous_hash: self.mark.hash(self.point),
            removes: Vec::new(),
            sequence: to.sequence,
            signature: String::new(),
            snapshot: false,
            version: VERSION,
        }
    }

    /// The next frame adds these; the centre moves on.
    fn add(&mut self, adds: Vec<Entry>) -> Frame {
        let frame = self.unsigned(adds).sign(&self.key);
        self.entries.extend(frame.adds.iter().cloned());
        self.mark = frame.mark_after();
        frame
    }

    fn unsigned(&self, adds: Vec<Entry>) -> Frame {
        let mut digest = self.mark.digest;
        adds.iter().for_each(|entry| digest.insert(entry));
        let to = Mark { count: self.mark.count + adds.len() as u64, digest, sequence: self.mark.sequence + 1 };
        self.frame(adds, to)
    }

    fn snapshot(&self) -> Frame {
        Frame {
            snapshot: true,
            after: 0,
            previous_hash: Mark::default().hash(self.point),
            ..self.frame(self.entries.clone(), self.mark)
        }
        .sign(&self.key)
    }

    fn affirm(&self) -> Frame {
        self.frame(Vec::new(), self.mark).sign(&self.key)
    }
}

fn take(replica: &mut Replica, frame: &Frame, now: Timestamp) -> Result<(), FrameRefusal> {
    let frame = Frame::from_line(frame.to_line().as_bytes())?;
    if let Accepted::Change(change) = replica.accept(&frame, now)? {
        replica.commit(&change);
    }
    Ok(())
}

fn refused(replica: &mut Replica, frame: &Frame, now: Timestamp) -> FrameRefusal {
    let before = (replica.mark(), replica.entries().count(), replica.config().cloned());
    let refusal = take(replica, frame, now).expect_err("it must be refused");
    assert_eq!(before, (replica.mark(), replica.entries().count(), replica.config().cloned()), "nothing changed");
    assert!(refusal.problem().code.id.starts_with("LF-EDG-00"), "coded");
    refusal
}

/// A centre and a point that stand at sequence 2.
fn standing() -> (Centre, Replica, Vec<Frame>) {
    let mut centre = Centre::new();
    let mut replica = centre.replica();
    let frames = vec![centre.add(vec![entry("8.8.4.1", 1)]), centre.add(vec![entry("8.8.4.2", 2)])];
    for frame in &frames {
        take(&mut replica, frame, NOW).unwrap();
    }
    (centre, replica, frames)
}

#[test]
fn honest_frames_lead_to_the_same_state() {
    let (mut centre, mut replica, _) = standing();
    let away = Removal { collection: Collection::Ip4Host, key: "8.8.4.1".parse().unwrap() };
    let mut to = centre.mark;
    to.digest.remove(&entry("8.8.4.1", 1));
    to.count -= 1;
    to.sequence += 5;
    let gone = Frame { removes: vec![away], ..centre.frame(Vec::new(), to) }.sign(&centre.key);
    take(&mut replica, &gone, NOW).unwrap();
    centre.mark = to;
    centre.entries.remove(0);
    assert_eq!(replica.mark(), to);
    assert_eq!(replica.entries().collect::<Vec<_>>(), centre.entries);
    centre.now = NOW.plus_secs(10);
    take(&mut replica, &centre.affirm(), NOW.plus_secs(10)).unwrap();
    assert_eq!(replica.fresh_until(), Some(NOW.plus_secs(130)));
    let mut fresh = centre.replica();
    take(&mut fresh, &centre.snapshot(), NOW).unwrap();
    assert_eq!(fresh.mark(), replica.mark());
}

#[test]
fn arbitrary_installation_and_another_centre_are_refused() {
    let (centre, mut replica, _) = standing();
    let forged = centre.unsigned(vec![entry("8.8.4.3", 3)]).sign(&key(2));
    assert_eq!(refused(&mut replica, &forged, NOW), FrameRefusal::BadSignature);
    let unsigned = centre.unsigned(vec![entry("8.8.4.3", 3)]);
    assert_eq!(refused(&mut replica, &unsigned, NOW), FrameRefusal::BadSignature);
    // The right key but another name of the centre: signed by hand, because `sign` always writes the right one.
    use ed25519_dalek::Signer as _;
    let mut foreign = centre.unsigned(vec![entry("8.8.4.3", 3)]);
    foreign.centre = "00".repeat(16);
    foreign.signature = hex::encode(centre.key.sign(foreign.to_line().as_bytes()).to_bytes());
    assert_eq!(refused(&mut replica, &foreign, NOW), FrameRefusal::WrongCentre);
}

#[test]
fn frames_of_another_point_are_refused() {
    let (centre, mut replica, _) = standing();
    let other = Frame { point: point(8), ..centre.unsigned(vec![entry("8.8.4.3", 3)]) }.sign(&centre.key);
    assert_eq!(refused(&mut replica, &other, NOW), FrameRefusal::WrongPoint);
}

#[test]
fn replay_and_rollback_are_refused() {
    let (centre, mut replica, frames) = standing();
    assert_eq!(refused(&mut replica, &frames[1], NOW), FrameRefusal::Replay);
    assert_eq!(refused(&mut replica, &frames[0], NOW), FrameRefusal::Rollback { known: 2, got: 1 });
    let mut early = Centre::new();
    early.add(vec![entry("8.8.4.1", 1)]);
    let old = early.snapshot();
    assert_eq!(refused(&mut replica, &old, NOW), FrameRefusal::Rollback { known: 2, got: 1 });
    let affirm = centre.affirm();
    take(&mut replica, &affirm, NOW).unwrap();
    assert_eq!(refused(&mut replica, &affirm, NOW), FrameRefusal::Replay);
    // The number is the order, not the clock: an older word with a newer time is a replay, a newer word is none.
    let number = affirm.number;
    let at = |number: u64, secs: i64| {
        Frame { number, issued: NOW.plus_secs(secs), ..centre.frame(Vec::new(), centre.mark) }.sign(&centre.key)
    };
    assert_eq!(refused(&mut replica, &at(number, 60), NOW), FrameRefusal::Replay);
    assert_eq!(refused(&mut replica, &at(number - 1, 60), NOW), FrameRefusal::Replay);
    assert_eq!(refused(&mut replica, &at(1 << 53, 60), NOW), FrameRefusal::Inconsistent("number"));
    take(&mut replica, &at(number + 1, -60), NOW).unwrap();
}

#[test]
fn freeze_is_noticed_and_old_words_are_refused() {
    let (mut centre, mut replica, _) = standing();
    let held_back = centre.add(vec![entry("8.8.4.3", 3)]);
    let later = NOW.plus_secs(120 + 300);
    assert_eq!(refused(&mut replica, &held_back, later), FrameRefusal::Expired(NOW.plus_secs(120)));
    assert!(replica.fresh_until().unwrap() < later, "the point knows that its news is old");
    let eternal =
        Frame { expires: NOW.plus_secs(3_601), ..centre.unsigned(vec![entry("8.8.4.4", 4)]) }.sign(&centre.key);
    assert_eq!(refused(&mut replica, &eternal, NOW), FrameRefusal::Inconsistent("life"));
    centre.now = NOW.plus_secs(301);
    let future = centre.affirm();
    assert_eq!(refused(&mut replica, &future, NOW), FrameRefusal::Future(NOW.plus_secs(301)));
}

#[test]
fn gaps_and_fast_forward_are_refused() {
    let (mut centre, mut replica, _) = standing();
    let _lost = centre.add(vec![entry("8.8.4.3", 3)]);
    let next = centre.add(vec![entry("8.8.4.4", 4)]);
    let refusal = refused(&mut replica, &next, NOW);
    assert_eq!(refusal, FrameRefusal::Gap { known: 2, after: 3 });
    assert!(refusal.wants_snapshot());
    take(&mut replica, &centre.snapshot(), NOW).unwrap();
    let far = Mark { sequence: 1 << 52, ..centre.mark };
    let far = centre.frame(Vec::new(), far).sign(&centre.key);
    assert_eq!(refused(&mut replica, &far, NOW), FrameRefusal::FastForward(1 << 52));
}

#[test]
fn mix_and_match_is_refused() {
    let (centre, mut replica, _) = standing();
    // A second history of the same centre: right numbers, another state.
    let mut twin = Centre::new();
    twin.add(vec![entry("8.8.4.9", 9)]);
    twin.add(vec![entry("8.8.4.8", 8)]);
    let other = twin.add(vec![entry("8.8.4.3", 3)]);
    assert_eq!(refused(&mut replica, &other, NOW), FrameRefusal::BrokenChain);
    twin.now = NOW.plus_secs(1);
    let same_number = Frame {
        previous_hash: centre.mark.hash(centre.point),
        ..twin.frame(Vec::new(), Mark { sequence: 2, ..twin.mark })
    };
    let same_number = Frame { after: 2, ..same_number }.sign(&centre.key);
    let refusal = refused(&mut replica, &same_number, NOW);
    assert_eq!(refusal, FrameRefusal::Inconsistent("another state under the same sequence"));
    let lying = Frame { digest_after: SetDigest::default(), ..centre.unsigned(vec![entry("8.8.4.3", 3)]) };
    assert_eq!(refused(&mut replica, &lying.sign(&centre.key), NOW), FrameRefusal::Digest);
    let more = Frame { count_after: 9, ..centre.unsigned(vec![entry("8.8.4.3", 3)]) };
    assert_eq!(refused(&mut replica, &more.sign(&centre.key), NOW), FrameRefusal::Digest);
}

#[test]
fn endless_data_is_refused() {
    let (centre, mut replica, _) = standing();
    let many = (0..=MAX_CHANGES as u128)
        .map(|n| entry(&format!("9.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255), n))
        .collect();
    assert_eq!(refused(&mut replica, &centre.unsigned(many).sign(&centre.key), NOW), FrameRefusal::TooLarge("changes"));
    let parts = Frame { parts: MAX_PARTS + 1, ..centre.unsigned(Vec::new()) }.sign(&centre.key);
    assert_eq!(refused(&mut replica, &parts, NOW), FrameRefusal::TooLarge("parts"));
    let count = Frame { count_after: 1 << 40, ..centre.unsigned(Vec::new()) }.sign(&centre.key);
    assert_eq!(refused(&mut replica, &count, NOW), FrameRefusal::TooLarge("entries"));
    assert_eq!(Frame::from_line(&vec![b' '; MAX_LINE + 1]), Err(FrameRefusal::TooLarge("line")));
}

#[test]
fn the_longest_configuration_fits_a_full_frame() {
    let (centre, mut replica, _) = standing();
    let net = ProtectedNet { net: "2001:db8:1234:5678:9abc:def0:1234:5678/127".parse().unwrap(), why: "w".repeat(20) };
    let mut config = Config { kill: false, thaw_until: Some(NOW), ..Config::default() };
    let one = serde_json::to_string(&net).unwrap().len() + 1;
    let most = (MAX_CONFIG - config.bytes()) / one;
    config.protected = vec![net; most];
    let rest = MAX_CONFIG - config.bytes();
    config.protected[0].why.push_str(&"w".repeat(rest));
    assert_eq!(config.bytes(), MAX_CONFIG);
    let adds: Vec<Entry> = (0..MAX_CHANGES as u128)
        .map(|n| {
            let key =
                format!("ffff:ffff:ffff:ffff:ffff:ffff:{:x}:{:x}/127", 0x8000 + (n >> 8), 0x8000 + (n << 1 & 0xfff));
            let directive = DirectiveId(uuid_of(u128::MAX - n));
            Entry::new(key.parse().unwrap(), Intent::Allow, directive, NOW.plus_secs(3_600))
        })
        .collect();
    assert!(adds.iter().all(|entry| serde_json::to_string(entry).unwrap().len() < MAX_ENTRY));
    let config = SignedConfig::sign(config, 1 << 52, centre.point, NOW, &centre.key);
    let frame = Frame { config: Some(config), ..centre.unsigned(adds) }.sign(&centre.key);
    assert!(frame.to_line().len() <= MAX_LINE, "{}", frame.to_line().len());
    take(&mut replica, &frame, NOW).unwrap();
}

#[test]
fn wrong_software_and_contradictions_are_refused() {
    let (centre, mut replica, _) = standing();
    let tomorrow = Frame { version: 2, ..centre.unsigned(Vec::new()) }.sign(&centre.key);
    assert_eq!(refused(&mut replica, &tomorrow, NOW), FrameRefusal::Version(2));
    let misplaced = Entry { collection: Collection::Ip4Allow, ..entry("8.8.4.3", 3) };
    let misplaced = centre.unsigned(vec![misplaced]).sign(&centre.key);
    assert_eq!(refused(&mut replica, &misplaced, NOW), FrameRefusal::Inconsistent("an entry in the wrong collection"));
    let twice = vec![entry("8.8.4.3", 3), entry("8.8.4.3", 4)];
    let twice = centre.unsigned(twice).sign(&centre.key);
    assert_eq!(refused(&mut replica, &twice, NOW), FrameRefusal::Inconsistent("a place named twice"));
    let silent = Frame { issued: NOW.plus_secs(1), ..centre.frame(vec![entry("8.8.4.3", 3)], centre.mark) };
    let refusal = refused(&mut replica, &silent.sign(&centre.key), NOW);
    assert_eq!(refusal, FrameRefusal::Inconsistent("changes without a new sequence"));
    for part in [0, 2] {
        let odd = Frame { part, ..centre.unsigned(Vec::new()) }.sign(&centre.key);
        assert_eq!(refused(&mut replica, &odd, NOW), FrameRefusal::Inconsistent("part"));
    }
}

/// A snapshot in three parts, as an honest centre would cut it.
fn series(centre: &Centre) -> Vec<Frame> {
    let mut previous_hash = Mark::default().hash(centre.point);
    (1..=3_u32)
        .map(|part| {
            let adds = vec![centre.entries[part as usize - 1].clone()];
            let frame = Frame {
                snapshot: true,
                after: 0,
                part,
                parts: 3,
                previous_hash: previous_hash.clone(),
                ..centre.frame(adds, centre.mark)
            }
            .sign(&centre.key);
            previous_hash = frame.hash();
            frame
        })
        .collect()
}

#[test]
fn parts_apply_together_or_not_at_all() {
    let (mut centre, _, _) = standing();
    centre.add(vec![entry("8.8.4.3", 3)]);
    let parts = series(&centre);
    let mut replica = centre.replica();
    take(&mut replica, &parts[0], NOW).unwrap();
    assert_eq!(replica.mark(), Mark::default(), "nothing before the last part");
    let order = refused(&mut replica, &parts[2], NOW);
    assert_eq!(order, FrameRefusal::PartOrder { want: 2, got: 3, parts: 3 });
    for part in &parts {
        take(&mut replica, part, NOW).unwrap();
    }
    assert_eq!(replica.mark(), centre.mark);

    let mut replica = centre.replica();
    take(&mut replica, &parts[0], NOW).unwrap();
    centre.now = NOW.plus_secs(1);
    let others = series(&centre);
    assert_eq!(refused(&mut replica, &others[1], NOW), FrameRefusal::BrokenChain, "a part of another series");
    // The connection ended in the middle: the series starts again from its first part.
    replica.reconnect();
    for part in &others {
        take(&mut replica, part, NOW).unwrap();
    }
    assert_eq!(replica.mark(), centre.mark);
}

#[test]
fn configurations_never_go_back() {
    let (centre, mut replica, _) = standing();
    let config = |revision: u64, kill: bool| {
        SignedConfig::sign(Config { kill, ..Config::default() }, revision, centre.point, NOW, &centre.key)
    };
    let with = |config: SignedConfig, secs: i64| {
        Frame { config: Some(config), issued: NOW.plus_secs(secs), ..centre.frame(Vec::new(), centre.mark) }
            .sign(&centre.key)
    };
    take(&mut replica, &with(config(5, true), 1), NOW).unwrap();
    assert!(replica.config().unwrap().config.kill);
    let refusal = refused(&mut replica, &with(config(4, false), 2), NOW);
    assert_eq!(refusal, FrameRefusal::ConfigRollback { known: 5, got: 4 });
    let tampered = SignedConfig { revision: 6, ..config(5, false) };
    assert_eq!(refused(&mut replica, &with(tampered, 3), NOW), FrameRefusal::BadSignature);
    let foreign = SignedConfig::sign(Config::default(), 6, point(8), NOW, &centre.key);
    assert_eq!(refused(&mut replica, &with(foreign, 4), NOW), FrameRefusal::WrongPoint);
}

#[test]
fn what_was_kept_is_believed_only_if_it_fits() {
    let (centre, replica, _) = standing();
    let restore = |entries: Vec<Entry>| {
        Replica::restore(
            centre.point,
            centre.key.verifying_key(),
            replica.mark(),
            entries,
            None,
            replica.floor().number,
        )
    };
    assert_eq!(restore(centre.entries.clone()).unwrap().mark(), replica.mark());
    assert_eq!(restore(centre.entries[..1].to_vec()).unwrap_err(), FrameRefusal::Digest);
}

#[test]
fn an_empty_copy_stays_above_the_floor_of_the_lost_one() {
    let (mut centre, mut replica, _) = standing();
    let mut early = Centre::new();
    early.add(vec![entry("8.8.4.1", 1)]);
    let (rollback, replay) = (early.snapshot(), centre.snapshot());
    let config = |revision: u64| SignedConfig::sign(Config::default(), revision, centre.point, NOW, &centre.key);
    let snapshot = |centre: &Centre, revision: u64| {
        Frame { config: Some(config(revision)), ..centre.snapshot() }.sign(&centre.key)
    };
    take(&mut replica, &replay, NOW).unwrap();
    take(&mut replica, &Frame { config: Some(config(5)), ..centre.affirm() }.sign(&centre.key), NOW).unwrap();
    let floor = replica.floor();
    assert_eq!((floor.sequence, floor.revision), (2, 5));

    let mut lost = centre.replica().above(floor);
    assert_eq!(refused(&mut lost, &rollback, NOW), FrameRefusal::Rollback { known: 2, got: 1 });
    assert_eq!(refused(&mut lost, &replay, NOW), FrameRefusal::Replay);
    let refusal = refused(&mut lost, &snapshot(&centre, 4), NOW);
    assert_eq!(refusal, FrameRefusal::ConfigRollback { known: 5, got: 4 });
    take(&mut lost, &snapshot(&centre, 5), NOW).unwrap();
    assert_eq!((lost.mark(), lost.floor().revision), (replica.mark(), 5));
    let next = centre.add(vec![entry("8.8.4.3", 3)]);
    take(&mut lost, &next, NOW).unwrap();
    assert_eq!(lost.floor(), edge::wire::Floor { sequence: 3, revision: 5, number: next.number });
}

fn full_frame() -> (Centre, Frame) {
    let (centre, ..) = standing();
    let config = Config {
        canaries: Canaries {
            blocked: vec!["8.8.4.200".parse().unwrap()],
            passed: vec!["2620:fe::fe".parse().unwrap()],
        },
        protected: vec![ProtectedNet { net: "9.9.9.0/24".parse().unwrap(), why: "管理網路 \"x\"".into() }],
        thaw_until: Some(NOW),
        ..Config::default()
    };
    let config = SignedConfig::sign(config, 3, centre.point, NOW, &centre.key);
    let frame =
        Frame { config: Some(config), ..centre.unsigned(vec![entry("2a00:1450::/48", 3), entry("8.8.5.0/24", 4)]) };
    let frame = frame.sign(&centre.key);
    (centre, frame)
}

#[test]
fn the_line_is_canonical_json() {
    let (_, frame) = full_frame();
    let value: serde_json::Value = serde_json::from_str(&frame.to_line()).unwrap();
    assert_eq!(frame.to_line(), canonical_json(&value));
}

#[test]
fn every_flipped_bit_is_refused() {
    let (_, frame) = full_frame();
    let (_, replica, _) = standing();
    let line = frame.to_line().into_bytes();
    assert!(replica.clone().accept(&Frame::from_line(&line).unwrap(), NOW).is_ok());
    for at in 0..line.len() {
        for bit in 0..8 {
            let mut bent = line.clone();
            bent[at] ^= 1 << bit;
            let outcome = Frame::from_line(&bent).and_then(|frame| replica.clone().accept(&frame, NOW));
            assert!(outcome.is_err(), "bit {bit} of byte {at} ({:?})", line[at] as char);
        }
    }
}

proptest! {
    #[test]
    fn foreign_bytes_never_panic(bytes: Vec<u8>) {
        prop_assert!(Frame::from_line(&bytes).is_err());
    }

    #[test]
    fn any_frame_is_canonical(keys in proptest::collection::vec(any::<u32>(), 0..20), part in any::<u32>(), why in ".*") {
        let (centre, _) = full_frame();
        let adds = keys.iter().map(|n| {
            let v4 = std::net::Ipv4Addr::from(*n);
            Entry::new(base::AddrSpec::host(v4.into()), if n % 2 == 0 { Intent::Allow } else { Intent::Deny },
                DirectiveId(uuid_of(u128::from(*n))), Timestamp::from_micros(i64::from(*n)))
        }).collect();
        let config = Config { protected: vec![ProtectedNet { net: "9.9.9.0/24".parse().unwrap(), why }], ..Config::default() };
        let config = SignedConfig::sign(config, 1, centre.point, NOW, &centre.key);
        let frame = Frame { part, config: Some(config), ..centre.unsigned(adds) }.sign(&centre.key);
        let value: serde_json::Value = serde_json::from_str(&frame.to_line()).unwrap();
        prop_assert_eq!(frame.to_line(), canonical_json(&value));
        prop_assert_eq!(Frame::from_line(frame.to_line().as_bytes()).unwrap(), frame);
    }

    #[test]
    fn the_digest_follows_the_set(numbers in proptest::collection::hash_set(any::<u32>(), 0..40), gone in 0_usize..40) {
        let entries: Vec<Entry> = numbers.iter()
            .map(|n| entry(&std::net::Ipv4Addr::from(*n).to_string(), u128::from(*n))).collect();
        let (away, stay) = entries.split_at(gone.min(entries.len()));
        let mut digest = SetDigest::of(&entries);
        away.iter().for_each(|entry| digest.remove(entry));
        prop_assert_eq!(digest, SetDigest::of(stay.iter().rev()));
        prop_assert_eq!(SetDigest::of(away).plus(SetDigest::of(stay)), SetDigest::of(&entries));
        prop_assert_eq!(SetDigest::of(away) == SetDigest::of(&entries), stay.is_empty());
    }
}
