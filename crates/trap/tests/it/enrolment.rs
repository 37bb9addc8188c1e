//! Enrolment by authority and by pin, and what is refused.

use crate::bed;
use crate::centre::{CODE, Centre};
use base::Coded;
use std::os::unix::fs::MetadataExt;
use trap::{EnrolTrust, TrapError, enrol};

#[tokio::test]
async fn by_authority_or_pin_and_the_key_stays_private() {
    let centre = Centre::prepare().await;
    centre.serve().await;
    for trust in [EnrolTrust::CaPem(centre.ca_pem.clone()), EnrolTrust::parse(&centre.ca_sha256).unwrap()] {
        let dir = tempfile::tempdir().unwrap();
        let enrolled = enrol(&centre.url(), CODE, "s1", &trust, dir.path()).await.unwrap();
        assert_eq!((enrolled.id.as_str(), enrolled.machine_url), ("0198", centre.url()));
        for file in ["machine.pem", "ca.pem", "identity.json", "sensor.toml"] {
            assert_eq!(std::fs::metadata(dir.path().join(file)).unwrap().mode() & 0o777, 0o600, "{file}");
        }
    }
}

#[tokio::test]
async fn a_wrong_code_another_authority_or_no_centre_is_refused() {
    let (centre, other) = (Centre::prepare().await, Centre::prepare().await);
    centre.serve().await;
    let dir = tempfile::tempdir().unwrap();
    let trust = EnrolTrust::CaPem(centre.ca_pem.clone());
    let refused = enrol(&centre.url(), "guess", "s", &trust, dir.path()).await.unwrap_err();
    assert_eq!(refused.problem().code.id, "LF-TRP-0006");
    for wrong in [EnrolTrust::CaPem(other.ca_pem.clone()), EnrolTrust::parse(&other.ca_sha256).unwrap()] {
        let refused = enrol(&centre.url(), CODE, "s", &wrong, dir.path()).await.unwrap_err();
        assert_eq!(refused.problem().code.id, "LF-TRP-0005", "{refused}");
    }
    let away = enrol(&other.url(), CODE, "s", &trust, dir.path()).await.unwrap_err();
    assert_eq!(away.problem().code.id, "LF-TRP-0005");
    assert!(!dir.path().join("identity.json").exists(), "a refused enrolment leaves no identity");
}

#[tokio::test]
async fn nothing_runs_without_identity_or_as_root_by_accident() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let config = trap::NodeConfig {
        listen: vec!["x"].into_iter().flat_map(|_| trap::NodeConfig::default().listen).collect(),
        ..bed::settings(dir.path())
    };
    let refused = trap::run(config, base::Env::system(), cancel.clone()).await.unwrap_err();
    assert!(matches!(refused, TrapError::NoIdentity("identity.json")));
    if rustix::process::geteuid().is_root() {
        let config = trap::NodeConfig {
            allow_root: false,
            listen: trap::NodeConfig::default().listen,
            ..bed::settings(dir.path())
        };
        assert!(matches!(trap::run(config, base::Env::system(), cancel).await, Err(TrapError::Root)));
    } else {
        testkit::skip("root");
    }
}

#[tokio::test]
async fn the_heartbeat_says_how_the_sensor_is_and_probes_leave_no_events() {
    let (centre, sensor, _dir) = bed::pair().await;
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let beat = loop {
        let beats = centre.seen.lock().unwrap().heartbeats.clone();
        if beats.len() >= 2 {
            break beats[1].clone();
        }
        assert!(tokio::time::Instant::now() < end, "no second heartbeat");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(beat["probes"].as_array().unwrap().len(), 2);
    for probe in beat["probes"].as_array().unwrap() {
        assert_eq!(probe["ok"], true, "{beat}");
        assert_eq!(probe["banner_sha256"].as_str().unwrap().len(), 64);
    }
    assert!(beat["rss_bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(beat["config_hash"].as_str().unwrap().len(), 64);
    sensor.stop().await;
    assert!(centre.seen.lock().unwrap().events.is_empty(), "an own probe became an event");
}
