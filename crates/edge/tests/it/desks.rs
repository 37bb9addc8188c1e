//! The desks by themselves: what they refuse, and that folding their facts gives the row.

use base::{AddressScope, DirectiveId, OrgId, PersonId, PointId, Realm, Timestamp, Tlp};
use edge::desk::directive::{Ask, Command, Fact, apply, decide};
use edge::desk::point::{self, NewPoint};
use edge::guard::{GuardProfile, Guards, Reason};
use edge::wire::{Drift, Intent, Probe, ProtectedNet, ReadBack, Receipt, SetDigest};
use edge::{Directive, DirectiveState, Driver, EndReason, Point, Refusal, Standing};
use proptest::prelude::*;
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

fn guards() -> Guards {
    Guards::new(GuardProfile::default(), &[])
}

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn ask(key: &str, secs: i64) -> Ask {
    Ask {
        org: OrgId(Uuid::from_u128(1)),
        realm: Realm::Real,
        tlp: Tlp::Green,
        scope: AddressScope::Global,
        key: key.parse().unwrap(),
        intent: Intent::Deny,
        expires: NOW.plus_secs(secs),
        reason: "test".into(),
        indicator: None,
        provenance: serde_json::json!({}),
    }
}

fn issue(ask: Ask, author: Option<PersonId>, rate: Option<Reason>) -> Result<Directive, Refusal> {
    let guards = guards();
    let id = DirectiveId(Uuid::from_u128(9));
    let facts = decide(None, Command::Issue { id, ask: Box::new(ask), author, guards: &guards, rate }, NOW)?;
    Ok(facts.iter().fold(None, apply).unwrap())
}

fn approve(held: &Directive, by: u128, night: bool) -> Result<Directive, Refusal> {
    let guards = guards();
    let facts = decide(Some(held), Command::Approve { by: Some(person(by)), night, guards: &guards }, NOW)?;
    Ok(facts.iter().fold(Some(held.clone()), apply).unwrap())
}

#[test]
fn guards_decide_the_first_state() {
    assert_eq!(issue(ask("8.8.8.8", 60), None, None).unwrap().state, DirectiveState::Active);
    assert_eq!(issue(ask("8.8.8.0/22", 60), None, None).unwrap().state, DirectiveState::Held);
    let surge = Reason::Surge { adds: 501, most: 500, window_secs: 600 };
    assert_eq!(issue(ask("8.8.8.8", 60), None, Some(surge)).unwrap().state, DirectiveState::Held);
    for (key, secs) in
        [("10.0.0.1", 60), ("8.8.8.8", 0), ("8.8.8.8", -1), ("8.8.8.8", 7 * 86_400 + 1), ("8.0.0.0/8", 60)]
    {
        assert!(matches!(issue(ask(key, secs), None, None), Err(Refusal::Guarded(_))), "{key} {secs}");
    }
    let long = Ask { reason: "x".repeat(2_001), ..ask("8.8.8.8", 60) };
    assert!(matches!(issue(long, None, None), Err(Refusal::BadField("reason", _))));
    let nobody = Ask { tlp: Tlp::Red, scope: AddressScope::Org(OrgId(Uuid::from_u128(2))), ..ask("8.8.8.8", 60) };
    assert_eq!(issue(nobody, None, None), Err(Refusal::NoAudience));
}

#[test]
fn two_people_for_what_is_held() {
    let held = issue(ask("8.8.8.0/22", 60), Some(person(1)), None).unwrap();
    assert_eq!(approve(&held, 1, false), Err(Refusal::FourEyes));
    assert_eq!(approve(&held, 1, true).unwrap().state, DirectiveState::Active, "the night shift");
    let active = approve(&held, 2, false).unwrap();
    assert_eq!((active.state, active.approver), (DirectiveState::Active, Some(person(2))));
    assert_eq!(approve(&active, 2, false), Err(Refusal::WrongState("active")));
    // A network that became protected while it was held stays out.
    let net = ProtectedNet { net: "8.8.8.8".parse().unwrap(), why: "own".into() };
    let stricter = Guards::new(GuardProfile::default(), &[net]);
    let command = Command::Approve { by: Some(person(2)), night: false, guards: &stricter };
    assert!(matches!(decide(Some(&held), command, NOW), Err(Refusal::Guarded(_))));
    // So does one whose time ran out.
    let command = Command::Approve { by: Some(person(2)), night: false, guards: &stricter };
    assert!(matches!(decide(Some(&held), command, NOW.plus_secs(60)), Err(Refusal::Guarded(_))));
}

#[test]
fn renewal_only_extends_and_endings_are_final() {
    let guards = guards();
    let active = issue(ask("8.8.8.8", 3_600), None, None).unwrap();
    let renew =
        |secs: i64| decide(Some(&active), Command::Renew { expires: NOW.plus_secs(secs), guards: &guards }, NOW);
    assert_eq!(renew(60), Ok(vec![]));
    assert_eq!(renew(7_200), Ok(vec![Fact::Renewed { expires: NOW.plus_secs(7_200) }]));
    assert!(matches!(renew(8 * 86_400), Err(Refusal::Guarded(_))));
    let end = |state: &Directive, reason, now| decide(Some(state), Command::End(reason), now);
    assert_eq!(end(&active, EndReason::Expired, NOW.plus_secs(3_599)), Err(Refusal::WrongState("active")));
    assert!(end(&active, EndReason::Declined, NOW).is_err(), "only what is held can be declined");
    let facts = end(&active, EndReason::Expired, NOW.plus_secs(3_600)).unwrap();
    let ended = facts.iter().fold(Some(active.clone()), apply).unwrap();
    assert_eq!(ended.end_reason, Some(EndReason::Expired));
    for reason in EndReason::ALL {
        assert_eq!(end(&ended, *reason, NOW.plus_secs(9_999)), Err(Refusal::WrongState("ended")));
    }
}

fn enrolled() -> Point {
    let new = NewPoint {
        id: PointId(Uuid::from_u128(5)),
        org: OrgId(Uuid::from_u128(1)),
        realm: Realm::Real,
        tlp: Tlp::Green,
        name: " border ".into(),
        driver: Driver::Nft,
        serial: "0a".into(),
        cert_expires: NOW.plus_secs(86_400),
    };
    let facts = point::decide(None, point::Command::Enrol(Box::new(new)), NOW).unwrap();
    facts.iter().fold(None, point::apply).unwrap()
}

fn receipt(sequence: u64) -> Receipt {
    Receipt {
        point: PointId(Uuid::from_u128(5)),
        sequence,
        generation: sequence,
        driver: "nft".into(),
        applied_at: NOW,
        took_us: 900,
        elements: 1,
        digest: SetDigest::default(),
        config_revision: 2,
        read_back: ReadBack { changed: 1, sampled: 0, wrong: vec![] },
        probe: Probe::ReadBackOnly,
        drift: None,
        refused: vec![],
        refused_total: 0,
        frozen: None,
        kill: false,
    }
}

#[test]
fn a_point_has_a_name_and_a_revoked_one_says_nothing() {
    let point = enrolled();
    assert_eq!(point.name, "border");
    let facts = point::decide(Some(&point), point::Command::Revoke, NOW).unwrap();
    let revoked = facts.iter().fold(Some(point.clone()), point::apply).unwrap();
    let command = point::Command::Receipt { receipt: Box::new(receipt(1)), expected: None };
    assert_eq!(point::decide(Some(&revoked), command, NOW), Err(Refusal::WrongState("revoked")));
    assert_eq!(point::decide(Some(&revoked), point::Command::Revoke, NOW), Ok(vec![]));
    assert_eq!(point::decide(None, point::Command::Kill(true), NOW), Err(Refusal::WrongState("not enrolled")));
}

#[test]
fn standings_name_the_worst_truth() {
    let fine = receipt(1);
    let other = Some(SetDigest::from_bytes([1; 32]));
    let standing = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = fine.clone();
        change(&mut receipt);
        Standing::of(&receipt, Some(SetDigest::default()))
    };
    assert_eq!(Standing::of(&fine, None), Standing::ReadBack);
    assert_eq!(Standing::of(&fine, other), Standing::Differs);
    assert_eq!(standing(&|r| r.kill = true), Standing::Killed);
    assert_eq!(standing(&|r| r.frozen = Some("surge".into())), Standing::Frozen);
    assert_eq!(standing(&|r| r.read_back.wrong.push("8.8.8.8".into())), Standing::Differs);
    assert_eq!(standing(&|r| r.probe = Probe::Failed { why: "no route".into() }), Standing::Unproved);
    let no_canary = Probe::Probed { blocked: vec![], passed: vec![] };
    assert_eq!(standing(&|r| r.probe = no_canary.clone()), Standing::Unproved, "nothing proved is no proof");
    assert_eq!(standing(&|r| r.drift = Some(Drift { missing: 1, extra: 0, repaired: false })), Standing::Drifted);
    assert_eq!(standing(&|r| r.drift = Some(Drift { missing: 1, extra: 0, repaired: true })), Standing::ReadBack);
    assert_eq!(standing(&|r| r.refused_total = 1), Standing::Refused);
}

#[test]
fn news_is_a_new_sequence_or_standing() {
    let mut point = enrolled();
    let mut say = |receipt: Receipt, secs: i64| {
        let command = point::Command::Receipt { receipt: Box::new(receipt), expected: None };
        let facts = point::decide(Some(&point), command, NOW.plus_secs(secs)).unwrap();
        point = facts.iter().fold(Some(point.clone()), point::apply).unwrap();
        let [point::Fact::Receipted { applied, news, drift }] = &facts[..] else { panic!("one fact") };
        (*news, *drift, applied.since)
    };
    assert_eq!(say(receipt(1), 0), (true, false, NOW));
    assert_eq!(say(receipt(1), 5), (false, false, NOW), "the same word again");
    assert_eq!(say(receipt(2), 6), (true, false, NOW), "in the same standing since the beginning");
    let torn = Receipt { drift: Some(Drift { missing: 3, extra: 0, repaired: false }), ..receipt(2) };
    assert_eq!(say(torn.clone(), 7), (true, true, NOW.plus_secs(7)));
    assert_eq!(say(torn, 8), (false, false, NOW.plus_secs(7)), "told once");
    let mended = Receipt { drift: Some(Drift { missing: 3, extra: 0, repaired: true }), ..receipt(2) };
    assert_eq!(say(mended, 9), (true, true, NOW.plus_secs(9)));
}

#[derive(Debug, Clone)]
enum Step {
    Approve(u8, bool),
    Renew(i64),
    End(prop::sample::Index),
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..3, any::<bool>()).prop_map(|(by, night)| Step::Approve(by, night)),
        (0_i64..10 * 86_400).prop_map(Step::Renew),
        any::<prop::sample::Index>().prop_map(Step::End),
        (0_i64..4 * 86_400).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn no_directive_is_ever_without_an_end(
        secs in -10_i64..8 * 86_400, wide: bool, steps in proptest::collection::vec(any_step(), 0..12)
    ) {
        let guards = guards();
        let key = if wide { "8.8.8.0/22" } else { "8.8.8.8" };
        let Ok(first) = issue(ask(key, secs), Some(person(1)), None) else {
            prop_assert!(secs <= 0 || secs > 7 * 86_400);
            return Ok(());
        };
        let (mut now, mut state, mut facts) = (NOW, first.clone(), vec![Fact::Issued(Box::new(first))]);
        for step in steps {
            let command = match step {
                Step::Wait(secs) => { now = now.plus_secs(secs); continue }
                Step::Approve(by, night) => Command::Approve { by: Some(person(u128::from(by))), night, guards: &guards },
                Step::Renew(secs) => Command::Renew { expires: now.plus_secs(secs), guards: &guards },
                Step::End(pick) => Command::End(*pick.get(EndReason::ALL)),
            };
            let Ok(new) = decide(Some(&state), command, now) else { continue };
            let before = state.clone();
            state = new.iter().fold(Some(state), apply).unwrap();
            facts.extend(new);
            prop_assert!(before.state != DirectiveState::Ended || before == state, "an end is final");
            prop_assert!(state.expires >= before.expires, "renewal only extends");
            prop_assert!(state.expires <= now.plus_secs(7 * 86_400) || state.expires == before.expires);
        }
        prop_assert!(state.expires > state.issued);
        prop_assert_eq!(state.ended.is_some(), state.state == DirectiveState::Ended);
        prop_assert_eq!(facts.iter().fold(None, apply), Some(state));
    }
}
