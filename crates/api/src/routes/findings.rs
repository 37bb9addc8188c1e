//! Findings: the queue, and what people do with it.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use base::FindingId;
use detect::model::{Filter, FindingOutcome, Which};
use http::HeaderMap;
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, NOT_FOUND};
use crate::reply::{self, Reply};
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
    let which = match wanted.which.as_deref() {
        None | Some("open") => Which::Open,
        Some("all") => Which::All,
        Some(other) => {
            return Err(Answer::of(&BAD_BODY, format!("which: {} is not known", base::code::excerpt(other))));
        }
    };
    let filter = Filter {
        which,
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

fn wanted(id: &str, headers: &HeaderMap) -> Result<(FindingId, i64), Answer> {
    Ok((id.parse()?, i64::try_from(reply::if_match(headers)?).unwrap_or(i64::MAX)))
}

async fn take(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let (id, version) = wanted(&id, &headers)?;
    let after = ctx.detect.take(&caller, id, version).await?;
    reply::versioned(&after, after.version)
}

async fn resolve(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let request: ResolveRequest = reply::body(&body)?;
    let (id, version) = wanted(&id, &headers)?;
    let outcome = FindingOutcome::from_word(&request.outcome).ok_or_else(|| {
        Answer::of(&BAD_BODY, format!("outcome: {} is not known", base::code::excerpt(&request.outcome)))
    })?;
    let after = ctx.detect.resolve(&caller, id, version, outcome, &request.reason).await?;
    reply::versioned(&after, after.version)
}

async fn undo(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let (id, version) = wanted(&id, &headers)?;
    let after = ctx.detect.undo(&caller, id, version).await?;
    reply::versioned(&after, after.version)
}
