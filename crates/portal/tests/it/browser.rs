//! A browser without script: cookies, forms, redirects.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};
use http::{HeaderMap, Method, Request, StatusCode};
use portal::Client;
use tower::ServiceExt as _;

/// One answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) heads: HeaderMap,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn head(&self, name: &str) -> &str {
        self.heads.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of the first form token of the page.
    pub(crate) fn token(&self) -> String {
        let after =
            self.text.split("name=\"csrf\" value=\"").nth(1).unwrap_or_else(|| panic!("no form on {}", self.text));
        after.split('"').next().unwrap().to_owned()
    }
}

/// A browser on one device.
pub(crate) struct Browser {
    router: Router,
    /// The host it names.
    pub(crate) host: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Self { router: router.clone(), host: "centre.example".into(), cookies: BTreeMap::new() }
    }

    pub(crate) async fn send(&mut self, method: Method, path: &str, heads: &[(&str, &str)], body: String) -> Seen {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        for (name, value) in heads {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(Client("192.0.2.10".parse().unwrap()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("; Secure; HttpOnly; SameSite=Lax"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, heads) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 10_000_000).await.unwrap();
        Seen { status, heads, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Seen {
        self.send(Method::GET, path, &[], String::new()).await
    }

    /// Opens a page that must be there.
    pub(crate) async fn open(&mut self, path: &str) -> Seen {
        let seen = self.get(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.text);
        seen
    }

    /// Sends a form as a page of this origin would.
    pub(crate) async fn post(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Seen {
        let origin = format!("https://{}", self.host);
        let heads = [(ORIGIN.as_str(), origin.as_str()), (CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &heads, encode(token, fields)).await
    }

    /// Opens the page, sends a form with its token, and comes back with where it leads.
    pub(crate) async fn fill(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> String {
        let token = self.open(page).await.token();
        let seen = self.post(action, &token, fields).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{action}: {}", seen.text);
        seen.head(LOCATION.as_str()).to_owned()
    }
}

pub(crate) fn encode(token: &str, fields: &[(&str, &str)]) -> String {
    let part = |text: &str| -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    std::iter::once(&("csrf", token))
        .chain(fields)
        .map(|(name, value)| format!("{}={}", part(name), part(value)))
        .collect::<Vec<_>>()
        .join("&")
}
