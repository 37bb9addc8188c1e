//! nftables itself: large changes, drift made by hand, proofs that fail when they must, and speed.

use drivers::run::{Program, Run};
use drivers::{Change, Difference, Driver, Element, Nft, Packets};
use edge::wire::{Collection, Intent, Probe};
use std::time::{Duration, Instant};

use crate::support::{NOW, Namespace, can_run, deny, driver, element, hosts, place_of};

fn nft(namespace: &Namespace, script: &str) {
    let run = Run::new(Program::Nft).args(["-f", "-"]).input(script).within(&namespace.place());
    run.limit(Duration::from_secs(120)).output().unwrap();
}

fn wrong(driver: &mut Nft, list: &[Element]) -> usize {
    let read = driver.read(&list.iter().map(place_of).collect::<Vec<_>>()).unwrap();
    read.iter().filter(|held| !**held).count()
}

/// Target T18: a change of 100,000 elements in less than a second; the command `nft` for comparison.
#[test]
fn large_changes_are_fast_and_complete() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfdlarge");
    let mut driver = driver(namespace.place(), "lfdlarge", false);
    driver.install(NOW).unwrap();
    driver.replace(&[], NOW).unwrap();
    let all = hosts(110_000);
    let (small, large) = all.split_at(10_000);
    let time = |what: &str, run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        println!("{what}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
        start.elapsed()
    };
    let put = |list: &[Element]| Change { put: list.to_vec(), ..Change::default() };
    let del = |list: &[Element]| Change { del: list.iter().map(place_of).collect(), ..Change::default() };
    time("netlink +10k", &mut || assert!(!driver.apply(&put(small), NOW).unwrap().retried));
    let took = time("netlink +100k (T18)", &mut || assert!(!driver.apply(&put(large), NOW).unwrap().retried));
    time("read back 1,000", &mut || assert_eq!(wrong(&mut driver, &all[..1_000]), 0));
    time("read back 110,000", &mut || assert_eq!(wrong(&mut driver, &all), 0));
    time("dump and compare 110,000", &mut || assert!(driver.compare(&all, 200_000).unwrap().is_empty()));
    time("netlink renew 100k", &mut || {
        driver.apply(&Change { renew: large.to_vec(), ..Change::default() }, NOW).unwrap();
    });
    time("netlink -10k", &mut || assert!(!driver.apply(&del(small), NOW).unwrap().retried));
    time("netlink -10k, all gone already", &mut || assert!(driver.apply(&del(small), NOW).unwrap().retried));
    assert_eq!(wrong(&mut driver, small), small.len());
    assert_eq!(wrong(&mut driver, large), 0);
    time("replace by 100k", &mut || assert!(driver.replace(large, NOW).is_ok()));
    time("install over 100k", &mut || driver.install(NOW).unwrap());
    assert!(driver.compare(large, 200_000).unwrap().is_empty(), "installing again keeps the elements");
    assert!(driver.compare(large, 1_000).is_err(), "a dump is never larger than its cap");
    let list: Vec<String> = small.iter().map(|element| element.key.to_string()).collect();
    let script = format!("add element inet lianfang deny4_host {{ {} }}\n", list.join(", "));
    time("command nft +10k", &mut || nft(&namespace, &script));
    driver.replace(&[], NOW).unwrap();
    let list: Vec<String> = large.iter().map(|element| element.key.to_string()).collect();
    let script = format!("add element inet lianfang deny4_host {{ {} }}\n", list.join(", "));
    time("command nft +100k", &mut || nft(&namespace, &script));
    assert!(took < Duration::from_secs(1), "T18: {took:?}");
}

#[test]
fn networks_in_the_thousands() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfdnets");
    let mut driver = driver(namespace.place(), "lfdnets", false);
    driver.install(NOW).unwrap();
    let nets: Vec<Element> =
        (0..20_000_u32).map(|n| deny(&format!("{}/28", std::net::Ipv4Addr::from(0x1000_0000 + n * 32)))).collect();
    driver.replace(&nets, NOW).unwrap();
    assert!(driver.compare(&nets, 100_000).unwrap().is_empty());
    let start = Instant::now();
    driver.apply(&Change { del: nets[..5_000].iter().map(place_of).collect(), ..Change::default() }, NOW).unwrap();
    println!("-5k of 20k networks: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    assert_eq!(wrong(&mut driver, &nets), 5_000);
    assert!(driver.compare(&nets[5_000..], 100_000).unwrap().is_empty());
}

#[test]
fn drift_by_hand_is_found_and_repaired() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfddrift");
    let mut driver = driver(namespace.place(), "lfddrift", false);
    driver.install(NOW).unwrap();
    let mut all = hosts(2_000);
    all.extend([deny("198.51.100.0/24"), element("203.0.113.9", Intent::Allow), deny("2001:db8::/48")]);
    driver.replace(&all, NOW).unwrap();
    let one = all[5].key;
    for (script, missing, extra, structure) in [
        (format!("delete element inet lianfang deny4_host {{ {one} }}"), 1, 0, false),
        ("add element inet lianfang deny4_host { 192.0.2.200 }".to_owned(), 0, 1, false),
        ("add element inet lianfang deny4_net { 192.0.2.0/24 }".to_owned(), 0, 2, false),
        ("flush set inet lianfang deny4_host".to_owned(), 2_000, 0, false),
        ("flush chain inet lianfang inbound".to_owned(), 0, 0, true),
        ("insert rule inet lianfang inbound accept".to_owned(), 0, 0, true),
        ("flush chain inet lianfang forward".to_owned(), 0, 0, true),
        ("delete table inet lianfang".to_owned(), 2_003, 0, true),
        ("flush ruleset".to_owned(), 2_003, 0, true),
    ] {
        assert!(!driver.disturbed().unwrap());
        nft(&namespace, &format!("{script}\n"));
        assert!(driver.disturbed().unwrap(), "{script}");
        let difference = driver.compare(&all, 100_000).unwrap();
        assert_eq!((difference.missing.len(), difference.structure), (missing, structure), "{script}");
        assert!(difference.extra.len() >= extra, "{script}: {:?}", difference.extra);
        driver.repair(&difference, &all, NOW).unwrap();
        let after = driver.compare(&all, 100_000).unwrap();
        assert!(after.is_empty(), "{script}: {} missing, extra {:?}", after.missing.len(), after.extra);
    }
    // A change meets a set that somebody emptied: it goes through in its tolerant form.
    nft(&namespace, "flush set inet lianfang deny4_host\nflush set inet lianfang deny4_net\n");
    let change = Change { del: vec![place_of(&all[0]), place_of(&all[2_000])], ..Change::default() };
    assert!(driver.apply(&change, NOW).unwrap().retried);
    assert_eq!(wrong(&mut driver, &[all[0], all[2_000]]), 2);
}

#[test]
fn other_tables_are_left_alone_and_a_foreign_form_is_replaced() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfdother");
    nft(&namespace, "table inet mine { set a { type ipv4_addr; elements = { 192.0.2.1 }; }; }\n");
    nft(&namespace, "table inet lianfang { set deny4_host { type inet_service; }; }\n");
    let mut driver = driver(namespace.place(), "lfdother", false);
    driver.install(NOW).unwrap();
    driver.replace(&[deny("203.0.113.7")], NOW).unwrap();
    assert_eq!(wrong(&mut driver, &[deny("203.0.113.7")]), 0);
    driver.uninstall().unwrap();
    let left = Run::new(Program::Nft).args(["list", "ruleset"]).within(&namespace.place()).output().unwrap().stdout;
    assert!(left.contains("192.0.2.1") && !left.contains("lianfang"), "{left}");
}

#[test]
fn packets_prove_each_generation_and_their_absence_is_told() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfdprove");
    let mut driver = driver(namespace.place(), "lfdprovep", true);
    driver.install(NOW).unwrap();
    driver.replace(&[], NOW).unwrap();
    assert_eq!(driver.ways(), ["input", "input6"], "this namespace does not forward");
    let mut times = Vec::new();
    for n in 0..200_u32 {
        let start = Instant::now();
        let host = deny(&std::net::Ipv4Addr::from(0x1000_0000 + n).to_string());
        driver.apply(&Change { put: vec![host], ..Change::default() }, NOW).unwrap();
        assert_eq!(wrong(&mut driver, &[host]), 0);
        let probe = driver.probe();
        times.push(start.elapsed());
        assert!(probe.is_proof(), "{n}: {probe:?}");
    }
    times.sort_unstable();
    println!("apply, read back, probe: p50 {:?}, p99 {:?}", times[100], times[197]);
    assert!(times[197] < Duration::from_millis(500), "T16 leaves no more to the agent: {:?}", times[197]);

    // Every way of not enforcing is seen by the packets alone.
    for script in [
        "flush set inet lianfang deny4_host",
        "flush set inet lianfang deny4_net",
        "flush chain inet lianfang input",
        "insert rule inet lianfang inbound accept",
        "insert rule inet lianfang inbound drop",
        "delete table inet lianfang",
    ] {
        nft(&namespace, &format!("{script}\n"));
        let probe = driver.probe();
        assert!(!probe.is_proof() && !probe.is_clean(), "{script}: {probe:?}");
        driver.install(NOW).unwrap();
        driver.replace(&[], NOW).unwrap();
        assert!(driver.probe().is_proof(), "after {script}: {:?}", driver.probe());
    }
    // The proof itself is taken apart by hand: that is said, and repaired.
    drivers::netns::remove("lfdprovep-prb").unwrap();
    assert!(matches!(driver.probe(), Probe::Failed { .. }), "{:?}", driver.probe());
    driver.repair(&Difference { structure: true, ..Difference::default() }, &[], NOW).unwrap();
    assert!(driver.probe().is_proof(), "{:?}", driver.probe());
    // Another firewall stands in the way of every free packet: nothing can be proved, and nothing is claimed.
    nft(&namespace, "table inet other { chain input { type filter hook input priority 0; policy drop; }; }\n");
    assert!(!driver.probe().is_clean());
    driver.repair(&Difference { structure: true, ..Difference::default() }, &[], NOW).unwrap();
    assert_eq!((driver.probe(), driver.capabilities().packets), (Probe::ReadBackOnly, Packets::NotHere));
    nft(&namespace, "delete table inet other\n");
    driver.repair(&Difference { structure: true, ..Difference::default() }, &[], NOW).unwrap();
    assert!(driver.probe().is_proof(), "{:?}", driver.probe());

    driver.kill(true).unwrap();
    assert_eq!(driver.probe(), Probe::ReadBackOnly);
    let all = [Element { collection: Collection::Ip4Host, ..deny("203.0.113.5") }];
    driver.replace(&all, NOW).unwrap();
    assert!(driver.compare(&all, 1_000).unwrap().is_empty(), "canaries are not drift");
}
