//! Enforcement: points, directives, what is really in force, the kill switch.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::{AddressScope, DirectiveId, Tlp};
use edge::desk::directive::Ask;
use edge::service::views::{PointView, Status};
use edge::wire::Intent;
use edge::{Directive, DirectiveState};
use http::StatusCode;
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY};
use crate::reply::{self, Reply};
use crate::routes::{Paging, known};
use crate::table::{Route, Rule, Table};

/// A block or an exception to ask for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DirectiveRequest {
    /// An address or a network.
    pub value: String,
    /// `deny` or `allow`.
    pub intent: String,
    /// Hours until it ends; there is nothing without an end.
    pub hours: i64,
    /// Why; people read it later.
    pub reason: String,
    /// Code name of the organisation whose points enforce it; the centre itself (everybody) when left out.
    #[serde(default)]
    pub org: Option<String>,
    /// Marking; green when left out.
    #[serde(default)]
    pub tlp: Option<String>,
}

/// Why a directive is taken back.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawRequest {
    /// Kept in the audit tree.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The kill switch.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KillRequest {
    /// On: nothing is denied any more.
    pub on: bool,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadEnforcement);
    let kill = Rule::May(Action::KillSwitch);
    table
        .add(
            Route::get("/api/v1/points", read, "enforcement", "Enforcement points and what they really enforce")
                .lists("Point")
                .paged(),
            points,
        )
        .add(
            Route::get("/api/v1/points/{id}", read, "enforcement", "One point: what differs, and its last receipt")
                .gives("PointDetail"),
            point,
        )
        .add(
            Route::get("/api/v1/points/{id}/receipts", read, "enforcement", "Receipts, newest first")
                .lists("PointReceipt")
                .paged(),
            receipts,
        )
        .add(
            Route::delete("/api/v1/points/{id}", Rule::May(Action::ManagePoints), "enforcement", "Revoke a point")
                .status(204),
            revoke_point,
        )
        .add(
            Route::post("/api/v1/points/{id}/kill", kill, "enforcement", "Stop or resume denying at one point")
                .gives("PointKill")
                .takes::<KillRequest>(),
            kill_point,
        )
        .add(
            Route::post("/api/v1/kill", kill, "enforcement", "Stop or resume denying everywhere")
                .takes::<KillRequest>()
                .status(204),
            kill_all,
        )
        .add(
            Route::get("/api/v1/directives", read, "enforcement", "Directives of one state, newest first")
                .lists("Directive")
                .paged()
                .query("state", "held, active or ended; active when left out"),
            directives,
        )
        .add(
            Route::post(
                "/api/v1/directives",
                Rule::May(Action::IssueBlock),
                "enforcement",
                "Ask for a block or an exception",
            )
            .gives("Directive")
            .takes::<DirectiveRequest>()
            .status(201),
            issue,
        )
        .add(
            Route::get("/api/v1/directives/{id}", read, "enforcement", "One directive and where it is in force")
                .gives("DirectiveDetail"),
            directive,
        )
        .add(
            Route::post(
                "/api/v1/directives/{id}/approve",
                Rule::May(Action::ApproveBlock),
                "enforcement",
                "Approve a held directive; never one's own",
            )
            .gives("Directive"),
            approve,
        )
        .add(
            Route::post(
                "/api/v1/directives/{id}/decline",
                Rule::May(Action::ApproveBlock),
                "enforcement",
                "Decline a held directive",
            )
            .gives("Directive"),
            decline,
        )
        .add(
            Route::post(
                "/api/v1/directives/{id}/withdraw",
                Rule::May(Action::IssueBlock),
                "enforcement",
                "Withdraw a directive",
            )
            .takes::<WithdrawRequest>()
            .gives("Directive"),
            withdraw,
        )
}

fn row(view: &PointView) -> serde_json::Value {
    let last = view.point.last.as_ref();
    serde_json::json!({
        "id": view.point.id,
        "name": view.point.name,
        "org": view.point.org,
        "tlp": view.point.tlp,
        "driver": view.point.driver.word(),
        "state": view.status,
        "since": view.since,
        "seen_at": view.seen_at,
        "elements": last.map(|applied| applied.receipt.elements),
        "verified": matches!(view.status, Status::Proved | Status::ReadBack),
        "probed": view.status == Status::Proved,
        "applied_sequence": last.map(|applied| applied.receipt.sequence),
        "desired_sequence": view.desired_sequence,
        "desired_entries": view.desired_entries,
        "differs": view.differs,
        "kill": view.point.kill,
    })
}

async fn points(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(paging): Query<Paging>,
) -> Reply {
    let found = ctx.edge.points(caller.clearance(), &paging.page()).await?;
    let items: Vec<serde_json::Value> = found.items.iter().map(row).collect();
    reply::list(&items, found.next.as_deref())
}

async fn point(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let view = ctx.edge.point(caller.clearance(), id.parse()?).await?;
    let mut answer = row(&view);
    if let Some(object) = answer.as_object_mut() {
        object.insert("last".to_owned(), serde_json::json!(view.point.last));
        object.insert("heartbeat".to_owned(), serde_json::json!(view.heartbeat));
    }
    reply::ok(&answer)
}

async fn receipts(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Reply {
    let found = ctx.edge.receipts(caller.clearance(), id.parse()?, &paging.page()).await?;
    let items: Vec<serde_json::Value> =
        found.items.iter().map(|stored| serde_json::json!({"at": stored.at, "receipt": stored.receipt})).collect();
    reply::list(&items, found.next.as_deref())
}

async fn revoke_point(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Reply {
    ctx.edge.revoke_point(&caller, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn kill_point(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let request: KillRequest = reply::body(&body)?;
    let after = ctx.edge.kill_point(&caller, id.parse()?, request.on).await?;
    reply::ok(&serde_json::json!({"id": after.id, "kill": after.kill}))
}

async fn kill_all(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: KillRequest = reply::body(&body)?;
    ctx.edge.kill_all(&caller, request.on).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    state: Option<String>,
}

async fn directives(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let state = known("state", wanted.state.as_deref().unwrap_or("active"), DirectiveState::from_word)?;
    let page = Paging { limit: wanted.limit, after: wanted.after }.page();
    let found = ctx.edge.directives(caller.clearance(), state, &page).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn directive(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let id: DirectiveId = id.parse()?;
    let found = ctx.edge.directive(caller.clearance(), id).await?;
    let enforcement = ctx.edge.enforcement(caller.clearance(), id).await?;
    reply::ok(&serde_json::json!({"directive": found, "enforcement": enforcement}))
}

async fn issue(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: DirectiveRequest = reply::body(&body)?;
    let intent = Intent::from_word(&request.intent).ok_or_else(|| Answer::of(&BAD_BODY, "intent is deny or allow"))?;
    let ask = Ask {
        org: super::organisation_or(&ctx, &caller, request.org.as_deref(), caller.org()).await?,
        realm: caller.realm(),
        tlp: request.tlp.as_deref().map_or(Ok(Tlp::Green), str::parse)?,
        scope: AddressScope::Global,
        key: base::parse_addr_spec(&base::refang(&request.value))?,
        intent,
        expires: ctx.env.now().plus_secs(request.hours.clamp(0, 24 * 365).saturating_mul(3_600)),
        reason: request.reason,
        indicator: None,
        provenance: serde_json::json!({"by": "api"}),
    };
    let made: Directive = ctx.edge.issue(&caller, ask).await?;
    reply::created(&made)
}

async fn approve(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    reply::ok(&ctx.edge.approve(&caller, id.parse()?).await?)
}

async fn decline(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    reply::ok(&ctx.edge.decline(&caller, id.parse()?).await?)
}

async fn withdraw(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let request: WithdrawRequest = if body.is_empty() { WithdrawRequest::default() } else { reply::body(&body)? };
    reply::ok(&match request.reason {
        Some(reason) => ctx.edge.take_back(&caller, id.parse()?, &reason).await?,
        None => ctx.edge.withdraw(&caller, id.parse()?).await?,
    })
}
