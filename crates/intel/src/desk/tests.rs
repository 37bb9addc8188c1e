//! The desk of indicators: rules one by one, and what holds after any sequence of commands.

use super::*;
use base::{AddressScope, OrgId, Realm};
use events::sensor::{AttackClass, Factor, ValueKind};
use proptest::prelude::*;
use uuid::Uuid;

const HOUR: i64 = 3_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_763_000_000_000_000).plus_secs(seconds)
}

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn stated(author: Option<PersonId>) -> Command {
    Command::Draft(Box::new(Stated {
        id: IndicatorId(Uuid::from_u128(9)),
        org: OrgId(Uuid::from_u128(1)),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: ValueKind::Ipv4,
        value: "203.0.113.7".into(),
        name: "203.0.113.7".into(),
        description: String::new(),
        confidence: 70,
        lasts: 24 * HOUR,
        origin: if author.is_some() { Origin::Person } else { Origin::Token },
        author,
    }))
}

fn evidence(class: AttackClass, score: f64) -> Box<Evidence> {
    Box::new(Evidence {
        org: OrgId(Uuid::from_u128(1)),
        realm: Realm::Real,
        tlp: Tlp::Amber,
        scope: AddressScope::Global,
        kind: ValueKind::Ipv4,
        value: "203.0.113.7".into(),
        class,
        score,
        factors: vec![Factor { name: "class".into(), input: score, part: score }],
        sessions_total: 3,
        sessions: vec![],
        sensors_total: 2,
        campaign: None,
        first_at: at(0),
        last_at: at(0),
    })
}

fn propose(publish: Option<i64>) -> Command {
    let evidence = evidence(AttackClass::Download, 0.8);
    Command::Propose { id: IndicatorId(Uuid::from_u128(9)), evidence, publish }
}

fn run(state: Option<Indicator>, command: Command, seconds: i64) -> Result<Option<Indicator>, Refusal> {
    let changes = decide(state.as_ref(), command, at(seconds))?;
    Ok(changes.iter().fold(state, apply))
}

#[test]
fn a_draft_becomes_published_by_others_than_its_author() {
    let (author, other) = (person(1), person(2));
    let draft = run(None, stated(Some(author)), 0).unwrap();
    assert_eq!(run(draft.clone(), Command::Submit { by: Some(other) }, 1).unwrap_err(), Refusal::NotAuthor);
    let review = run(draft, Command::Submit { by: Some(author) }, 1).unwrap();
    for own in [Command::Accept { by: author }, Command::Publish { by: author, night: false }] {
        assert_eq!(run(review.clone(), own, 2).unwrap_err(), Refusal::OwnWork);
    }
    let approved = run(review.clone(), Command::Accept { by: other }, 2).unwrap();
    let published = run(approved, Command::Publish { by: other, night: false }, 100).unwrap().unwrap();
    assert_eq!(published.state, IndicatorState::Published);
    assert_eq!((published.reviewer, published.approver, published.night), (Some(other), Some(other), false));
    assert_eq!((published.valid_from, published.valid_until), (at(100), at(100 + 24 * HOUR)));
    let at_once = run(review.clone(), Command::Publish { by: other, night: false }, 3).unwrap().unwrap();
    assert_eq!((at_once.state, at_once.reviewer), (IndicatorState::Published, Some(other)));
    let alone = run(review, Command::Publish { by: author, night: true }, 3).unwrap().unwrap();
    assert!(alone.night, "alone at night is remembered");
}

#[test]
fn a_reviewer_returns_and_rejects_with_reasons() {
    let review =
        run(run(None, stated(Some(person(1))), 0).unwrap(), Command::Submit { by: Some(person(1)) }, 1).unwrap();
    let back = |reason: &str| Command::Return { by: person(2), reason: reason.into() };
    assert_eq!(run(review.clone(), back(" "), 2).unwrap_err(), Refusal::Reason);
    let draft = run(review.clone(), back("which sensor?"), 2).unwrap();
    assert_eq!(draft.as_ref().unwrap().state, IndicatorState::Draft);
    let edit = Edit { confidence: Some(90), lasts: Some(48 * HOUR), ..Edit::default() };
    let edited = run(draft, Command::Edit { by: Some(person(1)), edit }, 3).unwrap().unwrap();
    assert_eq!((edited.confidence, edited.lasts), (90, 48 * HOUR));
    let reject = Command::Reject { by: person(2), reason: "our own scanner".into() };
    let rejected = run(review, reject, 2).unwrap();
    assert!(run(rejected, Command::Accept { by: person(3) }, 3).is_err(), "rejected is final");
}

#[test]
fn sensors_propose_and_the_automatic_path_publishes() {
    let waiting = run(None, propose(None), 0).unwrap();
    assert_eq!(waiting.as_ref().unwrap().state, IndicatorState::InReview);
    let renew = |publish| Command::Renew { evidence: evidence(AttackClass::IcsControl, 0.9), publish };
    let renewed = run(waiting.clone(), renew(None), 10).unwrap().unwrap();
    assert_eq!((renewed.state, renewed.score, renewed.confidence), (IndicatorState::InReview, 0.9, 90));
    assert_eq!(renewed.class, Some(AttackClass::IcsControl));
    let opened = run(waiting, renew(Some(24 * HOUR)), 10).unwrap().unwrap();
    assert_eq!((opened.state, opened.automatic), (IndicatorState::Published, true));
    let at_once = run(None, propose(Some(24 * HOUR)), 0).unwrap();
    assert_eq!(at_once.as_ref().unwrap().state, IndicatorState::Published);
    let longer = run(at_once, renew(Some(HOUR)), HOUR).unwrap().unwrap();
    assert_eq!(longer.valid_until, at(25 * HOUR), "fresh evidence extends what is in force");
    let human = run(run(None, stated(None), 0).unwrap(), Command::Submit { by: None }, 1).unwrap();
    let human = run(human, renew(Some(HOUR)), 2).unwrap().unwrap();
    assert_eq!(human.state, IndicatorState::InReview, "a statement is never published by evidence alone");
}

#[test]
fn forged_sources_and_endless_validity_are_refused() {
    let evidence = evidence(AttackClass::UdpProbe, 0.9);
    let command = Command::Propose { id: IndicatorId(Uuid::from_u128(9)), evidence, publish: None };
    assert_eq!(run(None, command, 0).unwrap_err(), Refusal::Forgeable);
    for lasts in [0, -1, 59 * 60, 367 * 24 * HOUR] {
        let Command::Draft(mut draft) = stated(None) else { unreachable!("stated drafts") };
        draft.lasts = lasts;
        assert_eq!(run(None, Command::Draft(draft), 0).unwrap_err(), Refusal::Validity);
    }
}

#[test]
fn expiry_comes_in_time_and_a_draft_of_a_person_waits() {
    let published = run(None, propose(Some(HOUR)), 0).unwrap();
    assert_eq!(run(published.clone(), Command::Expire, HOUR - 1).unwrap_err(), Refusal::NotDue);
    let ended = run(published, Command::Expire, HOUR + 1).unwrap().unwrap();
    assert_eq!(ended.state, IndicatorState::Expired);
    let draft = run(None, stated(Some(person(1))), 0).unwrap();
    assert!(run(draft, Command::Expire, 99 * 24 * HOUR).is_err());
    let proposed = run(None, propose(None), 0).unwrap();
    let stale = run(proposed, Command::Expire, 8 * 24 * HOUR).unwrap().unwrap();
    assert_eq!(stale.state, IndicatorState::Expired);
}

#[test]
fn revoked_is_final() {
    let published = run(None, propose(Some(HOUR)), 0).unwrap();
    let revoked = run(published, Command::Revoke { by: None, reason: "shared address".into() }, 1).unwrap();
    for command in [
        Command::Publish { by: person(2), night: false },
        Command::Renew { evidence: evidence(AttackClass::Download, 0.9), publish: Some(HOUR) },
        Command::Expire,
    ] {
        assert_eq!(run(revoked.clone(), command, 2).unwrap_err(), Refusal::WrongState(IndicatorState::Revoked));
    }
}

fn commands() -> impl Strategy<Value = Command> {
    let who = (1..4_u128).prop_map(person);
    let some = proptest::option::of((1..4_u128).prop_map(person));
    let validity = proptest::option::of(HOUR..100 * HOUR);
    prop_oneof![
        2 => some.clone().prop_map(stated),
        2 => validity.clone().prop_map(propose),
        2 => (validity, 0.0..1.0_f64, 0..AttackClass::ALL.len()).prop_map(|(publish, score, class)| Command::Renew {
            evidence: evidence(AttackClass::ALL[class], score),
            publish,
        }),
        2 => some.clone().prop_map(|by| Command::Submit { by }),
        1 => some.clone().prop_map(|by| Command::Withdraw { by }),
        1 => (some.clone(), 0..=100_u8).prop_map(|(by, c)| Command::Edit {
            by,
            edit: Edit { confidence: Some(c), ..Edit::default() },
        }),
        2 => who.clone().prop_map(|by| Command::Accept { by }),
        1 => who.clone().prop_map(|by| Command::Return { by, reason: "r".into() }),
        1 => who.clone().prop_map(|by| Command::Reject { by, reason: "r".into() }),
        3 => (who, any::<bool>()).prop_map(|(by, night)| Command::Publish { by, night }),
        1 => some.prop_map(|by| Command::Revoke { by, reason: "r".into() }),
        1 => Just(Command::Expire),
    ]
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_rules(all in prop::collection::vec((commands(), 0..40 * HOUR), 1..40)) {
        let mut row: Option<Indicator> = None;
        let mut history: Vec<Change> = Vec::new();
        let mut now = 0;
        for (command, pause) in all {
            now += pause;
            let Ok(changes) = decide(row.as_ref(), command, at(now)) else { continue };
            row = changes.iter().fold(row, apply);
            history.extend(changes);
            let row = row.as_ref().unwrap();
            // Every line of the history survives its stored form.
            for change in &history {
                let text = serde_json::to_string(change).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Change>(&text).unwrap(), change);
            }
            let folded = history.iter().fold(None, apply);
            prop_assert_eq!(folded.as_ref(), Some(row), "the fold is the row");
            prop_assert_eq!(row.version, history.len() as i64);
            prop_assert!(history.windows(2).all(|pair| pair[0].at < pair[1].at), "times strictly increase");
            prop_assert!(row.valid_from < row.valid_until && row.confidence <= 100);
            if row.state == IndicatorState::Published && !row.automatic {
                prop_assert!(row.approver.is_some() && row.reviewer.is_some());
                prop_assert!(row.night || row.approver != row.author, "four eyes");
            }
            prop_assert!(!row.automatic || row.origin == Origin::Sensors);
            prop_assert!(crate::object::write(row).is_ok(), "every row is a STIX object");
        }
    }
}
