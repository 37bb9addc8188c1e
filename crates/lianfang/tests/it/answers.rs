//! Every route of the API says what it answers, and a real answer of each is what it says, with no field beside.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::centre::Centre;
use crate::contract::{cowrie, herd};
use crate::machines::Sensor;
use crate::person::Person;
use crate::verbs::night;

/// The document, and which routes were held against it.
struct Judge {
    document: Value,
    seen: BTreeSet<(String, String)>,
}

impl Judge {
    async fn of(centre: &Centre) -> Self {
        let mut document = centre.get("/api/v1/openapi.json").await;
        close(&mut document);
        Self { document, seen: BTreeSet::new() }
    }

    /// A real answer of a route must be what the document says, with no field beside.
    fn hold(&mut self, method: &str, path: &str, status: u16, answer: &Value) {
        let operation = &self.document["paths"][path][method.to_lowercase()];
        let said = &operation["responses"][status.to_string()];
        assert!(!said.is_null(), "{method} {path} answered {status}: {answer}");
        let schema = &said["content"]["application/json"]["schema"];
        assert!(!schema.is_null(), "{method} {path} has no schema");
        let whole = json!({"allOf": [schema], "components": self.document["components"]});
        let validator = jsonschema::options().should_validate_formats(true).build(&whole).expect("a schema");
        let wrong: Vec<String> =
            validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path)).collect();
        assert!(wrong.is_empty(), "{method} {path}: {wrong:#?}\n{answer:#}");
        self.seen.insert((method.to_lowercase(), path.to_owned()));
    }

    /// An answer that is no JSON must be of the kind the document says.
    fn hold_text(&mut self, method: &str, path: &str, status: u16, kind: &str) {
        let said = &self.document["paths"][path][method.to_lowercase()]["responses"][status.to_string()]["content"];
        let kinds: Vec<&String> = said.as_object().expect("kinds").keys().collect();
        assert!(kinds.iter().any(|said| kind.starts_with(said.as_str())), "{method} {path} is {kind}: {kinds:?}");
        self.seen.insert((method.to_lowercase(), path.to_owned()));
    }

    /// Routes that do not say what they answer: nothing (204), or content with a schema.
    fn silent(&self) -> Vec<String> {
        let says = |said: &Value| {
            let content = said["content"].as_object();
            content.is_some_and(|kinds| kinds.values().all(|kind| kind["schema"].is_object()) && !kinds.is_empty())
        };
        self.each(|method, path, operation| {
            let good = operation["responses"].as_object().expect("answers");
            let good = good.iter().find(|(status, _)| *status != "default").expect("a success");
            (*good.0 != "204" && !says(good.1)).then(|| format!("{method} {path}"))
        })
    }

    fn missed(&self) -> Vec<String> {
        self.each(|method, path, _| {
            let seen = self.seen.contains(&(method.to_owned(), path.to_owned()));
            (!seen).then(|| format!("{method} {path}"))
        })
    }

    fn each(&self, look: impl Fn(&str, &str, &Value) -> Option<String>) -> Vec<String> {
        let paths = self.document["paths"].as_object().expect("paths");
        let all = paths.iter().flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").iter();
            methods.map(move |(method, operation)| (method, path, operation))
        });
        all.filter_map(|(method, path, operation)| look(method, path, operation)).collect()
    }
}

/// Every object of the document takes no other field than the ones it names.
fn close(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.get("type") == Some(&json!("object")) && object.contains_key("properties") {
                object.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

struct Client<'a> {
    centre: &'a Centre,
    judge: Judge,
    /// Who asks: a token, or a person's session.
    bearer: String,
    people: Vec<String>,
}

impl Client<'_> {
    /// The next commands are this person's (an officer 0 or 1, the administrator 2), or the token's.
    fn as_person(&mut self, person: Option<usize>) {
        self.bearer = person.map_or_else(|| self.centre.token(), |n| self.people[n].clone());
    }

    fn request(&self, method: Method, path: &str, names: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let (bare, query) = path.split_once('?').unwrap_or((path, ""));
        let mut url = format!("{}{bare}?{query}", self.centre.url());
        for (name, value) in names {
            url = url.replace(&format!("{{{name}}}"), value);
        }
        self.centre.client().request(method, url).bearer_auth(&self.bearer)
    }

    /// Asks and holds the answer against the document; `path` has its parameters in braces.
    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        names: &[(&str, &str)],
        tag: &str,
        body: Option<Value>,
    ) -> Value {
        let bare = path.split('?').next().unwrap_or_default();
        let mut request = self.request(method.clone(), path, names);
        if !tag.is_empty() {
            request = request.header("if-match", format!("\"v{tag}\""));
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let answer = response.json().await.unwrap_or(Value::Null);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        if status == 204 {
            let said = &self.judge.document["paths"][bare][method.as_str().to_lowercase()]["responses"]["204"];
            assert!(!said.is_null(), "{method} {path} answers nothing, unsaid");
            self.judge.seen.insert((method.as_str().to_lowercase(), bare.to_owned()));
        } else {
            self.judge.hold(method.as_str(), bare, status, &answer);
        }
        answer
    }

    /// Reads what is no JSON.
    async fn text(&mut self, path: &str, names: &[(&str, &str)]) -> String {
        let response = self.request(Method::GET, path, names).send().await.expect("an answer");
        let status = response.status().as_u16();
        let kind = response.headers()["content-type"].to_str().expect("a kind").to_owned();
        let text = response.text().await.expect("text");
        assert_eq!(status, 200, "{path}: {text}");
        self.judge.hold_text("get", path, status, &kind);
        text
    }

    async fn get(&mut self, path: &str, names: &[(&str, &str)]) -> Value {
        self.ask(Method::GET, path, names, "", None).await
    }

    async fn post(&mut self, path: &str, names: &[(&str, &str)], tag: &str, body: Value) -> Value {
        self.ask(Method::POST, path, names, tag, Some(body)).await
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key}: {value}"))
}

fn version(value: &Value) -> String {
    value["version"].to_string()
}

fn first(list: &Value) -> Value {
    list["items"].get(0).unwrap_or_else(|| panic!("an empty list: {list}")).clone()
}

/// Routes that no real answer is held against, and why.
const BEYOND: &[(&str, &str)] = &[];

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_the_document_says() {
    let night = night();
    let night: Vec<(&str, &str)> = night.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let centre = Centre::start_with(None, &night).await;
    let judge = Judge::of(&centre).await;
    assert_eq!(judge.silent(), Vec::<String>::new(), "routes that do not say what they answer");
    let mut client = Client { centre: &centre, judge, bearer: centre.token(), people: Vec::new() };
    organisations(&mut client).await;
    people(&mut client).await;
    attacks(&mut client).await;
    machines(&mut client).await;
    findings(&mut client).await;
    indicators(&mut client).await;
    directives(&mut client).await;
    the_centre(&mut client).await;
    let beyond: BTreeSet<&str> = BEYOND.iter().map(|(route, _)| *route).collect();
    let missed = client.judge.missed();
    let missed: BTreeSet<&str> = missed.iter().map(String::as_str).collect();
    assert_eq!(missed, beyond, "left: no answer was held against the document; right: what is excused");
}

/// What is about the centre itself.
async fn the_centre(client: &mut Client<'_>) {
    client.get("/api/v1/me", &[]).await;
    let job = first(&client.get("/api/v1/jobs", &[]).await);
    client.ask(Method::DELETE, "/api/v1/jobs/{id}", &[("id", text(&job, "id"))], "", None).await;
    client.get("/api/v1/audit?limit=1000", &[]).await;
    for path in ["/healthz", "/readyz", "/metrics", "/feeds/block-ip.txt"] {
        client.text(path, &[]).await;
    }
    // The sequencer signs within a second.
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.request(Method::GET, "/api/v1/audit/1/proof", &[]).send().await.expect("an answer").status() != 200 {
        assert!(Instant::now() < deadline, "nothing was signed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    client.get("/api/v1/audit/{seq}/proof", &[("seq", "1")]).await;
    assert!(client.text("/api/v1/audit/checkpoint", &[]).await.starts_with("lianfang/"));
    assert!(client.text("/api/v1/audit/export", &[]).await.lines().count() > 10);
}

async fn organisations(client: &mut Client<'_>) {
    let org = json!({"name": "north-power", "networks": ["9.9.9.0/24"]});
    client.post("/api/v1/orgs", &[], "", org).await;
    let name = [("name", "north-power")];
    for part in [
        json!({"domain": "power.example"}),
        json!({"asn": "AS64500"}),
        json!({"circuit": {"number": "HN-1", "provider": "Telecom", "mbps": 100}}),
    ] {
        client.post("/api/v1/orgs/{name}/belongings", &name, "", part).await;
    }
    let contact = json!({"name": "陳大文", "role": "security", "mail": "soc@power.example"});
    let made = client.post("/api/v1/orgs/{name}/contacts", &name, "", contact).await;
    client.get("/api/v1/orgs", &[]).await;
    let one = client.get("/api/v1/orgs/{name}", &name).await;
    let change = Some(json!({"criticality": "critical", "level": "A"}));
    let after = client.ask(Method::PATCH, "/api/v1/orgs/{name}", &name, &version(&one), change).await;
    assert_eq!((text(&after, "criticality"), text(&after, "level")), ("critical", "A"));
    let parts = client.get("/api/v1/orgs/{name}/parts", &name).await;
    let asn = &parts["asns"][0];
    let end = [("name", "north-power"), ("kind", "asn"), ("id", text(asn, "id"))];
    client.ask(Method::DELETE, "/api/v1/orgs/{name}/parts/{kind}/{id}", &end, &version(asn), None).await;
    let contact = &parts["contacts"][0];
    let end = [("name", "north-power"), ("id", text(&made, "id"))];
    client.ask(Method::DELETE, "/api/v1/orgs/{name}/contacts/{id}", &end, &version(contact), None).await;
    let owner = client.get("/api/v1/whose?address=9.9.9.9", &[]).await;
    assert_eq!(owner["org"]["name"], "north-power");
    client.post("/api/v1/orgs", &[], "", json!({"name": "short-lived"})).await;
    let short = client.get("/api/v1/orgs/{name}", &[("name", "short-lived")]).await;
    client.ask(Method::DELETE, "/api/v1/orgs/{name}", &[("name", "short-lived")], &version(&short), None).await;
}

async fn people(client: &mut Client<'_>) {
    let new = json!({"name": "lin.mei", "display": "林美", "roles": [{"role": "tier1"}]});
    let invited = client.post("/api/v1/people", &[], "", new).await;
    assert!(text(&invited, "link").starts_with("/invite/"));
    let id = [("id", text(&invited, "id"))];
    client.get("/api/v1/people?starts=lin", &[]).await;
    client.post("/api/v1/people/{id}/invitation", &id, "", json!({})).await;
    let one = client.get("/api/v1/people/{id}", &id).await;
    let roles = Some(json!({"roles": [{"role": "auditor"}]}));
    let after = client.ask(Method::PATCH, "/api/v1/people/{id}", &id, &version(&one), roles).await;
    assert_eq!(after["roles"][0]["role"], "auditor");
    let off = client.post("/api/v1/people/{id}/disable", &id, &version(&after), json!({})).await;
    client.post("/api/v1/people/{id}/enable", &id, &version(&off), json!({})).await;
    for (name, role) in [("officer", "duty_officer"), ("second", "duty_officer"), ("chief", "administrator")] {
        let mut person = Person::join(client.centre, name, &[role]).await;
        let body = person.with_recovery();
        let made = client.post("/api/v1/session", &[], "", body).await;
        client.people.push(text(&made, "secret").to_owned());
        client.bearer = person.sign_in(client.centre).await;
        let id = [("id", person.id.as_str())];
        let open = client.get("/api/v1/people/{id}/sessions", &id).await;
        let other = first(&open);
        let names = [id[0], ("session", text(&other, "id"))];
        client.ask(Method::DELETE, "/api/v1/people/{id}/sessions/{session}", &names, "", None).await;
        client.bearer = person.sign_in(client.centre).await;
        client.ask(Method::DELETE, "/api/v1/session", &[], "", None).await;
        client.as_person(None);
    }
    let made = client.post("/api/v1/tokens", &[], "", json!({"name": "x", "scopes": ["ingest"]})).await;
    client.get("/api/v1/tokens", &[]).await;
    client.ask(Method::DELETE, "/api/v1/tokens/{id}", &[("id", text(&made, "id"))], "", None).await;
}

async fn attacks(client: &mut Client<'_>) {
    let url = format!("{}/api/v1/ingest/cowrie?org=north-power", client.centre.url());
    let lines = format!("{}{}{{broken\n", cowrie(30), herd(4));
    let request = client.centre.client().post(url).bearer_auth(client.centre.token()).body(lines);
    let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    client.judge.hold("post", "/api/v1/ingest/{kind}", 200, &answer);
    let accepted = answer["accepted"].as_u64().expect("a number");
    assert_eq!(client.centre.settled_events(accepted).await, accepted);
    let session = first(&client.get("/api/v1/sessions", &[]).await);
    client.get("/api/v1/sessions/{id}", &[("id", text(&session, "id"))]).await;
    first(&client.get("/api/v1/observables", &[]).await);
    client.get("/api/v1/timeline?since=2026-01-01T00:00:00Z&until=2027-01-01T00:00:00Z", &[]).await;
    client.get("/api/v1/campaigns", &[]).await;
    client.get("/api/v1/totals", &[]).await;
    first(&client.get("/api/v1/quarantine", &[]).await);
}

/// Machines by hand: what they say is what points and receipts answer.
async fn machines(client: &mut Client<'_>) {
    let machine = json!({"org": "north-power", "name": "m-1"});
    client.post("/api/v1/sensors/codes", &[], "", machine.clone()).await;
    client.post("/api/v1/points/codes", &[], "", machine).await;
    let trap = Sensor::enrol(client.centre, "trap-1").await;
    client.judge.hold("post", "/api/v1/enrol/sensor", 201, &trap.papers);
    let health = json!({"version": "0.1.0", "config_hash": "aa", "spool_depth": 0, "spool_dropped": 0, "rss_bytes": 1,
        "sessions_open": 0, "clock_micros": base::Env::system().now().as_micros(), "probes":
        [{"listener": "ssh", "ok": true, "banner_sha256": "bb", "took_ms": 3}]});
    assert_eq!(trap.tell("/sensor/v1/heartbeat", &health).await, 204);
    let fleet = client.get("/api/v1/sensors", &[]).await;
    let told = fleet["items"].as_array().expect("items").iter().find(|row| row["id"] == json!(trap.id));
    assert!(told.is_some_and(|row| row["health"]["probes"][0]["ok"] == true), "{fleet}");
    client.ask(Method::DELETE, "/api/v1/sensors/{id}", &[("id", &trap.id)], "", None).await;

    let gateway = Sensor::enrol_as(client.centre, "edge", "gateway-1").await;
    client.judge.hold("post", "/api/v1/enrol/edge", 201, &gateway.papers);
    let id = [("id", gateway.id.as_str())];
    assert_eq!(first(&client.get("/api/v1/points", &[]).await)["differs"], json!([]));
    let ask = json!({"value": "8.8.8.8", "intent": "deny", "hours": 2, "reason": "test"});
    client.post("/api/v1/directives", &[], "", ask).await;
    // Everything that can differ, said by the point; then that all is well.
    let now = base::Env::system().now();
    let late = now.plus_secs(-60).rfc3339();
    let beat = json!({"point": gateway.id, "at": late, "version": "0.1.0", "driver": "file", "started_at": late,
        "sequence": 1, "elements": 1, "fresh_until": now.rfc3339(), "kill": false, "trouble": "a frame was refused"});
    assert_eq!(gateway.tell("/edge/v1/heartbeat", &beat).await, 204);
    let canary = |ok: bool| json!({"address": "198.51.100.1", "ok": ok, "took_us": 900});
    let receipt = |sequence: u64, more: Value| {
        let mut receipt = json!({"point": gateway.id, "sequence": sequence, "generation": 1, "driver": "file",
            "applied_at": now.rfc3339(), "took_us": 1_200, "elements": 1, "digest": "0".repeat(64), "config_revision": 1,
            "read_back": {"changed": 1, "sampled": 0, "wrong": []}, "probe": {"kind": "read_back_only"}, "drift": null,
            "refused": [], "refused_total": 0, "frozen": null, "kill": false});
        receipt.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        receipt
    };
    let desired = client.get("/api/v1/points/{id}", &id).await["desired_sequence"].as_u64().expect("a number");
    let worst = json!({"read_back": {"changed": 1, "sampled": 0, "wrong": ["8.8.8.8"]},
        "probe": {"kind": "failed", "why": "no canary"}, "drift": {"missing": 1, "extra": 0, "repaired": false},
        "refused": [{"key": "10.0.0.0/8", "guard": "protected", "reason": "private"}], "refused_total": 1,
        "frozen": "too many removals", "kill": true});
    let probed = json!({"probe": {"kind": "probed", "blocked": [canary(false)], "passed": [canary(true)]}});
    let mut differs = BTreeSet::new();
    for told in [receipt(desired, worst), receipt(0, json!({})), receipt(desired, probed)] {
        assert_eq!(gateway.tell("/edge/v1/receipt", &told).await, 204, "{told}");
        let point = client.get("/api/v1/points/{id}", &id).await;
        assert_eq!(point["last"]["receipt"]["probe"], told["probe"]);
        let kinds = point["differs"].as_array().expect("a list").iter().map(|one| text(one, "kind").to_owned());
        differs.extend(kinds);
        client.get("/api/v1/points", &[]).await;
    }
    let all = ["behind", "clock", "digest", "drift", "frozen", "killed", "probe", "refused", "wrong"];
    assert_eq!(differs.iter().map(String::as_str).collect::<Vec<_>>(), all);
    let receipts = client.get("/api/v1/points/{id}/receipts", &id).await;
    assert_eq!(receipts["items"].as_array().map(Vec::len), Some(3), "{receipts}");
    client.post("/api/v1/points/{id}/kill", &id, "", json!({"on": true})).await;
    client.post("/api/v1/kill", &[], "", json!({"on": false})).await;
    client.ask(Method::DELETE, "/api/v1/points/{id}", &id, "", None).await;
}

async fn findings(client: &mut Client<'_>) {
    let scope = json!({"org": "north-power", "rule": "sensor.silent"});
    client.post("/api/v1/silences/preview", &[], "", scope.clone()).await;
    let body = json!({"scope": scope, "hours": 2, "reason": "maintenance"});
    let silence = client.post("/api/v1/silences", &[], "", body).await;
    first(&client.get("/api/v1/silences", &[]).await);
    let id = [("id", text(&silence, "id"))];
    client.ask(Method::DELETE, "/api/v1/silences/{id}", &id, &version(&silence), None).await;
    // What the herd did is somebody's work, and a campaign.
    let deadline = Instant::now() + Duration::from_secs(60);
    let open = loop {
        let open = client.get("/api/v1/findings", &[]).await;
        if open["items"].as_array().is_some_and(|rows| rows.len() > 1) {
            break open;
        }
        assert!(Instant::now() < deadline, "no findings came of what was ingested: {open}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    client.get("/api/v1/findings?which=all", &[]).await;
    first(&client.get("/api/v1/findings/groups", &[]).await);
    let campaign = first(&client.get("/api/v1/campaigns", &[]).await);
    let whole = client.get("/api/v1/campaigns/{id}", &[("id", text(&campaign, "id"))]).await;
    assert!(whole["contacts"].as_array().is_some_and(|all| !all.is_empty()), "{whole}");
    let (one, other) = (&open["items"][0], &open["items"][1]);
    let id = [("id", text(one, "id"))];
    client.get("/api/v1/findings/{id}", &id).await;
    client.as_person(Some(0));
    let taken = client.post("/api/v1/findings/{id}/take", &id, &version(one), json!({})).await;
    let why = json!({"outcome": "true_positive", "reason": "a loader"});
    let closed = client.post("/api/v1/findings/{id}/resolve", &id, &version(&taken), why).await;
    let again = client.post("/api/v1/findings/{id}/undo", &id, &version(&closed), json!({})).await;
    assert_eq!(again["state"], taken["state"], "{again}");
    client.get("/api/v1/findings/{id}", &id).await;
    client.post("/api/v1/findings/{id}/silence", &id, "", json!({"hours": 1, "reason": "known"})).await;
    let rows = json!([{"id": other["id"], "version": other["version"]}, {"id": one["id"], "version": 9_999}]);
    let many = json!({"findings": rows, "outcome": "benign", "reason": "our own scanner"});
    let done = client.post("/api/v1/findings/resolve", &[], "", many).await;
    assert_eq!((&done["items"][0]["done"], &done["items"][1]["done"]), (&json!(true), &json!(false)), "{done}");
    client.as_person(None);
}

async fn indicators(client: &mut Client<'_>) {
    let draft = client.post("/api/v1/indicators", &[], "", json!({"value": "8.8.4.4"})).await;
    client.get("/api/v1/indicators", &[]).await;
    let id = [("id", text(&draft, "id"))];
    let sent = client.post("/api/v1/indicators/{id}/submit", &id, &version(&draft), json!({})).await;
    client.post("/api/v1/indicators/{id}/notes", &id, "", json!({"text": "a note"})).await;
    client.as_person(Some(0));
    first(&client.get("/api/v1/indicators/waiting", &[]).await);
    let why = json!({"reason": "say more"});
    let back = client.post("/api/v1/indicators/{id}/send-back", &id, &version(&sent), why.clone()).await;
    client.as_person(None);
    let sent = client.post("/api/v1/indicators/{id}/submit", &id, &version(&back), json!({})).await;
    client.as_person(Some(0));
    let fine = client.post("/api/v1/indicators/{id}/accept", &id, &version(&sent), json!({})).await;
    let live = client.post("/api/v1/indicators/{id}/publish", &id, &version(&fine), json!({})).await;
    assert!(client.text("/api/v1/indicators/{id}/stix", &id).await.contains("\"type\":\"indicator\""));
    client.post("/api/v1/indicators/{id}/revoke", &id, &version(&live), why.clone()).await;
    client.get("/api/v1/indicators/{id}", &id).await;
    // One officer alone at night, and another one afterwards.
    let own = client.post("/api/v1/indicators", &[], "", json!({"value": "9.9.8.8"})).await;
    let id = [("id", text(&own, "id"))];
    let sent = client.post("/api/v1/indicators/{id}/submit", &id, &version(&own), json!({})).await;
    client.post("/api/v1/indicators/{id}/publish", &id, &version(&sent), json!({})).await;
    let owed = first(&client.get("/api/v1/night-reviews", &[]).await);
    client.as_person(Some(1));
    let id = [("id", text(&owed, "id"))];
    let confirmed = json!({"outcome": "confirmed"});
    client.post("/api/v1/night-reviews/{id}/close", &id, &version(&owed), confirmed).await;
    let bad = client.post("/api/v1/indicators", &[], "", json!({"value": "9.9.8.9"})).await;
    let id = [("id", text(&bad, "id"))];
    let sent = client.post("/api/v1/indicators/{id}/submit", &id, &version(&bad), json!({})).await;
    client.as_person(Some(0));
    client.post("/api/v1/indicators/{id}/reject", &id, &version(&sent), why).await;
    client.as_person(None);
    let gone = client.post("/api/v1/indicators", &[], "", json!({"value": "9.9.8.10"})).await;
    let id = [("id", text(&gone, "id"))];
    client.post("/api/v1/indicators/{id}/withdraw", &id, &version(&gone), json!({})).await;
    first(&client.get("/api/v1/automatic", &[]).await);
    let class = [("class", "download")];
    let rule = client.get("/api/v1/automatic/{class}", &class).await;
    let open = Some(json!({"enabled": true, "min_sensors": 3}));
    client.as_person(Some(2));
    let after = client.ask(Method::PATCH, "/api/v1/automatic/{class}", &class, &version(&rule), open).await;
    client.as_person(None);
    assert_eq!((&after["enabled"], &after["min_sensors"], &after["version"]), (&json!(true), &json!(3), &json!(1)));
}

async fn directives(client: &mut Client<'_>) {
    let ask = |value: &str, intent: &str| json!({"value": value, "intent": intent, "hours": 2, "reason": "test"});
    let mut held = Vec::new();
    for value in ["8.8.0.0/20", "8.4.0.0/20"] {
        let made = client.post("/api/v1/directives", &[], "", ask(value, "deny")).await;
        let why: Vec<&Value> =
            made["verdicts"].as_array().expect("verdicts").iter().map(|one| &one["reason"]).collect();
        assert!(why.iter().any(|why| why["reason"] == "wide"), "{made}");
        held.push(text(&made, "id").to_owned());
    }
    client.get("/api/v1/directives?state=held", &[]).await;
    client.as_person(Some(0));
    client.post("/api/v1/directives/{id}/decline", &[("id", &held[1])], "", json!({})).await;
    client.post("/api/v1/directives/{id}/approve", &[("id", &held[0])], "", json!({})).await;
    client.as_person(None);
    let id = [("id", held[0].as_str())];
    client.get("/api/v1/directives/{id}", &id).await;
    client.post("/api/v1/directives/{id}/withdraw", &id, "", json!({"reason": "too wide"})).await;
    client.post("/api/v1/directives", &[], "", ask("9.9.9.9", "allow")).await;
    client.get("/api/v1/directives?state=active", &[]).await;
}
