//! Doors for programs: JSON routes with OpenAPI 3.1, ingest, feeds, the machine listener, TLS.
//!
//! Handlers are thin: authenticate, parse, call one service, render. No rule of a domain lives here.
//!
//! **Enters:** HTTP. **Leaves:** JSON, lists, problems (RFC 9457).
//!
//! # Invariants
//! - A route without a rule does not exist: routes are made only through the route table.
//! - Nothing is acknowledged before the journal has it on disk.
//! - Machines have their own listener; browsers are never asked for certificates.

pub mod context;
pub mod door;
pub mod encoding;
pub mod listen;
pub mod pki;
pub mod problem;
pub mod reply;
pub mod routes;
pub mod table;

use axum::Router;
use axum::response::IntoResponse;
use http::{HeaderValue, header};
use tower_http::limit::RequestBodyLimitLayer;

use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND};

/// Every code of this room.
pub static ALL_CODES: &[&[&base::Code]] = &[pki::CODES, problem::CODES];

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
    harden(api.merge(pages))
}

/// The router of the machine listener.
pub fn machine_router(ctx: ApiCtx) -> Router {
    harden(routes::machine(ctx).into_router().fallback(absent))
}

async fn absent() -> impl IntoResponse {
    Answer::of(&NOT_FOUND, "")
}

/// What every answer carries and every request obeys.
fn harden(router: Router) -> Router {
    let most = usize::try_from(base::limits::INGEST_BODY.most).unwrap_or(usize::MAX);
    router
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(most))
        .layer(axum::middleware::map_response(guarded_headers))
}

async fn guarded_headers(mut response: axum::response::Response) -> axum::response::Response {
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
