//! Doors for programs: JSON routes with OpenAPI 3.1, ingest, feeds, the machine listener, TLS.
//!
//! Handlers are thin: authenticate, parse, call one service, render. No rule of a domain lives here.
//!
//! **Enters:** HTTP. **Leaves:** JSON, lists, problems (RFC 9457).
//!
//! # Invariants
//! - A route without a rule does not exist: routes are made only through the route table.
//! - An answer that shows something restricted goes out after its audit leaf is durable.
//! - Nothing is acknowledged before the journal has it on disk.
//! - Machines have their own listener; browsers are never asked for certificates.

pub mod answers;
pub mod change;
pub mod context;
pub mod door;
pub mod encoding;
pub mod idempotency;
pub mod listen;
pub mod pki;
pub mod problem;
pub mod replay;
pub mod reply;
pub mod room;
pub mod routes;
pub mod shown;
pub mod table;

use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, BAD_ENCODING, BAD_METHOD, NOT_FOUND, TOO_LARGE};

/// Every code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[pki::CODES, problem::CODES, idempotency::CODES];

pub use replay::MIGRATIONS;

/// The router of the portal's listener: the API, and `pages` for everything else.
pub fn public_router(ctx: ApiCtx, pages: Router) -> Router {
    let table = routes::public(ctx);
    let document = table.openapi().to_string();
    let described = Router::new().route(
        "/api/v1/openapi.json",
        axum::routing::get(move || {
            let document = document.clone();
            async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document) }
        }),
    );
    let api = table.into_router().merge(described).route("/api/{*rest}", axum::routing::any(absent));
    harden(api.layer(axum::middleware::map_response(as_problem)).merge(pages))
}

/// The router of the machine listener.
pub fn machine_router(ctx: ApiCtx) -> Router {
    harden(routes::machine(ctx).into_router().fallback(absent).layer(axum::middleware::map_response(as_problem)))
}

async fn absent() -> impl IntoResponse {
    Answer::of(&NOT_FOUND, "")
}

/// Refusals that the framework words itself (a query that does not parse, a method that is not there, a body too large)
/// become problems like all others.
async fn as_problem(response: Response) -> Response {
    let ours =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/problem+json");
    let code = match response.status() {
        _ if ours => return response,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => &BAD_BODY,
        StatusCode::METHOD_NOT_ALLOWED => &BAD_METHOD,
        StatusCode::PAYLOAD_TOO_LARGE => &TOO_LARGE,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => &BAD_ENCODING,
        _ => return response,
    };
    let text = axum::body::to_bytes(response.into_body(), 4_096).await.unwrap_or_default();
    Answer::of(code, base::code::excerpt(&String::from_utf8_lossy(&text))).into_response()
}

/// What every answer carries and every request obeys.
fn harden(router: Router) -> Router {
    let most = usize::try_from(base::limits::INGEST_BODY.most).unwrap_or(usize::MAX);
    router
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(most))
        .layer(RequestBodyTimeoutLayer::new(Duration::from_secs(base::limits::BODY_SECONDS.most)))
        .layer(axum::middleware::map_response(guarded_headers))
}

async fn guarded_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
