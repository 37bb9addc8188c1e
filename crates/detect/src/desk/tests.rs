//! The desk of findings: rules one by one, and what holds after any sequence of commands.

use super::*;
use crate::model::{Subject, Why};
use base::{AddressScope, OrgId, Realm, Tlp};
use proptest::prelude::*;
use uuid::Uuid;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_763_000_000_000_000).plus_secs(seconds)
}

fn person(n: u128) -> PersonId {
    PersonId(Uuid::from_u128(n))
}

fn raise(severity: u8, seconds: i64) -> Box<Raise> {
    Box::new(Raise {
        org: OrgId(Uuid::from_u128(1)),
        realm: Realm::Real,
        tlp: Tlp::Green,
        scope: AddressScope::Global,
        rule: "sensor.download".into(),
        severity,
        subject: Subject { kind: "ipv4".into(), value: "203.0.113.7".into() },
        params: serde_json::json!({ "sessions": seconds }),
        why: Why::default(),
        first_at: at(seconds),
        last_at: at(seconds),
        campaign: None,
    })
}

fn run(state: Option<Finding>, command: Command, seconds: i64) -> Result<Option<Finding>, Refusal> {
    let changes = decide(state.as_ref(), command, at(seconds))?;
    Ok(changes.iter().fold(state, apply))
}

fn raised_cmd(severity: u8, seconds: i64, silence: Option<SilenceId>) -> Command {
    Command::Raise { id: FindingId(Uuid::from_u128(9)), raise: raise(severity, seconds), silence }
}

#[test]
fn counts_what_comes_again_and_keeps_the_highest_severity() {
    let one = run(None, raised_cmd(3, 0, None), 0).unwrap();
    let two = run(one, raised_cmd(2, 60, None), 60).unwrap().unwrap();
    assert_eq!((two.count, two.severity, two.state), (2, 3, FindingState::New));
    assert_eq!((two.first_at, two.last_at), (at(0), at(60)));
}

#[test]
fn a_reason_is_required_and_undo_gives_the_state_before() {
    let new = run(None, raised_cmd(2, 0, None), 0).unwrap();
    let taken = run(new, Command::Take { by: person(1) }, 1).unwrap();
    let resolve =
        |reason: &str| Command::Resolve { by: Some(person(2)), outcome: FindingOutcome::Benign, reason: reason.into() };
    assert_eq!(run(taken.clone(), resolve("  "), 2).unwrap_err(), Refusal::Reason);
    let resolved = run(taken.clone(), resolve("scanner of the centre"), 2).unwrap();
    assert_eq!(resolved.as_ref().unwrap().outcome, Some(FindingOutcome::Benign));
    assert!(run(resolved.clone(), resolve("again"), 3).is_err());
    let back = run(resolved, Command::Undo { by: Some(person(2)) }, 3).unwrap().unwrap();
    assert_eq!((back.state, back.owner, back.outcome), (FindingState::Taken, Some(person(1)), None));
    let start = run(Some(back), Command::Undo { by: None }, 4).unwrap().unwrap();
    assert_eq!((start.state, start.owner), (FindingState::New, None));
    assert_eq!(run(Some(start), Command::Undo { by: None }, 5).unwrap_err(), Refusal::NoStep);
}

#[test]
fn a_silence_hides_and_its_end_brings_back() {
    let silence = SilenceId(Uuid::from_u128(5));
    let hidden = run(None, raised_cmd(2, 0, Some(silence)), 0).unwrap();
    assert_eq!(hidden.as_ref().unwrap().state, FindingState::Silenced);
    let still = run(hidden, raised_cmd(2, 60, Some(silence)), 60).unwrap();
    assert_eq!(still.as_ref().unwrap().count, 2);
    let back = run(still, raised_cmd(2, 120, None), 120).unwrap().unwrap();
    assert_eq!((back.state, back.silence, back.count), (FindingState::New, None, 3));
    let taken = run(Some(back), Command::Take { by: person(1) }, 130).unwrap();
    let worked = run(taken, raised_cmd(2, 140, Some(silence)), 140).unwrap().unwrap();
    assert_eq!(worked.state, FindingState::Taken, "what a person works on is not hidden");
}

#[test]
fn bounds_hold() {
    assert_eq!(run(None, raised_cmd(5, 0, None), 0).unwrap_err(), Refusal::Field("severity"));
    let mut long = raise(1, 0);
    long.subject.value = "x".repeat(SUBJECT + 1);
    let command = Command::Raise { id: FindingId(Uuid::from_u128(9)), raise: long, silence: None };
    assert_eq!(run(None, command, 0).unwrap_err(), Refusal::Field("subject"));
}

fn commands() -> impl Strategy<Value = Command> {
    prop_oneof![
        (1..=4_u8, 0..500_i64, any::<bool>()).prop_map(|(s, t, quiet)| raised_cmd(
            s,
            t,
            quiet.then(|| SilenceId(Uuid::from_u128(5)))
        )),
        (1..4_u128).prop_map(|n| Command::Take { by: person(n) }),
        (1..4_u128, 0..2_usize).prop_map(|(n, reason)| Command::Resolve {
            by: Some(person(n)),
            outcome: FindingOutcome::TruePositive,
            reason: "r".repeat(reason),
        }),
        Just(Command::Undo { by: None }),
    ]
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_row_in_order(all in prop::collection::vec(commands(), 1..80)) {
        let mut row: Option<Finding> = None;
        for (i, command) in all.into_iter().enumerate() {
            let before = row.clone();
            match run(row.clone(), command, i as i64) {
                Err(_) => {}
                Ok(after) => {
                    let after = after.unwrap();
                    if let Some(before) = before.filter(|b| b.state != FindingState::Resolved || after.version > 1) {
                        prop_assert_eq!(after.version, before.version + 1, "each change is one version");
                    }
                    row = Some(after);
                }
            }
            if let Some(row) = &row {
                prop_assert_eq!(row.state == FindingState::Resolved, row.outcome.is_some());
                prop_assert_eq!(row.state == FindingState::Silenced, row.silence.is_some());
                prop_assert!(row.state != FindingState::Taken || row.owner.is_some());
                prop_assert!(row.trail.len() <= TRAIL && row.first_at <= row.last_at);
            }
        }
    }
}
