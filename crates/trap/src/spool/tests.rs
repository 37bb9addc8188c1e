//! The spool over restarts, acknowledgements in part, and its limit.

use super::*;
use logwire::attack::{Transport, What};

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
    (Store::open(folder, config, &env).await.unwrap(), config)
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
    let before = store.lock().epoch;
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
