//! The audit tree through the API and the command line: what each token sees of it, and what asking leaves in it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::centre::{Centre, command, each_store};
use crate::person::Person;

/// A token of an organisation.
async fn token(centre: &Centre, org: &str, scopes: &[&str]) -> String {
    let body = json!({"name": format!("{org} reader"), "org": org, "scopes": scopes, "ceiling": "amber+strict"});
    let (status, made) = centre.post("/api/v1/tokens", &body).await;
    assert_eq!(status, 201, "{made}");
    made["secret"].as_str().unwrap().to_owned()
}

/// GET with a token: status, body.
async fn get(centre: &Centre, token: &str, path: &str) -> (u16, String) {
    let request = centre.client().get(format!("{}{path}", centre.url())).bearer_auth(token);
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("a body"))
}

/// `lianfang audit verify --json` of a text: the exit code, what it said, what it complained of.
fn verified(centre: &Centre, text: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let file = centre.path("checked.ndjson");
    std::fs::write(&file, text).unwrap();
    let output = command().args(["audit", "verify", "--json"]).args(more).arg(&file).output().unwrap();
    let said = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), said, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Leaves of an action once there are so many, newest first.
async fn leaves(centre: &Centre, action: &str, wanted: usize) -> Vec<Value> {
    for _ in 0..200 {
        let found = centre.get(&format!("/api/v1/audit?action={action}&limit=1000")).await;
        let items = found["items"].as_array().unwrap().clone();
        if items.len() >= wanted {
            return items;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{action}: there are never {wanted} leaves");
}

fn entry(leaf: &Value) -> Value {
    serde_json::from_str(leaf["entry"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_export_withholds_what_is_not_theirs_and_verifies() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        for org in ["north-power", "south-power"] {
            centre.json(&["org", "add", org, "--json"]);
            let contact = json!({"name": "陳大文", "role": "security", "mail": "soc@power.example"});
            assert_eq!(centre.post(&format!("/api/v1/orgs/{org}/contacts"), &contact).await.0, 201);
        }
        let south = centre.get("/api/v1/orgs/south-power").await["id"].as_str().unwrap().to_owned();
        let member = token(&centre, "north-power", &["read_audit"]).await;
        let stranger = token(&centre, "north-power", &["read_intel"]).await;
        // The sequencer signs within a second.
        let last = leaves(&centre, "access.token_create", 3).await[0]["seq"].as_u64().unwrap();
        let mut size = 0;
        while size < last {
            let (_, note) = get(&centre, &member, "/api/v1/audit/checkpoint").await;
            size = note.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(get(&centre, &stranger, "/api/v1/audit/export").await.0, 403);
        let (status, own) = get(&centre, &member, "/api/v1/audit/export").await;
        assert_eq!(status, 200, "{own}");
        let (code, told, complaint) = verified(&centre, &own, &[]);
        assert_eq!(code, Some(0), "{complaint}");
        let (withheld, size) = (told["withheld"].as_u64().unwrap(), told["size"].as_u64().unwrap());
        assert!(withheld > 0 && withheld < size, "{told}");
        assert!(!own.contains(&south) && own.contains("registry.add_contact"), "{own}");
        assert_eq!(verified(&centre, &own, &["--whole"]).0, Some(65));

        // The same tree as the administrator's, who gets everything in the form of before.
        let (_, all) = get(&centre, &centre.token(), "/api/v1/audit/export").await;
        let (code, whole, complaint) = verified(&centre, &all, &["--whole"]);
        assert_eq!((code, &whole["withheld"]), (Some(0), &0.into()), "{complaint}");
        assert!(all.lines().skip(1).all(|line| line.contains("\"entry\":") || line.contains("\"checkpoint\":")));
        if whole["size"] == told["size"] {
            assert_eq!(whole["root"], told["root"]);
        }

        // A hash that was altered is named; a hidden entry cannot be slipped in.
        let at = own.lines().position(|line| line.contains("\"withheld\":")).unwrap();
        let line = own.lines().nth(at).unwrap();
        let digit = line.find("\"leaf\":\"").unwrap() + 8;
        let mut altered = line.to_owned().into_bytes();
        altered[digit] = if altered[digit] == b'0' { b'1' } else { b'0' };
        let bad = own.replacen(line, std::str::from_utf8(&altered).unwrap(), 1);
        let (code, _, complaint) = verified(&centre, &bad, &[]);
        assert!(code == Some(65) && complaint.contains(&format!("entry {at}:")), "{complaint}");

        // Proofs follow the same rule.
        for line in own.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let Some(seq) = line["seq"].as_u64() else { continue };
            let (status, _) = get(&centre, &member, &format!("/api/v1/audit/{seq}/proof")).await;
            assert_eq!(status, if line.get("entry").is_some() { 200 } else { 404 }, "{line}");
        }
        let exports = leaves(&centre, "audit.export", 2).await;
        let first = entry(exports.last().unwrap());
        assert_eq!((&first["detail"]["size"], &first["outcome"]), (&size.into(), &"read".into()));
        assert_eq!(first["detail"]["seen"], "1 areas amber+strict");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probing_tokens_hear_nothing_and_are_noted() {
    each_store(async |store| {
        let mut centre = Centre::start(store).await;
        for org in ["north-power", "south-power"] {
            centre.json(&["org", "add", org, "--json"]);
        }
        let member = token(&centre, "north-power", &["read_intel", "read_audit", "draft_intel", "read_people"]).await;
        let draft = json!({"value": "8.8.4.4", "org": "south-power", "tlp": "amber"});
        let (_, made) = centre.post("/api/v1/indicators", &draft).await;
        let hidden = made["id"].as_str().unwrap().to_owned();
        // RED: not even the one who drafted it with a lower ceiling reads it back.
        let (_, red) = centre.post("/api/v1/indicators", &json!({"value": "8.8.8.8", "tlp": "red"})).await;
        let red = red["id"].as_str().unwrap().to_owned();
        let nobody = "0199aaaa-0000-7000-8000-000000000009";
        // Encoded characters name the same row.
        let (_, third) = centre.post("/api/v1/indicators", &json!({"value": "8.8.4.5", "tlp": "red"})).await;
        let third = third["id"].as_str().unwrap().to_owned();
        let absent = get(&centre, &member, &format!("/api/v1/indicators/{nobody}")).await;
        let encoded = format!("/api/v1/indicators/{}", third.replacen('-', "%2D", 1));
        assert_eq!(get(&centre, &member, &encoded).await, absent);
        for tail in ["", "/stix"] {
            let absent = get(&centre, &member, &format!("/api/v1/indicators/{nobody}{tail}")).await;
            assert_eq!(absent.0, 404);
            for id in [&hidden, &red] {
                assert_eq!(get(&centre, &member, &format!("/api/v1/indicators/{id}{tail}")).await, absent);
            }
        }
        for _ in 0..50 {
            get(&centre, &member, &format!("/api/v1/indicators/{hidden}")).await;
            get(&centre, &member, &format!("/api/v1/indicators/{nobody}")).await;
        }
        let found = leaves(&centre, "access.outside", 1).await;
        assert!(found[0]["actor"].as_str().unwrap().starts_with("machine:token:"));
        assert_eq!((&found[0]["outcome"], &found[0]["realm"]), (&"refused".into(), &"real".into()));
        let (_, own) = get(&centre, &member, "/api/v1/audit?action=access.outside").await;
        assert!(serde_json::from_str::<Value>(&own).unwrap()["items"].as_array().unwrap().is_empty(), "{own}");
        // What is still counted is written at the stop; the number is whole, the leaves are few.
        assert!(centre.stop().success());
        centre.restart().await;
        let found = leaves(&centre, "access.outside", 1).await;
        let times: u64 = found.iter().map(|leaf| entry(leaf)["detail"]["times"].as_u64().unwrap()).sum();
        assert_eq!(times, 55);
        assert!(found.len() <= 3, "{}", found.len());
        let text = found.iter().map(|leaf| entry(leaf).to_string()).collect::<String>();
        assert!([&hidden, &red, &third].into_iter().all(|id| text.contains(id)) && !text.contains(nobody), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_people_leaves_one_leaf_and_the_bootstrap_token_is_told_apart() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        let new =
            json!({"name": "lin.mei", "display": "林美", "mail": "lin@power.example", "roles": [{"role": "tier1"}]});
        let (_, invited) = centre.post("/api/v1/people", &new).await;
        let id = invited["id"].as_str().unwrap();
        for _ in 0..5 {
            centre.get("/api/v1/people").await;
            centre.get(&format!("/api/v1/people/{id}")).await;
        }
        let found = leaves(&centre, "data.read", 1).await;
        assert_eq!(found.len(), 1, "one reader, one row, a moment");
        assert_eq!((&found[0]["subject"], &found[0]["outcome"]), (&format!("person:{id}").into(), &"read".into()));
        assert!(!found[0]["entry"].as_str().unwrap().contains("lin"), "{}", found[0]);
        centre.json(&["org", "add", "north-power", "--json"]);
        let contact = json!({"name": "陳大文", "role": "security", "mail": "soc@power.example"});
        centre.post("/api/v1/orgs/north-power/contacts", &contact).await;
        centre.get("/api/v1/orgs/north-power/parts").await;
        let found = leaves(&centre, "data.read", 2).await;
        assert!(found[0]["subject"].as_str().unwrap().starts_with("contact:"), "{}", found[0]);

        let (_, made) = centre.post("/api/v1/tokens", &json!({"name": "fw", "scopes": ["read_feeds"]})).await;
        let tokens = centre.get("/api/v1/tokens").await;
        let of = |name: &str| tokens["items"].as_array().unwrap().iter().find(|token| token["name"] == name).unwrap();
        assert_eq!((&of("bootstrap")["bootstrap"], &of("fw")["bootstrap"]), (&true.into(), &false.into()));
        assert_eq!((&of("fw")["of_bootstrap"], &of("fw")["made_with"]), (&true.into(), &of("bootstrap")["id"]));
        assert!(of("bootstrap")["made_by"].is_null() && !of("bootstrap")["expires_at"].is_null());
        assert_eq!(made["expires_at"], of("fw")["expires_at"], "the answer says the end it really has");
        assert_eq!(of("fw")["expires_at"], of("bootstrap")["expires_at"], "no later than its maker's");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn red_is_noted_before_the_api_answers() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        let (_, made) = centre.post("/api/v1/indicators", &json!({"value": "8.8.8.8", "tlp": "red"})).await;
        centre.post("/api/v1/indicators", &json!({"value": "8.8.4.4", "tlp": "amber+strict"})).await;
        let id = made["id"].as_str().unwrap();
        let mut duty = Person::join(&centre, "duty.one", &["duty_officer"]).await;
        let duty = duty.sign_in(&centre).await;
        for _ in 0..3 {
            for path in [
                "/api/v1/indicators".to_owned(),
                format!("/api/v1/indicators/{id}"),
                format!("/api/v1/indicators/{id}/stix"),
            ] {
                let (status, body) = get(&centre, &duty, &path).await;
                assert!(status == 200 && body.contains("8.8.8.8"), "{path}: {status} {body}");
                // Durable when the answer is there: one look is enough.
                let found = centre.get("/api/v1/audit?action=data.read").await["items"].as_array().unwrap().clone();
                assert_eq!(found.len(), 1, "{path}: one reader, one row, a moment");
                assert_eq!(found[0]["subject"], format!("indicator:{id}"));
                assert!(!found[0]["entry"].as_str().unwrap().contains("8.8.8.8"));
            }
        }
        // The file behind the id is no different: the next reader is another leaf.
        let mut other = Person::join(&centre, "duty.two", &["intelligence_officer"]).await;
        let other = other.sign_in(&centre).await;
        get(&centre, &other, &format!("/api/v1/indicators/{id}/stix")).await;
        assert_eq!(leaves(&centre, "data.read", 2).await.len(), 2);
    })
    .await;
}
