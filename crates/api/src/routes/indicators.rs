//! Indicators: drafting, reviewing, publishing, revoking, and searching.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::{AddressScope, IndicatorId};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, ValueKind};
use http::StatusCode;
use intel::{Draft, Filter, Indicator};
use serde::Deserialize;

use crate::change::Change;
use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::routes::pick;
use crate::shown::Restricted;
use crate::table::{Route, Rule, Table};

/// An indicator to draft.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftRequest {
    /// The value, as people paste it; defanged text is made whole.
    pub value: String,
    /// `ipv4`, `ipv6`, `domain`, `url`, `sha256` or `ssh_key`; guessed when left out.
    #[serde(default)]
    pub kind: Option<String>,
    /// Code name of the organisation it belongs to; the centre itself when left out.
    #[serde(default)]
    pub org: Option<String>,
    /// Marking; amber when left out.
    #[serde(default)]
    pub tlp: Option<String>,
    /// A short name.
    #[serde(default)]
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// 0 to 100; 50 when left out.
    #[serde(default)]
    pub confidence: Option<u8>,
    /// Hours it should count.
    #[serde(default)]
    pub hours: Option<i64>,
}

/// Why something is sent back, rejected or revoked.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// People read it later.
    pub reason: String,
}

/// A note.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteRequest {
    /// Its text, at most 1,000 characters.
    pub text: String,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadIntel);
    let draft = Rule::May(Action::DraftIntel);
    let review = Rule::May(Action::ReviewIntel);
    table
        .add(
            Route::get("/api/v1/indicators", read, "indicators", "Indicators, last changed first")
                .lists("Indicator")
                .paged()
                .query("q", "a value, its beginning, a network, or words of the name")
                .query("state", "draft, in_review, approved, published, revoked, expired or rejected")
                .query("kind", "ipv4, ipv6, domain, url, sha256 or ssh_key")
                .query("class", "only this attack class")
                .query("min_score", "0 to 1"),
            list,
        )
        .add(
            Route::post("/api/v1/indicators", draft, "indicators", "Draft an indicator")
                .gives("Indicator")
                .takes::<DraftRequest>()
                .status(201),
            make,
        )
        .add(
            Route::get("/api/v1/indicators/waiting", review, "indicators", "What waits for a reviewer or an approver")
                .lists("Indicator")
                .paged(),
            waiting,
        )
        .add(
            Route::get(
                "/api/v1/indicators/{id}",
                read,
                "indicators",
                "One indicator with history, versions and provenance",
            )
            .gives("IndicatorDetail"),
            one,
        )
        .add(
            Route::get("/api/v1/indicators/{id}/stix", read, "indicators", "The STIX 2.1 object, byte for byte")
                .gives_text("application/stix+json;version=2.1"),
            stix,
        )
        .add(
            Route::post("/api/v1/indicators/{id}/submit", draft, "indicators", "Submit for review; send If-Match")
                .gives("Indicator"),
            submit,
        )
        .add(
            Route::post(
                "/api/v1/indicators/{id}/withdraw",
                draft,
                "indicators",
                "Take back from review; send If-Match",
            )
            .gives("Indicator"),
            withdraw,
        )
        .add(
            Route::post("/api/v1/indicators/{id}/accept", review, "indicators", "Accept in review; send If-Match")
                .gives("Indicator"),
            accept,
        )
        .add(
            Route::post(
                "/api/v1/indicators/{id}/send-back",
                review,
                "indicators",
                "Send back to the author; send If-Match",
            )
            .gives("Indicator")
            .takes::<ReasonRequest>(),
            send_back,
        )
        .add(
            Route::post("/api/v1/indicators/{id}/reject", review, "indicators", "Reject for good; send If-Match")
                .gives("Indicator")
                .takes::<ReasonRequest>(),
            reject,
        )
        .add(
            Route::post(
                "/api/v1/indicators/{id}/publish",
                Rule::May(Action::ApproveIntel),
                "indicators",
                "Approve and publish; never one's own; send If-Match",
            )
            .gives("Indicator"),
            publish,
        )
        .add(
            Route::post(
                "/api/v1/indicators/{id}/revoke",
                Rule::May(Action::RevokeIntel),
                "indicators",
                "Revoke; send If-Match",
            )
            .gives("Indicator")
            .takes::<ReasonRequest>(),
            revoke,
        )
        .add(
            Route::post("/api/v1/indicators/{id}/notes", draft, "indicators", "Add a note")
                .takes::<NoteRequest>()
                .status(204),
            note,
        )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    q: Option<String>,
    state: Option<String>,
    kind: Option<String>,
    class: Option<String>,
    min_score: Option<f64>,
}

async fn list(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Query(wanted): Query<Wanted>) -> Reply {
    let filter = Filter {
        state: pick("state", wanted.state.as_deref(), IndicatorState::from_word)?,
        kind: pick("kind", wanted.kind.as_deref(), ValueKind::from_word)?,
        class: pick("class", wanted.class.as_deref(), AttackClass::from_word)?,
        min_score: wanted.min_score.unwrap_or(0.0),
        text: base::refang(&wanted.q.unwrap_or_default()),
    };
    let page = super::Paging { limit: wanted.limit, after: wanted.after }.page();
    let found = ctx.intel.list(caller.clearance(), &filter, &page).await?;
    let items: Vec<serde_json::Value> = found.items.iter().map(row).collect();
    reply::list(&items, found.next.as_deref())
}

fn row(indicator: &Indicator) -> serde_json::Value {
    serde_json::json!({
        "id": indicator.id,
        "stix_id": format!("indicator--{}", indicator.id),
        "value": indicator.value,
        "value_kind": indicator.kind.word(),
        "name": indicator.name,
        "state": indicator.state.word(),
        "score": indicator.score,
        "factors": indicator.factors,
        "confidence": indicator.confidence,
        "class": indicator.class.map(AttackClass::word),
        "org": indicator.org,
        "tlp": indicator.tlp,
        "realm": indicator.realm,
        "valid_from": indicator.valid_from,
        "valid_until": indicator.valid_until,
        "created": indicator.created,
        "modified": indicator.modified,
        "version": indicator.version,
    })
}

async fn waiting(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(paging): Query<super::Paging>,
) -> Reply {
    let found = ctx.intel.waiting(caller.clearance(), &paging.page()).await?;
    let items: Vec<serde_json::Value> = found.items.iter().map(row).collect();
    reply::list(&items, found.next.as_deref())
}

async fn make(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: DraftRequest = reply::body(&body)?;
    let draft = Draft {
        org: super::organisation_or(&ctx, &caller, request.org.as_deref(), caller.org()).await?,
        tlp: request.tlp.as_deref().map_or(Ok(base::Tlp::Amber), str::parse)?,
        scope: AddressScope::Global,
        kind: pick("kind", request.kind.as_deref(), ValueKind::from_word)?,
        value: request.value,
        name: request.name,
        description: request.description,
        confidence: request.confidence.unwrap_or(50),
        lasts: request.hours.map(|hours| hours.saturating_mul(3_600)),
    };
    let made = ctx.intel.draft(&caller, draft).await?;
    reply::created(&row(&made))
}

async fn one(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let dossier =
        ctx.intel.dossier(caller.clearance(), id.parse()?).await?.ok_or_else(|| Answer::of(&NOT_FOUND, ""))?;
    let version = dossier.indicator.version;
    reply::versioned(
        &serde_json::json!({
            "indicator": row(&dossier.indicator),
            "history": dossier.history,
            "sources": dossier.sources,
            "notes": dossier.notes,
            "versions": dossier.versions.len(),
        }),
        version,
    )
}

async fn stix(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let dossier =
        ctx.intel.dossier(caller.clearance(), id.parse()?).await?.ok_or_else(|| Answer::of(&NOT_FOUND, ""))?;
    let newest = dossier.versions.last().ok_or_else(|| Answer::of(&NOT_FOUND, "there is no STIX object yet"))?;
    let mut response = newest.bytes.clone().into_response();
    let row = &dossier.indicator;
    response.extensions_mut().insert(Restricted::row("indicator", row.id, row.org, row.tlp));
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/stix+json;version=2.1"));
    Ok(response)
}

fn changed(indicator: &Indicator) -> Reply {
    reply::versioned(&row(indicator), indicator.version)
}

async fn submit(change: Change<IndicatorId>) -> Reply {
    changed(&change.ctx.intel.submit(&change.caller, change.id, change.version.into()).await?)
}

async fn withdraw(change: Change<IndicatorId>) -> Reply {
    changed(&change.ctx.intel.withdraw(&change.caller, change.id, change.version.into()).await?)
}

async fn accept(change: Change<IndicatorId>) -> Reply {
    changed(&change.ctx.intel.accept(&change.caller, change.id, change.version.into()).await?)
}

async fn publish(change: Change<IndicatorId>) -> Reply {
    changed(&change.ctx.intel.publish(&change.caller, change.id, change.version.into()).await?)
}

async fn send_back(change: Change<IndicatorId>, body: Bytes) -> Reply {
    let request: ReasonRequest = reply::body(&body)?;
    changed(&change.ctx.intel.send_back(&change.caller, change.id, change.version.into(), &request.reason).await?)
}

async fn reject(change: Change<IndicatorId>, body: Bytes) -> Reply {
    let request: ReasonRequest = reply::body(&body)?;
    changed(&change.ctx.intel.reject(&change.caller, change.id, change.version.into(), &request.reason).await?)
}

async fn revoke(change: Change<IndicatorId>, body: Bytes) -> Reply {
    let request: ReasonRequest = reply::body(&body)?;
    changed(&change.ctx.intel.revoke(&change.caller, change.id, change.version.into(), &request.reason).await?)
}

async fn note(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Bytes,
) -> Reply {
    let request: NoteRequest = reply::body(&body)?;
    ctx.intel.note(&caller, id.parse()?, &request.text).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
