//! Commands of the API from outside: done once per key.

use serde_json::{Value, json};

use crate::centre::{Centre, each_store};

/// A command with a key by a token that outlives a restart (the bootstrap token is made anew each time).
async fn keyed(centre: &Centre, path: &str, key: &str, body: &Value) -> (u16, bool, Value) {
    let secret = std::fs::read_to_string(centre.path("lasting")).expect("the token");
    let request = centre.client().post(format!("{}{path}", centre.url())).bearer_auth(secret.trim());
    let response = request.header("idempotency-key", key).json(body).send().await.expect("an answer");
    let replayed = response.headers().contains_key("idempotency-replayed");
    (response.status().as_u16(), replayed, response.json().await.unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_under_a_key_is_done_once_also_after_a_crash() {
    each_store(async |store| {
        let mut centre = Centre::start(store).await;
        let file = centre.path("lasting");
        let file = file.to_str().expect("a path");
        let scopes = ["--scope", "manage_organisations", "--scope", "manage_tokens", "--scope", "read_feeds"];
        centre.json(&[&["token", "create", "--name", "lasting", "--json", "--out", file][..], &scopes].concat());
        let org = json!({"name": "north-power", "en": "North Power"});
        let first = keyed(&centre, "/api/v1/orgs", "\"k-1\"", &org).await;
        assert_eq!((first.0, first.1), (201, false), "{}", first.2);
        let again = keyed(&centre, "/api/v1/orgs", "\"k-1\"", &org).await;
        assert_eq!(again, (201, true, first.2.clone()));
        let other = keyed(&centre, "/api/v1/orgs", "k-1", &json!({"name": "south-power"})).await;
        assert_eq!((other.0, &other.2["code"]), (422, &json!("LF-API-0015")));
        let elsewhere = keyed(&centre, "/api/v1/tokens", "k-1", &org).await;
        assert_eq!(elsewhere.0, 422, "the path belongs to the request");
        // A refusal frees the key: nothing was done.
        let taken = keyed(&centre, "/api/v1/orgs", "k-2", &org).await;
        assert_eq!((taken.0, taken.1), (409, false), "{}", taken.2);
        let free = keyed(&centre, "/api/v1/orgs", "k-2", &json!({"name": "south-power"})).await;
        assert_eq!(free.0, 201, "{}", free.2);
        assert_eq!(keyed(&centre, "/api/v1/orgs", "", &org).await.2["code"], "LF-API-0014");
        // Many at once: one of them does it.
        let body = json!({"name": "east-power"});
        let all = futures::future::join_all((0..8).map(|_| keyed(&centre, "/api/v1/orgs", "k-3", &body))).await;
        assert_eq!(all.iter().filter(|one| (one.0, one.1) == (201, false)).count(), 1, "{all:?}");
        assert!(all.iter().all(|one| one.0 == 201 || one.2["code"] == "LF-API-0016"), "{all:?}");
        // A secret is shown once and lies nowhere.
        let token = json!({"name": "fw", "scopes": ["read_feeds"]});
        let made = keyed(&centre, "/api/v1/tokens", "k-4", &token).await;
        assert_eq!(made.0, 201);
        let secret = made.2["secret"].as_str().expect("a secret").to_owned();
        let shown = keyed(&centre, "/api/v1/tokens", "k-4", &token).await;
        assert_eq!((shown.0, &shown.2["code"]), (409, &json!("LF-API-0017")));
        let told = shown.2.to_string();
        assert!(told.contains(made.2["id"].as_str().expect("an id")) && !told.contains(&secret), "{told}");
        centre.crash();
        centre.restart().await;
        assert_eq!(keyed(&centre, "/api/v1/orgs", "k-1", &org).await, (201, true, first.2));
        assert_eq!(keyed(&centre, "/api/v1/tokens", "k-4", &token).await.0, 409);
        assert_eq!(centre.get("/api/v1/orgs").await["items"].as_array().expect("items").len(), 4);
        // A start that does not find the bootstrap token in its file ends all that was made with it.
        centre.crash();
        std::fs::remove_file(centre.path("token")).expect("the token's file");
        centre.restart().await;
        assert_eq!(keyed(&centre, "/api/v1/orgs", "k-1", &org).await.0, 401);
    })
    .await;
}
