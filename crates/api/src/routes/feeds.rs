//! Lists for firewalls that pull: one address or network a line after a comment header, with an ETag.

use std::fmt::Write as _;

use access::{Action, Caller, MachineKind};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::context::ApiCtx;
use crate::problem::Answer;
use crate::reply::Reply;
use crate::table::{Route, Rule, Table};

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    table.add(
        Route::get(
            "/feeds/block-ip.txt",
            Rule::May(Action::ReadFeeds),
            "feeds",
            "Addresses and networks to block, one a line",
        )
        .gives_text("text/plain"),
        block_ip,
    )
}

/// The same list for an enforcement point's certificate, on the machine listener.
#[must_use]
pub fn add_machine(table: Table) -> Table {
    table.add(
        Route::get(
            "/feeds/block-ip.txt",
            Rule::Machine(MachineKind::Edge),
            "feeds",
            "Addresses and networks to block, one a line",
        )
        .gives_text("text/plain"),
        block_ip,
    )
}

async fn block_ip(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, headers: HeaderMap) -> Reply {
    let list = ctx.edge.block_list(caller.clearance(), caller.org()).await?;
    let tag = format!("\"{}\"", list.digest);
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*"));
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { text(&list) };
    let value = HeaderValue::from_str(&tag).map_err(|_| Answer::of(&crate::problem::INTERNAL, ""))?;
    response.headers_mut().insert(header::ETAG, value);
    // Firewalls sit behind proxies: each pull asks again, cheaply by the tag.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

fn text(list: &edge::service::feed::BlockList) -> Response {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = writeln!(
        out,
        "# Lianfang block list; addresses and networks, one a line\n# entries: {}\n# as of: {}\n# digest: {}{}",
        list.keys.len(),
        list.at,
        list.digest,
        if list.kill { "\n# the kill switch is on: nothing is denied" } else { "" },
    );
    out.push_str(&list.lines());
    let mut response = out.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
