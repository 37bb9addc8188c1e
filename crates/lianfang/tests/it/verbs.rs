//! Every verb of the command line against a running centre: what it answers, how it ends, and what a caller is told who
//! may not. The list of verbs is the program's own help: a verb that no line here runs fails the test.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

use crate::centre::{Centre, command};
use crate::contract::herd;
use crate::person::{PASSWORD, Person};

/// Verbs that no line of this file runs, and where they run instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("serve", "every test of this folder starts it"),
    ("demo", "makes network namespaces; the browser suite starts it"),
];

/// The verbs as the program's help tells them.
fn verbs(words: &[String]) -> Vec<String> {
    let output = command().args(words).arg("--help").output().expect("help is printed");
    assert!(output.status.success(), "{words:?} --help");
    let text = String::from_utf8(output.stdout).expect("text");
    let listed = text.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A line of a verb begins after two spaces; a longer explanation goes on further right.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names: Vec<&str> =
        names.filter_map(|rest| rest.split_whitespace().next()).filter(|name| *name != "help").collect();
    if names.is_empty() {
        return vec![words.join(" ")];
    }
    names.iter().flat_map(|name| verbs(&[words, &[(*name).to_owned()]].concat())).collect()
}

/// What a caller without the right is answered.
#[derive(Clone, Copy, PartialEq)]
enum Weak {
    /// Refused with a code.
    Refused,
    /// Allowed: anybody who is signed in may.
    Allowed,
    /// It asks no centre.
    Local,
}

struct Desk {
    centre: Centre,
    ran: BTreeSet<String>,
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Desk {
    /// The code of the refusal that a command ended with.
    fn refusal(&self, file: &str, words: &[&str]) -> String {
        let output = self.centre.run_as(file, words);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?} as {file}: {said}");
        let last = said.lines().last().unwrap_or_default();
        let error: Value = serde_json::from_str(last).unwrap_or_else(|e| panic!("{words:?} as {file}: {e}: {said}"));
        assert_eq!(error["kind"], "error", "{words:?}");
        error["code"].as_str().unwrap_or_else(|| panic!("{words:?} as {file} has no code: {said}")).to_owned()
    }

    /// Runs a verb: first as somebody unknown and as a token that may nothing, then as `file`. Its lines of JSON.
    fn verb(&mut self, weak: Weak, file: &str, verb: &str, rest: &[&str]) -> Vec<Value> {
        let words: Vec<&str> = verb.split(' ').chain(rest.iter().copied()).collect();
        let asked = [&words[..], &["--json"]].concat();
        if weak != Weak::Local {
            assert_eq!(self.refusal("unknown", &asked), "LF-API-0003", "{words:?}");
        }
        if weak == Weak::Refused {
            let code = self.refusal("weak", &asked);
            assert!(["LF-ACC-0003", "LF-ACC-0004", "LF-ACC-0006"].contains(&code.as_str()), "{words:?}: {code}");
        }
        let output = self.centre.run_as(file, &asked);
        assert_eq!(output.status.code(), Some(0), "{words:?} as {file}: {}", stderr(&output));
        self.ran.insert(verb.to_owned());
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{words:?}: {e}: {line}")))
            .collect()
    }

    /// As the administrator's token; the first line.
    fn admin(&mut self, verb: &str, rest: &[&str]) -> Value {
        self.one("token", verb, rest)
    }

    fn one(&mut self, file: &str, verb: &str, rest: &[&str]) -> Value {
        let mut lines = self.verb(Weak::Refused, file, verb, rest);
        assert!(!lines.is_empty(), "{verb} {rest:?} printed nothing");
        lines.swap_remove(0)
    }

    /// The same list for people: a heading and a line a row.
    fn table(&self, words: &[&str], heading: &str) {
        let output = self.centre.run(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.lines().next().unwrap_or_default().contains(heading),
            "{words:?}: {text}"
        );
        assert!(text.lines().count() > 1, "{words:?}: {text}");
    }

    /// A verb that prints words only and asks no centre.
    fn plain(&mut self, verb: &str, rest: &[&str]) -> String {
        let words: Vec<&str> = verb.split(' ').chain(rest.iter().copied()).collect();
        let output = self.centre.run(&words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
        self.ran.insert(verb.to_owned());
        String::from_utf8(output.stdout).expect("text")
    }

    fn path(&self, name: &str) -> String {
        self.centre.path(name).to_str().expect("a path").to_owned()
    }

    /// Signs somebody in with `lianfang sign-in` and a recovery code.
    fn sign_in(&mut self, person: &mut Person) -> String {
        let (password, out) = (self.path("password"), self.path(&person.name));
        let code = person.recovery.pop().expect("a recovery code");
        let words =
            ["--name", &person.name, "--password-file", &password, "--code", &code, "--recovery", "--out", &out];
        let told = self.verb(Weak::Local, "unknown", "sign-in", &words).remove(0);
        assert_eq!((&told["person"], &told["file"]), (&json!(person.id), &json!(out)), "{told}");
        assert!(told.get("secret").is_none(), "it stands in the file only");
        let meta = std::fs::metadata(&out).expect("a session file");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read_to_string(&out).expect("a session").starts_with("lfp_"));
        person.name.clone()
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id: {value}")).to_owned()
}

/// The night begins an hour ago, so that one officer may approve alone.
pub(crate) fn night() -> Vec<(&'static str, String)> {
    let hour = base::Env::system().now().as_secs() / 3_600 % 24;
    vec![
        ("LIANFANG_ACCESS__NIGHT_SHIFT__ENABLED", "true".to_owned()),
        ("LIANFANG_ACCESS__ZONE", "UTC".to_owned()),
        ("LIANFANG_ACCESS__NIGHT_SHIFT__FROM", format!("{:02}:00", (hour + 23) % 24)),
        ("LIANFANG_ACCESS__NIGHT_SHIFT__TO", format!("{:02}:00", (hour + 4) % 24)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_works_and_says_why_not() {
    let night = night();
    let night: Vec<(&str, &str)> = night.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let centre = Centre::start_with(None, &night).await;
    let weak = centre.path("weak");
    let weak = weak.to_str().expect("a path");
    centre.json(&["token", "create", "--name", "weak", "--scope", "read_wall", "--out", weak, "--json"]);
    std::fs::write(centre.path("unknown"), "lft_unknown").expect("a file");
    std::fs::write(centre.path("password"), format!("{PASSWORD}\n")).expect("a file");
    let mut desk = Desk { centre, ran: BTreeSet::new() };
    organisations(&mut desk);
    accounts(&mut desk).await;
    let mut people = Vec::new();
    for (name, roles) in [("officer", ["duty_officer"]), ("second", ["duty_officer"]), ("chief", ["administrator"])] {
        let mut person = Person::join(&desk.centre, name, &roles).await;
        desk.sign_in(&mut person);
        people.push(person);
    }
    findings(&mut desk).await;
    indicators(&mut desk);
    blocks(&mut desk);
    machines(&mut desk);
    audit_and_settings(&mut desk).await;
    sessions(&mut desk, &people[0]);
    piped(&desk, &mut people[2]);
    let name = people[0].name.clone();
    let data = desk.path("data");
    assert!(desk.centre.stop().success());
    assert!(desk.plain("user recover", &[&name, "--data", &data]).contains("/invite/"));
    // Nothing is left out, and nothing is there that the help does not tell.
    let told: BTreeSet<String> = verbs(&[]).into_iter().collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(verb, _)| (*verb).to_owned()).collect();
    let ran: BTreeSet<String> = desk.ran.union(&elsewhere).cloned().collect();
    assert!(told.len() > 50, "{told:?}");
    assert_eq!(told.symmetric_difference(&ran).collect::<Vec<_>>(), Vec::<&String>::new());
    // A word that no verb knows is a usage error, whatever else was said.
    for verb in &told {
        let output = command().args(verb.split(' ')).arg("--no-such-word").output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{verb}: {}", stderr(&output));
    }
}

fn organisations(desk: &mut Desk) {
    desk.admin("org add", &["north-power", "--zh", "北區電力", "--network", "9.9.9.0/24"]);
    desk.admin("org add", &["short-lived"]);
    assert_eq!(desk.verb(Weak::Refused, "token", "org list", &[]).len(), 3);
    desk.table(&["org", "list"], "NAME");
    let set = desk.admin("org set", &["north-power", "--criticality", "critical", "--level", "A"]);
    assert_eq!((&set["criticality"], &set["level"]), (&json!("critical"), &json!("A")));
    let part = id(&desk.admin("org add-part", &["north-power", "--asn", "AS64500"]));
    let contact = id(&desk.admin("org add-contact", &["north-power", "--who", "陳大文", "--role", "security"]));
    let shown = desk.admin("org show", &["north-power"]);
    assert_eq!(
        (&shown["parts"]["asns"][0]["id"], &shown["parts"]["contacts"][0]["id"]),
        (&json!(part), &json!(contact))
    );
    desk.admin("org end-part", &["north-power", "asn", &part]);
    desk.admin("org end-part", &["north-power", "contact", &contact]);
    let now = desk.admin("org show", &["north-power"]);
    let left = |list: &str| {
        now["parts"][list].as_array().map_or(0, |rows| rows.iter().filter(|row| row["to"].is_null()).count())
    };
    assert_eq!((left("asns"), left("contacts"), left("networks")), (0, 0, 1), "{now}");
    assert_eq!(desk.admin("org whose", &["9.9.9.9"])["org"]["name"], "north-power");
    desk.admin("org end", &["short-lived"]);
    assert_eq!(desk.verb(Weak::Refused, "token", "org list", &[]).len(), 2);
}

async fn accounts(desk: &mut Desk) {
    let made = id(&desk.admin("token create", &["--name", "fw", "--scope", "read_feeds"]));
    let listed = desk.verb(Weak::Refused, "token", "token list", &[]);
    assert!(listed.iter().any(|token| token["id"] == json!(made)));
    desk.admin("token revoke", &[&made]);
    assert!(desk.plain("user roles", &[]).lines().any(|line| line == "duty_officer"));
    let invited = desk.admin("user invite", &["lin.mei", "--display", "林美", "--role", "tier1"]);
    assert!(invited["link"].as_str().is_some_and(|link| link.starts_with(&format!("{}/invite/", desk.centre.url()))));
    assert_eq!(desk.verb(Weak::Refused, "token", "user list", &["--state", "invited"])[0]["name"], "lin.mei");
    desk.table(&["user", "list"], "DISPLAY");
    let after = desk.admin("user set-roles", &["lin.mei", "--role", "auditor", "--role", "member@north-power"]);
    assert_eq!(after["roles"].as_array().map(Vec::len), Some(2), "{after}");
    assert_eq!(desk.admin("user disable", &["lin.mei"])["state"], "disabled");
    assert!(desk.admin("user enable", &["lin.mei"])["link"].as_str().is_some_and(|link| link.contains("/invite/")));
    let person = Person::join(&desk.centre, "wang", &["auditor"]).await;
    let open = desk.admin("user sessions", &["wang"]);
    assert_eq!((&open["kind"], open["agent"].is_string()), (&json!("browser"), true));
    desk.verb(Weak::Refused, "token", "user sessions", &["wang", "--end"]);
    assert!(desk.verb(Weak::Refused, "token", "user sessions", &["wang"]).is_empty());
    let nobody = desk.centre.run(&["user", "disable", "nobody", "--json"]);
    assert_eq!(nobody.status.code(), Some(1), "{}", person.id);
}

async fn findings(desk: &mut Desk) {
    let file = desk.path("cowrie.json");
    std::fs::write(&file, herd(4)).expect("a file");
    let words = ["--format", "cowrie", "--org", "north-power", &file];
    let answer = desk.verb(Weak::Refused, "token", "ingest", &words).pop().expect("a summary");
    assert_eq!((&answer["rejected"], answer["accepted"].as_u64() > Some(20)), (&json!(0), true), "{answer}");
    let deadline = Instant::now() + Duration::from_secs(60);
    let found = loop {
        let found = desk.verb(Weak::Refused, "token", "finding list", &[]);
        if !found.is_empty() {
            break found;
        }
        assert!(Instant::now() < deadline, "no finding came of what was ingested");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    desk.table(&["finding", "list", "--all"], "RULE");
    let id = id(&found[0]);
    assert_eq!(desk.admin("finding show", &[&id])["finding"]["id"], json!(id));
    assert_eq!(desk.one("officer", "finding take", &[&id])["state"], "taken");
    let why = ["--outcome", "true_positive", "--reason", "a loader"];
    assert_eq!(
        desk.one("officer", "finding resolve", &[&[id.as_str()], &why[..]].concat())["outcome"],
        "true_positive"
    );
    assert_eq!(desk.one("officer", "finding undo", &[&id])["outcome"], Value::Null);
    desk.one("officer", "finding silence", &[&id, "--hours", "1", "--reason", "known"]);
    let scope = ["--org", "north-power", "--rule", "sensor.silent", "--hours", "2", "--reason", "maintenance"];
    let would = desk.admin("silence add", &[&scope[..], &["--preview"]].concat());
    assert_eq!(would["open"], 0, "{would}");
    let made = self::id(&desk.admin("silence add", &scope));
    assert_eq!(desk.verb(Weak::Refused, "token", "silence list", &[]).len(), 2);
    desk.admin("silence end", &[&made]);
    assert_eq!(desk.verb(Weak::Refused, "token", "silence list", &[]).len(), 1);
}

fn indicators(desk: &mut Desk) {
    let draft = |desk: &mut Desk, value: &str| id(&desk.admin("intel draft", &[value, "--hours", "48"]));
    let one = draft(desk, "8.8.4.4");
    assert_eq!(desk.verb(Weak::Refused, "token", "intel search", &["8.8.4.4"]).len(), 2, "a row and the summary");
    desk.admin("intel submit", &[&one]);
    let gone = draft(desk, "9.9.8.10");
    assert_eq!(desk.admin("intel withdraw", &[&gone])["state"], "rejected");
    assert!(desk.verb(Weak::Refused, "officer", "intel waiting", &[]).iter().any(|row| row["id"] == json!(one)));
    for verb in ["accept", "publish"] {
        assert_eq!(desk.refusal("token", &["intel", verb, &one, "--json"]), "LF-ACC-0006", "a token decides nothing");
    }
    assert_eq!(desk.one("officer", "intel accept", &[&one])["state"], "approved");
    assert_eq!(desk.one("officer", "intel publish", &[&one])["state"], "published");
    desk.admin("intel note", &[&one, "seen at two members"]);
    assert_eq!(desk.one("officer", "intel revoke", &[&one, "--reason", "a mistake"])["state"], "revoked");
    assert_eq!(desk.admin("intel show", &[&one])["notes"][0]["text"], "seen at two members");
    let two = draft(desk, "8.8.8.8");
    desk.admin("intel submit", &[&two]);
    assert_eq!(desk.one("officer", "intel send-back", &[&two, "--reason", "say why"])["state"], "draft");
    desk.admin("intel submit", &[&two]);
    assert_eq!(desk.one("second", "intel reject", &[&two, "--reason", "a resolver"])["state"], "rejected");
    // Alone at night, and the second look of somebody else.
    let mine = id(&desk.one("officer", "intel draft", &["9.9.8.8"]));
    desk.one("officer", "intel submit", &[&mine]);
    assert_eq!(desk.one("officer", "intel publish", &[&mine])["state"], "published");
    let owed = desk.admin("night list", &[]);
    assert_eq!(owed["subject"], json!(format!("indicator:{mine}")));
    let look = ["night", "close", &id(&owed), "--outcome", "confirmed", "--json"].map(str::to_owned);
    let look: Vec<&str> = look.iter().map(String::as_str).collect();
    assert_eq!(desk.refusal("officer", &look), "LF-ACC-0005", "never one's own");
    desk.one("second", "night close", &look[2..5]);
    assert!(desk.verb(Weak::Refused, "token", "night list", &[]).is_empty());
    let classes = desk.verb(Weak::Refused, "token", "automatic list", &[]);
    assert!(classes.iter().all(|row| row["enabled"] == false && row["class"] != "udp_probe"), "{classes:?}");
    // What opens the path is a person's word; a token may close it.
    let open = ["automatic", "set", "download", "--open", "--min-sensors", "3", "--hours", "12", "--json"];
    assert_eq!(desk.refusal("token", &open), "LF-ACC-0006");
    let open = desk.one("chief", "automatic set", &open[2..8]);
    let wanted =
        json!({"class": "download", "enabled": true, "min_score": 0.8, "min_sensors": 3, "hours": 12, "version": 1});
    assert_eq!(open, wanted);
    assert_eq!(desk.admin("automatic set", &["download", "--close"])["version"], 2);
    let bad = desk.centre.run(&["automatic", "set", "udp_probe", "--open", "--json"]);
    assert_eq!(bad.status.code(), Some(1), "a source that can be forged is never automatic");
}

fn blocks(desk: &mut Desk) {
    let block = |desk: &mut Desk, value: &str| desk.admin("block add", &[value, "--hours", "2", "--reason", "test"]);
    let (wide, other) = (block(desk, "8.8.0.0/20"), block(desk, "8.4.0.0/20"));
    assert_eq!((&wide["state"], &other["state"]), (&json!("held"), &json!("held")));
    assert_eq!(desk.verb(Weak::Refused, "token", "block list", &["--state", "held"]).len(), 2);
    assert_eq!(desk.one("officer", "block approve", &[&id(&wide)])["state"], "active");
    assert_eq!(desk.one("officer", "block decline", &[&id(&other)])["end_reason"], "declined");
    assert_eq!(desk.admin("block show", &[&id(&wide)])["directive"]["state"], "active");
    assert_eq!(desk.admin("block withdraw", &[&id(&wide), "--reason", "too wide"])["state"], "ended");
    assert_eq!(desk.admin("block kill", &["on"])["kill"], true);
    assert_eq!(desk.admin("block kill", &["off"])["kill"], false);
}

fn machines(desk: &mut Desk) {
    let code = desk.admin("sensor enrol", &["--org", "north-power", "--name", "trap-1"]);
    let folder = desk.path("sensor");
    let joined = desk.verb(
        Weak::Local,
        "unknown",
        "sensor enrol",
        &["--code", code["code"].as_str().unwrap(), "--data", &folder],
    );
    assert_eq!(joined.len(), 1);
    let spent = desk.centre.run(&[
        "sensor",
        "enrol",
        "--code",
        code["code"].as_str().unwrap(),
        "--data",
        &desk.path("other"),
        "--json",
    ]);
    assert_eq!(spent.status.code(), Some(1), "a code works once");
    let fleet = desk.verb(Weak::Refused, "token", "sensor list", &[]);
    let sensor = fleet.iter().find(|row| row["name"] == "trap-1").expect("the sensor");
    desk.admin("sensor revoke", &[&id(sensor)]);
    let code = desk.admin("edge enrol", &["--org", "north-power", "--name", "gateway-1"]);
    let folder = desk.path("edge");
    let words = ["--driver", "file", "--code", code["code"].as_str().unwrap(), "--data", &folder];
    desk.verb(Weak::Local, "unknown", "edge enrol", &words);
    let point = id(&desk.admin("edge points", &[]));
    assert_eq!(desk.admin("block kill", &["on", "--point", &point])["kill"], true);
    desk.plain("edge kill", &["on", "--data", &folder]);
    desk.plain("edge kill", &["off", "--data", &folder]);
    desk.admin("edge revoke", &[&point]);
    assert_eq!(desk.admin("edge points", &[])["state"], "revoked");
}

async fn audit_and_settings(desk: &mut Desk) {
    let found = desk.verb(Weak::Refused, "token", "audit search", &["--action", "access.sign_in", "--limit", "5"]);
    assert!(!found.is_empty() && found.iter().all(|leaf| leaf["action"] == "access.sign_in"));
    let file = desk.path("audit.ndjson");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(desk.verb(Weak::Refused, "token", "audit export", &["--out", &file]).is_empty());
        let verified = desk.centre.run(&["audit", "verify", "--json", &file]);
        if verified.status.success() {
            break;
        }
        assert!(Instant::now() < deadline, "nothing was signed: {}", stderr(&verified));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    desk.verb(Weak::Local, "unknown", "audit verify", &[&file]);
    let (data, copy) = (desk.path("data"), desk.path("kept"));
    let made = desk.verb(Weak::Local, "unknown", "backup", &["--data", &data, "--to", &copy]).remove(0);
    let again = desk.verb(Weak::Local, "unknown", "restore", &["--from", &copy, "--rehearse"]).remove(0);
    assert_eq!(again["root"], made["root"]);
    let settings = desk.plain("config docs", &[]);
    let file = desk.path("c.toml");
    std::fs::write(&file, &settings).expect("a file");
    assert_eq!(desk.plain("config check", &[&file]), "valid\n");
    assert!(desk.plain("config show", &["--file", &file]).contains("listen"));
    let data = desk.path("data");
    let checks = desk.verb(Weak::Local, "unknown", "doctor", &["--data", &data]).remove(0);
    assert!(checks.as_array().is_some_and(|checks| checks.iter().any(|check| check["id"] == "files.secret")));
}

fn sessions(desk: &mut Desk, officer: &Person) {
    let me = desk.verb(Weak::Allowed, "officer", "whoami", &[]).remove(0);
    assert_eq!(me["who"], json!(format!("person:{}", officer.id)));
    let listed = desk.verb(Weak::Allowed, "officer", "api", &["get", "/api/v1/me"]).remove(0);
    assert_eq!(listed, me);
    let body = desk.path("body.json");
    let data = format!("@{body}");
    std::fs::write(&body, r#"{"name": "x", "scopes": ["ingest"]}"#).expect("a file");
    let made = desk.verb(Weak::Refused, "token", "api", &["POST", "/api/v1/tokens", "--data", &data]).remove(0);
    assert!(made["secret"].is_string());
    let open = desk.centre.json(&["api", "GET", "/api/v1/automatic/scan"]);
    std::fs::write(&body, r#"{"hours": 5}"#).expect("a file");
    let change = |version: &str| {
        desk.centre.run_as("chief", &["api", "PATCH", "/api/v1/automatic/scan", "--data", &data, "--if-match", version])
    };
    assert_eq!(change("v77").status.code(), Some(1), "another version");
    assert!(change(&format!("v{}", open["version"])).status.success());
    // Nothing is signed in by a wrong code, and the file stays as it was.
    let (password, out) = (desk.path("password"), desk.path("fresh"));
    let words =
        ["sign-in", "--name", "officer", "--password-file", &password, "--code", "000000", "--out", &out, "--json"];
    assert_eq!(desk.refusal("unknown", &words), "LF-ACC-0011");
    assert!(!desk.centre.path("fresh").exists());
    let over =
        ["sign-in", "--name", "officer", "--password-file", &password, "--out", &desk.path("weak")].map(str::to_owned);
    let over: Vec<&str> = over.iter().map(String::as_str).collect();
    assert_eq!(desk.centre.run(&over).status.code(), Some(2), "a token is never written over");
    assert!(std::fs::read_to_string(desk.path("weak")).expect("the token").starts_with("lft_"));
    let blind = desk.centre.run(&["sign-in", "--name", "officer", "--out", &out]);
    assert_eq!(blind.status.code(), Some(2), "no terminal to ask");
    typed(desk, officer, &out);
    assert_eq!(desk.centre.run_as("weak", &["sign-out"]).status.code(), Some(2), "a token is revoked, not signed out");
    // The copy of a session is worth nothing once its owner signed out.
    std::fs::copy(desk.path("second"), desk.path("copy")).expect("a copy");
    desk.verb(Weak::Local, "second", "sign-out", &[]);
    assert!(!desk.centre.path("second").exists());
    assert_eq!(desk.refusal("copy", &["whoami", "--json"]), "LF-API-0003");
    assert!(desk.centre.run_as("copy", &["sign-out"]).status.success(), "already over: the file goes");
    assert!(!desk.centre.path("copy").exists());
}

/// A recovery code that comes in on standard input, where nobody else of the host reads it.
fn piped(desk: &Desk, person: &mut Person) {
    let (password, out) = (desk.path("password"), desk.path("piped"));
    let words =
        ["sign-in", "--name", &person.name, "--password-file", &password, "--code", "-", "--recovery", "--out", &out];
    let code = person.recovery.pop().expect("a recovery code");
    for (line, status) in [(String::new(), 2), (format!("{code}\n"), 0), (format!("{code}\n"), 1)] {
        let mut child = desk
            .centre
            .command("unknown")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("a pipe").write_all(line.as_bytes()).expect("writing");
        assert_eq!(child.wait().expect("it ends").code(), Some(status), "{line:?}: spent after the first time");
    }
    assert!(desk.centre.run_as("piped", &["whoami"]).status.success());
}

/// Password and code typed at a terminal, which shows the prompt and the code but never the password.
fn typed(desk: &Desk, officer: &Person, out: &str) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("a terminal");
    let name = ptsname(&terminal, Vec::new()).expect("its name");
    let end = std::fs::File::options().read(true).write(true).open(name.to_str().expect("a path")).expect("its end");
    let mut keyboard = std::fs::File::from(terminal);
    let mut child = desk
        .centre
        .command("unknown")
        .args(["sign-in", "--name", "officer", "--out", out])
        .stdin(Stdio::from(end.try_clone().expect("a handle")))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut prompts = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut seen = Vec::new();
    prompts.read_until(b':', &mut seen).expect("a prompt");
    assert_eq!(seen, b"Password:");
    keyboard.write_all(format!("{PASSWORD}\n").as_bytes()).expect("typing");
    prompts.read_until(b':', &mut seen).expect("a prompt");
    keyboard.write_all(format!("{}\n", officer.next_code()).as_bytes()).expect("typing");
    let status = child.wait().expect("it ends");
    prompts.read_to_end(&mut seen).expect("the rest");
    assert!(status.success(), "{}", String::from_utf8_lossy(&seen));
    drop(end);
    // What the terminal showed; its other end is closed, so reading ends with an error.
    let mut shown = Vec::new();
    let _hung_up = keyboard.read_to_end(&mut shown);
    let shown = String::from_utf8_lossy(&shown).into_owned();
    assert!(!shown.contains(PASSWORD) && shown.contains(|c: char| c.is_ascii_digit()), "{shown:?}");
    assert!(std::fs::read_to_string(out).expect("a session").starts_with("lfp_"));
}
