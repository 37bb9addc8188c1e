//! Machines over months: certificates renew, old ones end, nothing is lost; who sleeps too long is told what to do.

use std::sync::Arc;

use base::papers::Paper;
use base::{Coded as _, Env, ManualClock, SystemEntropy};
use link::{Kind, LinkError, Step};
use testkit::{Scratch, wait_until};
use uuid::Uuid;

use super::bed::{Centre, DAY, Log, Machine, PATIENCE, certificate};

/// A sensor and an enforcement point of one centre.
struct World {
    centre: Centre,
    sensor: Machine,
    sensor_id: Uuid,
    point: Machine,
    point_id: Uuid,
    blocks: u8,
}

impl World {
    async fn begin(store: Option<&str>) -> Self {
        // The first word of a machine goes by the clock of the system.
        let centre = Centre::start(store, Env::system().now()).await;
        let place = centre.folder.path().to_owned();
        let mut sensor = Machine::new(Kind::Sensor, place.join("sensor"), centre.env.clone());
        let mut point = Machine::new(Kind::Edge, place.join("point"), centre.env.clone());
        let sensor_id = centre.enrol(Kind::Sensor, "sensor-1", &sensor.dir).await;
        let point_id = centre.enrol(Kind::Edge, "point-1", &point.dir).await;
        sensor.start();
        point.start();
        Self { centre, sensor, sensor_id, point, point_id, blocks: 0 }
    }

    /// An attack that must reach the history whole.
    async fn attack(&self) {
        let before = self.centre.seen(self.sensor_id).await;
        self.sensor.attacked().await;
        wait_until(PATIENCE, async || self.centre.seen(self.sensor_id).await.0 == before.0 + 1).await;
    }

    /// A block that must reach the list.
    async fn block(&mut self) {
        self.blocks += 1;
        let address = format!("192.88.100.{}", self.blocks);
        self.centre.block(&address).await;
        wait_until(PATIENCE, async || self.point.denied().contains(&address)).await;
    }

    fn machines(&self) -> [(&Machine, Uuid); 2] {
        [(&self.sensor, self.sensor_id), (&self.point, self.point_id)]
    }
}

/// Every certificate that a machine had, oldest first.
fn remember(pairs: &mut Vec<String>, machine: &Machine) {
    let now = machine.pair();
    if pairs.last() != Some(&now) {
        pairs.push(now);
    }
}

/// A certificate of the past is refused: by name while it lasts, by TLS once it has ended.
async fn refused(machine: &Machine, pair: &str) -> &'static str {
    let (line, _folder) = machine.line(Some(pair));
    let until = line.valid_until().unwrap();
    let refusal = line.renew_if_due().await.unwrap_err();
    match &refusal {
        // The last second of a certificate is one of its life (RFC 5280 section 4.1.2.5).
        LinkError::Refused { status: 403, .. } => assert!(machine.now().as_secs() <= until.as_secs()),
        LinkError::Ended(_) => assert!(machine.now().as_secs() > until.as_secs()),
        other => panic!("{other}"),
    }
    assert!(refusal.problem().to_string().contains("nrol "), "it says what to do: {}", refusal.problem());
    refusal.problem().code.id
}

async fn months(store: Option<&str>) {
    const STEP: i64 = 10;
    let mut world = World::begin(store).await;
    let mut pairs = [Vec::new(), Vec::new()];
    let mut codes = Vec::new();
    for step in 0..=200 / STEP {
        if step == 13 {
            // Both have just asked for a certificate, or are about to.
            world.centre.stopped(|_| {}).await;
        }
        for (pairs, (machine, id)) in pairs.iter_mut().zip(world.machines()) {
            // The machine keeps up: its certificate is young enough, and the centre has seen it.
            let settled = async || {
                let papers = world.centre.papers(machine.kind, id).await;
                !papers.due(machine.now()) && papers.present.serial == certificate(&machine.pair())
            };
            wait_until(PATIENCE, settled).await;
            remember(pairs, machine);
        }
        world.attack().await;
        world.block().await;
        for (pairs, (machine, id)) in pairs.iter().zip(world.machines()) {
            let before = world.centre.papers(machine.kind, id).await.more.before;
            for old in pairs.iter().rev().skip(1) {
                // The one before is taken for an hour more, so that open connections end.
                let taken = |paper: &Paper| paper.serial == certificate(old) && machine.now() < paper.until;
                if before.as_ref().is_some_and(taken) {
                    assert!(machine.line(Some(old)).0.renew_if_due().await.is_ok());
                } else {
                    codes.push(refused(machine, old).await);
                }
            }
        }
        world.centre.clock.advance_secs(STEP * DAY);
    }
    for pairs in &pairs {
        assert_eq!(pairs.len(), 4, "200 days are three renewals");
    }
    assert!(codes.contains(&"LF-LNK-0004") && codes.contains(&"LF-LNK-0005"), "{codes:?}");
    // Every event that the sensor numbered is in the history, once.
    world.sensor.stop().await;
    let (sessions, events) = world.centre.seen(world.sensor_id).await;
    assert_eq!((sessions, events), (200 / STEP as u64 + 1, world.sensor.acknowledged()));
    world.point.stop().await;
    world.centre.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_run_for_months_and_lose_nothing() {
    months(None).await;
    if let Some(scratch) = Scratch::postgres().await {
        months(Some(scratch.url())).await;
        scratch.remove().await;
    }
}

#[tokio::test]
async fn who_sleeps_past_the_end_is_told_to_enrol_again_and_loses_nothing() {
    let log = Log::keep();
    let mut world = World::begin(None).await;
    world.attack().await;
    world.block().await;
    world.sensor.stop().await;
    world.point.stop().await;
    world.centre.clock.advance_secs(91 * DAY);
    for machine in [&mut world.sensor, &mut world.point] {
        machine.start();
    }
    // Both say so, and go on with what they can do alone.
    let said = |log: &Log| log.text().matches("LF-LNK-0004").count();
    wait_until(PATIENCE, async || said(&log) >= 2).await;
    let line = log.text().lines().find(|line| line.contains("LF-LNK-0004")).unwrap().to_owned();
    assert!(line.contains("ERROR") && line.contains("enrol it again with a one-time code"), "{line}");
    // One whose own clock is behind hears it from its centre. The word may be lost when the line breaks: it asks again.
    let behind = Env::new(ManualClock::at(world.centre.env.now().plus_secs(-50 * DAY)), Arc::new(SystemEntropy));
    let asleep = Machine::new(Kind::Sensor, world.sensor.dir.clone(), behind);
    let (line, _folder) = asleep.line(None);
    wait_until(PATIENCE, async || matches!(line.renew_if_due().await, Err(LinkError::Ended(_)))).await;
    world.sensor.attacked().await;
    world.sensor.stop().await;
    world.point.stop().await;
    let before = world.sensor.acknowledged();
    assert_eq!(world.centre.settled(world.sensor_id, before).await, (1, before));

    // Enrolled again in the same folders, they go on where they were.
    world.sensor_id = world.centre.enrol(Kind::Sensor, "sensor-2", &world.sensor.dir).await;
    world.point_id = world.centre.enrol(Kind::Edge, "point-2", &world.point.dir).await;
    world.sensor.start();
    world.point.start();
    wait_until(PATIENCE, async || world.centre.seen(world.sensor_id).await.0 == 1).await;
    world.attack().await;
    world.block().await;
    world.sensor.stop().await;
    world.point.stop().await;
    let since = world.sensor.acknowledged() - before;
    let seen = world.centre.settled(world.sensor_id, since).await;
    assert_eq!(seen, (2, since), "the attack of the meantime, and this one, every event once");
    world.centre.stop().await;
}

#[tokio::test]
async fn a_centre_restored_from_a_backup_sends_its_machines_to_enrol_again() {
    let log = Log::keep();
    let mut world = World::begin(None).await;
    let backup = world.centre.folder.path().join("backup.db");
    world.attack().await;
    world.centre.clock.advance_secs(59 * DAY);
    world.centre.services().ctx.db.copy_to(&backup).await.unwrap();
    world.centre.clock.advance_secs(2 * DAY);
    for (machine, id) in world.machines() {
        let renewed = async || !world.centre.papers(machine.kind, id).await.due(machine.now());
        wait_until(PATIENCE, renewed).await;
    }
    world
        .centre
        .stopped(|data| {
            for name in ["state.db-wal", "state.db-shm"] {
                let _absent = std::fs::remove_file(data.join(name));
            }
            std::fs::copy(&backup, data.join("state.db")).unwrap();
        })
        .await;
    // The row knows the certificate of before only; both machines hear it and say what to do.
    for (machine, _) in world.machines() {
        let (line, _folder) = machine.line(None);
        let refusal = line.renew_if_due().await.unwrap_err().problem();
        assert_eq!(refusal.code.id, "LF-LNK-0005", "{refusal}");
        for words in ["Enrol the machine again with a one-time code", "restored from a backup"] {
            assert!(refusal.code.act_en.contains(words), "{refusal}");
        }
        assert!(refusal.code.act_zh.contains("重新註冊") && refusal.code.act_zh.contains("備份還原"));
    }
    wait_until(PATIENCE, async || log.text().matches("LF-LNK-0005").count() >= 2).await;
    // An attack that has to wait until the sensor is enrolled again.
    world.sensor.attacked().await;
    world.sensor.stop().await;
    world.point.stop().await;
    let before = world.sensor.acknowledged();
    world.sensor_id = world.centre.enrol(Kind::Sensor, "sensor-2", &world.sensor.dir).await;
    world.point_id = world.centre.enrol(Kind::Edge, "point-2", &world.point.dir).await;
    world.sensor.start();
    world.point.start();
    wait_until(PATIENCE, async || world.centre.seen(world.sensor_id).await.0 == 1).await;
    world.attack().await;
    world.block().await;
    let (line, _folder) = world.point.line(None);
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Kept { .. }));
    world.sensor.stop().await;
    world.point.stop().await;
    let since = world.sensor.acknowledged() - before;
    let seen = world.centre.settled(world.sensor_id, since).await;
    assert_eq!(seen, (2, since), "the attack of the meantime, and this one, every event once");
    world.centre.stop().await;
}
