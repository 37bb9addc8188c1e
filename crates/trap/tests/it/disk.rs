//! A disk that others fill, or that fails, under a whole running sensor: a small file system of its own in a mount
//! namespace, and syncs that strace lets fail.
#![allow(clippy::disallowed_methods, reason = "the child is this test itself, in a mount namespace")]

use logwire::attack::What;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::bed::{self, closed};
use crate::centre::Centre;
use crate::telnet::Client;

/// Where the child finds its small disk.
const CHILD: &str = "LIANFANG_TEST_SMALL_DISK";
/// The sensor leaves 64 MiB free for others; this is what it has.
const DISK: &str = "size=80m";
const COMMANDS: usize = 200;

#[tokio::test]
async fn when_others_fill_the_disk_what_is_kept_is_sent_and_what_is_lost_is_counted() {
    if let Some(disk) = std::env::var_os(CHILD) {
        return on_a_small_disk(disk.as_ref()).await;
    }
    let disk = testkit::folder();
    let mut namespace = Command::new("unshare");
    // Root needs no user namespace; others need one to mount anything.
    if !rustix::process::geteuid().is_root() {
        namespace.arg("--map-root-user");
    }
    namespace.args([
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs -o \"$1\" none \"$2\" || exit 99; shift 2; exec \"$@\"",
        "sh",
    ]);
    let name = "disk::when_others_fill_the_disk_what_is_kept_is_sent_and_what_is_lost_is_counted";
    let out = namespace
        .args([DISK.as_ref(), disk.path().as_os_str(), std::env::current_exe().unwrap().as_os_str()])
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, disk.path())
        .output();
    let refused = |code: Option<i32>| matches!(code, Some(1 | 99 | 127));
    match out {
        Ok(out) if out.status.success() => {
            assert!(String::from_utf8_lossy(&out.stdout).contains("the disk was full"), "the child ran");
        }
        // unshare and mount say no before the test begins; the test itself ends with 101.
        Ok(out) if refused(out.status.code()) => testkit::skip("mount namespaces"),
        Ok(out) => panic!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr)),
        Err(_) => testkit::skip("unshare"),
    }
}

/// A session of long commands, so that the spool has several segments.
async fn session(sensor: &bed::Sensor, mark: &str) {
    let mut client = Client::connect(sensor.telnet).await;
    client.login().await;
    let filler = "x".repeat(900);
    for n in 0..COMMANDS {
        client.send(format!("echo {mark}-{n} {filler}\r\n")).await;
        client.until("# ").await;
    }
}

/// The marks of the commands that arrived.
fn marks(centre: &Centre) -> Vec<String> {
    let seen = centre.seen.lock().unwrap();
    let line = |what: &What| match what {
        What::Command { line } => line.strip_prefix("echo ").and_then(|rest| rest.split(' ').next()).map(str::to_owned),
        _ => None,
    };
    seen.events.values().filter_map(|event| line(&event.what)).collect()
}

/// Waits for a heartbeat whose numbers of kept and dropped events fit.
async fn heartbeat(centre: &Centre, what: &str, fits: impl Fn(u64, u64) -> bool) -> (u64, u64) {
    centre.seen.lock().unwrap().heartbeats.clear();
    let numbers = || {
        let seen = centre.seen.lock().unwrap();
        seen.heartbeats.last().map(|b| (b["spool_depth"].as_u64().unwrap(), b["spool_dropped"].as_u64().unwrap()))
    };
    let end = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        if let Some((depth, dropped)) = numbers().filter(|(depth, dropped)| fits(*depth, *dropped)) {
            return (depth, dropped);
        }
        assert!(tokio::time::Instant::now() < end, "no heartbeat with {what}: {:?}", numbers());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The depth once no session is open (its end is its last event) and three heartbeats in a row say the same.
async fn standing(centre: &Centre) -> u64 {
    let (mut last, mut same) = (0, 0);
    while same < 3 || last <= COMMANDS as u64 {
        let (depth, _) = heartbeat(centre, "the kept events", |_, _| true).await;
        let open = centre.seen.lock().unwrap().heartbeats.last().map(|beat| beat["sessions_open"] != 0);
        same = if open == Some(false) && depth == last { same + 1 } else { 0 };
        last = depth;
    }
    last
}

/// Others take every byte that is left.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 20, 4_096, 1] {
        let block = vec![1_u8; size];
        while file.write_all(&block).is_ok() {}
    }
    file.write_all(b"x").expect_err("the disk is full");
}

async fn on_a_small_disk(disk: &Path) {
    let centre = Centre::prepare().await;
    centre.serve().await;
    let dir = disk.join("sensor");
    bed::enrol(&centre, &dir).await;
    let mut settings = bed::settings(&dir);
    settings.spool.max_bytes = 1 << 20;
    let sensor = bed::start(settings);
    // What is kept while the centre takes no events: more than two segments of it.
    centre.seen.lock().unwrap().faults.refuse = Some(503);
    session(&sensor, "kept").await;
    let kept = standing(&centre).await;
    let names = std::fs::read_dir(dir.join("spool/log")).unwrap().map(|entry| entry.unwrap().path());
    let segments = names.filter(|path| path.extension().is_some_and(|ending| ending == "segment")).count();
    assert!(segments > 1, "there are segments to drop");

    fill(&disk.join("others"));
    println!("the disk was full");
    session(&sensor, "lost").await;
    let (depth, _) = heartbeat(&centre, "the lost events", |_, dropped| dropped >= kept).await;
    assert_eq!(depth, kept, "nothing that was kept has gone");

    // The disk is still full, and what was kept goes out once the centre takes it.
    centre.seen.lock().unwrap().faults.refuse = None;
    heartbeat(&centre, "an empty spool", |depth, _| depth == 0).await;
    let all = |mark: &str| (0..COMMANDS).map(|n| format!("{mark}-{n}")).collect::<Vec<_>>();
    assert_eq!(marks(&centre), all("kept"));

    std::fs::remove_file(disk.join("others")).unwrap();
    session(&sensor, "after").await;
    centre.until("what came afterwards", |events| closed(events) == 2).await;
    assert_eq!(marks(&centre), [all("kept"), all("after")].concat());
    let (_, dropped) = heartbeat(&centre, "the same count", |depth, _| depth == 0).await;
    assert_eq!(dropped, kept, "a session as long as the kept one was lost, and every event of it was counted");
    sensor.stop().await;
}

/// Set in the child whose syncs fail.
const FAILS: &str = "LIANFANG_TEST_FAILING_DISK";

#[tokio::test]
async fn a_sensor_whose_disk_fails_ends_with_a_code() {
    if std::env::var_os(FAILS).is_some() {
        return until_the_disk_fails().await;
    }
    if !Command::new("strace").arg("-V").output().is_ok_and(|out| out.status.success()) {
        return testkit::skip("strace");
    }
    // Only the spool's journal uses fdatasync: its third block cannot be made durable.
    let out = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=3+"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "disk::a_sensor_whose_disk_fails_ends_with_a_code", "--nocapture"])
        .env(FAILS, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && text.contains("ended: LF-TRP-0010"),
        "{text}{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// People attack until the sensor ends by itself.
async fn until_the_disk_fails() {
    let (_centre, sensor, _dir) = bed::pair().await;
    let telnet = sensor.telnet;
    let attacks = async {
        loop {
            // Once the sensor has ended nobody answers any more.
            let _refused = tokio::net::TcpStream::connect(telnet).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        fault = sensor.ended() => println!("ended: {}", base::Coded::problem(&fault).code.id),
        () = attacks => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("the sensor goes on blind"),
    }
}
