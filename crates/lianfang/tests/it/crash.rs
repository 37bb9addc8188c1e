//! kill -9 at random points while lines come in: nothing acknowledged is lost, nothing appears twice.

use std::time::Duration;

use crate::centre::{Centre, each_store};
use crate::contract::cowrie;

/// Kills while the ingest command runs, restarts, lets the command go on, and compares with the exact union.
async fn kills(store: Option<&str>, rounds: u64) {
    let mut centre = Centre::start(store).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let file = centre.path("cowrie.json");
    let sessions = 12_000;
    std::fs::write(&file, cowrie(sessions)).unwrap();
    let file = file.to_str().unwrap().to_owned();
    for round in 0..rounds {
        let mut sender = crate::centre::command()
            .args(["ingest", "--format", "cowrie", "--org", "north-power", "--json", &file])
            .env("LIANFANG_URL", centre.url())
            .env("LIANFANG_TOKEN_FILE", centre.path("token"))
            .env("LIANFANG_CA", centre.path("data/tls/ca.pem"))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // A different moment of the work each time: while parsing, journalling, folding, committing.
        tokio::time::sleep(Duration::from_millis(35 + round * 53 % 400)).await;
        centre.crash_and_restart().await;
        // The sender waits for the centre and goes on, or gives up: both are safe.
        sender.kill().unwrap();
        sender.wait().unwrap();
    }
    let last = centre.json(&["ingest", "--format", "cowrie", "--org", "north-power", "--json", &file]);
    let lines = 4 * sessions as u64;
    let (accepted, duplicate) = (last["accepted"].as_u64().unwrap(), last["duplicate"].as_u64().unwrap());
    assert_eq!((accepted + duplicate, last["rejected"].as_u64().unwrap()), (lines, 0), "{last}");
    assert_eq!(centre.settled_events(lines).await, lines, "every acknowledged event is there, none twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_loses_and_doubles_nothing() {
    each_store(async |store| kills(store, 8).await).await;
}
