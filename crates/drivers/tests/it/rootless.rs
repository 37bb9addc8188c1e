//! Everything again without root: the test starts itself inside an unprivileged user namespace.

use drivers::netns::{self, Available, Lab};
use drivers::{Driver, Nft, NftConfig};
use std::net::UdpSocket;
use std::time::Duration;

use crate::support::{NOW, can_run, deny, hosts};

const NAME: &str = "rootless::an_unprivileged_user_filters_and_proves_too";

#[test]
fn an_unprivileged_user_filters_and_proves_too() {
    if std::fs::read_to_string("/proc/self/uid_map").unwrap().split_whitespace().nth(2) != Some("4294967295") {
        return inside();
    }
    if can_run() {
        let again = netns::rootless([NAME, "--exact", "--nocapture"]).unwrap().limit(Duration::from_secs(60));
        let output = again.output().unwrap_or_else(|error| panic!("{error}"));
        assert!(output.stdout.contains("dropped and proved without root"), "{output:?}");
    }
}

fn inside() {
    netns::prepare_rootless().unwrap();
    assert_eq!(netns::available(), Available::Root, "root of its own namespace");
    let lab = Lab::build("lfdless", true).unwrap();
    let config = NftConfig { place: lab.gateway(), prefix: "lfdlessp".to_owned(), ..NftConfig::default() };
    let mut driver = Nft::open(config).unwrap();
    driver.install(NOW).unwrap();
    // More than a send buffer without privileges holds: the state goes to the kernel in pieces.
    let mut all = hosts(30_000);
    all.push(deny("203.0.113.0/24"));
    driver.replace(&all, NOW).unwrap();
    assert!(driver.compare(&all, 100_000).unwrap().is_empty());
    assert!(driver.probe().is_proof(), "{:?}", driver.probe());
    let sensor = lab.sensors().run(|| UdpSocket::bind("10.213.2.2:2222").unwrap()).unwrap();
    sensor.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let reaches = |source: &'static str| {
        let attack = move || UdpSocket::bind((source, 0)).unwrap().send_to(b"x", "10.213.2.2:2222").unwrap();
        lab.attackers().run(attack).unwrap();
        sensor.recv_from(&mut [0; 8]).is_ok()
    };
    assert!(!reaches("203.0.113.7"));
    assert!(reaches("192.0.2.7"));
    println!("dropped and proved without root");
}
