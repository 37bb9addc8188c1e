//! What a journal promises, on a disk that keeps no promise.

use base::{Env, Timestamp};
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::HashSet;
use std::time::Duration;

use crate::faults::FaultDisk;
use crate::{Behind, Journal, JournalError, Looked, Options, Position, Recovery, look};

const SMALL: Options = Options { segment_bytes: 400, max_bytes: 1 << 20, free_floor: 0, max_record: 1000 };

fn open(disk: &FaultDisk, options: Options) -> (Journal, Recovery) {
    open_behind(disk, options, Position::START)
}

fn open_behind(disk: &FaultDisk, options: Options, floor: Position) -> (Journal, Recovery) {
    let (env, _) = Env::fixed(Timestamp::EPOCH, 3);
    Journal::open_on(Box::new(disk.clone()), options, floor, env).unwrap()
}

fn payload(id: u64, size: usize) -> Bytes {
    // The filler looks like the head of a record, as a sender who wants to confuse a search would write it.
    let filler = [1, 0, 0, 0, 9, 9, 9, 9, 1].into_iter().cycle().take(size);
    id.to_le_bytes().into_iter().chain(filler).collect()
}

fn id(payload: &Bytes) -> u64 {
    u64::from_le_bytes(*payload.first_chunk().unwrap())
}

async fn all(journal: &Journal, chunk: usize) -> Vec<(Position, u64)> {
    let (mut at, mut out) = (journal.tail(), Vec::new());
    let head = *journal.head().borrow();
    while at < head {
        let batch = journal.read(at, chunk).await.unwrap();
        assert!(batch.next > at, "a read goes on");
        // A hole in a group that nobody acknowledged is named too, when a whole record stands behind it.
        out.extend(batch.records.iter().map(|(position, payload)| (*position, id(payload))));
        at = batch.next;
    }
    assert_eq!(at, head);
    out
}

fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[derive(Debug, Clone)]
enum Op {
    /// Appenders at the same moment, each with records of these sizes.
    Append(Vec<Vec<usize>>),
    PowerCut(u32),
    Stop,
    Release(prop::sample::Index),
    Space(Option<u64>),
    FailSync(u32),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let batch = proptest::collection::vec(0..90_usize, 0..4);
    let op = prop_oneof![
        6 => proptest::collection::vec(batch, 1..4).prop_map(Op::Append),
        2 => any::<u32>().prop_map(Op::PowerCut),
        1 => Just(Op::Stop),
        1 => any::<prop::sample::Index>().prop_map(Op::Release),
        1 => proptest::option::of(0..300_u64).prop_map(Op::Space),
        1 => (0..3_u32).prop_map(Op::FailSync),
    ];
    proptest::collection::vec(op, 1..40)
}

/// What the outside knows.
#[derive(Default)]
struct Model {
    next: u64,
    /// Acknowledged or read: these must never be lost, in the order of their positions.
    certain: Vec<(Position, u64)>,
    /// Sent, whatever became of it.
    sent: HashSet<u64>,
    released: Position,
}

impl Model {
    async fn append(&mut self, journal: &Journal, batches: &[Vec<usize>]) {
        let mut waiting = Vec::new();
        for sizes in batches {
            let ids: Vec<u64> = (self.next..self.next + sizes.len() as u64).collect();
            self.next += sizes.len() as u64;
            self.sent.extend(&ids);
            let records = ids.iter().zip(sizes).map(|(id, size)| payload(*id, *size)).collect();
            let journal = journal.clone();
            waiting.push((ids, sizes, tokio::spawn(async move { journal.append(records).await })));
        }
        for (ids, sizes, answer) in waiting {
            match answer.await.unwrap() {
                Ok(end) => {
                    let mut at = end.as_u64();
                    let mut records = Vec::new();
                    for (id, size) in ids.iter().zip(sizes).rev() {
                        at -= (crate::frame::HEAD + 8 + size) as u64;
                        records.push((Position::from_u64(at), *id));
                    }
                    self.certain.extend(records);
                }
                Err(JournalError::Full | JournalError::DiskFull | JournalError::Poisoned(_)) => {}
                Err(other) => panic!("unexpected refusal: {other}"),
            }
        }
        self.certain.sort_unstable();
    }

    async fn check(&mut self, journal: &Journal, chunk: usize) {
        let found = all(journal, chunk).await;
        let unique: HashSet<u64> = found.iter().map(|(_, id)| *id).collect();
        assert_eq!(unique.len(), found.len(), "none twice");
        assert!(unique.is_subset(&self.sent), "nothing that nobody sent");
        assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order");
        let there: HashSet<_> = found.iter().copied().collect();
        for record in self.certain.iter().filter(|(position, _)| *position >= self.released) {
            assert!(there.contains(record), "{record:?} was acknowledged or read and is gone");
        }
        self.certain = found;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn what_was_acknowledged_survives_everything(ops in ops(), chunk in 1..600_usize) {
        blocking(async {
            let disk = FaultDisk::new();
            let mut model = Model::default();
            let (mut journal, _) = open(&disk, SMALL);
            for op in ops {
                match op {
                    Op::Append(batches) => model.append(&journal, &batches).await,
                    Op::PowerCut(seed) => {
                        let mut state = seed;
                        disk.power_cut(|| {
                            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                            state.swap_bytes()
                        });
                        disk.set_free(u64::MAX);
                        journal = open(&disk, SMALL).0;
                        model.check(&journal, chunk).await;
                    }
                    Op::Stop => {
                        let poisoned = journal.is_poisoned();
                        journal.close().await;
                        disk.set_free(u64::MAX);
                        disk.forgive();
                        let (again, recovery) = open(&disk, SMALL);
                        assert!(poisoned || recovery.cut == 0, "a clean stop leaves nothing to cut");
                        journal = again;
                        model.check(&journal, chunk).await;
                    }
                    Op::Release(which) => {
                        let head = journal.head().borrow().as_u64();
                        let to = Position::from_u64(which.index(head as usize + 1) as u64);
                        journal.release_before(to).await.unwrap_or_default();
                        model.released = model.released.max(to);
                    }
                    Op::Space(free) => disk.set_free(free.unwrap_or(u64::MAX)),
                    Op::FailSync(nth) => disk.fail_sync(nth),
                }
            }
        });
    }

    #[test]
    fn a_flipped_bit_costs_one_record(
        sizes in proptest::collection::vec(0..90_usize, 1..30),
        file in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        blocking(async {
            let disk = FaultDisk::new();
            let (journal, _) = open(&disk, SMALL);
            for (id, size) in (0..).zip(&sizes) {
                journal.append(vec![payload(id, *size)]).await.unwrap();
            }
            journal.close().await;
            let files = disk.sizes();
            let file = file.index(files.len());
            prop_assume!(files[file] > 0);
            disk.flip(file, byte.index(files[file]), bit);
            let (journal, recovery) = open(&disk, SMALL);
            let batch = journal.read(Position::START, usize::MAX).await.unwrap();
            let lost: Vec<u64> = {
                let found: HashSet<u64> = batch.records.iter().map(|(_, payload)| id(payload)).collect();
                (0..sizes.len() as u64).filter(|id| !found.contains(id)).collect()
            };
            prop_assert_eq!(lost.len(), 1, "exactly the damaged record is lost: {:?}, {:?}", lost, batch.damaged);
            let size = (crate::frame::HEAD + 8 + sizes[lost[0] as usize]) as u64;
            // Named when it is read; the very last record cannot be told from a half-written one and is counted as cut.
            let last = lost[0] + 1 == sizes.len() as u64;
            prop_assert_eq!(recovery.cut, if last { size } else { 0 });
            prop_assert_eq!(batch.damaged.iter().map(|d| d.bytes).sum::<u64>(), if last { 0 } else { size });
            // The log goes on behind the damage.
            let end = journal.append(vec![payload(999, 5)]).await.unwrap();
            prop_assert_eq!(all_ids(&journal).await.last().copied(), Some(999));
            prop_assert_eq!(*journal.head().borrow(), end);
            Ok(())
        })?;
    }
}

async fn all_ids(journal: &Journal) -> Vec<u64> {
    let batch = journal.read(Position::START, usize::MAX).await.unwrap();
    batch.records.iter().map(|(_, payload)| id(payload)).collect()
}

#[tokio::test]
async fn nothing_is_appended_before_what_was_read_already() {
    // An empty folder beside a state that has read much, and an older copy of the folder.
    for records in [0, 7] {
        let disk = FaultDisk::new();
        let (journal, _) = open(&disk, SMALL);
        for id in 0..records {
            journal.append(vec![payload(id, 80)]).await.unwrap();
        }
        let head = *journal.head().borrow();
        journal.close().await;
        let floor = Position::from_u64(100_000);
        let (journal, recovery) = open_behind(&disk, SMALL, floor);
        assert_eq!(recovery.behind, Some(Behind { head, floor }));
        let end = journal.append(vec![payload(999, 5)]).await.unwrap();
        assert!(end > floor);
        let batch = journal.read(floor, usize::MAX).await.unwrap();
        assert_eq!((batch.records.len(), id(&batch.records[0].1)), (1, 999));
        assert_eq!(batch.damaged, []);
        journal.release_before(floor).await.unwrap();
        assert!(journal.bytes() < 100, "what lies before the hole does not count against the limit");
        // The hole stays a hole, and nothing jumps twice.
        disk.power_cut(|| 0);
        let (journal, recovery) = open_behind(&disk, SMALL, floor);
        assert_eq!((recovery.behind, recovery.cut), (None, 0));
        assert_eq!(all_ids(&journal).await, [999]);
    }
}

#[tokio::test]
async fn a_search_that_gave_up_cuts_nothing() {
    let disk = FaultDisk::new();
    let options = Options { segment_bytes: 1 << 20, max_record: 64 << 10, ..SMALL };
    let (journal, _) = open(&disk, options);
    // Every ninth byte looks like the head of a record of 16 KiB.
    let hostile: Vec<u8> = [0, 64, 0, 0, 9, 9, 9, 9, 1].into_iter().cycle().take(60_000).collect();
    journal.append(vec![hostile.into()]).await.unwrap();
    journal.append(vec![payload(2, 10)]).await.unwrap();
    journal.close().await;
    disk.flip(0, 2, 7);
    let before = disk.sizes();
    let (journal, recovery) = open(&disk, options);
    assert_eq!(recovery.cut, 0, "the second record is whole and must stay");
    assert_eq!(recovery.damaged.len(), 1);
    assert_eq!(disk.sizes()[..1], before[..]);
    journal.append(vec![payload(3, 10)]).await.unwrap();
    assert_eq!(all_ids(&journal).await, [3], "the log goes on behind the place");
    disk.power_cut(|| 0);
    assert_eq!(all_ids(&open(&disk, options).0).await, [3]);
}

#[tokio::test]
async fn a_failed_fsync_is_final_until_the_next_start() {
    let disk = FaultDisk::new();
    let (journal, _) = open(&disk, SMALL);
    journal.append(vec![payload(1, 0)]).await.unwrap();
    disk.fail_sync(0);
    assert!(matches!(journal.append(vec![payload(2, 0)]).await, Err(JournalError::Poisoned(_))));
    assert!(
        matches!(journal.append(vec![payload(3, 0)]).await, Err(JournalError::Poisoned(_))),
        "the disk works again"
    );
    assert!(journal.is_poisoned());
    assert_eq!(all_ids(&journal).await, [1], "reading goes on, up to what is durable");
    disk.power_cut(|| 0);
    assert_eq!(all_ids(&open(&disk, SMALL).0).await, [1]);
}

#[tokio::test]
async fn limits_refuse_and_recover() {
    let disk = FaultDisk::new();
    let options = Options { max_bytes: 900, ..SMALL };
    let (journal, _) = open(&disk, options);
    assert!(matches!(journal.append(vec![payload(0, 1000)]).await, Err(JournalError::TooLarge(1008))));
    let mut kept = 0;
    while journal.append(vec![payload(kept, 83)]).await.is_ok() {
        kept += 1;
    }
    assert_eq!(kept, 9);
    assert!(matches!(journal.append(vec![payload(0, 83)]).await, Err(JournalError::Full)));
    let before = journal.bytes();
    let head = *journal.head().borrow();
    assert_eq!(journal.release_before(head).await.unwrap(), 2);
    assert!(journal.bytes() < before);
    journal.append(vec![payload(100, 83)]).await.unwrap();

    disk.set_free(50);
    assert!(
        matches!(journal.append(vec![payload(101, 83)]).await, Err(JournalError::DiskFull)),
        "a half write is undone"
    );
    disk.set_free(u64::MAX);
    journal.append(vec![payload(102, 83)]).await.unwrap();
    let ids = all_ids(&journal).await;
    assert_eq!(ids[ids.len() - 2..], [100, 102]);
}

#[tokio::test]
async fn many_appenders_share_a_real_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 20_000, free_floor: 0, ..Options::default() };
    let (journal, _) = Journal::open(folder.path(), options, &Env::system()).await.unwrap();
    let locked = Journal::open(folder.path(), options, &Env::system()).await;
    assert!(matches!(locked, Err(JournalError::Locked)));
    let mut head = journal.head();
    let tasks: Vec<_> = (0..64_u64)
        .map(|task| {
            let journal = journal.clone();
            tokio::spawn(async move {
                for i in 0..20 {
                    journal.append(vec![payload(task * 100 + i, 100)]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    tokio::time::timeout(Duration::from_secs(5), head.changed()).await.unwrap().unwrap();
    let ids = all_ids(&journal).await;
    assert_eq!(ids.len(), 1280);
    for task in 0..64 {
        let own: Vec<u64> = ids.iter().copied().filter(|id| id / 100 == task).collect();
        assert!(own.is_sorted() && own.len() == 20);
    }
    let floor = Options { free_floor: u64::MAX, ..options };
    journal.close().await;
    assert!(matches!(journal.append(vec![payload(0, 1)]).await, Err(JournalError::Failed(_))));
    drop(journal);
    let (journal, recovery) = Journal::open(folder.path(), floor, &Env::system()).await.unwrap();
    assert_eq!((recovery.cut, recovery.damaged.len()), (0, 0));
    assert!(matches!(journal.append(vec![payload(0, 1)]).await, Err(JournalError::DiskFull)), "the floor of the disk");
    assert_eq!(all_ids(&journal).await, ids);
}

#[tokio::test]
async fn a_look_from_outside_counts_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert!(look(&folder.path().join("none")).is_err());
    assert_eq!(look(folder.path()).unwrap(), Looked::default());
    let options = Options { segment_bytes: 500, free_floor: 0, ..Options::default() };
    let (journal, _) = Journal::open(folder.path(), options, &Env::system()).await.unwrap();
    for id in 0..20 {
        journal.append(vec![payload(id, 92)]).await.unwrap();
    }
    // Also while the journal is in use.
    let looked = look(folder.path()).unwrap();
    assert_eq!((looked.bytes, looked.damaged, looked.unfinished), (journal.bytes(), 0, 0));
    assert!(looked.segments > 2, "{looked:?}");
    journal.close().await;
    drop(journal);
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    files.sort();
    let last = std::fs::OpenOptions::new().append(true).open(files.last().unwrap()).unwrap();
    std::io::Write::write_all(&mut &last, b"half").unwrap();
    assert_eq!(look(folder.path()).unwrap(), Looked { bytes: looked.bytes + 4, unfinished: 4, ..looked });
    std::fs::remove_file(&files[1]).unwrap();
    let looked = look(folder.path()).unwrap();
    assert_eq!(
        (looked.damaged, looked.unfinished, std::fs::metadata(files.last().unwrap()).unwrap().len() > 4),
        (1, 4, true)
    );
}
