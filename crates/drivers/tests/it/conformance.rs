//! What every driver must do, whatever its engine.

use base::AddrSpec;
use drivers::{Change, Driver, Element, FileConfig, FileList};
use edge::wire::{Collection, Intent, Probe};
use std::collections::BTreeMap;

use crate::support::{NOW, Namespace, can_run, deny, driver, element, key, place_of};

const CAP: usize = 100_000;

fn put(list: &[Element]) -> Change {
    Change { put: list.to_vec(), ..Change::default() }
}

fn del(list: &[Element]) -> Change {
    Change { del: list.iter().map(place_of).collect(), ..Change::default() }
}

fn held(driver: &mut dyn Driver, list: &[Element]) -> Vec<bool> {
    driver.read(&list.iter().map(place_of).collect::<Vec<_>>()).unwrap()
}

fn conforms(driver: &mut dyn Driver) {
    driver.install(NOW).unwrap();
    driver.replace(&[], NOW).unwrap();
    let all = [
        deny("203.0.113.7"),
        deny("198.51.100.0/25"),
        deny("2001:db8::5"),
        deny("2001:db8:5::/48"),
        element("203.0.113.99", Intent::Allow),
        element("2001:db8:9::/64", Intent::Allow),
    ];
    let first = driver.apply(&put(&all), NOW).unwrap();
    assert_eq!(held(driver, &all), [true; 6]);
    assert_eq!(held(driver, &[deny("203.0.113.8"), deny("198.51.100.0/24"), deny("203.0.113.99")]), [false; 3]);
    assert!(driver.compare(&all, CAP).unwrap().is_empty(), "{:?}", driver.compare(&all, CAP));

    // The same again, renewed, and removed twice: no error, and the generation never goes back.
    let again = driver.apply(&put(&all), NOW).unwrap();
    assert!(again.generation >= first.generation);
    let later: Vec<Element> = all.iter().map(|e| Element { expires: e.expires.plus_secs(600), ..*e }).collect();
    driver.apply(&Change { renew: later.clone(), ..Change::default() }, NOW).unwrap();
    assert_eq!(held(driver, &all), [true; 6]);
    driver.apply(&del(&all[..2]), NOW).unwrap();
    driver.apply(&del(&all[..2]), NOW).unwrap();
    assert_eq!(held(driver, &all), [false, false, true, true, true, true]);
    assert!(driver.compare(&all[2..], CAP).unwrap().is_empty());
    let difference = driver.compare(&all, CAP).unwrap();
    assert_eq!(difference.missing.len(), 2, "{difference:?}");

    // Stopped and resumed: the elements are as before.
    assert!(!driver.killed().unwrap());
    driver.kill(true).unwrap();
    assert!(driver.killed().unwrap());
    assert!(driver.compare(&all[2..], CAP).unwrap().is_empty());
    // What comes and goes meanwhile is taken and read back as ever: it is what will be denied again.
    assert_eq!(held(driver, &all), [false, false, true, true, true, true]);
    driver.apply(&put(&all[..1]), NOW).unwrap();
    driver.apply(&Change { renew: later[..1].to_vec(), ..Change::default() }, NOW).unwrap();
    driver.apply(&del(&all[2..3]), NOW).unwrap();
    assert_eq!(held(driver, &all), [true, false, false, true, true, true]);
    let meanwhile = [&all[..1], &all[3..]].concat();
    assert!(driver.compare(&meanwhile, CAP).unwrap().is_empty(), "{:?}", driver.compare(&meanwhile, CAP));
    driver.kill(false).unwrap();
    assert!(!driver.killed().unwrap());
    assert_eq!(held(driver, &all), [true, false, false, true, true, true]);
    assert!(driver.compare(&meanwhile, CAP).unwrap().is_empty());

    // A whole state in one step.
    driver.replace(&all[..3], NOW).unwrap();
    assert_eq!(held(driver, &all), [true, true, true, false, false, false]);
    assert!(driver.compare(&all[..3], CAP).unwrap().is_empty());
    driver.uninstall().unwrap();
}

#[test]
fn nft_conforms() {
    if can_run() {
        let namespace = Namespace::new("lfdconf");
        conforms(&mut driver(namespace.place(), "lfdconf", false));
    }
}

#[test]
fn file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&mut FileList::open(FileConfig { folder: folder.path().join("lists") }));
}

#[test]
fn a_list_is_readable_and_edits_are_found_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = FileList::open(FileConfig { folder: folder.path().to_owned() });
    list.install(NOW).unwrap();
    let all = [deny("203.0.113.7"), deny("198.51.100.0/25"), element("203.0.113.9", Intent::Allow)];
    list.replace(&all, NOW).unwrap();
    let path = folder.path().join("block-ip.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().skip(2).collect::<Vec<_>>(), ["198.51.100.0/25", "203.0.113.7"]);
    assert!(text.lines().take(2).all(|line| line.starts_with('#')), "{text}");
    assert_eq!(list.probe(), Probe::ReadBackOnly);

    std::fs::write(&path, "203.0.113.7\n203.0.113.8\n").unwrap();
    let difference = list.compare(&all, CAP).unwrap();
    assert_eq!(difference.missing, [all[1]]);
    assert_eq!(difference.extra, [(Collection::Ip4Host, key("203.0.113.8"))]);
    list.repair(&difference, &all, NOW).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert!(list.compare(&all, CAP).unwrap().is_empty());

    // Only one reader's worth of leftovers: no half-written file stays.
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_stopped_list_stays_stopped_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = FileConfig { folder: folder.path().to_owned() };
    let mut list = FileList::open(config.clone());
    list.install(NOW).unwrap();
    list.replace(&[deny("203.0.113.7")], NOW).unwrap();
    list.kill(true).unwrap();
    let mut again = FileList::open(config);
    assert!(again.killed().unwrap());
    again.replace(&[deny("203.0.113.7")], NOW).unwrap();
    assert!(!std::fs::read_to_string(folder.path().join("block-ip.txt")).unwrap().contains("203.0.113.7"));
    again.kill(false).unwrap();
    assert!(std::fs::read_to_string(folder.path().join("block-ip.txt")).unwrap().contains("203.0.113.7"));
}

/// Networks that contain each other come and go in random order; the engine always holds exactly what it should.
#[test]
fn nft_follows_overlapping_networks() {
    if !can_run() {
        return;
    }
    let namespace = Namespace::new("lfdover");
    let mut driver = driver(namespace.place(), "lfdover", false);
    driver.install(NOW).unwrap();
    driver.replace(&[], NOW).unwrap();
    let mut wanted: BTreeMap<AddrSpec, Element> = BTreeMap::new();
    let mut state = 7_u64;
    for round in 0..300 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let length = 12 + (state >> 33) % 21;
        let address = std::net::Ipv4Addr::from(
            ((16 << 24) | ((u32::try_from(state >> 40).unwrap() % 65_536) << 4)) & (u32::MAX << (32 - length)),
        );
        let element = deny(&format!("{address}/{length}"));
        if element.key.is_host() {
            continue;
        }
        let change = if wanted.remove(&element.key).is_some() {
            del(&[element])
        } else {
            wanted.insert(element.key, element);
            put(&[element])
        };
        driver.apply(&change, NOW).unwrap_or_else(|error| panic!("round {round}, {element:?}: {error}"));
        if round % 10 == 0 {
            let all: Vec<Element> = wanted.values().copied().collect();
            let difference = driver.compare(&all, CAP).unwrap();
            assert!(difference.is_empty(), "round {round}: {difference:?}");
            let read = held(&mut driver, &all);
            let wrong: Vec<_> = all.iter().zip(read).filter(|(_, held)| !held).map(|(e, _)| e.key).collect();
            assert!(wrong.is_empty(), "round {round}: {wrong:?} of {:?}", wanted.keys());
        }
    }
    assert!(wanted.len() > 50, "{}", wanted.len());
}
