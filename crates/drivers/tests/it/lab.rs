//! The small world: packets really go from the attackers through the gateway to the sensors, and nothing stays.

use drivers::netns::{self, Lab, Place};
use drivers::run::Program;
use drivers::{Driver, NftConfig};
use edge::wire::Intent;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use crate::support::{NOW, can_run, deny, element};

/// Whether a packet from `source` (in the attackers' place) reaches `sensor`.
fn reaches(lab: &Lab, source: &str, sensor: &UdpSocket) -> bool {
    let target = sensor.local_addr().unwrap();
    sensor.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let source: IpAddr = source.parse().unwrap();
    lab.attackers().run(|| UdpSocket::bind((source, 0)).unwrap().send_to(b"hello", target).unwrap()).unwrap();
    matches!(sensor.recv_from(&mut [0; 16]), Ok((5, from)) if from.ip() == source)
}

fn listen(place: &Place, address: &str) -> UdpSocket {
    let address: SocketAddr = address.parse().unwrap();
    place.run(|| UdpSocket::bind(address)).unwrap().unwrap()
}

#[test]
fn attackers_reach_sensors_until_the_gateway_denies_them() {
    if !can_run() {
        return;
    }
    let lab = Lab::build("lfdlab", false).unwrap();
    let four = listen(&lab.sensors(), "10.213.2.33:2222");
    let six = listen(&lab.sensors(), "[fd00:d5:2::2]:2222");
    for source in ["192.0.2.1", "198.51.100.77", "203.0.113.254"] {
        assert!(reaches(&lab, source, &four), "{source}");
    }
    assert!(reaches(&lab, "2001:db8::1", &six));

    let config = NftConfig { place: lab.gateway(), prefix: "lfdlabp".to_owned(), ..NftConfig::default() };
    let mut driver = drivers::Nft::open(config).unwrap();
    driver.install(NOW).unwrap();
    assert_eq!(driver.ways(), ["input", "input6", "forward", "forward6"]);
    let all = [deny("203.0.113.0/24"), deny("192.0.2.1"), deny("2001:db8::1"), element("203.0.113.254", Intent::Allow)];
    driver.replace(&all, NOW).unwrap();
    assert!(driver.probe().is_proof(), "{:?}", driver.probe());
    let before = driver.dropped().unwrap().unwrap();
    assert!(!reaches(&lab, "203.0.113.7", &four), "a denied network");
    assert!(!reaches(&lab, "192.0.2.1", &four), "a denied host");
    assert!(!reaches(&lab, "2001:db8::1", &six), "a denied IPv6 host");
    assert!(driver.dropped().unwrap().unwrap() >= before + 3);
    assert!(reaches(&lab, "203.0.113.254", &four), "allow beats deny");
    assert!(reaches(&lab, "192.0.2.2", &four), "a free neighbour");
    assert!(reaches(&lab, "2001:db8::2", &six), "a free IPv6 neighbour");

    driver.kill(true).unwrap();
    assert!(reaches(&lab, "192.0.2.1", &four), "nothing is denied while stopped");
    driver.kill(false).unwrap();
    assert!(!reaches(&lab, "192.0.2.1", &four), "denied again");
    drop(driver);
    drop(lab);
    let left = netns::list().unwrap();
    assert!(!left.iter().any(|name| name.starts_with("lfdlab")), "{left:?}");
}

#[test]
fn a_crashed_lab_is_removed_with_what_ran_in_it() {
    if !can_run() {
        return;
    }
    let lab = Lab::build("lfdcrash", true).unwrap();
    let mut sleeper = lab.spawn_in(&lab.sensors(), Program::Unshare, ["--", "/bin/sleep", "600"], None).unwrap();
    std::mem::forget(lab);
    Lab::remove("lfdcrash").unwrap();
    assert!(!sleeper.wait(Duration::from_secs(5)).unwrap().success(), "it was killed");
    assert!(!netns::list().unwrap().iter().any(|name| name.starts_with("lfdcrash")));
    Lab::remove("lfdcrash").unwrap();
    assert!(Lab::remove("Bad-prefix").is_err());
}

#[test]
fn the_centre_is_reached_over_the_uplink() {
    if !can_run() {
        return;
    }
    let lab = Lab::build("lfdup", true).unwrap();
    let centre = std::net::TcpListener::bind((lab.centre_address(), 0)).unwrap();
    let target = centre.local_addr().unwrap();
    for place in [lab.gateway(), lab.sensors()] {
        let dialled = place.run(|| std::net::TcpStream::connect_timeout(&target, Duration::from_secs(2)));
        assert!(dialled.unwrap().is_ok(), "{place:?}");
    }
}
