//! The audit tree: search, proofs, checkpoints, the whole export. Reading it whole is itself a leaf.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::{Timestamp, Tlp};
use http::{HeaderValue, header};
use serde::Deserialize;
use store::audit::{self, Filter};
use store::{AuditEntry, Outcome, Reach, Unit};

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, FORBIDDEN, NOT_FOUND};
use crate::reply::{self, Reply};
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
                "Every leaf and the newest checkpoint, one JSON object a line",
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

/// The whole tree concerns every organisation: only who sees the whole centre reads it whole. The reading is a leaf.
async fn whole(ctx: &ApiCtx, caller: &Caller, action: &str, subject: &str) -> Result<(), Answer> {
    if caller.clearance_for(Action::ReadAudit).reach() != Reach::All {
        return Err(Answer::of(&FORBIDDEN, "the whole tree needs a centre-wide clearance"));
    }
    let entry = AuditEntry {
        action: action.to_owned(),
        subject: subject.to_owned(),
        org: caller.org(),
        realm: caller.realm(),
        tlp: Tlp::AmberStrict,
        outcome: Outcome::Read,
        detail: serde_json::json!({}),
    };
    ctx.db.commit(Unit::new(caller.actor(), ctx.env.now()).audit(entry)).await?;
    Ok(())
}

async fn checkpoint(State(ctx): State<ApiCtx>) -> Reply {
    let newest = audit::latest(&ctx.db).await?.ok_or_else(|| Answer::of(&NOT_FOUND, "nothing is signed yet"))?;
    Ok(newest.note.into_response())
}

async fn proof(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(seq): Path<String>) -> Reply {
    let seq: u64 = seq.parse().map_err(|_| Answer::of(&BAD_BODY, "a leaf has a number"))?;
    whole(&ctx, &caller, "audit.proof", &format!("audit:{seq}")).await?;
    let absent = || Answer::of(&NOT_FOUND, "no such leaf, or not signed yet");
    audit::one(&ctx.db, caller.clearance(), seq).await?.ok_or_else(absent)?;
    let found = audit::inclusion(&ctx.db, seq).await?.ok_or_else(absent)?;
    let path: Vec<String> = found.path.iter().map(hex::encode).collect();
    reply::ok(&serde_json::json!({
        "seq": found.seq, "entry": found.entry, "leaf": hex::encode(found.leaf), "path": path, "size": found.size,
    }))
}

async fn export(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    whole(&ctx, &caller, "audit.export", "audit").await?;
    let mut response = Body::from_stream(audit::export(ctx.db.clone(), &ctx.signer)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}
