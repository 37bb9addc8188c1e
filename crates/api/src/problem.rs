//! Errors as the outside sees them: RFC 9457 `application/problem+json` with a stable code, short, without internals.

use axum::response::{IntoResponse, Response};
use base::{Code, Coded, Problem};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

base::codes! {
    /// No credential, or one that is not valid.
    pub UNAUTHENTICATED = "LF-API-0003", 401,
        en "This needs a valid token, or somebody who is signed in.", zh "需要有效的權杖，或先登入。",
        act_en "Send `Authorization: Bearer` with a token from `lianfang token create`, or sign in: `lianfang sign-in`.", act_zh "請以 `Authorization: Bearer` 送出 `lianfang token create` 取得的權杖，或以 `lianfang sign-in` 登入。";
    /// The credential does not reach this far.
    pub FORBIDDEN = "LF-API-0004", 403,
        en "Your rights do not reach this far.", zh "您的權限不足以執行此操作。",
        act_en "Ask an administrator for the role or scope that is named.", act_zh "請向管理者申請所指的角色或權限範圍。";
    /// Nothing there, or nothing you may see.
    pub NOT_FOUND = "LF-API-0005", 404,
        en "There is nothing here that you can see.", zh "此處沒有您可檢視的內容。",
        act_en "Check the address or the id.", act_zh "請檢查網址或識別碼。";
    /// The body is not what the route takes.
    pub BAD_BODY = "LF-API-0006", 400,
        en "The request body is not what this route takes.", zh "要求內容不符合此路徑的格式。",
        act_en "Compare it with /api/v1/openapi.json.", act_zh "請對照 /api/v1/openapi.json。";
    /// Too large.
    pub TOO_LARGE = "LF-API-0007", 413,
        en "The request is larger than this door allows.", zh "要求大小超過此入口的上限。",
        act_en "Send it in smaller parts.", act_zh "請分批送出。";
    /// The encoding is unknown or broken.
    pub BAD_ENCODING = "LF-API-0008", 415,
        en "The content encoding is unknown or the compressed data is broken.", zh "內容編碼不明或壓縮資料毀損。",
        act_en "Send it plain, or as gzip or zstd.", act_zh "請以未壓縮、gzip 或 zstd 格式送出。";
    /// Come back later.
    pub BUSY = "LF-API-0009", 429,
        en "The centre cannot take more at the moment.", zh "中心目前無法接收更多資料。",
        act_en "Repeat after the time in Retry-After; nothing was lost.", act_zh "請於 Retry-After 所示時間後重送；資料沒有遺失。";
    /// Something broke inside.
    pub INTERNAL = "LF-API-0010", 500,
        en "Something went wrong inside.", zh "系統內部發生錯誤。",
        act_en "Tell the platform engineer the reference number.", act_zh "請將參考編號告知平台維運人員。";
    /// The state has moved on.
    pub PRECONDITION = "LF-API-0011", 412,
        en "The thing has changed since you read it.", zh "此項目在您讀取後已被變更。",
        act_en "Read it again and repeat your change with the new ETag.", act_zh "請重新讀取，並以新的 ETag 再變更一次。";
    /// The method is not there.
    pub BAD_METHOD = "LF-API-0013", 405,
        en "This address does not take this method.", zh "此網址不接受這個方法。",
        act_en "Compare it with /api/v1/openapi.json.", act_zh "請對照 /api/v1/openapi.json。";
}

/// The body of a problem (RFC 9457 section 3).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// A page about this code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in the reader's language.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What exactly.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The stable code.
    pub code: String,
    /// What to do.
    pub action: String,
    /// Where: a JSON pointer or a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// A problem as an answer.
#[derive(Debug)]
pub struct Answer {
    problem: Problem,
    retry_after: Option<u32>,
}

impl Answer {
    /// The answer for a catalogue entry.
    #[must_use]
    pub fn of(code: &'static Code, detail: impl Into<String>) -> Self {
        Self { problem: Problem::new(code, detail), retry_after: None }
    }

    /// The same with `Retry-After`, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The problem inside.
    #[must_use]
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl<E: Coded> From<E> for Answer {
    fn from(error: E) -> Self {
        let problem = error.problem();
        if problem.code.http >= 500 {
            tracing::error!(error.code = problem.code.id, %error, "request failed: {}", problem.code.id);
        }
        Self { problem, retry_after: None }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Problem { code, detail, place } = self.problem;
        let body = ProblemBody {
            kind: format!("/errors#{}", code.id),
            title: code.en.to_owned(),
            status: code.http,
            detail: if code.http >= 500 { String::new() } else { detail },
            code: code.id.to_owned(),
            action: code.act_en.to_owned(),
            place,
        };
        let status = StatusCode::from_u16(code.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let text = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer, Basic realm=\"token\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
