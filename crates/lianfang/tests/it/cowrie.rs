//! A real Cowrie, attacked by real clients; what it wrote is imported and must say what the attackers did.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::centre::{Centre, each_store, signal};

/// What the attackers of [`Cowrie::attack`] did: class and how many events, attempts and commands, per session.
const SESSIONS: [(&str, u64, u64, u64); 7] = [
    // We looked whether it greets and said nothing: connection, end.
    ("scan", 2, 0, 0),
    // OpenSSH was let in and typed two commands on one line: connection, version, key exchange, login, command, end.
    ("command_execution", 6, 1, 1),
    // OpenSSH was refused: one password, but the source tried more of them for the same user in other connections.
    ("credential_guessing", 5, 1, 0),
    // scp brought a file: the command and the file are events.
    ("download", 7, 1, 1),
    // OpenSSH asked for a connection elsewhere.
    ("proxy_abuse", 6, 1, 0),
    // hydra looks which methods there are, then guesses three passwords for one user in a connection of its own.
    ("banner_grab", 4, 0, 0),
    ("credential_guessing", 7, 3, 0),
];

const UPLOAD: &[u8] = b"#!/bin/sh\necho lianfang\n";

struct Cowrie {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Cowrie {
    /// None, counted as skipped, where it or its attackers are not to be had.
    fn start() -> Option<Self> {
        for program in ["sshpass", "ssh", "scp", "hydra"] {
            let path = std::env::var_os("PATH").unwrap_or_default();
            if !std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
                testkit::skip(program);
                return None;
            }
        }
        let installed = Command::new(script()).arg("install").output().expect("house/cowrie runs");
        if !installed.status.success() {
            testkit::skip(&format!("Cowrie: {}", String::from_utf8_lossy(&installed.stderr).trim().replace('\n', " ")));
            return None;
        }
        let folder = testkit::folder();
        // It runs as another user where the tests run as root.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let port = testkit::free_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(script())
            .arg("run")
            .arg(folder.path().join("cowrie"))
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut cowrie = Self { child, folder, port };
        cowrie.greets();
        Some(cowrie)
    }

    /// One connection that reads the greeting and goes: a session of its own.
    fn greets(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            if let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", self.port)) {
                let mut banner = [0; 4];
                std::io::Read::read_exact(&mut stream, &mut banner).unwrap();
                assert_eq!(&banner, b"SSH-");
                return;
            }
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "Cowrie ended: {}", log());
            assert!(Instant::now() < deadline, "Cowrie does not greet: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cowrie/var/log/cowrie/cowrie.json")
    }

    /// Lines of an event id so far.
    fn lines_of(&self, id: &str) -> usize {
        let text = std::fs::read_to_string(self.file()).unwrap_or_default();
        text.lines().filter(|line| line.contains(&format!(r#""eventid":"{id}""#))).count()
    }

    fn until(&self, id: &str, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.lines_of(id) < count {
            let log = || std::fs::read_to_string(self.file()).unwrap_or_default();
            assert!(Instant::now() < deadline, "Cowrie did not write {count} of {id}: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn client(&self, password: &str, words: &[&str]) -> Output {
        self.command(password, words).output().unwrap()
    }

    fn command(&self, password: &str, words: &[&str]) -> Command {
        let port = self.port.to_string();
        let (program, rest) = words.split_first().unwrap();
        let flag = if *program == "scp" { "-P" } else { "-p" };
        let options = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
            "PreferredAuthentications=password",
            "PubkeyAuthentication=no",
            "NumberOfPasswordPrompts=1",
            "LogLevel=ERROR",
        ];
        let mut command = Command::new("timeout");
        command.args(["60", "sshpass", "-p", password, program, "-F", "none", flag, &port]);
        command.args(options.iter().flat_map(|option| ["-o", option])).args(rest).stdin(Stdio::null());
        command
    }

    /// Everything that [`SESSIONS`] lists, and waits until Cowrie wrote the end of each.
    fn attack(&self) {
        let host = "root@127.0.0.1";
        let ran = self.client("lianfang", &["ssh", host, "uname -a; nproc"]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let refused = self.client("root", &["ssh", host, "id"]);
        assert_eq!(refused.status.code(), Some(255), "Cowrie refuses this password");
        let upload = self.folder.path().join("up.sh");
        std::fs::write(&upload, UPLOAD).unwrap();
        let target = format!("{host}:/tmp/up.sh");
        let ran = self.client("lianfang", &["scp", "-O", upload.to_str().unwrap(), &target]);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        // Cowrie dials for its guests, here to a port where nobody listens; it never says that it failed, so we hang up.
        let mut asking = self.command("lianfang", &["ssh", "-W", "127.0.0.1:9", host]).spawn().unwrap();
        self.until("cowrie.direct-tcpip.request", 1);
        signal(&asking, "TERM");
        asking.wait().unwrap();
        let list = self.folder.path().join("passwords");
        std::fs::write(&list, "root\n123456\nletmein9\n").unwrap();
        let ran = Command::new("timeout")
            .args(["60", "hydra", "-I", "-t", "1", "-l", "root", "-P", list.to_str().unwrap(), "-s"])
            .args([self.port.to_string(), "ssh://127.0.0.1".to_owned()])
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&ran.stdout).contains("password: letmein9"), "{ran:?}");
        self.until("cowrie.session.closed", SESSIONS.len());
    }
}

impl Drop for Cowrie {
    fn drop(&mut self) {
        signal(&self.child, "KILL");
        let _reaped = self.child.wait();
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../house/cowrie")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_real_cowrie_writes_is_imported_exactly() {
    let Some(cowrie) = Cowrie::start() else { return };
    tokio::task::block_in_place(|| cowrie.attack());
    let file = cowrie.file();
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    let events: u64 = SESSIONS.iter().map(|(_, events, ..)| events).sum();
    each_store(async |store| {
        let centre = Centre::start(store).await;
        centre.json(&["org", "add", "north-power", "--json"]);
        let words = ["ingest", "--format", "cowrie", "--org", "north-power", "--json", file.to_str().unwrap()];
        let once = centre.json(&words);
        assert_eq!(once, json!({"accepted": lines, "duplicate": 0, "rejected": 0, "events": events}));
        assert_eq!(centre.json(&words), json!({"accepted": 0, "duplicate": lines, "rejected": 0, "events": 0}));
        assert_eq!(centre.settled_events(events).await, events);
        check(&centre).await;
    })
    .await;
}

async fn check(centre: &Centre) {
    let page = centre.get("/api/v1/sessions?limit=50").await;
    let sessions = page["items"].as_array().unwrap();
    let number = |session: &Value, field: &str| session[field].as_u64().unwrap();
    let mut seen: Vec<_> = sessions
        .iter()
        .map(|s| (s["class"].as_str().unwrap(), number(s, "events"), number(s, "attempts"), number(s, "commands")))
        .collect();
    let mut wanted = SESSIONS.to_vec();
    seen.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(seen, wanted);
    for session in sessions {
        assert_eq!(
            (&session["protocol"], &session["src_ip"], &session["sensor_name"]),
            (&json!("ssh"), &json!("127.0.0.1"), &json!("beside"))
        );
        assert!(session["closed_at"].is_string(), "{session}");
    }
    let detail = async |class: &str, events: u64| {
        let of_class = |s: &&Value| s["class"] == class && number(s, "events") == events;
        let id = sessions.iter().find(of_class).unwrap()["id"].as_str().unwrap();
        centre.get(&format!("/api/v1/sessions/{id}")).await
    };
    let typed = detail("command_execution", 6).await;
    assert_eq!(typed["command_lines"], json!(["uname -a; nproc"]));
    assert_eq!((&typed["users"], &typed["passwords"]), (&json!(["root"]), &json!(["lianfang"])));
    assert_eq!(typed["login"], json!(true));
    assert!(typed["session"]["client"].as_str().unwrap().starts_with("SSH-2.0-OpenSSH_"), "{typed}");
    assert_eq!(typed["session"]["hassh"].as_str().unwrap().len(), 32);
    let lasted = typed["events"].as_array().unwrap().iter().find(|event| event["kind"] == "conn.close").unwrap();
    let lasted: Value = serde_json::from_str(lasted["body"].as_str().unwrap()).unwrap();
    assert!(lasted["duration_ms"].as_u64().unwrap() > 0, "{lasted}");
    let refused = detail("credential_guessing", 5).await;
    assert_eq!((&refused["passwords"], &refused["login"]), (&json!(["root"]), &json!(false)));
    let brought = detail("download", 7).await;
    assert_eq!(brought["hashes"], json!([hex::encode(Sha256::digest(UPLOAD))]));
    assert_eq!(brought["urls"], json!([]), "an upload's path is no URL");
    assert_eq!(detail("proxy_abuse", 6).await["forwards"], json!(["127.0.0.1:9"]));
    let guessed = detail("credential_guessing", 7).await;
    assert_eq!((&guessed["users"], &guessed["login"]), (&json!(["root", "root", "root"]), &json!(true)));
    assert_eq!(guessed["passwords"], json!(["root", "123456", "letmein9"]));
    let urls = centre.get("/api/v1/observables?kind=url").await;
    assert_eq!(urls["items"], json!([]), "nobody named a URL");
}
