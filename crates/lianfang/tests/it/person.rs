//! A person from outside: invited, joined through the pages as anybody would, then speaking to the API as themselves.

use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use totp_rs::Totp;

use crate::centre::Centre;

pub(crate) const PASSWORD: &str = "turtle piano cloud seven";

/// Somebody with a password, an authenticator and recovery codes.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) id: String,
    /// The session cookie of their browser.
    pub(crate) cookie: String,
    pub(crate) recovery: Vec<String>,
    totp: Totp,
}

impl Person {
    /// Invited with these roles (`ROLE` or `ROLE@ORG`), and joined.
    pub(crate) async fn join(centre: &Centre, name: &str, roles: &[&str]) -> Self {
        let roles: Vec<Value> = roles
            .iter()
            .map(|role| match role.split_once('@') {
                Some((role, org)) => json!({"role": role, "org": org}),
                None => json!({"role": role}),
            })
            .collect();
        let (status, made) = centre.post("/api/v1/people", &json!({"name": name, "roles": roles})).await;
        assert_eq!(status, 201, "{made}");
        Self::start(centre, name, &made).await
    }

    /// Takes an invitation or a recovery link: a password, then an authenticator.
    pub(crate) async fn start(centre: &Centre, name: &str, made: &Value) -> Self {
        let mut browser = Browser::of(centre);
        let link = made["link"].as_str().expect("a link");
        browser.get(link).await;
        let (to, _) = browser.post(link, &[("password", PASSWORD), ("again", PASSWORD)]).await;
        // Where the role asks for none, it is set up all the same.
        assert!(to == "/" || to.starts_with("/second-factor"), "{to}");
        let page = browser.get("/second-factor").await;
        let secret = between(&page, "<code>", "</code>")
            .into_iter()
            .map(|text| text.replace(' ', ""))
            .find(|text| text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .unwrap_or_else(|| panic!("no secret on {page}"));
        let uri = format!("otpauth://totp/Lianfang:{name}?secret={secret}&issuer=Lianfang");
        let totp = Totp::from_url(&uri).expect("a secret");
        let (_, page) = browser.post("/second-factor/confirm", &[("code", &code(&totp, 0))]).await;
        let recovery: Vec<String> =
            between(&page, "<li>", "</li>").into_iter().filter(|text| text.len() == 19).collect();
        assert_eq!(recovery.len(), 10, "{page}");
        let id = made["id"].as_str().expect("an id").to_owned();
        Self { name: name.to_owned(), id, cookie: browser.session(), recovery, totp }
    }

    /// A code that was not spent yet: the next one, which a clock that runs ahead would show.
    pub(crate) fn next_code(&self) -> String {
        code(&self.totp, 30)
    }

    /// What signing in sends beside name and password: a fresh recovery code.
    pub(crate) fn with_recovery(&mut self) -> Value {
        let code = self.recovery.pop().expect("a recovery code is left");
        json!({"name": self.name, "password": PASSWORD, "recovery_code": code})
    }

    /// Signs a program in and gives the secret.
    pub(crate) async fn sign_in(&mut self, centre: &Centre) -> String {
        let body = self.with_recovery();
        let (status, made) = sign_in(centre, &body).await;
        assert_eq!(status, 201, "{made}");
        made["secret"].as_str().expect("a secret").to_owned()
    }
}

/// `POST /api/v1/session` as it is answered.
pub(crate) async fn sign_in(centre: &Centre, body: &Value) -> (u16, Value) {
    let request = centre.client().post(format!("{}/api/v1/session", centre.url())).json(body);
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

fn code(totp: &Totp, ahead: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs();
    totp.generate(now + ahead).to_string()
}

fn between(page: &str, start: &str, end: &str) -> Vec<String> {
    page.split(start).skip(1).filter_map(|rest| rest.split_once(end)).map(|(text, _)| text.to_owned()).collect()
}

/// A browser without script: cookies, and the token of the last page's forms.
struct Browser {
    client: reqwest::Client,
    url: String,
    cookies: Vec<(String, String)>,
    token: String,
}

impl Browser {
    fn of(centre: &Centre) -> Self {
        let client = centre.builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { client, url: centre.url(), cookies: Vec::new(), token: String::new() }
    }

    fn session(&self) -> String {
        self.cookies.iter().find(|(name, _)| name == "__Host-lianfang").expect("a session").1.clone()
    }

    async fn get(&mut self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.url));
        let (_, page) = self.send(request).await;
        self.token = between(&page, "name=\"csrf\" value=\"", "\"").first().expect("a form").clone();
        page
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> (String, String) {
        let token = self.token.clone();
        let plain = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = fields.iter().copied().chain([("csrf", token.as_str())]);
        let form: Vec<String> = form.map(|(name, value)| format!("{name}={}", plain(value))).collect();
        let request = self.client.post(format!("{}{path}", self.url)).body(form.join("&"));
        self.send(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded")).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> (String, String) {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await.expect("an answer");
        assert!(response.status().as_u16() < 400, "{}", response.status());
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = line.split_once('=').expect("a cookie");
            self.cookies.retain(|(old, _)| old != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        (to, response.text().await.expect("a page"))
    }
}
