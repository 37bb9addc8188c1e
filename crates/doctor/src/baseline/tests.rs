//! Whether the table is whole, its evidence exists, and its verdicts follow the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use access::Settings;
use access::settings::PasswordProfile;
use base::Timestamp;
use sensor::settings::{Days, Retention};
use text::Lang;

use super::*;

/// Settings of an installation, to be changed.
struct Place {
    listen: &'static str,
    store: &'static str,
    access: Settings,
    sensor: sensor::Settings,
}

impl Default for Place {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8443", store: "", access: Settings::default(), sensor: sensor::Settings::default() }
    }
}

impl Place {
    fn answers(&self, checks: &[Check]) -> Vec<Answer> {
        let at = Installation {
            data: Path::new("/nowhere"),
            config: None,
            listen: self.listen,
            listen_machines: "127.0.0.1:8444",
            store: self.store,
            journal_most: 8 << 30,
            keep_free: 512 << 20,
            access: &self.access,
            sensor: &self.sensor,
            now: Timestamp::EPOCH,
        };
        answer(&at, checks)
    }

    fn status(&self, id: u8) -> Status {
        self.answers(&[]).iter().find(|answer| answer.id == id).expect("a measure").status
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_table_is_whole() {
    let answers = Place::default().answers(&[]);
    assert_eq!(answers.iter().map(|answer| answer.id).collect::<Vec<_>>(), (1..=80).collect::<Vec<u8>>());
    let of = |keep: &dyn Fn(&Answer) -> bool| answers.iter().filter(|answer| keep(answer)).count();
    let levels = [Level::Basic, Level::Medium, Level::High].map(|level| of(&|answer| answer.level == level));
    assert_eq!(levels, [45, 17, 18]);
    let cells = Aspect::ALL.map(|aspect| {
        [Level::Basic, Level::Medium, Level::High]
            .map(|level| of(&|answer| answer.aspect == aspect && answer.level == level))
    });
    let table = [[10, 2, 2], [9, 2, 2], [3, 2, 3], [8, 3, 1], [12, 4, 3], [0, 0, 5], [3, 4, 2]];
    assert_eq!(cells, table);
    assert_eq!(cells.map(|cell| cell.iter().sum::<usize>()), [14, 13, 8, 12, 19, 5, 9]);
    let measures: BTreeSet<&str> = answers.iter().map(|answer| answer.measure).collect();
    assert_eq!(measures.len(), 80, "each in words of its own");
}

#[test]
fn words_are_taiwanese_and_translated() {
    for answer in Place::default().answers(&[]) {
        let (zh, en) = (answer.evidence.pick(Lang::ZhTw), answer.evidence.pick(Lang::En));
        let place = answer.id;
        for text in [answer.measure, zh] {
            assert_eq!(text::lint::mainland(text), [], "{place}: {text}");
        }
        assert!(zh.chars().any(text::lint::is_cjk), "{place}: {zh}");
        assert!(!en.chars().any(text::lint::is_cjk), "{place}: {en}");
        assert!(zh.len() > 10 && en.len() > 10, "{place}: too little is said");
    }
}

#[test]
fn what_is_met_is_shown_and_who_must_act_is_named() {
    for answer in Place::default().answers(&[]) {
        let text = answer.evidence.pick(Lang::En);
        if answer.status == Status::Met {
            assert!(text.contains("[test: ") || text.contains("[setting: "), "{}: {text}", answer.id);
        }
        assert_eq!(answer.status == Status::Operator, answer.who == Who::Operator, "{}", answer.id);
    }
}

/// Rust sources of a crate, with their text.
fn sources(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            into.push((path, text));
        }
    }
}

/// Whether `crate::path::name` is a test: its crate has the function under a test attribute, in a file of that path.
fn is_test(crates: &mut BTreeMap<String, Vec<(PathBuf, String)>>, named: &str) -> bool {
    let parts: Vec<&str> = named.split("::").collect();
    let [room, path @ .., name] = parts.as_slice() else { return false };
    let files = crates.entry((*room).to_owned()).or_insert_with(|| {
        let folder = if *room == "xtask" { root().join("xtask") } else { root().join("crates").join(room) };
        let mut files = Vec::new();
        for part in ["src", "tests"].map(|part| folder.join(part)).iter().filter(|part| part.is_dir()) {
            sources(part, &mut files);
        }
        files
    });
    // `tests` may be a module inside its file; every other word of the path is a file's or a folder's name.
    let words: Vec<&str> = path.iter().copied().filter(|word| *word != "tests").collect();
    files.iter().any(|(file, text)| {
        let place = file.with_extension("");
        let there = words.iter().all(|word| place.components().any(|part| part.as_os_str() == *word));
        there
            && text.split(&format!("fn {name}(")).next().is_some_and(|before| {
                before.len() < text.len()
                    && before
                        .rsplit("fn ")
                        .next()
                        .is_some_and(|since| since.contains("test]") || since.contains("#[tokio::test("))
            })
    })
}

#[test]
fn every_test_that_is_named_exists() {
    let mut crates = BTreeMap::new();
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for answer in Place::default().answers(&[]) {
        named.extend(answer.tests.iter().copied());
    }
    assert!(named.len() > 60, "{}", named.len());
    let gone: Vec<_> = named.into_iter().filter(|name| !is_test(&mut crates, name)).collect();
    assert!(gone.is_empty(), "evidence names tests that are not there: {gone:?}");
    for wrong in [
        "access::it::sign_in::nobody_wrote_this",
        "access::it::setup::idle_and_absolute_limits",
        "access",
        "base::net::parse",
    ] {
        assert!(!is_test(&mut crates, wrong), "{wrong}");
    }
}

#[test]
fn the_verdict_follows_the_settings() {
    let (met, operator) = (Status::Met, Status::Operator);
    let access = |change: fn(&mut Settings)| {
        let mut place = Place::default();
        change(&mut place.access);
        place
    };
    let usual = Place::default();
    assert_eq!([3, 6, 40, 59, 13].map(|id| usual.status(id)), [met; 5]);
    assert_eq!([15, 41, 42].map(|id| usual.status(id)), [operator; 3]);
    let gov = access(|settings| settings.password_profile = PasswordProfile::TwGov);
    assert_eq!([41, 42].map(|id| gov.status(id)), [met; 2]);
    assert_eq!(access(|settings| settings.lockout_failures = 6).status(40), operator);
    assert_eq!(access(|settings| settings.lockout_minutes = 1).status(40), met, "less than fifteen counts as fifteen");
    assert_eq!(access(|settings| settings.idle_minutes = 61).status(6), operator);
    assert_eq!(access(|settings| settings.session_hours = 25).status(6), operator);
    assert_eq!(access(|settings| settings.idle_days = 366).status(3), operator);
    let kept = |events: Days, sessions: Days| {
        let sensor = sensor::Settings { retention: Retention { events, sessions }, ..Default::default() };
        Place { sensor, ..Place::default() }.status(15)
    };
    assert_eq!(kept(Days::of(184), Days::of(184)), met);
    assert_eq!(kept(Days::of(0), Days::of(0)), met, "for ever");
    assert_eq!(kept(Days { red: 183, ..Days::of(400) }, Days::of(400)), operator);
    assert_eq!(kept(Days::of(400), Days { clear: 30, ..Days::of(400) }), operator);
    for (listen, status) in
        [("192.0.2.1:8443", met), ("0.0.0.0:8443", operator), ("[::]:8443", operator), ("centre:1", operator)]
    {
        assert_eq!(Place { listen, ..Place::default() }.status(59), status, "{listen}");
    }
    let clear = Place { store: "postgres://u@192.0.2.1/x?sslmode=disable", ..Place::default() };
    assert_eq!(clear.status(13), operator);
}

#[test]
fn what_was_found_in_the_installation_is_told() {
    let check = |id, word| Check { id, word, evidence: Say::of("所見", "seen it"), act: None };
    let text = |checks: &[Check], id: u8| {
        let answers = Place::default().answers(checks);
        answers.iter().find(|answer| answer.id == id).expect("a measure").evidence.pick(Lang::En).to_owned()
    };
    assert!(text(&[], 70).starts_with("Key files have mode 0600"));
    assert!(text(&[check("files.secret", Word::Bad)], 70).starts_with("Modes or owners"));
    assert!(text(&[check("files.config", Word::Bad)], 71).contains("open to others"));
    assert!(text(&[check("host.clock", Word::Unknown)], 24).contains("Seen: seen it"));
}

/// The rows of the scoreboard, each with the tests of its proofs as `crate::path::name`.
fn scoreboard() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(root().join("docs/security/scoreboard.toml")).expect("the scoreboard");
    let table: toml::Table = text.parse().expect("a table");
    let word = |value: &toml::Value| value.as_str().expect("a word").to_owned();
    let proofs = |row: &toml::Value| -> Vec<String> {
        let all = row.get("proof").and_then(toml::Value::as_array).into_iter().flatten();
        all.flat_map(|proof| {
            let room = word(&proof["of"]).replace("/bin", "").replace('/', "::");
            let tests = proof["tests"].as_array().expect("tests").iter();
            tests.map(|test| format!("{room}::{}", word(test))).collect::<Vec<_>>()
        })
        .collect()
    };
    table["row"].as_array().expect("rows").iter().map(|row| (word(&row["id"]), proofs(row))).collect()
}

#[test]
fn every_test_of_the_scoreboard_exists() {
    let mut crates = BTreeMap::new();
    let named: Vec<String> = scoreboard().into_values().flatten().collect();
    assert!(named.len() > 100, "{}", named.len());
    let gone: Vec<&String> = named.iter().filter(|name| !is_test(&mut crates, name)).collect();
    assert!(gone.is_empty(), "the scoreboard names tests that are not there: {gone:?}");
}

#[test]
fn the_rows_without_proof_are_named() {
    let without: Vec<String> =
        scoreboard().into_iter().filter(|(_, proofs)| proofs.is_empty()).map(|(id, _)| id).collect();
    assert_eq!(without.join(", "), acquisition::UNPROVED);
}

#[test]
fn the_pages_tell_the_counts() {
    let answers = Place::default().answers(&[]);
    let [met, operator, gap] = Status::ALL.map(|status| answers.iter().filter(|row| row.status == status).count());
    let read = |name: &str| fs::read_to_string(root().join("docs/security").join(name)).expect("a page");
    let told = format!("{met} of the 80 are met, {operator} are the operator's task, {gap} are gaps");
    assert!(read("README.md").contains(&told), "docs/security/README.md: {told}");
    let told = format!("of the 80 measures {gap} are gaps");
    assert!(read("scoreboard.toml").contains(&told), "docs/security/scoreboard.toml: {told}");
}

#[test]
fn the_threat_model_names_its_proofs() {
    let page = fs::read_to_string(root().join("docs/security/threat-model.md")).expect("the threat model");
    let known = scoreboard();
    let mut actors = 0;
    for part in page.split("\n## ").skip(1).filter(|part| part.starts_with(|first: char| first.is_ascii_digit())) {
        actors += 1;
        let title = part.lines().next().unwrap_or_default();
        for heading in ["**Holds.**", "**Worst case.**", "**Rule.**", "**Proof.**", "**Not built.**", "**Risk.**"] {
            assert_eq!(part.matches(heading).count(), 1, "{title}: {heading}");
        }
        let proof = part.lines().find(|line| line.starts_with("**Proof.**")).unwrap_or_default();
        let ids: Vec<&str> = proof
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| {
                word.len() == 3 && word.strip_prefix(['R', 'S']).is_some_and(|number| number.parse::<u8>().is_ok())
            })
            .collect();
        assert!(!ids.is_empty(), "{title}: names no row of the scoreboard");
        for id in ids {
            assert!(known.contains_key(id), "{title}: {id} is no row of the scoreboard");
        }
        assert!(["low", "medium", "high"].iter().any(|grade| part.contains(&format!("**Risk.** {grade}"))), "{title}");
    }
    assert_eq!(actors, 12);
}
