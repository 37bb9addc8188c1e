//! Answers: lists with their cursor, single things with their ETag, bodies parsed strictly.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use base::limits;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Answer, BAD_BODY, PRECONDITION};
use crate::shown::Restricted;

/// A result of a handler.
pub type Reply = Result<Response, Answer>;

/// A JSON body with a status; what it shows that is restricted goes along for the door.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Reply {
    written(status, &serde_json::to_value(value).map_err(broken)?)
}

fn broken(_: serde_json::Error) -> Answer {
    Answer::of(&crate::problem::INTERNAL, "the answer cannot be written as JSON")
}

fn written(status: StatusCode, value: &serde_json::Value) -> Reply {
    let restricted = Restricted::of(value);
    let text = serde_json::to_vec(value).map_err(broken)?;
    let mut response = (status, text).into_response();
    if !restricted.is_empty() {
        response.extensions_mut().insert(restricted);
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// 200 with a JSON body.
pub fn ok<T: Serialize>(value: &T) -> Reply {
    json(StatusCode::OK, value)
}

/// 201 with a JSON body.
pub fn created<T: Serialize>(value: &T) -> Reply {
    json(StatusCode::CREATED, value)
}

/// A part of a list: `{"items": [..], "next": cursor}` and the `Link` header (RFC 8288).
pub fn list<T: Serialize>(items: &[T], next: Option<&str>) -> Reply {
    let mut response = written(StatusCode::OK, &serde_json::json!({"items": items, "next": next}))?;
    if let Some(cursor) = next {
        response.extensions_mut().insert(NextCursor(cursor.to_owned()));
    }
    Ok(response)
}

/// The cursor of the next part; the door turns it into a `Link` with the request's own filters.
#[derive(Debug, Clone)]
pub struct NextCursor(pub String);

/// `Link: <..>; rel="next"` for a request's path and query.
#[must_use]
pub fn next_link(path: &str, query: Option<&str>, cursor: &str) -> Option<HeaderValue> {
    let kept = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
    let after = format!("after={cursor}");
    let query: Vec<&str> = kept.chain([after.as_str()]).collect();
    HeaderValue::from_str(&format!("<{path}?{}>; rel=\"next\"", query.join("&"))).ok()
}

/// One thing with the version of its row as ETag.
pub fn versioned<T: Serialize>(value: &T, version: i64) -> Reply {
    let mut response = ok(value)?;
    if let Ok(tag) = HeaderValue::from_str(&format!("\"v{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The version a change was made against: the `If-Match` header.
///
/// # Errors
/// `LF-API-0011` when it is missing or not one of our tags.
pub fn if_match(headers: &HeaderMap) -> Result<u64, Answer> {
    headers
        .get(header::IF_MATCH)
        .and_then(|value| value.to_str().ok())
        .and_then(|tag| tag.trim().trim_matches('"').strip_prefix('v'))
        .and_then(|version| version.parse().ok())
        .ok_or_else(|| Answer::of(&PRECONDITION, "send If-Match with the ETag that reading gave"))
}

/// A JSON body: bounded depth, unknown fields refused, the place of an error named.
///
/// # Errors
/// `LF-API-0006`.
pub fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Answer> {
    if limits::json_depth(bytes) > limits::JSON_DEPTH.most {
        return Err(Answer::of(&BAD_BODY, format!("nested deeper than {} levels", limits::JSON_DEPTH.most)));
    }
    serde_json::from_slice(bytes).map_err(|error| Answer::of(&BAD_BODY, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        #[allow(dead_code, reason = "only parsed")]
        a: u8,
    }

    #[test]
    fn bodies_are_strict_and_bounded() {
        assert!(body::<Small>(&Bytes::from_static(b"{\"a\":1}")).is_ok());
        for bad in [&b"{\"a\":1,\"b\":2}"[..], b"{\"a\":300}", b"", b"\xff", b"{\"a\":1}x"] {
            assert_eq!(body::<Small>(&Bytes::copy_from_slice(bad)).unwrap_err().problem().code.id, "LF-API-0006");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(body::<serde_json::Value>(&Bytes::from(deep)).unwrap_err().problem().code.id, "LF-API-0006");
    }

    #[test]
    fn the_next_link_keeps_the_filters() {
        let link = next_link("/api/v1/sessions", Some("class=scan&after=old&limit=1"), "new").unwrap();
        assert_eq!(link, "</api/v1/sessions?class=scan&limit=1&after=new>; rel=\"next\"");
    }

    #[test]
    fn tags_are_ours_or_refused() {
        let mut headers = HeaderMap::new();
        assert!(if_match(&headers).is_err());
        headers.insert(header::IF_MATCH, HeaderValue::from_static("\"v7\""));
        assert_eq!(if_match(&headers).unwrap(), 7);
        headers.insert(header::IF_MATCH, HeaderValue::from_static("*"));
        assert!(if_match(&headers).is_err());
    }
}
