//! The agent with nftables in a namespace: from a signed frame to a drop that packets prove.

use agent::EngineConfig;
use drivers::netns::{self, Available, Lab};
use drivers::run::Program;
use edge::wire::{ChangeLimits, Config, Intent};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::support::{Running, centre, demonstration};

/// Whether nftables can be driven here; if not, the test counts as skipped, or fails where nothing may be skipped.
fn can_run() -> bool {
    if netns::available() == Available::Root && Program::Nft.path().is_ok() {
        return true;
    }
    testkit::skip("nftables as root");
    false
}

fn reaches(lab: &Lab, source: &str, sensor: &UdpSocket) -> bool {
    let target = sensor.local_addr().unwrap();
    sensor.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let source: IpAddr = source.parse().unwrap();
    lab.attackers().run(|| UdpSocket::bind((source, 0)).unwrap().send_to(b"hello", target).unwrap()).unwrap();
    sensor.recv_from(&mut [0; 16]).is_ok_and(|(_, from)| from.ip() == source)
}

/// Target T16 on one machine: published -> enforced, read back and proved, receipt at the centre.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_means_dropped_and_proved() {
    if !can_run() {
        return;
    }
    let lab = Lab::build("lfagent", false).unwrap();
    let address: SocketAddr = "10.213.2.2:2222".parse().unwrap();
    let sensor = lab.sensors().run(|| UdpSocket::bind(address)).unwrap().unwrap();
    let centre = centre().await;
    let mut agent = Running::enrolled(&centre).await;
    agent.config.engine = EngineConfig::Nft {
        table: "lianfang".to_owned(),
        prefix: "lfagentp".to_owned(),
        namespace: Some("lfagent-gw".to_owned()),
        prove: true,
    };
    agent.resume();
    centre.publish(|hub| hub.deny(&["203.0.113.0/24"]));
    let receipt = centre.receipt("the first change", |r| r.sequence == 1).await;
    assert!(receipt.probe.is_proof(), "{receipt:?}");
    assert!(!reaches(&lab, "203.0.113.7", &sensor));
    assert!(reaches(&lab, "192.0.2.7", &sensor));

    let mut times = Vec::new();
    for n in 1..=100_u64 {
        let key = format!("192.0.2.{n}");
        let start = Instant::now();
        centre.publish(|hub| hub.deny(&[key.as_str()]));
        let receipt = centre.receipt("a change", |r| r.sequence == n + 1).await;
        times.push(start.elapsed());
        assert!(receipt.probe.is_proof(), "{receipt:?}");
    }
    times.sort_unstable();
    println!("published -> proved -> receipt at the centre (T16): p50 {:?}, p99 {:?}", times[50], times[98]);
    assert!(times[98] < Duration::from_millis(500), "T16: {:?}", times[98]);
    assert!(!reaches(&lab, "192.0.2.7", &sensor));

    // Somebody empties the set by hand: found, repaired, told, and dropped again.
    centre.forget_words();
    let start = Instant::now();
    let script = "flush set inet lianfang deny4_host\n";
    drivers::run::Run::new(Program::Nft).args(["-f", "-"]).input(script).within(&lab.gateway()).output().unwrap();
    let receipt = centre.receipt("the repair", |r| r.drift.is_some_and(|drift| drift.repaired)).await;
    println!("drift found, repaired and told after {:?}", start.elapsed());
    assert_eq!(receipt.drift.unwrap().missing, 100);
    assert!(receipt.probe.is_proof());
    assert!(!reaches(&lab, "192.0.2.7", &sensor));

    agent::kill::break_glass(&agent.config, true).unwrap();
    assert!(reaches(&lab, "192.0.2.7", &sensor), "break-glass acts at once");
    centre.receipt("the stop", |r| r.kill).await;
    agent::kill::break_glass(&agent.config, false).unwrap();
    assert!(!reaches(&lab, "192.0.2.7", &sensor));
    agent.stop().await;
    assert!(!reaches(&lab, "192.0.2.7", &sensor), "a stopped agent leaves its drops in force");
    let left = netns::list().unwrap();
    assert!(!left.iter().any(|name| name.starts_with("lfagentp")), "{left:?}");
}

/// Target T18 through the whole agent: verify, guard, keep, apply, read back, prove, receipt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_entries_through_the_agent() {
    if !can_run() {
        return;
    }
    let _lab = Lab::build("lfbulk", false).unwrap();
    let centre = centre().await;
    let mut agent = Running::enrolled(&centre).await;
    agent.config.engine = EngineConfig::Nft {
        table: "lianfang".to_owned(),
        prefix: "lfbulkp".to_owned(),
        namespace: Some("lfbulk-gw".to_owned()),
        prove: true,
    };
    agent.resume();
    let limits = ChangeLimits { entries: 1_000_000, floor: 1_000_000, ..ChangeLimits::default() };
    centre.publish(|hub| vec![hub.configure(Config { limits, ..demonstration() })]);
    centre.receipt("the configuration", |r| r.config_revision == 2).await;
    let frames = {
        let mut hub = centre.shared.hub.lock().unwrap();
        let adds = (0..100_000_u32)
            .map(|n| hub.entry(&std::net::Ipv4Addr::from(0x1000_0000 + n * 7).to_string(), Intent::Deny, 3_600))
            .collect();
        hub.change(adds, &[])
    };
    let start = Instant::now();
    centre.send(&frames);
    let receipt = centre.receipt("the whole change", |r| r.sequence == 1).await;
    println!(
        "100,000 entries: {:?} from the first frame to the receipt, of it {} ms in the engine",
        start.elapsed(),
        receipt.took_us / 1_000
    );
    assert_eq!((receipt.elements, receipt.read_back.changed), (100_000, 1_000));
    assert!(receipt.probe.is_proof());
    assert!(receipt.took_us < 1_000_000, "T18: {} us", receipt.took_us);
    agent.stop().await;
}
