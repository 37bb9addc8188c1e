//! The automatic path: which classes are published without a person, and from which proof on.

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use events::sensor::AttackClass;
use http::HeaderMap;
use intel::{ClassPolicy, PolicyRow};
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::table::{Route, Rule, Table};

const HOUR: i64 = 3_600;

/// What changes about the path of a class; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomaticChange {
    /// Whether the path is open.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// From this score on, 0.6 to 1.
    #[serde(default)]
    pub min_score: Option<f64>,
    /// Seen by at least so many sensors.
    #[serde(default)]
    pub min_sensors: Option<u64>,
    /// In force for so many hours, 1 to 8,784.
    #[serde(default)]
    pub hours: Option<i64>,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadIntel);
    table
        .add(
            Route::get("/api/v1/automatic", read, "indicators", "The automatic path, class by class")
                .lists("AutomaticRule"),
            list,
        )
        .add(
            Route::get("/api/v1/automatic/{class}", read, "indicators", "The automatic path of a class")
                .gives("AutomaticRule"),
            one,
        )
        .add(
            Route::patch(
                "/api/v1/automatic/{class}",
                Rule::May(Action::ManageSettings),
                "indicators",
                "Open or close the automatic path of a class, or change its proof; send If-Match",
            )
            .takes::<AutomaticChange>()
            .gives("AutomaticRule"),
            change,
        )
}

fn row(standing: &PolicyRow) -> serde_json::Value {
    let ClassPolicy { enabled, min_score, min_sensors, ttl } = standing.rule;
    serde_json::json!({
        "class": standing.class.word(), "enabled": enabled, "min_score": min_score, "min_sensors": min_sensors,
        "hours": ttl / HOUR, "version": standing.version,
    })
}

async fn list(State(ctx): State<ApiCtx>) -> Reply {
    let rows: Vec<serde_json::Value> = ctx.intel.policies().await?.iter().map(row).collect();
    reply::list(&rows, None)
}

async fn standing(ctx: &ApiCtx, class: &str) -> Result<PolicyRow, Answer> {
    let absent = || Answer::of(&NOT_FOUND, format!("no class {} is ever automatic", base::code::excerpt(class)));
    let class = AttackClass::from_word(class).ok_or_else(absent)?;
    ctx.intel.policies().await?.into_iter().find(|one| one.class == class).ok_or_else(absent)
}

async fn one(State(ctx): State<ApiCtx>, Path(class): Path<String>) -> Reply {
    let found = standing(&ctx, &class).await?;
    reply::versioned(&row(&found), found.version)
}

async fn change(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(class): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let request: AutomaticChange = reply::body(&body)?;
    let version = i64::try_from(reply::if_match(&headers)?).unwrap_or(i64::MAX);
    let before = standing(&ctx, &class).await?;
    let rule = ClassPolicy {
        enabled: request.enabled.unwrap_or(before.rule.enabled),
        min_score: request.min_score.unwrap_or(before.rule.min_score),
        min_sensors: request.min_sensors.unwrap_or(before.rule.min_sensors),
        ttl: request.hours.map_or(before.rule.ttl, |hours| hours.saturating_mul(HOUR)),
    };
    ctx.intel.set_policy_at(&caller, before.class, rule, version).await?;
    one(State(ctx), Path(class)).await
}
