//! The ordinary life of a point: changes, ends, restarts, drift, the kill switches.

use edge::wire::{Intent, Probe};
use std::sync::atomic::Ordering;

use crate::centre::{Centre, wait_for};
use crate::support::{Running, centre, demonstration};

#[tokio::test]
async fn a_change_is_enforced_read_back_and_receipted() {
    let centre = centre().await;
    let mut agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7", "198.51.100.0/24"]));
    let receipt = centre.receipt("the first receipt", |r| r.sequence == 1).await;
    assert_eq!(agent.denied(), ["198.51.100.0/24", "203.0.113.7"]);
    let hub_digest = centre.shared.hub.lock().unwrap().digest();
    assert_eq!((receipt.elements, receipt.digest, receipt.driver.as_str()), (2, hub_digest, "file"));
    assert_eq!((receipt.probe.clone(), receipt.drift, receipt.frozen.clone()), (Probe::ReadBackOnly, None, None));
    assert_eq!((receipt.config_revision, receipt.read_back.wrong.len()), (1, 0));

    centre.publish(|hub| {
        let allow = hub.entry("203.0.113.7", Intent::Allow, 3_600);
        hub.change(vec![allow], &["198.51.100.0/24"])
    });
    let receipt = centre.receipt("the second receipt", |r| r.sequence == 2).await;
    assert_eq!((receipt.read_back.changed, receipt.elements), (2, 2));
    assert!(receipt.generation > 1);
    assert_eq!(agent.denied(), ["203.0.113.7"]);
    let heartbeat = centre.heartbeat("a heartbeat", |word| word.sequence == 2).await;
    assert_eq!((heartbeat.driver.as_str(), heartbeat.kill, heartbeat.trouble), ("file", false, None));
    agent.stop().await;
    assert_eq!(agent.denied(), ["203.0.113.7"], "what is enforced stays in force");
}

#[tokio::test]
async fn entries_end_without_the_centre_and_grace_bridges_a_renewal() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| {
        let (short, long) = (hub.entry("203.0.113.1", Intent::Deny, 60), hub.entry("203.0.113.2", Intent::Deny, 7_200));
        hub.change(vec![short, long], &[])
    });
    centre.receipt("the change", |r| r.sequence == 1).await;
    agent.clock.advance_secs(59);
    centre.receipt("the first receipt", |r| r.elements == 2).await;
    assert_eq!(agent.denied().len(), 2);
    agent.clock.advance_secs(1);
    centre.receipt("the end of the first entry", |r| r.elements == 1 && r.read_back.changed == 1).await;
    assert_eq!(agent.denied(), ["203.0.113.2"]);

    // The centre is silent from now on: the second entry stays for the grace and not longer.
    centre.shared.silent.store(true, Ordering::SeqCst);
    agent.clock.advance_secs(7_200 - 60 + 800);
    centre.forget_words();
    centre.heartbeat("a later heartbeat", |word| word.elements == 1).await;
    assert_eq!(agent.denied(), ["203.0.113.2"]);
    agent.clock.advance_secs(200);
    centre.receipt("the end of the grace", |r| r.elements == 0).await;
    assert!(agent.denied().is_empty());
}

/// Waits until the last stream that was asked for begins behind `since`.
async fn asked(centre: &Centre, since: u64) {
    let last = || centre.shared.asked.lock().unwrap().last().copied();
    wait_for("a new stream", || (last() == Some(since)).then_some(()), || format!("{:?}", last())).await;
}

#[tokio::test]
async fn state_survives_crashes_and_is_repaired_at_the_start() {
    let centre = centre().await;
    let mut agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7", "203.0.113.8"]));
    centre.receipt("the change", |r| r.sequence == 1).await;
    centre.publish(|hub| hub.change(vec![], &["203.0.113.8"]));
    centre.receipt("the removal", |r| r.sequence == 2).await;
    let old = centre.shared.hub.lock().unwrap().catch_up(0);
    agent.crash().await;

    // While nothing runs, somebody empties the list; the centre is silent when the agent comes back.
    std::fs::write(agent.list(), "192.0.2.99\n").unwrap();
    centre.shared.silent.store(true, Ordering::SeqCst);
    centre.forget_words();
    agent.resume();
    let receipt = centre.receipt("the repair", |r| r.drift.is_some()).await;
    let drift = receipt.drift.unwrap();
    assert_eq!((drift.missing, drift.extra, drift.repaired, receipt.sequence), (1, 1, true, 2));
    assert_eq!(agent.denied(), ["203.0.113.7"]);
    asked(&centre, 2).await;
    centre.publish(|hub| hub.deny(&["203.0.113.9"]));
    centre.receipt("the next change", |r| r.sequence == 3).await;
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.9"]);

    // Damaged memory is not believed: a snapshot is asked for, and until it comes the engine is left as it is.
    agent.crash().await;
    for name in ["state.base", "state.log"] {
        let path = agent.config.folder.join(name);
        let bytes = std::fs::read(&path).unwrap_or_default();
        std::fs::write(&path, bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>()).unwrap();
    }
    agent.resume();
    asked(&centre, 0).await;
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.9"]);
    // The floor is kept apart: a snapshot from before the damage is no way back.
    centre.say_until_trouble("an older snapshot", "LF-EDG-0004", &[&old[0].to_line()]).await;
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.9"]);
    centre.forget_words();
    centre.shared.silent.store(false, Ordering::SeqCst);
    centre.hang_up();
    centre.receipt("the snapshot", |r| r.sequence == 3 && r.elements == 2).await;
    agent.crash().await;
    centre.forget_words();
    agent.resume();
    centre.receipt("the state kept from the snapshot", |r| r.sequence == 3 && r.drift.is_none()).await;
    asked(&centre, 3).await;
}

#[tokio::test]
async fn drift_is_repaired_and_told() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7", "203.0.113.8"]));
    centre.receipt("the change", |r| r.sequence == 1).await;
    std::fs::write(agent.list(), "203.0.113.7\n").unwrap();
    let receipt = centre.receipt("the repair", |r| r.drift.is_some()).await;
    let drift = receipt.drift.unwrap();
    assert_eq!((drift.missing, drift.extra, drift.repaired), (1, 0, true));
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.8"]);
}

#[tokio::test]
async fn both_kill_switches_stop_denying_and_release_it() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7"]));
    centre.receipt("the change", |r| r.sequence == 1).await;

    agent::kill::set(&agent.config.folder, true).unwrap();
    centre.receipt("the local stop", |r| r.kill).await;
    assert!(agent.denied().is_empty());
    centre.forget_words();
    agent::kill::set(&agent.config.folder, false).unwrap();
    centre.receipt("the local release", |r| !r.kill).await;
    assert_eq!(agent.denied(), ["203.0.113.7"]);

    centre.forget_words();
    centre.publish(|hub| vec![hub.configure(edge::wire::Config { kill: true, ..demonstration() })]);
    centre.receipt("the centre's stop", |r| r.kill && r.config_revision == 2).await;
    assert!(agent.denied().is_empty());
    centre.publish(|hub| hub.deny(&["203.0.113.8"]));
    let receipt = centre.receipt("a change while stopped", |r| r.sequence == 2 && r.kill).await;
    assert_eq!((receipt.drift, receipt.read_back.wrong.len()), (None, 0), "stopped is no drift");
    assert!(agent.denied().is_empty());
    centre.publish(|hub| vec![hub.configure(demonstration())]);
    centre.receipt("the centre's release", |r| !r.kill && r.config_revision == 3).await;
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.8"]);
}

#[tokio::test]
async fn receipts_wait_for_a_busy_centre_in_order() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.receipt("the first receipt", |_| true).await;
    centre.shared.busy.store(true, Ordering::SeqCst);
    for n in 1..=5 {
        let key = format!("203.0.113.{n}");
        centre.publish(|hub| hub.deny(&[key.as_str()]));
    }
    wait_for("the enforcement of all five", || (agent.denied().len() == 5).then_some(()), String::new).await;
    centre.forget_words();
    centre.shared.busy.store(false, Ordering::SeqCst);
    centre.receipt("the last change", |r| r.sequence == 5).await;
    let order: Vec<u64> = centre.shared.receipts.lock().unwrap().iter().map(|r| r.sequence).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert!((1..=5).all(|sequence| order.contains(&sequence)), "{order:?}");
}

#[tokio::test]
async fn a_broken_connection_is_dialled_again_from_where_it_was() {
    let centre = centre().await;
    let agent = Running::start(&centre).await;
    centre.publish(|hub| hub.deny(&["203.0.113.7"]));
    centre.receipt("the change", |r| r.sequence == 1).await;
    centre.hang_up();
    // Published while nobody listens.
    centre.publish(|hub| hub.deny(&["203.0.113.8"]));
    centre.receipt("the missed change", |r| r.sequence == 2).await;
    assert_eq!(agent.denied(), ["203.0.113.7", "203.0.113.8"]);
    assert!(centre.shared.asked.lock().unwrap().contains(&1));
}
