//! The attack history and the sensors: what was seen, by whom, in what order.

use access::{Action, Caller};
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::Timestamp;
use events::sensor::{AttackClass, ValueKind};
use http::StatusCode;
use sensor::model::{ObservableFilter, SessionFilter};
use serde::Deserialize;
use store::page::Page;

use crate::context::ApiCtx;
use crate::problem::Answer;
use crate::reply::{self, Reply};
use crate::routes::pick;
use crate::table::{Route, Rule, Table};

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadAttacks);
    table
        .add(
            Route::get("/api/v1/sessions", read, "attacks", "Attackers' sessions, newest first")
                .lists("Session")
                .paged()
                .query("class", "only this class")
                .query("source", "only this address")
                .query("sensor", "only this sensor, by id")
                .query("since", "from this time on, RFC 3339")
                .query("until", "before this time, RFC 3339"),
            sessions,
        )
        .add(
            Route::get("/api/v1/sessions/{id}", read, "attacks", "One session with its events").gives("SessionDetail"),
            session,
        )
        .add(
            Route::get(
                "/api/v1/observables",
                read,
                "attacks",
                "Sources and other values with their score and its factors",
            )
            .lists("Observable")
            .paged()
            .query("kind", "ipv4, ipv6, domain, url, sha256 or ssh_key")
            .query("min_score", "0 to 1"),
            observables,
        )
        .add(
            Route::get("/api/v1/timeline", read, "attacks", "Sessions per step of time and class")
                .gives("Timeline")
                .query("since", "RFC 3339; a day ago when left out")
                .query("until", "RFC 3339; now when left out"),
            timeline,
        )
        .add(
            Route::get("/api/v1/campaigns", read, "attacks", "Campaigns, last seen first").lists("Campaign").paged(),
            campaigns,
        )
        .add(Route::get("/api/v1/campaigns/{id}", read, "attacks", "One campaign").gives("CampaignDetail"), campaign)
        .add(Route::get("/api/v1/totals", read, "attacks", "The numbers of the last day").gives("Totals"), totals)
        .add(
            Route::get("/api/v1/quarantine", Rule::May(Action::Ingest), "ingest", "Lines that could not be used")
                .lists("Quarantined")
                .paged(),
            quarantine,
        )
        .add(
            Route::get("/api/v1/sensors", Rule::May(Action::ReadSensors), "machines", "The fleet and how it is doing")
                .lists("Sensor"),
            sensors,
        )
        .add(
            Route::get("/api/v1/jobs", Rule::May(Action::ReadSensors), "machines", "Long work and its progress")
                .lists("Job")
                .paged(),
            jobs,
        )
        .add(
            Route::delete(
                "/api/v1/jobs/{id}",
                Rule::May(Action::ManageSensors),
                "machines",
                "Ask a retention job to end",
            )
            .status(204),
            cancel_job,
        )
        .add(
            Route::delete("/api/v1/sensors/{id}", Rule::May(Action::ManageSensors), "machines", "Revoke a sensor")
                .status(204),
            revoke,
        )
}

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    class: Option<String>,
    source: Option<String>,
    sensor: Option<String>,
    kind: Option<String>,
    min_score: Option<f64>,
    since: Option<String>,
    until: Option<String>,
}

impl Wanted {
    fn page(&self) -> Page {
        Page { after: self.after.clone(), limit: self.limit.unwrap_or(50).clamp(1, 1_000) }
    }

    fn class(&self) -> Result<Option<AttackClass>, Answer> {
        pick("class", self.class.as_deref(), AttackClass::from_word)
    }

    fn time(text: Option<&str>) -> Result<Option<Timestamp>, Answer> {
        Ok(text.map(str::parse).transpose()?)
    }
}

async fn sessions(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let filter = SessionFilter {
        class: wanted.class()?,
        source: wanted.source.as_deref().map(base::refang),
        sensor: wanted.sensor.as_deref().map(str::parse).transpose()?,
        since: Wanted::time(wanted.since.as_deref())?,
        until: Wanted::time(wanted.until.as_deref())?,
        ..SessionFilter::default()
    };
    let found = ctx.history.sessions(caller.clearance(), &filter, &wanted.page()).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn session(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    reply::ok(&ctx.history.session(caller.clearance(), id.parse()?).await?)
}

async fn observables(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let filter = ObservableFilter {
        kind: pick("kind", wanted.kind.as_deref(), ValueKind::from_word)?,
        class: wanted.class()?,
        min_score: wanted.min_score,
        since: Wanted::time(wanted.since.as_deref())?,
    };
    let found = ctx.history.observables(caller.clearance(), &filter, &wanted.page()).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn timeline(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let until = Wanted::time(wanted.until.as_deref())?.unwrap_or_else(|| ctx.env.now());
    let since = Wanted::time(wanted.since.as_deref())?.unwrap_or_else(|| until.plus_secs(-86_400));
    let bars = ctx.history.timeline(caller.clearance(), since, until).await?;
    reply::ok(&serde_json::json!({"since": since, "until": until, "bars": bars}))
}

async fn campaigns(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let found = ctx.history.campaigns(caller.clearance(), &wanted.page()).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn campaign(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    reply::ok(&ctx.history.campaign(caller.clearance(), id.parse()?).await?)
}

async fn totals(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    reply::ok(&ctx.history.totals(caller.clearance()).await?)
}

async fn quarantine(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(wanted): Query<Wanted>,
) -> Reply {
    let found = ctx.history.quarantine(caller.clearance(), &wanted.page()).await?;
    reply::list(&found.items, found.next.as_deref())
}

async fn sensors(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>) -> Reply {
    let fleet = ctx.fleet.list(caller.clearance()).await?;
    reply::list(&fleet, None)
}

async fn jobs(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Query(wanted): Query<Wanted>) -> Reply {
    let found = store::jobs::list(&ctx.db, caller.clearance(), &wanted.page()).await.map_err(Answer::from)?;
    reply::list(&found.items, found.next.as_deref())
}

async fn cancel_job(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    sensor::retention::cancel(&ctx.db, &caller, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn revoke(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let id: base::SensorId = id.parse()?;
    ctx.fleet.revoke(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
