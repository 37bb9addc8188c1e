//! About the centre itself: is it alive, is it ready, what can it do.

use axum::Extension;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderValue, StatusCode, header};

use access::{Action, Caller};

use crate::context::ApiCtx;
use crate::reply::{self, Reply};
use crate::table::{Route, Rule, Table};

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    table
        .add(Route::get("/healthz", Rule::Public, "meta", "The process answers").gives_text("text/plain"), healthz)
        .add(
            Route::get("/readyz", Rule::Public, "meta", "The centre can do its work: the store answers")
                .gives_text("text/plain"),
            readyz,
        )
        .add(
            Route::get("/metrics", Rule::May(Action::ReadMetrics), "meta", "Prometheus metrics")
                .gives_text("application/openmetrics-text"),
            metrics,
        )
        .add(Route::get("/api/v1/me", Rule::SignedIn, "meta", "Who the token is and what it may do").gives("Me"), me)
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(ctx): State<ApiCtx>) -> Reply {
    if ctx.db.is_poisoned() {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "the store stopped accepting work\n").into_response());
    }
    match ctx.db.ping().await {
        Ok(()) => Ok("ready\n".into_response()),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Ok((StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n").into_response())
        }
    }
}

async fn metrics(State(ctx): State<ApiCtx>) -> Reply {
    ctx.metrics
        .gauge("resident_bytes", "Resident memory of the process.")
        .set(i64::try_from(runtime::process::rss_bytes()).unwrap_or(i64::MAX));
    let mut response = ctx.metrics.render().into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8"),
    );
    Ok(response)
}

async fn me(Extension(caller): Extension<Caller>) -> Reply {
    let mut actions: Vec<&str> =
        caller.grants().iter().flat_map(|grant| grant.actions.iter()).map(|action| action.word()).collect();
    actions.sort_unstable();
    actions.dedup();
    reply::ok(&serde_json::json!({
        "who": crate::door::caller_word(&caller),
        "org": caller.org(),
        "realm": caller.realm(),
        "actions": actions,
    }))
}
