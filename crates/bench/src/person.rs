//! The first administrator of a centre under measurement, as a browser without script: first run, second factor, pages.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Method, StatusCode};

/// Long enough for the strictest policy; the centre lives for one row.
const PASSWORD: &str = "Lighthouse-over-quiet-water-58";

/// Somebody who is signed in.
#[derive(Debug)]
pub(crate) struct Person {
    client: reqwest::Client,
    address: String,
    cookies: BTreeMap<String, String>,
}

impl Person {
    /// Walks the first run from the printed link until every page is open.
    pub(crate) async fn first(client: reqwest::Client, address: String, link: &str) -> Result<Self> {
        let mut person = Self { client, address, cookies: BTreeMap::new() };
        let page = person.page(link).await?;
        let token = link.split_once("t=").context("a setup link")?.1;
        let fields = [("t", token), ("login", "bench"), ("display", "Bench"), ("password", PASSWORD)];
        let fields: Vec<_> = fields.into_iter().chain([("again", PASSWORD)]).collect();
        let next = person.post("/setup", &page, &fields).await?.context("the second step")?;
        let page = person.page(&next).await?;
        let code = one_time_code(&page)?;
        person.post("/second-factor/confirm", &page, &[("code", &code), ("next", "/")]).await?;
        Ok(person)
    }

    /// A page that must be there.
    pub(crate) async fn page(&mut self, path: &str) -> Result<String> {
        let (status, _, text) = self.send(Method::GET, path, String::new()).await?;
        ensure!(status == StatusCode::OK, "{path}: {status} {text}");
        Ok(text)
    }

    /// Sends a form with the page's token; where it leads.
    async fn post(&mut self, path: &str, page: &str, fields: &[(&str, &str)]) -> Result<Option<String>> {
        let csrf = between(page, "name=\"csrf\" value=\"", "\"")?;
        let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let token = ("csrf", csrf);
        let pairs = std::iter::once(&token).chain(fields);
        let body: Vec<String> = pairs.map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
        let (status, to, text) = self.send(Method::POST, path, body.join("&")).await?;
        ensure!(status == StatusCode::OK || status == StatusCode::SEE_OTHER, "{path}: {status} {text}");
        Ok(to)
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Result<(StatusCode, Option<String>, String)> {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.address));
        let request = request.header(COOKIE, cookies.join("; ")).header(ORIGIN, &self.address);
        let answer = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body).send().await?;
        for line in answer.headers().get_all(SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').context("a cookie")?;
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        Ok((answer.status(), to, answer.text().await?))
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Result<&'a str> {
    let Some((_, rest)) = text.split_once(before) else { bail!("{before} is not on the page: {text}") };
    Ok(rest.split(after).next().unwrap_or_default())
}

/// The code of now for the key that the page shows in groups of four letters.
fn one_time_code(page: &str) -> Result<String> {
    let group =
        |word: &str| word.len() <= 4 && word.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b));
    let key = page.split(['<', '>']).map(str::trim).find(|text| text.len() >= 39 && text.split(' ').all(group));
    let key = key.context("the key of the second factor")?.replace(' ', "");
    let totp = totp_rs::Totp::from_url(format!("otpauth://totp/bench:bench?secret={key}&issuer=bench"))?;
    Ok(totp.generate(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()).to_string())
}
