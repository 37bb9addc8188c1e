//! People through the API as themselves, and what becomes of a token when the person behind it goes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::centre::{Centre, each_store};
use crate::person::{PASSWORD, Person, sign_in};

/// A request with any `Authorization`, any `If-Match` and a body; the status and the answer.
async fn ask(centre: &Centre, method: Method, path: &str, bearer: &str, version: i64, body: &Value) -> (u16, Value) {
    let mut request = centre.client().request(method.clone(), format!("{}{path}", centre.url())).bearer_auth(bearer);
    if version >= 0 {
        request = request.header("if-match", format!("\"v{version}\""));
    }
    if method != Method::GET {
        request = request.json(body);
    }
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

async fn step(centre: &Centre, bearer: &str, row: &Value, verb: &str) -> (u16, Value) {
    let path = format!("/api/v1/indicators/{}/{verb}", row["id"].as_str().expect("an id"));
    ask(centre, Method::POST, &path, bearer, row["version"].as_i64().expect("a version"), &json!({})).await
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_a_program_in_with_the_rules_of_the_pages() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        let duty = Person::join(&centre, "duty", &["duty_officer"]).await;
        let try_with = |more: Value| {
            let mut body = json!({"name": "duty", "password": PASSWORD});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let centre = &centre;
            async move { sign_in(centre, &body).await }
        };
        assert_eq!(code(&try_with(json!({"password": "wrong"})).await), (401, "LF-ACC-0009"));
        assert_eq!(code(&try_with(json!({"name": "nobody"})).await), (401, "LF-ACC-0009"));
        assert_eq!(code(&try_with(json!({})).await), (403, "LF-ACC-0007"));
        assert_eq!(code(&try_with(json!({"code": "000000"})).await), (401, "LF-ACC-0011"));
        assert_eq!(code(&try_with(json!({"code": "1", "recovery_code": "2"})).await), (400, "LF-API-0006"));
        // What a page of somebody's can make a browser send is refused before it is counted against anybody.
        let from_page = async |kind: &str, heads: &[(&str, &str)]| {
            let body = json!({"name": "duty", "password": "wrong"}).to_string();
            let request = centre.client().post(format!("{}/api/v1/session", centre.url())).body(body);
            let request = request.header("content-type", kind);
            let request = heads.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            request.send().await.unwrap().status().as_u16()
        };
        for _ in 0..30 {
            assert_eq!(from_page("text/plain", &[]).await, 400);
            assert_eq!(from_page("application/json", &[("sec-fetch-site", "cross-site")]).await, 403);
            assert_eq!(from_page("application/json", &[("origin", "https://evil.example")]).await, 403);
        }
        assert_eq!(from_page("application/json", &[("origin", &centre.url())]).await, 401, "its own page");
        let shown = duty.next_code();
        let (status, made) = try_with(json!({"code": shown})).await;
        assert_eq!((status, &made["person"]), (201, &json!(duty.id)), "{made}");
        assert_eq!(code(&try_with(json!({"code": shown})).await), (401, "LF-ACC-0011"), "each code once");
        let secret = made["secret"].as_str().expect("a secret");
        let me = ask(&centre, Method::GET, "/api/v1/me", secret, -1, &Value::Null).await;
        assert_eq!((me.0, &me.1["who"]), (200, &json!(format!("person:{}", duty.id))));
        // In this head only, and as bearer only; a cookie's value is no bearer either.
        let url = format!("{}/api/v1/me", centre.url());
        let basic = centre.client().get(&url).basic_auth("duty", Some(secret)).send().await.unwrap();
        assert_eq!(basic.status().as_u16(), 401);
        for value in [secret, &duty.cookie] {
            let cookie = centre.client().get(&url).header("cookie", format!("__Host-lianfang={value}"));
            assert_eq!(cookie.send().await.unwrap().status().as_u16(), 401);
        }
        assert_eq!(ask(&centre, Method::GET, "/api/v1/me", &duty.cookie, -1, &Value::Null).await.0, 401);
        let pages = centre.builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let page = |value: &str| {
            let request = pages.get(format!("{}/findings", centre.url()));
            request.header("cookie", format!("__Host-lianfang={value}")).send()
        };
        assert_eq!(page(&duty.cookie).await.unwrap().status().as_u16(), 200);
        assert_eq!(page(secret).await.unwrap().status().as_u16(), 303, "to the page of signing in");
        // Listed with the browser's, and ended like it.
        let own = format!("/api/v1/people/{}/sessions", duty.id);
        let (_, open) = ask(&centre, Method::GET, &own, secret, -1, &Value::Null).await;
        let kinds: Vec<&str> =
            open["items"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["program", "browser"], "{open}");
        let token = ask(&centre, Method::DELETE, "/api/v1/session", &centre.token(), -1, &json!({})).await;
        assert_eq!(code(&token), (403, "LF-API-0004"), "a token is revoked, not signed out");
        assert_eq!(ask(&centre, Method::DELETE, "/api/v1/session", secret, -1, &json!({})).await.0, 204);
        assert_eq!(ask(&centre, Method::GET, "/api/v1/me", secret, -1, &Value::Null).await.0, 401);
        // Everything of it is in the audit tree, under the person's name.
        for (action, outcome) in [
            ("access.sign_in", "done"),
            ("access.sign_in", "refused"),
            ("access.second_factor", "done"),
            ("access.second_factor", "refused"),
            ("access.sign_out", "done"),
        ] {
            let found = centre.get(&format!("/api/v1/audit?action={action}&limit=100")).await;
            let leaves = found["items"].as_array().unwrap();
            assert!(leaves.iter().any(|leaf| leaf["outcome"] == outcome), "{action} {outcome}: {found}");
        }
        // Guessing is held here as there.
        for _ in 0..6 {
            try_with(json!({"password": "wrong"})).await;
        }
        assert_eq!(code(&try_with(json!({"code": duty.next_code()})).await), (429, "LF-ACC-0010"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_decide_what_no_token_can_and_never_alone() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        let writer = Person::join(&centre, "writer", &["tier2"]).await.sign_in(&centre).await;
        let officer = Person::join(&centre, "officer", &["duty_officer"]).await.sign_in(&centre).await;
        let second = Person::join(&centre, "second", &["duty_officer"]).await.sign_in(&centre).await;
        let draft = async |who: &str, value: &str| {
            let made = ask(&centre, Method::POST, "/api/v1/indicators", who, -1, &json!({"value": value})).await;
            assert_eq!(made.0, 201, "{}", made.1);
            made.1
        };
        let row = draft(&writer, "8.8.4.4").await;
        let (_, sent) = step(&centre, &writer, &row, "submit").await;
        for verb in ["accept", "publish"] {
            assert_eq!(code(&step(&centre, &centre.token(), &sent, verb).await), (403, "LF-ACC-0006"), "{verb}");
        }
        assert_eq!(step(&centre, &writer, &sent, "accept").await.0, 403, "whoever wrote it does not review it");
        assert_eq!(code(&step(&centre, &writer, &sent, "publish").await), (403, "LF-ACC-0003"), "not the role");
        let (_, accepted) = step(&centre, &officer, &sent, "accept").await;
        assert_eq!(accepted["state"], "approved", "{accepted}");
        let stale = step(&centre, &officer, &sent, "publish").await;
        assert!([409, 412].contains(&stale.0), "against the version that was read: {stale:?}");
        let (status, published) = step(&centre, &officer, &accepted, "publish").await;
        assert_eq!((status, &published["state"]), (200, &json!("published")), "{published}");
        let own = draft(&officer, "8.8.8.8").await;
        let (_, sent) = step(&centre, &officer, &own, "submit").await;
        assert_eq!(code(&step(&centre, &officer, &sent, "publish").await), (403, "LF-ACC-0005"), "four eyes");
        assert_eq!(step(&centre, &second, &sent, "publish").await.0, 200);
        // A wide block waits for another person.
        let wide = json!({"value": "8.8.0.0/20", "intent": "deny", "hours": 2, "reason": "a whole botnet"});
        let (status, held) = ask(&centre, Method::POST, "/api/v1/directives", &officer, -1, &wide).await;
        assert_eq!((status, &held["state"]), (201, &json!("held")), "{held}");
        let path = format!("/api/v1/directives/{}/approve", held["id"].as_str().unwrap());
        let approve = async |who: &str| ask(&centre, Method::POST, &path, who, -1, &json!({})).await;
        assert_eq!(code(&approve(&centre.token()).await), (403, "LF-ACC-0006"));
        assert_eq!(code(&approve(&officer).await), (403, "LF-ACC-0005"));
        let (status, active) = approve(&second).await;
        assert_eq!((status, &active["state"]), (200, &json!("active")), "{active}");
        // A command of a person under a key is done once, and the key is theirs alone.
        let once = json!({"value": "9.9.9.9"});
        let keyed = async |who: &str| {
            let request = centre.client().post(format!("{}/api/v1/indicators", centre.url())).bearer_auth(who);
            let response = request.header("idempotency-key", "\"k\"").json(&once).send().await.unwrap();
            (response.status().as_u16(), response.headers().contains_key("idempotency-replayed"))
        };
        assert_eq!((keyed(&writer).await, keyed(&writer).await), ((201, false), (201, true)));
        assert!(!keyed(&officer).await.1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_the_roles_show_that_may_read_there() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    // Two roles: one of the whole centre that reads no indicators, one of a member that does.
    let both = Person::join(&centre, "both", &["platform_engineer", "member@north-power"]).await.sign_in(&centre).await;
    centre.json(&["intel", "draft", "8.8.4.4", "--json"]);
    centre.json(&["intel", "draft", "8.8.8.8", "--org", "north-power", "--json"]);
    let (status, seen) = ask(&centre, Method::GET, "/api/v1/indicators", &both, -1, &Value::Null).await;
    let values: Vec<&str> =
        seen["items"].as_array().unwrap().iter().map(|row| row["value"].as_str().unwrap()).collect();
    assert_eq!((status, values), (200, vec!["8.8.8.8"]), "not what the other role would show");
    // Others' sessions are no business of theirs.
    let other = Person::join(&centre, "other", &["tier1"]).await;
    let path = format!("/api/v1/people/{}/sessions", other.id);
    let refused = ask(&centre, Method::GET, &path, &both, -1, &Value::Null).await;
    assert!([403, 404].contains(&refused.0), "{refused:?}");
}

/// What a token is answered when it reads the organisations.
async fn reads(centre: &Centre, secret: &str) -> (u16, String) {
    let answer = ask(centre, Method::GET, "/api/v1/orgs", secret, -1, &Value::Null).await;
    (answer.0, answer.1["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_and_falls_with_its_maker() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        Person::join(&centre, "keeper", &["administrator"]).await;
        let mut maker = Person::join(&centre, "maker", &["administrator"]).await;
        let session = maker.sign_in(&centre).await;
        let make = async |name: &str, from: Option<&str>| {
            let body = json!({"name": name, "scopes": ["read_organisations", "manage_tokens"], "from": from});
            let (status, made) = ask(&centre, Method::POST, "/api/v1/tokens", &session, -1, &body).await;
            assert_eq!(status, 201, "{made}");
            made["secret"].as_str().unwrap().to_owned()
        };
        let (anywhere, here) = (make("anywhere", None).await, make("here", Some("127.0.0.1/32")).await);
        // One that a token made belongs to the same person.
        let body = json!({"name": "child", "scopes": ["read_organisations"], "from": "127.0.0.1/32"});
        let (_, child) = ask(&centre, Method::POST, "/api/v1/tokens", &here, -1, &body).await;
        let child = child["secret"].as_str().unwrap().to_owned();
        let all = [&anywhere, &here, &child];
        for secret in all {
            assert_eq!(reads(&centre, secret).await.0, 200);
        }
        let path = format!("/api/v1/people/{}", maker.id);
        let version = async || centre.get(&path).await["version"].as_i64().unwrap();
        let token = centre.token();
        // A scope goes with the role that gave it, and comes back with it.
        for (role, answer) in [("duty_officer", (403, "LF-ACC-0004")), ("administrator", (400, "LF-API-0006"))] {
            let roles = json!({"roles": [{"role": role}]});
            let set = ask(&centre, Method::PATCH, &path, &token, version().await, &roles).await;
            assert_eq!(set.0, 200, "{}", set.1);
            let empty = ask(&centre, Method::POST, "/api/v1/tokens", &here, -1, &json!({})).await;
            assert_eq!(code(&empty), answer, "{role}");
            assert_eq!(reads(&centre, &here).await.0, 200, "both roles read organisations");
        }
        let gone = (401, "LF-API-0003".to_owned());
        let off = ask(&centre, Method::POST, &format!("{path}/disable"), &token, version().await, &json!({})).await;
        assert_eq!(off.0, 200, "{}", off.1);
        for secret in all.into_iter().chain([&session]) {
            assert_eq!(reads(&centre, secret).await, gone, "with the same request");
        }
        assert_eq!(code(&sign_in(&centre, &maker.with_recovery()).await), (401, "LF-ACC-0009"));
        let on = ask(&centre, Method::POST, &format!("{path}/enable"), &token, version().await, &json!({})).await;
        assert_eq!(on.0, 201, "{}", on.1);
        for secret in all.into_iter().chain([&session]) {
            assert_eq!(reads(&centre, secret).await, gone, "not before they started over");
        }
        let mut again = Person::start(&centre, "maker", &on.1).await;
        again.sign_in(&centre).await;
        assert_eq!(reads(&centre, &anywhere).await, gone, "nobody watched over copies of it meanwhile");
        for secret in [&here, &child] {
            assert_eq!(reads(&centre, secret).await.0, 200, "bound to an address");
        }
        assert_eq!(reads(&centre, &session).await, gone);
    })
    .await;
}
