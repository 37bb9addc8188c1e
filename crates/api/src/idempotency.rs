//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header) in front of every command of the table.
//!
//! A client that does not know whether its command arrived sends it again with the same key and hears the first answer
//! again. Handlers know nothing of it. Ingest and machines have sequence numbers and keys of their own.
//!
//! # Invariants
//! - A command under a key runs to its end even when the client is gone.
//! - What was shown once (a token's secret, a one-time code) is not kept, neither in clear nor sealed.

use access::Caller;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base::limits;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::context::ApiCtx;
use crate::problem::{Answer, INTERNAL, TOO_LARGE};
use crate::replay::{ANSWER_BYTES, Begun, End, Kept, Turn};

/// The header of the key.
pub const NAME: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is a repetition.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const LONGEST: usize = 255;

base::codes! {
    /// The key is not one.
    pub BAD_KEY = "LF-API-0014", 400,
        en "The Idempotency-Key is not one.", zh "Idempotency-Key 格式不正確。",
        act_en "Send one key of 1 to 255 printable characters, best a fresh UUID in double quotes.", act_zh "請送出一個 1 至 255 個可見字元的識別鍵，建議使用加上雙引號的新 UUID。";
    /// The key was used for something else.
    pub REUSED = "LF-API-0015", 422,
        en "This Idempotency-Key belongs to another request.", zh "此 Idempotency-Key 已用於另一個要求。",
        act_en "Use a fresh key for each command; repeat a command with the same path and body.", act_zh "每個指令請使用新的識別鍵；重送時路徑與內容必須相同。";
    /// The first request is not finished.
    pub RUNNING = "LF-API-0016", 409,
        en "The request with this Idempotency-Key is still being worked on.", zh "使用此 Idempotency-Key 的要求仍在處理中。",
        act_en "Repeat it after the time in Retry-After.", act_zh "請於 Retry-After 所示時間後重送。";
    /// It was done, and its answer is not kept.
    pub SPENT = "LF-API-0017", 409,
        en "This was done already; its answer is not shown again.", zh "此要求已完成，其回應不會再次顯示。",
        act_en "A lost secret cannot be shown: revoke what was made and make another with a fresh key.", act_zh "遺失的密碼無法再次顯示：請撤銷已建立的項目，並以新的識別鍵重新建立。";
    /// It began and did not end well.
    pub UNKNOWN = "LF-API-0018", 409,
        en "The request with this Idempotency-Key was interrupted; its end is not known.", zh "使用此 Idempotency-Key 的要求曾遭中斷，結果不明。",
        act_en "Look whether it was done; if not, send it with a fresh key.", act_zh "請先確認是否已完成；若未完成，請以新的識別鍵重送。";
    /// Too many keys.
    pub FULL = "LF-API-0019", 429,
        en "Too many Idempotency-Keys are kept for you.", zh "為您保留的 Idempotency-Key 過多。",
        act_en "Send without a key, or wait: each is kept for a day.", act_zh "請不帶識別鍵送出，或稍後再試：每個識別鍵保留一天。";
}

/// Runs a command once per caller and key; `secret` is the field of its answer that is shown once.
pub async fn once(
    State((ctx, secret)): State<(ApiCtx, Option<&'static str>)>,
    request: Request,
    next: Next,
) -> Response {
    let key = match key_of(request.headers()) {
        Ok(Some(key)) => key,
        Ok(None) => return next.run(request).await,
        Err(answer) => return answer.into_response(),
    };
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let most = usize::try_from(limits::REQUEST_BODY.most).unwrap_or(usize::MAX);
    let Ok(body) = axum::body::to_bytes(body, most).await else {
        return Answer::of(&TOO_LARGE, "").into_response();
    };
    let who = crate::door::caller_word(&caller);
    match ctx.replays.begin(&caller, &who, &key, fingerprint(&parts, &body)).await {
        Ok(Begun::Fresh(turn)) => work(ctx, turn, secret, Request::from_parts(parts, Body::from(body)), next).await,
        Ok(Begun::Done(kept)) => repeat(kept),
        Ok(Begun::Spent(kept)) => {
            let shown = String::from_utf8_lossy(&kept.body).into_owned();
            let detail = if shown.is_empty() { String::new() } else { format!("it answered {shown}") };
            Answer::of(&SPENT, detail).into_response()
        }
        Ok(Begun::Reused) => Answer::of(&REUSED, "").into_response(),
        Ok(Begun::Running) => Answer::of(&RUNNING, "").retry_after(1).into_response(),
        Ok(Begun::Unknown) => Answer::of(&UNKNOWN, "").into_response(),
        Ok(Begun::Full) => Answer::of(&FULL, "").retry_after(3_600).into_response(),
        Err(error) => Answer::from(error).into_response(),
    }
}

/// The command as a task of its own: a client that goes away does not stop it in the middle.
async fn work(ctx: ApiCtx, turn: Turn, secret: Option<&'static str>, request: Request, next: Next) -> Response {
    let task = tokio::spawn(async move {
        let handled = tokio::spawn(next.run(request)).await;
        let (response, end) = match handled {
            Ok(response) => settle(response, secret).await,
            Err(_panicked) => (Answer::of(&INTERNAL, "").into_response(), End::Unknown),
        };
        if let Err(error) = ctx.replays.end(&turn, end).await {
            tracing::warn!(%error, "the end of a command under an idempotency key could not be kept");
        }
        response
    });
    task.await.unwrap_or_else(|_| Answer::of(&INTERNAL, "").into_response())
}

/// What is kept of an answer: success is repeated, a refusal frees the key (nothing was done), a fault is not known.
async fn settle(response: Response, secret: Option<&'static str>) -> (Response, End) {
    let status = response.status();
    if status.is_server_error() {
        return (response, End::Unknown);
    }
    if !status.is_success() {
        return (response, End::Released);
    }
    let (parts, body) = response.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_owned);
    let mut kept =
        Kept { status: status.as_u16(), kind: text(header::CONTENT_TYPE), etag: text(header::ETAG), body: Vec::new() };
    let short = body.size_hint().upper().is_some_and(|bytes| bytes <= ANSWER_BYTES as u64);
    if !short {
        return (Response::from_parts(parts, body), End::Spent(kept));
    }
    let Ok(body) = axum::body::to_bytes(body, ANSWER_BYTES).await else {
        return (Answer::of(&INTERNAL, "").into_response(), End::Unknown);
    };
    let response = Response::from_parts(parts, Body::from(body.clone()));
    match secret {
        Some(field) => {
            kept.body = without(&body, field);
            (response, End::Spent(kept))
        }
        None => {
            kept.body = body.to_vec();
            (response, End::Done(kept))
        }
    }
}

/// The JSON object without its secret; nothing when it is not an object.
fn without(body: &[u8], field: &str) -> Vec<u8> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(body) else { return Vec::new() };
    object.remove(field);
    serde_json::to_vec(&object).unwrap_or_default()
}

fn repeat(kept: Kept) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut response = (status, kept.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, kept.kind), (header::ETAG, kept.etag)] {
        if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// The key of a request: a string of RFC 9651 (in double quotes), or the same without quotes.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Answer> {
    let mut values = headers.get_all(NAME).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let key = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let good = (1..=LONGEST).contains(&key.len())
        && key.bytes().all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    if !good || values.next().is_some() {
        return Err(Answer::of(&BAD_KEY, ""));
    }
    Ok(Some(key.to_owned()))
}

fn fingerprint(parts: &Parts, body: &Bytes) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let digest = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(target)
        .chain_update([0])
        .chain_update(body);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_strings_or_refused() {
        let key = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(NAME, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            key_of(&headers).map_err(|answer| answer.problem().code.id)
        };
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&["\"8e03978e\""]), Ok(Some("8e03978e".into())));
        assert_eq!(key(&["8e03978e"]), Ok(Some("8e03978e".into())));
        let long = "x".repeat(LONGEST + 1);
        for bad in [&[""][..], &["\"\""], &["\"a"], &["a\"b"], &["鍵"], &["a", "a"], &[long.as_str()]] {
            assert_eq!(key(bad), Err("LF-API-0014"), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_secret_is_answered_and_not_kept() {
        let (response, end) = settle(Answer::of(&RUNNING, "").into_response(), None).await;
        assert!(matches!(end, End::Released) && response.status() == 409);
        let (_, end) = settle(StatusCode::SERVICE_UNAVAILABLE.into_response(), None).await;
        assert!(matches!(end, End::Unknown));
        let made = || crate::reply::created(&serde_json::json!({"id": 7, "secret": "lft_x"})).unwrap();
        let (response, end) = settle(made(), Some("secret")).await;
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("lft_x"));
        match end {
            End::Spent(kept) => assert_eq!(kept.body, b"{\"id\":7}"),
            other => panic!("{other:?}"),
        }
        let long = crate::reply::ok(&"x".repeat(ANSWER_BYTES)).unwrap();
        let (response, end) = settle(long, None).await;
        assert!(matches!(end, End::Spent(kept) if kept.body.is_empty()));
        assert_eq!(axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().len(), ANSWER_BYTES + 2);
    }
}
