//! Silences of findings, and closing many findings with one decision.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base::{Coded as _, FindingId};
use detect::model::{FindingOutcome, SilenceId, SilenceScope, Subject};
use http::StatusCode;
use serde::Deserialize;

use crate::change::Change;
use crate::context::ApiCtx;
use crate::door::OWNERS;
use crate::problem::{Answer, BAD_BODY, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::routes::known;
use crate::table::{Route, Rule, Table};

/// The most findings of one decision.
const MANY: usize = 200;

/// What a silence hides.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeRequest {
    /// Code name of the organisation.
    pub org: String,
    /// The rule.
    pub rule: String,
    /// Kind of the subject; every subject when kind and value are left out.
    #[serde(default)]
    pub subject_kind: Option<String>,
    /// The subject.
    #[serde(default)]
    pub subject: Option<String>,
}

/// A silence to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceRequest {
    /// What it hides.
    pub scope: ScopeRequest,
    /// Hours until it ends.
    pub hours: i64,
    /// Why; people read it later.
    pub reason: String,
}

/// One finding's noise to silence: this rule about this subject.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietRequest {
    /// Hours until it ends.
    pub hours: i64,
    /// Why; people read it later.
    pub reason: String,
}

/// A finding and the version it was read at.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingAt {
    /// Its id.
    pub id: String,
    /// Its version: the number in its ETag.
    pub version: i64,
}

/// Findings to close with one decision.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveManyRequest {
    /// The findings, at most 200.
    pub findings: Vec<FindingAt>,
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
                "/api/v1/silences",
                read,
                "findings",
                "Silences that hide something now, the soonest to end first",
            )
            .lists("Silence"),
            list,
        )
        .add(
            Route::post("/api/v1/silences", act, "findings", "Silence a noise until an end")
                .takes::<SilenceRequest>()
                .gives("Silence")
                .status(201),
            make,
        )
        .add(
            Route::post("/api/v1/silences/preview", act, "findings", "What a silence would have hidden; makes nothing")
                .takes::<ScopeRequest>()
                .gives("SilencePreview"),
            preview,
        )
        .add(
            Route::delete(
                "/api/v1/silences/{id}",
                act,
                "findings",
                "End a silence early; send If-Match with its version",
            )
            .gives_nothing(),
            end,
        )
        .add(
            Route::post("/api/v1/findings/{id}/silence", act, "findings", "Silence this rule about this subject")
                .takes::<QuietRequest>()
                .gives("Silence")
                .status(201),
            quiet,
        )
        .add(
            Route::post(
                "/api/v1/findings/resolve",
                act,
                "findings",
                "Close many findings; each says whether it was done",
            )
            .takes::<ResolveManyRequest>()
            .lists("FindingDone"),
            resolve_many,
        )
}

async fn list(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    reply::list(&ctx.detect.silences(caller.clearance()).await?, None)
}

async fn scope(ctx: &ApiCtx, caller: &Caller, request: ScopeRequest) -> Result<SilenceScope, Answer> {
    let subject = match (request.subject_kind, request.subject) {
        (Some(kind), Some(value)) => Some(Subject { kind, value }),
        (None, None) => None,
        _ => return Err(Answer::of(&BAD_BODY, "subject and subject_kind come together")),
    };
    Ok(SilenceScope { org: super::organisation(ctx, caller, &request.org).await?, rule: request.rule, subject })
}

fn until(ctx: &ApiCtx, hours: i64) -> base::Timestamp {
    ctx.env.now().plus_secs(hours.clamp(0, 24 * 366).saturating_mul(3_600))
}

async fn make(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: SilenceRequest = reply::body(&body)?;
    let end = until(&ctx, request.hours);
    let scope = scope(&ctx, &caller, request.scope).await?;
    reply::created(&ctx.detect.silence(&caller, scope, end, &request.reason).await?)
}

async fn preview(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let scope = scope(&ctx, &caller, reply::body(&body)?).await?;
    reply::ok(&ctx.detect.preview(&caller, &scope).await?)
}

async fn end(change: Change<SilenceId>) -> Reply {
    change.ctx.detect.end_silence(&change.caller, change.id, change.version.into()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn quiet(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let request: QuietRequest = reply::body(&body)?;
    let finding = ctx.detect.get(caller.clearance(), id.parse()?).await?.ok_or_else(|| Answer::of(&NOT_FOUND, ""))?;
    let scope = SilenceScope { org: finding.org, rule: finding.rule, subject: Some(finding.subject) };
    let end = until(&ctx, request.hours);
    reply::created(&ctx.detect.silence(&caller, scope, end, &request.reason).await?)
}

async fn resolve_many(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: ResolveManyRequest = reply::body(&body)?;
    if request.findings.is_empty() || request.findings.len() > MANY {
        return Err(Answer::of(&BAD_BODY, format!("1 to {MANY} findings at a time")));
    }
    let outcome = known("outcome", &request.outcome, FindingOutcome::from_word)?;
    let mut findings: Vec<(FindingId, i64)> = Vec::with_capacity(request.findings.len());
    for finding in &request.findings {
        findings.push((finding.id.parse()?, finding.version));
    }
    let done = ctx.detect.resolve_many(&caller, &findings, outcome, &request.reason).await;
    for (id, result) in &done {
        // The address names none of them.
        if result.as_ref().is_err_and(|error| error.problem().code.http == 404) {
            ctx.access.note_outside(&caller, OWNERS, &format!("/findings/{id}")).await?;
        }
    }
    let items: Vec<serde_json::Value> = done
        .into_iter()
        .map(|(id, result)| match result {
            Ok(after) => serde_json::json!({
                "id": id, "done": true, "state": after.state.word(), "version": after.version, "code": null,
            }),
            Err(error) => serde_json::json!({
                "id": id, "done": false, "state": null, "version": null, "code": Answer::from(error).problem().code.id,
            }),
        })
        .collect();
    reply::list(&items, None)
}
