//! Findings: the queue, and what people do with it.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use base::FindingId;
use detect::model::{Filter, FindingOutcome, Which};
use serde::Deserialize;

use crate::change::Change;
use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::routes::{known, pick};
use crate::table::{Route, Rule, Table};

/// How a finding ends.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveRequest {
    /// `true_positive`, `false_positive`, `benign` or `duplicate`.
    pub outcome: String,
    /// Why; people read it later.
    pub reason: String,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadFindings);
    let act = Rule::May(Action::ResolveFinding);
    table
        .add(
            Route::get(
                "/api/v1/findings",
                read,
                "findings",
                "Findings; those that wait for a person when nothing else is asked",
            )
            .lists("Finding")
            .paged()
            .query("which", "open or all")
            .query("rule", "only this rule")
            .query("value", "only about this value")
            .query("min_severity", "1 to 4"),
            list,
        )
        .add(
            Route::get("/api/v1/findings/groups", read, "findings", "Open findings by rule and organisation")
                .lists("FindingGroup"),
            groups,
        )
        .add(
            Route::get("/api/v1/findings/{id}", read, "findings", "One finding with its reasons")
                .gives("FindingDetail"),
            one,
        )
        .add(
            Route::post("/api/v1/findings/{id}/take", act, "findings", "Take a finding; send If-Match")
                .gives("Finding"),
            take,
        )
        .add(
            Route::post("/api/v1/findings/{id}/resolve", act, "findings", "Close a finding; send If-Match")
                .gives("Finding")
                .takes::<ResolveRequest>(),
            resolve,
        )
        .add(
            Route::post("/api/v1/findings/{id}/undo", act, "findings", "Undo the last step; send If-Match")
                .gives("Finding"),
            undo,
        )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    which: Option<String>,
    rule: Option<String>,
    value: Option<String>,
    min_severity: Option<u8>,
}

async fn list(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Query(wanted): Query<Wanted>) -> Reply {
    let which = pick("which", wanted.which.as_deref(), |word| match word {
        "open" => Some(Which::Open),
        "all" => Some(Which::All),
        _ => None,
    })?;
    let filter = Filter {
        which: which.unwrap_or(Which::Open),
        rule: wanted.rule,
        value: wanted.value,
        min_severity: wanted.min_severity.unwrap_or(0),
        ..Filter::default()
    };
    let page = super::Paging { limit: wanted.limit, after: wanted.after }.page();
    let found = ctx.detect.list(caller.clearance(), &filter, &page).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn groups(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    reply::list(&ctx.detect.groups(caller.clearance()).await?, None)
}

async fn one(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let found = ctx.detect.get(caller.clearance(), id.parse()?).await?.ok_or_else(|| Answer::of(&NOT_FOUND, ""))?;
    let past = ctx.detect.past(caller.clearance(), &found).await?;
    reply::versioned(&serde_json::json!({"finding": found, "past": past}), found.version)
}

async fn take(change: Change<FindingId>) -> Reply {
    let after = change.ctx.detect.take(&change.caller, change.id, change.version.into()).await?;
    reply::versioned(&after, after.version)
}

async fn resolve(change: Change<FindingId>, body: Bytes) -> Reply {
    let request: ResolveRequest = reply::body(&body)?;
    let outcome = known("outcome", &request.outcome, FindingOutcome::from_word)?;
    let (by, version) = (&change.caller, change.version.into());
    let after = change.ctx.detect.resolve(by, change.id, version, outcome, &request.reason).await?;
    reply::versioned(&after, after.version)
}

async fn undo(change: Change<FindingId>) -> Reply {
    let after = change.ctx.detect.undo(&change.caller, change.id, change.version.into()).await?;
    reply::versioned(&after, after.version)
}
