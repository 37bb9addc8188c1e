//! Durable, once: batches, lines, restarts.

use crate::support::{Attack, Centre, SCHEMA, body, org};
use access::Refusal;
use logwire::attack::AttackEvent;
use logwire::{Format, lines};
use sensor::SensorError;
use sensor::model::SessionFilter;
use sensor::wire::LinesAnswer;
use store::page::Page;
use testkit::{START, all, each_db};

const COWRIE: &str = include_str!("../../../logwire/tests/samples/cowrie.ndjson");
const SILENT: &str = include_str!("../../../logwire/tests/samples/cowrie-silent.ndjson");

async fn ingest(centre: &Centre, text: &[u8]) -> LinesAnswer {
    let mut counter = lines::Occurrences::default();
    let numbered: Vec<(u32, &[u8])> =
        text.split(|byte| *byte == b'\n').map(|line| (counter.next(line), line)).collect();
    let caller = centre.sender(org(1));
    centre.intake.accept_lines(&caller, org(1), Format::Cowrie, numbered.into_iter()).await.unwrap()
}

async fn sessions(centre: &Centre) -> usize {
    centre.reads.sessions(&all(), &SessionFilter::default(), &Page::first(1000)).await.unwrap().items.len()
}

#[tokio::test]
async fn lines_count_once_and_the_sums_hold() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let text = [COWRIE, SILENT, "\n  \n{broken\n{broken\n", "{\"eventid\":\"kippo.x\"}\n", COWRIE].concat();
        let first = ingest(&centre, text.as_bytes()).await;
        let (good, silent) = (COWRIE.lines().count() as u64, SILENT.lines().count() as u64);
        assert_eq!((first.accepted, first.duplicate, first.rejected), (2 * good + silent, 0, 3));
        assert_eq!(first.events, 2 * good);
        assert_eq!(
            first.reasons.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(),
            ["LF-ING-0005", "LF-ING-0005", "LF-ING-0006"]
        );
        assert_eq!(first.reasons[0].line, good + silent + 3, "numbered with the blank lines");
        for fold in [false, true] {
            if fold {
                centre.history.catch_up().await.unwrap();
            }
            let again = ingest(&centre, text.as_bytes()).await;
            assert_eq!((again.accepted, again.duplicate, again.rejected, again.events), (0, 2 * good + silent, 3, 0));
        }
        assert_eq!(sessions(&centre).await, 3);
        let kept = centre.reads.quarantine(&all(), &Page::default()).await.unwrap().items;
        assert_eq!(kept.len(), 3);
        assert!(kept.iter().all(|line| line.times == 3));
        let fleet = centre.fleet.list(&all()).await.unwrap();
        assert_eq!(fleet.iter().map(|s| (s.name.as_str(), s.kind.word())).collect::<Vec<_>>(), [("pot-a", "cowrie")]);
    })
    .await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_and_repeats_nothing() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let half = COWRIE.lines().take(6).collect::<Vec<_>>().join("\n");
        assert_eq!(ingest(&centre, half.as_bytes()).await.accepted, 6);
        centre.restart().await;
        let rest = ingest(&centre, COWRIE.as_bytes()).await;
        assert_eq!((rest.accepted, rest.duplicate), (COWRIE.lines().count() as u64 - 6, 6));
        centre.history.catch_up().await.unwrap();
        centre.restart().await;
        assert_eq!(ingest(&centre, COWRIE.as_bytes()).await.accepted, 0);
        centre.history.catch_up().await.unwrap();
        let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::default()).await.unwrap();
        assert_eq!(page.items.iter().map(|session| session.events).sum::<u64>(), COWRIE.lines().count() as u64);
    })
    .await;
}

#[tokio::test]
async fn batches_in_any_order_are_acknowledged_without_gaps() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let events = Attack::new("s", "203.0.113.7", START).tries(&[("a", "b"), ("c", "d"), ("e", "f")]).closes();
        assert_eq!(events.len(), 5);
        let send = async |centre: &Centre, from: usize, to: usize| {
            let answer = centre.intake.accept_batch(&trap, 9, from as u64, &body(&events[from - 1..to])).await.unwrap();
            (answer.ack, answer.accepted, answer.duplicate)
        };
        assert_eq!(send(&centre, 3, 4).await, (0, 2, 0));
        assert_eq!(send(&centre, 2, 3).await, (0, 1, 1));
        centre.restart().await;
        assert_eq!(send(&centre, 1, 2).await, (4, 1, 1));
        centre.history.catch_up().await.unwrap();
        centre.restart().await;
        assert_eq!(send(&centre, 1, 5).await, (5, 1, 4));
        centre.history.catch_up().await.unwrap();
        let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::default()).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].events), (1, 5));
        let broken = centre.intake.accept_batch(&trap, 9, 6, b"{}\n\n{\"x\n").await.unwrap();
        assert_eq!((broken.ack, broken.rejected.len()), (8, 2), "unusable lines are done with too");
        assert_eq!(broken.rejected[1].line, 3);
        let overflow = centre.intake.accept_batch(&trap, 9, u64::MAX, b"{}").await.unwrap_err();
        assert!(matches!(overflow, SensorError::BadSequence(_)));
        let epoch = centre.intake.accept_batch(&trap, u64::MAX, 1, b"{}").await.unwrap_err();
        assert!(matches!(epoch, SensorError::BadSequence(_)));
    })
    .await;
}

#[tokio::test]
async fn nobody_sends_for_another_organisation() {
    each_db(SCHEMA, |db, env| async move {
        let centre = Centre::open(db, env).await;
        let caller = centre.sender(org(1));
        let lines = std::iter::once((0_u32, &b"{}"[..]));
        let refused = centre.intake.accept_lines(&caller, org(2), Format::Native, lines).await.unwrap_err();
        assert!(matches!(refused, SensorError::Refused(Refusal::NotThere | Refusal::Scope(_) | Refusal::Forbidden(_))));
    })
    .await;
}

#[tokio::test]
async fn a_full_journal_is_back_pressure_and_nothing_is_half_taken() {
    each_db(SCHEMA, |db, env| async move {
        let folder = testkit::folder();
        let options =
            journal::Options { max_bytes: 1_024, segment_bytes: 512, free_floor: 0, ..journal::Options::default() };
        let (journal, _) = journal::Journal::open(folder.path(), options, &env).await.unwrap();
        let intake = sensor::Intake::open(db.clone(), env.clone(), journal).await.unwrap();
        let centre = Centre::open(db, env).await;
        let caller = centre.sender(org(1));
        let all_lines = || COWRIE.lines().map(|line| (0_u32, line.as_bytes()));
        let full = intake.accept_lines(&caller, org(1), Format::Cowrie, all_lines()).await.unwrap_err();
        assert!(matches!(full, SensorError::Full { retry_after } if retry_after > 0));
        // The same lines through a journal with room: none of them counts as taken.
        let answer = centre.intake.accept_lines(&caller, org(1), Format::Cowrie, all_lines()).await.unwrap();
        assert_eq!(answer.accepted, COWRIE.lines().count() as u64);
        let again = intake.accept_lines(&caller, org(1), Format::Cowrie, all_lines()).await.unwrap_err();
        assert!(matches!(again, SensorError::Full { .. }), "still full, not falsely duplicate");
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_hangs_up_leaves_nothing_in_doubt() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let events = body(&Attack::new("s", "203.0.113.7", START).tries(&[("a", "b"), ("c", "d")]).closes());
        let caller = centre.sender(org(1));
        let numbered = || COWRIE.lines().map(|line| (0_u32, line.as_bytes()));
        // Each request is dropped after another number of steps, wherever it stands then.
        for steps in 0..40 {
            let batch = centre.intake.accept_batch(&trap, 1, 1, &events);
            let lines = centre.intake.accept_lines(&caller, org(1), Format::Cowrie, numbered());
            let mut both = Box::pin(async { (batch.await.is_ok(), lines.await.is_ok()) });
            for _ in 0..steps {
                if polled(&mut both.as_mut()).await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let batch = centre.intake.accept_batch(&trap, 1, 1, &events).await.unwrap();
        assert_eq!((batch.ack, batch.accepted + batch.duplicate), (4, 4));
        let lines = centre.intake.accept_lines(&caller, org(1), Format::Cowrie, numbered()).await.unwrap();
        assert_eq!(lines.accepted + lines.duplicate, COWRIE.lines().count() as u64);
        centre.history.catch_up().await.unwrap();
        let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::default()).await.unwrap();
        let counted: u64 = page.items.iter().map(|session| session.events).sum();
        assert_eq!(counted, 4 + COWRIE.lines().count() as u64, "every event once");
    })
    .await;
}

/// Polls once; whether it came to its end.
async fn polled<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn what_was_acknowledged_elsewhere_is_asked_for_before_anything_is_taken() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        // Another sensor's spool, enrolled again: four events of five were acknowledged to the one before.
        let trap = centre.sensor(1, org(1)).await;
        let events = Attack::new("s", "203.0.113.7", START).tries(&[("a", "b"), ("c", "d"), ("e", "f")]).closes();
        let send = async |centre: &Centre, acked: u64, epoch: u64, first: u64, from: usize| {
            let lines = body(&events[from..]);
            let answer = centre.intake.accept_batch_after(&trap, acked, epoch, first, &lines).await.unwrap();
            (answer.ack, answer.accepted, answer.duplicate)
        };
        for fold in [false, true] {
            if fold {
                centre.history.catch_up().await.unwrap();
                centre.restart().await;
            }
            assert_eq!(send(&centre, 4, 9, 5, 4).await, (0, 0, 0), "nothing is taken under these numbers");
        }
        assert_eq!(send(&centre, 0, 10, 1, 3).await, (2, 2, 0), "the sensor's next epoch");
        assert_eq!(send(&centre, 2, 10, 3, 4).await, (3, 1, 0), "what was acknowledged is here");
        assert_eq!(send(&centre, 1, 10, 2, 4).await, (3, 0, 1), "more than that is here");
        centre.history.catch_up().await.unwrap();
        let page = centre.reads.sessions(&all(), &SessionFilter::default(), &Page::default()).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].events), (1, 3));
    })
    .await;
}

/// A command of control characters: the largest event that an attacker can make.
fn large(number: u128) -> AttackEvent {
    let line = format!("{number:08}{}", "\u{1}".repeat(4_000));
    let mut events = Attack::new("s", "203.0.113.7", START).types(&[&line]).events;
    events.remove(1)
}

#[tokio::test]
async fn a_batch_larger_than_a_record_of_the_journal_is_taken_in_parts() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let events: Vec<_> = (0..900).map(large).collect();
        let batch = body(&events);
        assert!(batch.len() > 20 << 20);
        let answer = centre.intake.accept_batch(&trap, 3, 1, &batch).await.unwrap();
        assert_eq!((answer.ack, answer.accepted, answer.duplicate), (900, 900, 0));
        centre.restart().await;
        let again = centre.intake.accept_batch(&trap, 3, 1, &batch).await.unwrap();
        assert_eq!((again.ack, again.accepted, again.duplicate), (900, 0, 900), "every part is remembered");
    })
    .await;
}

#[tokio::test]
async fn a_part_that_finds_the_journal_full_leaves_the_parts_before_it_taken() {
    each_db(SCHEMA, |db, env| async move {
        let folder = testkit::folder();
        let options = journal::Options { max_bytes: 3 << 20, free_floor: 0, ..journal::Options::default() };
        let (journal, _) = journal::Journal::open(folder.path(), options, &env).await.unwrap();
        let intake = sensor::Intake::open(db.clone(), env.clone(), journal).await.unwrap();
        let centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let batch = body(&(0..300).map(large).collect::<Vec<_>>());
        let full = intake.accept_batch(&trap, 3, 1, &batch).await.unwrap_err();
        assert!(matches!(full, SensorError::Full { .. }));
        let first = intake.accept_batch(&trap, 3, 1, b"{}").await.unwrap();
        assert_eq!(first.duplicate, 1);
        assert!((1..300).contains(&first.ack), "{}", first.ack);
    })
    .await;
}

#[tokio::test]
async fn a_line_that_comes_again_behind_the_record_of_the_first_is_a_duplicate() {
    each_db(SCHEMA, |db, env| async move {
        let centre = Centre::open(db, env).await;
        // All in one turn of lines, and more than one record.
        let events: Vec<_> = (0..200).map(large).collect();
        let text = body(&events);
        let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        let again = lines.iter().chain(&lines[..3]).map(|line| (0_u32, *line));
        let caller = centre.sender(org(1));
        let answer = centre.intake.accept_lines(&caller, org(1), Format::Native, again).await.unwrap();
        assert_eq!((answer.accepted, answer.duplicate, answer.rejected), (200, 3, 0));
    })
    .await;
}

#[tokio::test]
async fn epochs_are_remembered_as_long_as_it_matters_and_no_longer() {
    each_db(SCHEMA, |db, env| async move {
        let mut centre = Centre::open(db, env).await;
        let trap = centre.sensor(1, org(1)).await;
        let event = body(&Attack::new("s", "203.0.113.7", START).events);
        let send = async |centre: &Centre, epoch: u64| {
            let answer = centre.intake.accept_batch(&trap, epoch, 1, &event).await.unwrap();
            (answer.accepted, answer.duplicate)
        };
        for epoch in 1..=20 {
            assert_eq!(send(&centre, epoch).await, (1, 0));
        }
        for fold in [false, true] {
            if fold {
                centre.history.catch_up().await.unwrap();
            } else {
                assert_eq!(send(&centre, 1).await, (0, 1), "not folded: known, however many came since");
            }
            assert_eq!(send(&centre, 20).await, (0, 1));
        }
        let count = "SELECT COUNT(*) AS kept FROM sensor_epoch";
        let rows = centre.db.system_read(store::SystemKey::of("test"), count, vec![]).await.unwrap();
        assert_eq!(rows[0].get::<i64>("kept").unwrap(), 8);
    })
    .await;
}
