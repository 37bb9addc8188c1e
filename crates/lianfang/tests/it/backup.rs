//! A backup of a centre at work, rehearsed, restored elsewhere, and what an altered one is answered.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::centre::Centre;
use crate::contract::cowrie;

const PROOF: [&str; 3] = ["size", "root", "export_sha256"];

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Sends parts of twelve lines, each with its own session names, until it is told to stop; counts what was acknowledged.
async fn load(url: String, client: reqwest::Client, token: String, stop: Arc<AtomicBool>, taken: Arc<AtomicU64>) {
    let url = format!("{url}/api/v1/ingest/cowrie?org=north-power");
    let mut n = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        n += 1;
        let lines = cowrie(3).replace("\"session\":\"0000", &format!("\"session\":\"{n:04x}"));
        let sent = client.post(&url).bearer_auth(&token).body(lines).send().await.unwrap();
        let status = sent.status();
        let answer: Value = sent.json().await.unwrap();
        assert!(status.is_success(), "{status} {answer}");
        taken.fetch_add(answer["accepted"].as_u64().unwrap(), Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_at_work_is_backed_up_rehearsed_and_restored() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    centre.json(&["block", "add", "8.8.4.4", "--hours", "2", "--reason", "scans", "--json"]);
    let (stop, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (data, to) = (centre.path("data"), centre.path("copies/one"));
    std::fs::create_dir(centre.path("copies")).unwrap();
    let words = |verb: &str, rest: &[&str]| -> Vec<String> {
        std::iter::once(verb).chain(rest.iter().copied()).chain(["--json"]).map(str::to_owned).collect()
    };
    let run = |words: Vec<String>| centre.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let json = |words: Vec<String>| centre.json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let back = || words("backup", &["--data", data.to_str().unwrap(), "--to", to.to_str().unwrap()]);
    // The copy is made in the middle of the work.
    let copy = async {
        testkit::wait_until(Duration::from_secs(30), async || taken.load(Ordering::Relaxed) > 200).await;
        let before = taken.load(Ordering::Relaxed);
        let made = tokio::task::block_in_place(|| json(back()));
        stop.store(true, Ordering::Relaxed);
        (made, before)
    };
    let sender = load(centre.url(), centre.client(), centre.token(), stop.clone(), taken.clone());
    let sender = tokio::spawn(sender);
    let (made, before) = copy.await;
    sender.await.unwrap();
    assert!(made["size"].as_u64().unwrap() > 0 && made["root"].as_str().unwrap().len() == 64, "{made}");
    assert!(taken.load(Ordering::Relaxed) > before, "nothing came in meanwhile");
    assert_eq!(names(&centre.path("copies")), BTreeSet::from(["one".to_owned()]));
    // What is there already stays, and the same again is refused.
    let again = run(back());
    assert_eq!(again.status.code(), Some(1), "{}", String::from_utf8_lossy(&again.stderr));

    let from = to.to_str().unwrap();
    let rehearsed = json(words("restore", &["--from", from, "--rehearse"]));
    assert_eq!(names(&centre.path("copies")), BTreeSet::from(["one".to_owned()]), "a rehearsal keeps nothing");
    let mut restored = Centre::none().await;
    let new = restored.path("data");
    let put = json(words("restore", &["--from", from, "--data", new.to_str().unwrap()]));
    for field in PROOF {
        assert_eq!([&rehearsed[field], &put[field]], [&made[field]; 2], "{field}");
    }
    // The copy has all that was acknowledged before it was begun, once.
    restored.restart().await;
    let events = restored.settled_events(before).await;
    assert!((before..=taken.load(Ordering::Relaxed)).contains(&events), "{before} {events} {taken:?}");
    assert_eq!(restored.json(&["block", "list", "--json"])["key"], "8.8.4.4");
    let file = restored.path("audit.ndjson");
    assert!(restored.run(&["audit", "export", "--out", file.to_str().unwrap()]).status.success());
    let verified = restored.json(&["audit", "verify", "--json", file.to_str().unwrap()]);
    assert!(verified["size"].as_u64() >= made["size"].as_u64(), "{verified}");
    drop(restored);

    // Every kind of file: one byte is seen, a file that is not there is seen, and nothing is left behind.
    let list: Value = serde_json::from_slice(&std::fs::read(to.join("backup.json")).unwrap()).unwrap();
    let held: Vec<&String> = list["files"].as_object().unwrap().keys().collect();
    for kind in ["state.db", "journal/", "keys/", "tls/"] {
        let name = held.iter().find(|name| name.starts_with(kind)).unwrap_or_else(|| panic!("{kind}: {held:?}"));
        let path = to.join(name);
        let bytes = std::fs::read(&path).unwrap();
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        let target = centre.path("never");
        let refused = run(words("restore", &["--from", from, "--data", target.to_str().unwrap()]));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(65) && said.contains(name.as_str()), "{name}: {said}");
        std::fs::remove_file(&path).unwrap();
        assert!(!run(words("restore", &["--from", from, "--rehearse"])).status.success(), "{name} is gone");
        std::fs::write(&path, &bytes).unwrap();
        assert!(!target.exists());
    }
    assert_eq!(json(words("restore", &["--from", from, "--rehearse"]))["root"], made["root"]);
    // A backup that broke off has no list.
    std::fs::remove_file(to.join("backup.json")).unwrap();
    assert_eq!(run(words("restore", &["--from", from, "--rehearse"])).status.code(), Some(65));
}
