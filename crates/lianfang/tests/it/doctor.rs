//! `lianfang doctor` from outside: what it says of an installation, of the baseline, and how it ends.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::centre::{Centre, command};

/// Runs it; status and the array it printed.
fn doctor(words: &[&str]) -> (Option<i32>, Vec<Value>) {
    let output = command().arg("doctor").args(words).arg("--json").output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let values: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{words:?}: {e}: {text}"));
    (output.status.code(), values.as_array().expect("an array").clone())
}

fn word<'a>(checks: &'a [Value], id: &str) -> &'a str {
    let check = checks.iter().find(|check| check["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    check["word"].as_str().expect("a word")
}

/// Every file and folder below, with length, mode, change and modification.
fn state(folder: &Path) -> BTreeMap<PathBuf, (u64, u32, i64, i64)> {
    let mut seen = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("a file");
            if meta.is_dir() {
                folders.push(entry.path());
            }
            let times =
                (meta.mtime() * 1_000_000_000 + meta.mtime_nsec(), meta.ctime() * 1_000_000_000 + meta.ctime_nsec());
            seen.insert(entry.path(), (meta.len(), meta.mode(), times.0, times.1));
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_examined_without_a_change() {
    let mut centre = Centre::start(None).await;
    let data = centre.path("data").to_str().expect("a path").to_owned();
    let (status, checks) = doctor(&["--data", &data]);
    assert_eq!(status, Some(0), "{checks:?}");
    let ids = ["data.folder", "files.secret", "files.owner", "sqlite.library", "state.database", "state.journal"];
    for id in ids.iter().chain(&["door.portal", "door.machines", "certificate.server", "certificate.machines"]) {
        assert_eq!(word(&checks, id), "ok", "{id}: {checks:?}");
    }
    for check in &checks {
        assert!(check["evidence"].as_str().is_some_and(|text| !text.is_empty()), "{check}");
        assert_eq!(check["act"].is_null(), check["word"] == "ok", "{check}");
    }
    // The centre that works is the one that is looked at, whoever runs it here.
    assert_eq!(word(&checks, "centre.running"), "ok");
    let confined = checks.iter().find(|check| check["id"] == "centre.confined").expect("the centre's rights");
    assert!(confined["evidence"].as_str().is_some_and(|text| text.contains("the centre, process")), "{confined}");
    assert!(centre.stop().success());
    let before = state(&centre.path("data"));
    assert_eq!(doctor(&["--data", &data]).0, Some(0));
    assert_eq!(doctor(&["--data", &data, "--profile", "tw-high"]).0, Some(0));
    assert_eq!(state(&centre.path("data")), before, "nothing is made, written or touched");
    // One fault is enough.
    let key = centre.path("data/keys/audit.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let (status, checks) = doctor(&["--data", &data]);
    assert_eq!((status, word(&checks, "files.secret")), (Some(1), "bad"));
    let output = command().args(["doctor", "--data", &data, "--lang", "zh-TW"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("keys/audit.key 0644") && text.contains("chmod 0600"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("files.secret"));
}

#[test]
fn no_folder_and_wrong_words_have_their_exits() {
    let none = tempfile::tempdir().expect("a folder");
    let path = none.path().join("none");
    let (status, checks) = doctor(&["--data", path.to_str().expect("a path")]);
    assert_eq!((status, word(&checks, "data.folder")), (Some(1), "bad"));
    assert!(!path.exists(), "nothing is made");
    let exit = |words: &[&str]| command().arg("doctor").args(words).output().expect("it runs").status.code();
    assert_eq!(exit(&["--profile", "tw-low"]), Some(2));
    assert_eq!(exit(&["--lang", "tlh"]), Some(2));
    assert_eq!(exit(&["--config", path.to_str().expect("a path")]), Some(78));
}

#[test]
fn eighty_measures_follow_the_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("a path");
    let (status, usual) = doctor(&["--profile", "tw-high", "--data", data]);
    assert_eq!((status, usual.len()), (Some(0), 80), "a report ends well whatever it says");
    let mut levels = BTreeMap::new();
    for (index, row) in usual.iter().enumerate() {
        assert_eq!(row["id"], index + 1);
        let keys: Vec<&String> = row.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["evidence", "id", "level", "measure", "status", "who"]);
        assert!(["met", "operator", "gap"].contains(&row["status"].as_str().expect("a status")), "{row}");
        assert!(["product", "maker", "operator"].contains(&row["who"].as_str().expect("who")), "{row}");
        assert!(row["evidence"].as_str().is_some_and(|text| text.len() > 10), "{row}");
        *levels.entry(row["level"].as_str().expect("a level").to_owned()).or_insert(0) += 1;
    }
    assert_eq!(levels, BTreeMap::from([("普".to_owned(), 45), ("中".to_owned(), 17), ("高".to_owned(), 18)]));
    let of = |rows: &[Value], id: usize| rows[id - 1]["status"].as_str().expect("a status").to_owned();
    assert_eq!([15, 40, 41, 42].map(|id| of(&usual, id)), ["operator", "met", "operator", "operator"]);
    let file = folder.path().join("c.toml");
    let text = "[access]\npassword_profile = 'tw-gov'\nlockout_failures = 9\n\
                [sensor.retention.events]\nclear = 365\ngreen = 365\namber = 365\nred = 365\n";
    std::fs::write(&file, text).expect("a file");
    let (_, strict) = doctor(&[
        "--profile",
        "tw-high",
        "--data",
        data,
        "--config",
        file.to_str().expect("a path"),
        "--lang",
        "zh-TW",
    ]);
    assert_eq!([15, 40, 41, 42].map(|id| of(&strict, id)), ["met", "operator", "met", "met"]);
    assert!(
        strict[40]["evidence"].as_str().is_some_and(|text| text.contains("[setting: access.password_profile = tw-gov"))
    );
    let table =
        command().args(["doctor", "--profile", "tw-high", "--data", data, "--lang", "en"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(text.contains("Access control (14): met ") && text.contains("Sum (80): met "), "{text}");
    assert!(text.contains("附表十") && text.contains("was not compared"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_answered_in_the_clear() {
    let centre = Centre::start(None).await;
    for url in [centre.url(), centre.machine_url()] {
        let mut stream = TcpStream::connect(url.trim_start_matches("https://")).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("bytes go out");
        let mut answer = Vec::new();
        // The end may come as a reset.
        let _reset = stream.read_to_end(&mut answer);
        assert!(!answer.windows(4).any(|part| part == b"HTTP"), "{url}: {:?}", String::from_utf8_lossy(&answer));
        // A TLS alert at most: content type 21.
        assert!(answer.is_empty() || answer[0] == 21, "{url}: {answer:?}");
    }
}
