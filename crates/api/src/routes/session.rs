//! A person signs a program of theirs in, and out again. Everything a person may do in the portal they may then do here
//! as themselves; a token never becomes a person.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use access::{AccessError, Caller, Second, Visit};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, HeaderName, StatusCode, Uri, header};
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::listen::Peer;
use crate::problem::{Answer, BAD_BODY, FORBIDDEN};
use crate::reply::{self, Reply};
use crate::table::{Route, Rule, Table};

/// Who signs in. Accounts without a second factor leave both codes out.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    /// Sign-in name.
    pub name: String,
    /// Password.
    pub password: String,
    /// The authenticator's code.
    #[serde(default)]
    pub code: Option<String>,
    /// A recovery code in place of it; it is spent.
    #[serde(default)]
    pub recovery_code: Option<String>,
}

impl fmt::Debug for SessionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRequest").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    table
        .add(
            Route::post(
                "/api/v1/session",
                Rule::Public,
                "session",
                "A person signs a program in; the bearer secret is answered once",
            )
            .takes::<SessionRequest>()
            .gives("SessionMade")
            .status(201),
            begin,
        )
        .add(
            Route::delete("/api/v1/session", Rule::Session, "session", "The person behind this session signs out")
                .gives_nothing(),
            end,
        )
}

async fn begin(
    State(ctx): State<ApiCtx>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    programs_only(&uri, &headers)?;
    let request: SessionRequest = reply::body(&body)?;
    let second = match (&request.code, &request.recovery_code) {
        (None, None) => None,
        (Some(code), None) => Some(Second::Totp(code)),
        (None, Some(code)) => Some(Second::Recovery(code)),
        _ => return Err(Answer::of(&BAD_BODY, "one of code and recovery_code")),
    };
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.address.ip());
    // No device is known here: only a browser that showed a second factor is counted apart from strangers.
    let visit = Visit { address, agent: agent.to_owned(), device: None };
    let made = ctx.access.sign_in_program(&request.name, &request.password, second, &visit).await.map_err(refused)?;
    reply::created(&serde_json::json!({
        "id": made.login, "person": made.person, "secret": made.cookie.as_str(), "ends_at": made.ends_at,
    }))
}

/// Refuses what any page can make a browser send, before anything is counted: else a page of somebody's would hold
/// accounts and the whole address of an office back. A browser sends JSON to a foreign place only after asking it
/// (Fetch, "CORS-safelisted request-header"), and says where a request comes from; nothing here answers that question.
fn programs_only(uri: &Uri, headers: &HeaderMap) -> Result<(), Answer> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let kind = text(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Answer::of(&BAD_BODY, "Content-Type must be application/json"));
    }
    // HTTP/2 carries the host in the request target instead of a head.
    let host = text(header::HOST).or_else(|| uri.authority().map(http::uri::Authority::as_str));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let foreign = text(header::ORIGIN).is_some_and(|origin| {
        origin.split_once("://").map(|(_, authority)| authority).filter(|one| !one.is_empty()) != host
    });
    if foreign || site.is_some_and(|site| site.eq_ignore_ascii_case("cross-site")) {
        return Err(Answer::of(&FORBIDDEN, "this comes from a page of another site"));
    }
    Ok(())
}

fn refused(error: AccessError) -> Answer {
    let wait = error.retry_after();
    let answer = Answer::from(error);
    match wait {
        Some(seconds) => answer.retry_after(seconds),
        None => answer,
    }
}

async fn end(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    ctx.access.sign_out(&caller).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_never_printed() {
        let text = r#"{"name": "lin", "password": "turtle", "code": "123456", "recovery_code": "aaaa"}"#;
        let request: SessionRequest = serde_json::from_str(text).unwrap();
        assert_eq!(format!("{request:?}"), "SessionRequest { name: \"lin\", .. }");
    }

    #[test]
    fn pages_of_others_sign_nobody_in() {
        let asked = |heads: &[(&'static str, &str)], uri: &'static str| {
            let heads = heads.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
            programs_only(&Uri::from_static(uri), &heads.collect()).is_ok()
        };
        let (json, host) = (("content-type", "application/json"), ("host", "centre.example:8443"));
        let path = "/api/v1/session";
        assert!(asked(&[json, host], path) && asked(&[json], "https://centre.example:8443/api/v1/session"));
        assert!(asked(&[("content-type", "Application/JSON; charset=utf-8"), host], path));
        assert!(asked(
            &[json, host, ("origin", "https://centre.example:8443"), ("sec-fetch-site", "same-origin")],
            path
        ));
        for kind in
            ["text/plain", "text/plain; application/json", "application/x-www-form-urlencoded", "application/jsonx"]
        {
            assert!(!asked(&[("content-type", kind), host], path), "{kind}");
        }
        assert!(!asked(&[host], path), "no type at all");
        assert!(!asked(&[json, host, ("sec-fetch-site", "cross-site")], path));
        for origin in ["https://evil.example", "https://centre.example", "null", "", "https://"] {
            assert!(!asked(&[json, host, ("origin", origin)], path), "{origin}");
        }
        assert!(!asked(&[json, ("origin", "https://centre.example:8443")], path), "no host to compare with");
    }
}
