//! The audit tree: search, proofs, checkpoints, the export. Taking it away is itself a leaf.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::Timestamp;
use http::{HeaderValue, header};
use serde::Deserialize;
use store::audit::{self, Filter};

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::shown::Restricted;
use crate::table::{Route, Rule, Table};

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadAudit);
    table
        .add(
            Route::get(
                "/api/v1/audit",
                read,
                "audit",
                "Leaves, newest first; one of action, subject and actor narrows it",
            )
            .lists("AuditLeaf")
            .paged()
            .query("action", "for example intel.publish")
            .query("subject", "for example indicator:0192...")
            .query("actor", "as a leaf shows it")
            .query("since", "RFC 3339")
            .query("until", "RFC 3339"),
            search,
        )
        .add(
            Route::get("/api/v1/audit/checkpoint", read, "audit", "The newest signed checkpoint, a C2SP signed note")
                .gives_text("text/plain"),
            checkpoint,
        )
        .add(
            Route::get(
                "/api/v1/audit/export",
                read,
                "audit",
                "The whole tree, one JSON object a line; a leaf outside the clearance is its hash alone",
            )
            .gives_text("application/x-ndjson"),
            export,
        )
        .add(
            Route::get(
                "/api/v1/audit/{seq}/proof",
                read,
                "audit",
                "The inclusion proof of a leaf (RFC 6962 section 2.1.1)",
            )
            .gives("AuditProof"),
            proof,
        )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    action: Option<String>,
    subject: Option<String>,
    actor: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

async fn search(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let filter = match (wanted.action, wanted.subject, wanted.actor) {
        (None, None, None) => Filter::All,
        (Some(action), None, None) => Filter::Action(action),
        (None, Some(subject), None) => Filter::Subject(subject),
        (None, None, Some(actor)) => Filter::Actor(actor),
        _ => return Err(Answer::of(&BAD_BODY, "only one of action, subject and actor at a time")),
    };
    let since = wanted.since.as_deref().map_or(Ok(Timestamp::EPOCH), str::parse)?;
    let until = wanted.until.as_deref().map_or(Ok(ctx.env.now().plus_secs(1)), str::parse)?;
    let page = super::Paging { limit: wanted.limit, after: wanted.after }.page();
    let found = audit::search(&ctx.db, &caller.clearance_for(Action::ReadAudit), &filter, since, until, &page).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn checkpoint(State(ctx): State<ApiCtx>) -> Reply {
    let newest = audit::latest(&ctx.db).await?.ok_or_else(|| Answer::of(&NOT_FOUND, "nothing is signed yet"))?;
    Ok(newest.note.into_response())
}

async fn proof(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(seq): Path<String>) -> Reply {
    let seq: u64 = seq.parse().map_err(|_| Answer::of(&BAD_BODY, "a leaf has a number"))?;
    let absent = || Answer::of(&NOT_FOUND, "no such leaf, or not signed yet");
    // The leaf is found through the clearance first; the proof itself knows no clearance.
    let leaf = audit::one(&ctx.db, &caller.clearance_for(Action::ReadAudit), seq).await?.ok_or_else(absent)?;
    let found = audit::inclusion(&ctx.db, seq).await?.ok_or_else(absent)?;
    let path: Vec<String> = found.path.iter().map(hex::encode).collect();
    reply::ok(&serde_json::json!({
        "seq": found.seq, "entry": found.entry, "leaf": hex::encode(found.leaf), "path": path, "size": found.size,
    }))
    .map(|mut response| {
        response.extensions_mut().insert(Restricted::row("audit", seq, leaf.org, leaf.tlp));
        response
    })
}

async fn export(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    let (who, signed) = (caller.clearance_for(Action::ReadAudit), audit::latest(&ctx.db).await?);
    let detail = serde_json::json!({"size": signed.as_ref().map_or(0, |signed| signed.size), "seen": who.extent()});
    ctx.access.note_export(&caller, "audit.export", "audit", detail).await?;
    let lines = audit::export_seen(ctx.db.clone(), &ctx.signer, who, signed);
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}
