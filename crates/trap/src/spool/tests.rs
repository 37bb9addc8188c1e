//! The spool over restarts, acknowledgements in part, and its limit.

use super::*;
use base::Timestamp;
use journal::{Disk, DiskFile};
use logwire::attack::{Transport, What};
use std::io;
use std::sync::atomic::AtomicBool;

fn event(n: u64) -> AttackEvent {
    AttackEvent {
        at: Timestamp::from_micros(1),
        session: format!("s{n}"),
        src_ip: std::net::IpAddr::from([192, 0, 2, 1]),
        src_port: 1,
        dst_ip: None,
        dst_port: 22,
        protocol: "ssh".to_owned(),
        transport: Transport::Tcp,
        what: What::Command { line: "x".repeat(200) },
    }
}

async fn store(folder: &Path, max_bytes: u64) -> (Store, SpoolConfig) {
    let config = SpoolConfig { max_bytes, fsync_ms: 5, fsync_events: 10 };
    let env = Env::fixed(Timestamp::from_micros(1_795_000_000_000_000), 1).0;
    // A store that was dropped lets go of its folder when its thread has ended.
    for _ in 0..200 {
        match Store::open(folder, config, &env).await {
            Err(TrapError::Folder { source, .. }) if format!("{source:?}").contains("Locked") => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => return (opened.unwrap(), config),
        }
    }
    panic!("the folder stays locked");
}

async fn put(store: &Store, config: SpoolConfig, range: std::ops::RangeInclusive<u64>) {
    let (spool, writer) = store.writer(config, CancellationToken::new());
    let pump = tokio::spawn(async move {
        for n in range {
            spool.push(event(n));
            tokio::task::yield_now().await;
        }
    });
    writer.await;
    pump.await.unwrap();
}

/// The same in blocks of ten, without the writer's task: the journal stays open.
async fn write(store: &Store, range: std::ops::RangeInclusive<u64>) {
    let numbers: Vec<u64> = range.collect();
    for block in numbers.chunks(10) {
        let mut draft = Draft::default();
        block.iter().for_each(|n| draft.push(&event(*n)));
        store.append(&draft).await;
    }
}

fn sessions(out: &Outgoing) -> Vec<String> {
    out.lines.iter().map(|l| serde_json::from_slice::<AttackEvent>(l).unwrap().session).collect()
}

#[tokio::test]
async fn numbers_go_on_after_a_restart_and_acknowledgement_in_part() {
    let dir = tempfile::tempdir().unwrap();
    let (first, config) = store(dir.path(), 1 << 24).await;
    put(&first, config, 1..=25).await;
    assert_eq!(first.depth(), 25);
    let out = first.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!((out.first, out.lines.len()), (1, 25));
    assert!(first.acknowledge(out.epoch, 13).await.unwrap());
    assert!(!first.acknowledge(out.epoch, 12).await.unwrap(), "an older acknowledgement is no news");
    assert!(!first.acknowledge(out.epoch + 1, 20).await.unwrap(), "nor is one of another epoch");
    drop(first);
    let (second, config) = store(dir.path(), 1 << 24).await;
    assert_eq!(second.depth(), 12);
    put(&second, config, 26..=30).await;
    let out = second.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!(out.first, 14);
    assert_eq!(sessions(&out), (14..=30).map(|n| format!("s{n}")).collect::<Vec<_>>());
    assert!(second.acknowledge(out.epoch, 1_000_000).await.unwrap(), "no more than was written");
    assert_eq!(second.depth(), 0);
    assert!(second.next(10, 1 << 20).await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_counts_them_and_begins_an_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = store(dir.path(), 1 << 20).await;
    let before = store.ledger.now().epoch;
    let (spool, writer) = store.writer(config, CancellationToken::new());
    let task = tokio::spawn(writer);
    for n in 1..=8_000 {
        while spool.queue.capacity() == 0 {
            tokio::task::yield_now().await;
        }
        spool.push(event(n));
    }
    let dropped = Arc::clone(&spool.counters);
    drop(spool);
    task.await.unwrap();
    let lost = dropped.dropped.load(Ordering::Relaxed);
    assert!(lost > 0, "8,000 events do not fit into a mebibyte");
    assert_eq!(store.depth() + lost, 8_000, "every event is kept or counted");
    let out = store.next(1, 1 << 20).await.unwrap().unwrap();
    assert!(out.epoch > before);
    assert_eq!(out.first, 1, "numbers on the wire start again");
    assert_eq!(sessions(&out), [format!("s{}", lost + 1)]);
}

#[tokio::test]
async fn what_was_on_the_wire_keeps_its_number_when_a_full_spool_drops_events_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (before, _) = store(dir.path(), 1 << 20).await;
    write(&before, 1..=1_000).await;
    // The centre takes all of them, and the answer is lost.
    let sent = before.next(5_000, 1 << 22).await.unwrap().unwrap();
    assert_eq!((sent.first, sent.last()), (1, 1_000));
    write(&before, 1_001..=1_200).await;
    assert!(before.drop_oldest().await);
    let gone = lost(&before);
    assert!((1..1_000).contains(&gone));
    drop(before);
    // Also over a restart: in the epoch they had, under the numbers they had, and nothing else in that epoch.
    let (after, _) = store(dir.path(), 1 << 20).await;
    let mut next = gone + 1;
    while next <= 1_000 {
        let again = after.next(300, 1 << 20).await.unwrap().unwrap();
        assert_eq!((again.epoch, again.first, again.gap), (sent.epoch, next, true));
        assert_eq!(again.lines, sent.lines[usize::try_from(next - 1).unwrap()..usize::try_from(again.last()).unwrap()]);
        assert!(after.acknowledge(again.epoch, again.last()).await.unwrap());
        next = again.last() + 1;
    }
    let rest = after.next(5_000, 1 << 22).await.unwrap().unwrap();
    assert!(rest.epoch > sent.epoch);
    assert_eq!((rest.first, rest.gap), (1, false));
    assert_eq!(sessions(&rest), (1_001..=1_200).map(|n| format!("s{n}")).collect::<Vec<_>>());
}

/// The block that holds a number, and where it stands.
async fn block_with(store: &Store, number: u64) -> (Position, Block) {
    let found = store.journal.read(Position::START, usize::MAX >> 1).await.unwrap();
    let blocks = found.records.iter().map(|(at, data)| (*at, Block::read(data).unwrap()));
    blocks.into_iter().find(|(_, block)| (block.first..=block.last()).contains(&number)).unwrap()
}

/// Spoils a block of a spool with one segment.
async fn damage(folder: &Path, store: &Store, number: u64) -> Block {
    let (at, block) = block_with(store, number).await;
    let names = std::fs::read_dir(folder.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let segments: Vec<_> = names.filter(|path| path.extension().is_some_and(|e| e == "segment")).collect();
    let [segment] = segments.as_slice() else { panic!("{} segments", segments.len()) };
    let mut bytes = std::fs::read(segment).unwrap();
    bytes[usize::try_from(at.as_u64()).unwrap() + 40] ^= 1;
    // Written in place: the journal has the file open.
    std::fs::write(segment, bytes).unwrap();
    block
}

fn lost(store: &Store) -> u64 {
    store.counters.dropped.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_spool_whose_segments_went_before_its_state_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (before, config) = store(dir.path(), 1 << 20).await;
    put(&before, config, 1..=1_000).await;
    let (_, block) = block_with(&before, 700).await;
    let (at, _) = block_with(&before, 701).await;
    assert!(before.journal.release_before(at).await.unwrap() > 0);
    let old = before.next(1, 1).await;
    drop((before, old));
    let (after, _) = store(dir.path(), 1 << 20).await;
    let out = after.next(1_000, 1 << 20).await.unwrap().expect("what is left goes out");
    assert_eq!(out.first, 1, "in a new epoch");
    assert_eq!(sessions(&out).last().unwrap(), "s1000");
    assert_eq!(out.lines.len() as u64, after.depth());
    assert!(after.depth() >= 1_000 - block.last());
}

#[tokio::test]
async fn a_damaged_block_is_passed_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = store(dir.path(), 1 << 24).await;
    write(&store, 1..=60).await;
    let block = damage(dir.path(), &store, 25).await;
    let out = store.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!(sessions(&out), (1..block.first).map(|n| format!("s{n}")).collect::<Vec<_>>());
    assert!(store.acknowledge(out.epoch, block.first - 1).await.unwrap());
    let rest = store.next(1_000, 1 << 20).await.unwrap().expect("what lies behind the damage goes out");
    // The centre may have them: the batch of all was on the wire before the damage.
    assert_eq!((rest.epoch, rest.first, rest.gap), (out.epoch, block.last() + 1, true));
    assert_eq!(sessions(&rest), (block.last() + 1..=60).map(|n| format!("s{n}")).collect::<Vec<_>>());
    assert_eq!(lost(&store), block.last() + 1 - block.first);
    assert!(store.acknowledge(rest.epoch, rest.last()).await.unwrap());
    assert_eq!(store.depth(), 0);
    write(&store, 61..=70).await;
    let fresh = store.next(1_000, 1 << 20).await.unwrap().expect("what came since goes out");
    assert_eq!((fresh.first, fresh.gap, fresh.lines.len()), (1, false, 10));
    assert!(fresh.epoch > out.epoch);
}

#[tokio::test]
async fn damage_at_the_end_leaves_nothing_to_wait_for() {
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = store(dir.path(), 1 << 24).await;
    put(&store, config, 1..=60).await;
    let block = damage(dir.path(), &store, 60).await;
    let out = store.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert!(store.acknowledge(out.epoch, block.first - 1).await.unwrap());
    assert_eq!(store.next(1_000, 1 << 20).await.unwrap(), None);
    assert_eq!((store.depth(), lost(&store)), (0, 61 - block.first));
    let mut waiting = Box::pin(store.wait_for_more());
    assert!(futures::poll!(&mut waiting).is_pending(), "the uplink sleeps");
}

#[tokio::test]
async fn numbers_that_were_on_the_wire_are_never_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let (before, config) = store(dir.path(), 1 << 24).await;
    put(&before, config, 1..=60).await;
    // Sent, and the answer never came.
    let sent = before.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!((sent.first, sent.lines.len()), (1, 60));
    let block = damage(dir.path(), &before, 60).await;
    drop(before);
    let (after, config) = store(dir.path(), 1 << 24).await;
    put(&after, config, 61..=80).await;
    let kept = after.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!((kept.epoch, kept.first), (sent.epoch, 1));
    assert_eq!(kept.lines, sent.lines[..kept.lines.len()], "what is left has its numbers and nothing else has them");
    assert_eq!(kept.lines.len() as u64, block.first - 1);
    // A centre that has the lost ones says so; one that has not gets the rest in a new epoch.
    for (ack, epochs, gone) in [(60, 0, 0), (block.first - 1, 1, 61 - block.first)] {
        let other = tempfile::tempdir().unwrap();
        copy(dir.path(), other.path());
        let (after, _) = store(other.path(), 1 << 24).await;
        assert!(after.acknowledge(sent.epoch, ack).await.unwrap());
        let rest = after.next(1_000, 1 << 20).await.unwrap().unwrap();
        assert_eq!(sessions(&rest), (61..=80).map(|n| format!("s{n}")).collect::<Vec<_>>());
        assert_eq!((u64::from(rest.epoch != sent.epoch), lost(&after)), (epochs, gone));
        assert!(rest.epoch != sent.epoch || rest.first == 61);
    }
}

/// Copies a spool's files.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to.join("log")).unwrap();
    for folder in [".", "log"] {
        for entry in std::fs::read_dir(from.join(folder)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), to.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_clean_restart_or_a_crash_loses_no_number_and_begins_no_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let (before, config) = store(dir.path(), 1 << 24).await;
    put(&before, config, 1..=30).await;
    let sent = before.next(1_000, 1 << 20).await.unwrap().unwrap();
    drop(before);
    // A crash in the middle of a block: it was acknowledged to nobody and has no number.
    let segment = std::fs::read_dir(dir.path().join("log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.extension().is_some_and(|e| e == "segment")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend_from_within(..40);
    std::fs::write(&segment, bytes).unwrap();
    let (after, config) = store(dir.path(), 1 << 24).await;
    put(&after, config, 31..=40).await;
    let all = after.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!((all.epoch, all.first, lost(&after)), (sent.epoch, 1, 0));
    assert_eq!(sessions(&all), (1..=40).map(|n| format!("s{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn when_others_fill_the_disk_what_is_kept_stays_and_new_events_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (env, _) = Env::fixed(Timestamp::from_micros(1_795_000_000_000_000), 1);
    let disk = Failing::over(dir.path());
    let (full, options) = (Arc::clone(&disk.full), Options { segment_bytes: 4_096, ..Options::default() });
    let (journal, _) = Journal::open_on(Box::new(disk), options, Position::START, env.clone()).unwrap();
    let store = Store::over(journal, dir.path(), &env).await.unwrap();
    let config = SpoolConfig { max_bytes: 1 << 30, fsync_ms: 5, fsync_events: 10 };
    put(&store, config, 1..=100).await;
    let (journal, tail) = (store.journal.clone(), store.journal.tail());
    assert!(journal.oldest_end().is_some(), "there is something to drop");
    full.store(true, Ordering::Relaxed);
    let mut draft = Draft::default();
    (101..=110).for_each(|n| draft.push(&event(n)));
    store.append(&draft).await;
    assert_eq!((store.journal.tail(), store.depth(), lost(&store)), (tail, 100, 10));
    assert!(store.poison().borrow().is_none());
}

#[test]
fn the_newest_state_is_the_one_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (store, _) = runtime.block_on(store(dir.path(), 1 << 20));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| store.begin_epoch().unwrap()));
        }
    });
    let kept: State = serde_json::from_slice(&std::fs::read(dir.path().join(ledger::FILE)).unwrap()).unwrap();
    assert_eq!(kept, store.ledger.now());
}

#[tokio::test]
async fn a_state_of_a_later_version_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (before, config) = store(dir.path(), 1 << 24).await;
    put(&before, config, 1..=20).await;
    let out = before.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert!(before.acknowledge(out.epoch, 12).await.unwrap());
    drop(before);
    let file = dir.path().join(ledger::FILE);
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    state["of_a_later_version"] = serde_json::json!({"lane": 3});
    std::fs::write(&file, serde_json::to_vec(&state).unwrap()).unwrap();
    let (after, _) = store(dir.path(), 1 << 24).await;
    let rest = after.next(1_000, 1 << 20).await.unwrap().unwrap();
    assert_eq!((rest.epoch, rest.first, rest.lines.len()), (out.epoch, 13, 8));
}

#[tokio::test]
async fn nothing_is_deleted_that_the_state_on_disk_still_counts_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = store(dir.path(), 1 << 20).await;
    put(&store, config, 1..=1_000).await;
    let tail = store.journal.tail();
    // The state cannot be saved while a folder has the name of its spare file.
    let spare = dir.path().join(ledger::SPARE);
    std::fs::remove_file(&spare).unwrap();
    std::fs::create_dir(&spare).unwrap();
    assert!(!store.drop_oldest().await);
    assert_eq!((store.journal.tail(), lost(&store), store.depth()), (tail, 0, 1_000));
    std::fs::remove_dir(&spare).unwrap();
    assert!(store.drop_oldest().await);
    assert!(store.journal.tail() > tail);
    assert_eq!(store.depth() + lost(&store), 1_000);
}

#[tokio::test]
async fn blocks_and_batches_are_bounded_in_bytes_too() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env::fixed(Timestamp::from_micros(1_795_000_000_000_000), 1).0;
    let config = SpoolConfig { max_bytes: 1 << 28, fsync_ms: 1_000, fsync_events: 1_000 };
    let store = Store::open(dir.path(), config, &env).await.unwrap();
    let (spool, writer) = store.writer(config, CancellationToken::new());
    // What an attacker can make largest: a command of control characters, six bytes of JSON each.
    for n in 1..=1_000 {
        let what = What::Command { line: "\u{1}".repeat(4_096) };
        spool.push(AttackEvent { what, ..event(n) });
    }
    drop(spool);
    writer.await;
    assert_eq!((store.depth(), lost(&store)), (1_000, 0), "nothing is dropped for its size");
    let records = store.journal.read(Position::START, usize::MAX >> 1).await.unwrap().records;
    let largest = records.iter().map(|(_, data)| data.len()).max().unwrap();
    assert!(largest <= (2 << 20) + (32 << 10), "{largest} bytes in a block");
    let mut next = 1;
    while let Some(out) = store.next(5_000, 2 << 20).await.unwrap() {
        assert_eq!(out.first, next);
        let size: usize = out.lines.iter().map(|line| line.len() + 1).sum();
        assert!(size <= (2 << 20) + (32 << 10), "{size} bytes in a batch");
        next += out.lines.len() as u64;
        assert!(store.acknowledge(out.epoch, next - 1).await.unwrap());
    }
    assert_eq!(next, 1_001);
}

/// A folder whose syncs fail from a moment on, or whose disk others fill.
struct Failing {
    folder: journal::Folder,
    syncs: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
}

struct FailingFile(Box<dyn DiskFile>, Arc<AtomicBool>);

impl Failing {
    fn over(folder: &Path) -> Self {
        let folder = journal::Folder::open(&folder.join("log")).unwrap();
        Self { folder, syncs: Arc::default(), full: Arc::default() }
    }

    fn file(&self, inner: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FailingFile(inner, Arc::clone(&self.syncs)))
    }
}

impl Disk for Failing {
    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.folder.create(name).map(|file| self.file(file))
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.folder.open(name).map(|file| self.file(file))
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }
    fn sync_folder(&self) -> io::Result<()> {
        self.folder.sync_folder()
    }
    fn free(&self) -> io::Result<u64> {
        if self.full.load(Ordering::Relaxed) { Ok(0) } else { Ok(1 << 40) }
    }
}

impl DiskFile for FailingFile {
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(into, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }
    fn cut(&self, size: u64) -> io::Result<()> {
        self.0.cut(size)
    }
    fn sync(&self) -> io::Result<()> {
        if self.1.load(Ordering::Relaxed) { Err(io::Error::other("EIO")) } else { self.0.sync() }
    }
}

#[tokio::test]
async fn a_failed_sync_is_told_and_what_was_durable_still_goes_out() {
    let dir = tempfile::tempdir().unwrap();
    let env = Env::fixed(Timestamp::from_micros(1_795_000_000_000_000), 1).0;
    let disk = Failing::over(dir.path());
    let fails = Arc::clone(&disk.syncs);
    let (journal, _) = Journal::open_on(Box::new(disk), Options::default(), Position::START, env.clone()).unwrap();
    let store = Store::over(journal, dir.path(), &env).await.unwrap();
    let config = SpoolConfig { max_bytes: 1 << 30, fsync_ms: 1, fsync_events: 1 };
    let (spool, writer) = store.writer(config, CancellationToken::new());
    let writer = tokio::spawn(writer);
    spool.push(event(1));
    store.wait_for_more().await;
    assert!(store.poison().borrow().is_none());
    fails.store(true, Ordering::Relaxed);
    spool.push(event(2));
    let mut poison = store.poison();
    assert_eq!(poison.wait_for(Option::is_some).await.unwrap().as_deref(), Some("EIO"));
    drop(spool);
    writer.await.unwrap();
    assert_eq!(lost(&store), 1);
    assert_eq!(sessions(&store.next(10, 1 << 20).await.unwrap().unwrap()), ["s1"]);
}
