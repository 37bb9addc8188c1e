//! kill -9 in the middle of a renewal, at every step of it: the machine starts again with a certificate that its centre
//! takes, the one before or the next one, and renews to the end.
//!
//! The machine is a process of its own: this test again, which runs a whole sensor or agent as the program does. It is
//! killed at the moments that its centre sees, and by strace before each call that changes its pair on disk.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base::Env;
use base::papers::{PAUSE_SECS, Shown};
use link::{Identity, Kind};
use testkit::wait_until;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::bed::{Centre, DAY, PATIENCE, certificate, edge_settings, sensor_settings};
use super::gate::Moment;

/// Where the process finds what it is and its folder.
const CHILD: &str = "LIANFANG_TEST_MACHINE";
/// Calls that change the pair on disk, by what they do; strace counts each name by itself.
const CALLS: [(&str, &str); 5] = [
    ("open", "openat"),
    ("remove", "unlink,unlinkat"),
    ("write", "write"),
    ("sync", "fsync,fdatasync"),
    ("rename", "rename,renameat,renameat2"),
];
/// Of each kind there are fewer than so many: the start reads the pair, and the agent keeps other files in its folder.
const MOST_CALLS: usize = 8;
/// Waits between the answer and the kill.
const SWEEP: usize = 8;

/// A machine whose certificate is due.
struct Due {
    dir: PathBuf,
    id: Uuid,
    first: String,
}

/// A centre with so many machines of a kind, all of them due by the clock of the system.
async fn due(kind: Kind, count: usize) -> (Centre, Vec<Due>) {
    let now = Env::system().now();
    let centre = Centre::start(None, now.plus_secs(-61 * DAY)).await;
    let mut machines = Vec::new();
    for n in 0..count {
        let dir = centre.folder.path().join(format!("machine-{n}"));
        let id = centre.enrol(kind, &format!("machine-{n}"), &dir).await;
        let first = certificate(&std::fs::read_to_string(dir.join("machine.pem")).unwrap());
        machines.push(Due { dir, id, first });
    }
    centre.clock.set(now);
    (centre, machines)
}

fn process(kind: Kind, dir: &Path, mut before: Vec<String>) -> Running {
    before.push(std::env::current_exe().unwrap().display().to_string());
    let (program, words) = before.split_first().unwrap();
    let log = std::fs::File::options().create(true).append(true).open(dir.with_extension("log")).unwrap();
    let child = Command::new(program)
        .args(words)
        .args(["--exact", &format!("centre::tests::killed::{}", name(kind)), "--nocapture"])
        .env(CHILD, dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        // strace that is killed leaves what it traced alive: all of them are one group.
        .process_group(0)
        .spawn()
        .unwrap();
    Running(child)
}

/// A machine's process, and the strace above it where there is one; both die with the value, whatever a test does.
pub(super) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.0);
        // It may be dead already.
        let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _reaped = self.0.wait();
    }
}

const fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Sensor => "a_sensor_killed_at_any_step_of_a_renewal_renews_to_the_end",
        Kind::Edge => "a_point_killed_at_any_step_of_a_renewal_renews_to_the_end",
    }
}

/// The machine itself, on one thread: strace counts the calls of each.
fn machine(kind: Kind, dir: &Path) {
    let _already = rustls::crypto::ring::default_provider().install_default();
    runtime::logs::init(&runtime::logs::LogConfig::default()).unwrap();
    let cancel = CancellationToken::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match kind {
            Kind::Sensor => trap::run(sensor_settings(dir).0, Env::system(), cancel).await.unwrap(),
            Kind::Edge => agent::run(edge_settings(dir), Env::system(), cancel).await.unwrap(),
        }
    });
}

fn test(kind: Kind) {
    match std::env::var_os(CHILD) {
        Some(dir) => machine(kind, dir.as_ref()),
        None => tokio::runtime::Runtime::new().unwrap().block_on(kills(kind)),
    }
}

/// The machine was killed: what it finds is the pair of before or a whole other one, the centre takes it, and the next
/// start renews to the end. Says whether it was another one already.
async fn goes_on(centre: &Centre, kind: Kind, machine: &Due, at: &str) -> bool {
    Identity::read(&machine.dir).unwrap_or_else(|error| panic!("{at}: {error}"));
    let serial = || certificate(&std::fs::read_to_string(machine.dir.join("machine.pem")).unwrap());
    let (found, now) = (serial(), centre.env.now());
    let papers = centre.papers(kind, machine.id).await;
    assert!(papers.show(&found, now) != Shown::Refused, "{at}: the centre takes {found} of {papers:?}");
    // A second request is answered a while after the first.
    centre.clock.advance_secs(PAUSE_SECS + 1);
    let again = process(kind, &machine.dir, Vec::new());
    let log = || std::fs::read_to_string(machine.dir.with_extension("log")).unwrap_or_default();
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        let papers = centre.papers(kind, machine.id).await;
        if papers.present.serial != machine.first && papers.present.serial == serial() {
            assert!(!papers.due(centre.env.now()) && papers.more.next.is_none(), "{at}: {papers:?}");
            break;
        }
        assert!(tokio::time::Instant::now() < end, "{at}: it does not renew: {papers:?}\n{}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(again);
    found != machine.first
}

async fn kills(kind: Kind) {
    let moments = [Moment::Asked, Moment::Given, Moment::Shown, Moment::Taken].into_iter();
    let sweep = (0..SWEEP).map(|n| Moment::Answered(Duration::from_micros(700 * n as u64)));
    let (mut centre, mut machines) = due(kind, 4 + SWEEP + CALLS.len() * MOST_CALLS).await;
    let mut next = move || machines.pop().expect("a machine that is due");
    for moment in moments.chain(sweep) {
        let machine = next();
        centre.gate.kill_at(moment, process(kind, &machine.dir, Vec::new()));
        wait_until(PATIENCE, async || centre.gate.is_over()).await;
        let other = goes_on(&centre, kind, &machine, &format!("{moment:?}")).await;
        match moment {
            Moment::Asked | Moment::Given => assert!(!other, "{moment:?}: it had no answer"),
            Moment::Shown | Moment::Taken => assert!(other, "{moment:?}: it showed the next one"),
            Moment::Answered(_) => {}
        }
    }
    if !Command::new("strace").arg("-V").output().is_ok_and(|out| out.status.success()) {
        testkit::skip("strace");
        return centre.stop().await;
    }
    // Before the pair is renamed it is the one of before, and afterwards the next one: never a mixture, never nothing.
    let mut found = Vec::new();
    for (word, calls) in CALLS {
        for nth in 1..MOST_CALLS {
            let machine = next();
            if !killed_at(&centre, kind, &machine, calls, nth).await {
                // There are fewer of these calls: all of them were met.
                break;
            }
            found.push((word, goes_on(&centre, kind, &machine, &format!("{word} {nth}")).await));
        }
    }
    for early in ["remove", "write", "rename"] {
        assert!(found.contains(&(early, false)) && !found.contains(&(early, true)), "{early}: {found:?}");
    }
    for (late, least) in [("open", 3), ("sync", 2)] {
        let outcomes: Vec<bool> = found.iter().filter(|(word, _)| *word == late).map(|(_, other)| *other).collect();
        assert!(outcomes.len() >= least && !outcomes[0], "{late}: {found:?}");
        assert!(outcomes.is_sorted() && outcomes.contains(&true), "{late}: {found:?}");
    }
    centre.stop().await;
}

/// Starts the machine under strace, which kills it before the nth of these calls on its pair; false when it came through
/// its renewal with fewer.
async fn killed_at(centre: &Centre, kind: Kind, machine: &Due, calls: &str, nth: usize) -> bool {
    let path = |name: &str| machine.dir.join(name).display().to_string();
    let watched = [path("machine.pem"), path("machine.new"), machine.dir.display().to_string()];
    let mut words: Vec<String> = ["strace", "-f", "-qq", "-o", "/dev/null"].map(str::to_owned).to_vec();
    words.extend(watched.into_iter().flat_map(|path| ["-P".to_owned(), path]));
    words.extend(["-e".to_owned(), format!("inject={calls}:signal=KILL:when={nth}")]);
    let mut traced = process(kind, &machine.dir, words);
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        if traced.0.try_wait().unwrap().is_some() {
            return true;
        }
        if renewed(centre, kind, machine).await {
            return false;
        }
        assert!(tokio::time::Instant::now() < end, "{calls} {nth}: neither killed nor renewed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn renewed(centre: &Centre, kind: Kind, machine: &Due) -> bool {
    centre.papers(kind, machine.id).await.present.serial != machine.first
}

#[test]
fn a_sensor_killed_at_any_step_of_a_renewal_renews_to_the_end() {
    test(Kind::Sensor);
}

#[test]
fn a_point_killed_at_any_step_of_a_renewal_renews_to_the_end() {
    test(Kind::Edge);
}
