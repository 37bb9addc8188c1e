//! Events reach the centre once, whatever the centre does meanwhile.

use crate::bed::{self, closed};
use crate::centre::Centre;
use crate::telnet::Client;
use logwire::attack::What;
use std::collections::BTreeSet;

/// One session with that many marked commands.
async fn session(sensor: &bed::Sensor, mark: &str, commands: usize) {
    let mut client = Client::connect(sensor.telnet).await;
    client.login().await;
    for n in 0..commands {
        client.send(format!("echo {mark}-{n}\r\n")).await;
        client.until("# ").await;
    }
}

fn marks(centre: &Centre) -> Vec<String> {
    let seen = centre.seen.lock().unwrap();
    seen.events
        .values()
        .filter_map(|e| match &e.what {
            What::Command { line } => line.strip_prefix("echo ").map(str::to_owned),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_spool_filled_while_the_centre_is_away_arrives_after_a_restart() {
    let centre = Centre::prepare().await;
    let first = centre.serve().await;
    let dir = bed::enrolled(&centre).await;
    first.abort();
    let _ = first.await;
    let sensor = bed::start(bed::settings(dir.path()));
    session(&sensor, "away", 20).await;
    sensor.stop().await;
    assert!(centre.seen.lock().unwrap().events.is_empty());
    centre.seen.lock().unwrap().faults.lose_answers = true;
    centre.serve().await;
    let sensor = bed::start(bed::settings(dir.path()));
    session(&sensor, "back", 5).await;
    centre.until("both sessions", |e| closed(e) == 2).await;
    let found = marks(&centre);
    let wanted: BTreeSet<String> =
        (0..20).map(|n| format!("away-{n}")).chain((0..5).map(|n| format!("back-{n}"))).collect();
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(found.len(), 25, "by number, nothing arrives twice");
    assert!(centre.seen.lock().unwrap().duplicates > 0, "lost answers must lead to a second sending");
    sensor.stop().await;
}

#[tokio::test]
async fn part_acknowledgement_and_refusal_lose_nothing() {
    let (centre, sensor, _dir) = bed::pair().await;
    centre.seen.lock().unwrap().faults.refuse = Some(429);
    session(&sensor, "refused", 10).await;
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while centre.seen.lock().unwrap().batches < 2 {
        assert!(tokio::time::Instant::now() < end, "the sensor does not try again");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    {
        let mut seen = centre.seen.lock().unwrap();
        seen.faults.refuse = None;
        seen.faults.acknowledge_at_most = Some(3);
    }
    centre.until("the session", |e| closed(e) == 1).await;
    assert_eq!(marks(&centre), (0..10).map(|n| format!("refused-{n}")).collect::<Vec<_>>());
    sensor.stop().await;
}

#[tokio::test]
async fn a_centre_restored_from_a_backup_gets_a_new_epoch() {
    let (centre, sensor, _dir) = bed::pair().await;
    session(&sensor, "before", 3).await;
    centre.until("the first session", |e| closed(e) == 1).await;
    // Acknowledged and then forgotten by the centre.
    centre.seen.lock().unwrap().events.clear();
    session(&sensor, "after", 3).await;
    // Nothing is taken under the old numbers: all of it comes once, in the new epoch.
    centre.until("the second session", |e| closed(e) == 1).await;
    session(&sensor, "later", 2).await;
    centre
        .until("the third session", |e| bed::has(e, |w| matches!(w, What::Command { line } if line == "echo later-1")))
        .await;
    let wanted: Vec<String> =
        (0..3).map(|n| format!("after-{n}")).chain((0..2).map(|n| format!("later-{n}"))).collect();
    assert_eq!(marks(&centre), wanted);
    let epochs: BTreeSet<u64> = centre.seen.lock().unwrap().events.keys().map(|(epoch, _)| *epoch).collect();
    assert_eq!(epochs.len(), 1);
    sensor.stop().await;
}

#[tokio::test]
async fn damage_to_the_end_of_the_spool_gives_no_number_to_two_events() {
    let (centre, sensor, dir) = bed::pair().await;
    // The centre takes everything, and the sensor never hears of it.
    centre.seen.lock().unwrap().faults.mute = true;
    session(&sensor, "before", 5).await;
    let before = centre.until("the first session", |e| closed(e) == 1).await;
    sensor.stop().await;
    // While it is stopped, the end of its last block is lost.
    let log = std::fs::read_dir(dir.path().join("spool/log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = log.filter(|path| path.extension().is_some_and(|e| e == "segment")).max().unwrap();
    let file = std::fs::File::options().write(true).open(segment).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    centre.seen.lock().unwrap().faults.mute = false;
    let sensor = bed::start(bed::settings(dir.path()));
    session(&sensor, "after", 5).await;
    let all = centre.until("both sessions", |e| closed(e) == 2).await;
    assert_eq!(all[..before.len()], before, "no event took the place of another");
    let wanted: Vec<String> =
        ["before", "after"].iter().flat_map(|m| (0..5).map(move |n| format!("{m}-{n}"))).collect();
    assert_eq!(marks(&centre), wanted);
    sensor.stop().await;
}

#[tokio::test]
async fn behind_damage_what_the_centre_has_already_is_not_told_twice() {
    let (centre, sensor, dir) = bed::pair().await;
    // The centre takes everything, and the sensor never hears of it.
    centre.seen.lock().unwrap().faults.mute = true;
    session(&sensor, "before", 20).await;
    let before = centre.until("the first session", |e| closed(e) == 1).await;
    // A byte of the first block, in place: the sensor has the file open.
    let log = std::fs::read_dir(dir.path().join("spool/log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = log.filter(|path| path.extension().is_some_and(|e| e == "segment")).max().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    {
        // The first event never came, so that the centre's acknowledgement stands at nothing.
        let mut seen = centre.seen.lock().unwrap();
        seen.faults.mute = false;
        seen.events.pop_first();
    }
    session(&sensor, "after", 5).await;
    let all = centre.until("both sessions", |e| closed(e) == 2).await;
    assert_eq!(all[..before.len() - 1], before[1..], "what came before stands there once");
    let wanted: Vec<String> =
        (0..20).map(|n| format!("before-{n}")).chain((0..5).map(|n| format!("after-{n}"))).collect();
    assert_eq!(marks(&centre), wanted);
    let epochs: BTreeSet<u64> = centre.seen.lock().unwrap().events.keys().map(|(epoch, _)| *epoch).collect();
    assert_eq!(epochs.len(), 2, "what was never on the wire has an epoch of its own");
    sensor.stop().await;
}
