//! API tokens and the one-time codes of machines.

use access::tokens::DEFAULT_DAYS;
use access::{Action, Caller, MachineKind, NewToken};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::Tlp;
use http::StatusCode;
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY};
use crate::reply::{self, Reply};
use crate::routes::Paging;
use crate::table::{Route, Rule, Table};

/// A token to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// What it is for.
    pub name: String,
    /// What it may do, for example `ingest`.
    pub scopes: Vec<String>,
    /// Code name of the organisation it is bound to; the centre itself when left out.
    #[serde(default)]
    pub org: Option<String>,
    /// Days until it expires; 365 when left out, and never longer than the token that makes it.
    #[serde(default)]
    pub days: Option<i64>,
    /// The strictest marking it reads.
    #[serde(default)]
    pub ceiling: Option<String>,
    /// The address or network it may be used from.
    #[serde(default)]
    pub from: Option<String>,
}

/// A one-time code to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// Code name of the organisation the machine belongs to.
    pub org: String,
    /// The machine's name.
    pub name: String,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let manage = Rule::May(Action::ManageTokens);
    table
        .add(
            Route::get("/api/v1/tokens", manage, "tokens", "Tokens, without their secrets").lists("Token").paged(),
            list,
        )
        .add(
            Route::post("/api/v1/tokens", manage, "tokens", "Make a token; its secret is answered once")
                .gives("TokenMade")
                .takes::<TokenRequest>()
                .secret("secret")
                .status(201),
            create,
        )
        .add(Route::delete("/api/v1/tokens/{id}", manage, "tokens", "Revoke a token").status(204), revoke)
        .add(
            Route::post(
                "/api/v1/sensors/codes",
                Rule::May(Action::ManageSensors),
                "machines",
                "A one-time code for a sensor",
            )
            .gives("CodeMade")
            .takes::<CodeRequest>()
            .secret("code")
            .status(201),
            sensor_code,
        )
        .add(
            Route::post(
                "/api/v1/points/codes",
                Rule::May(Action::ManagePoints),
                "machines",
                "A one-time code for an enforcement point",
            )
            .gives("CodeMade")
            .takes::<CodeRequest>()
            .secret("code")
            .status(201),
            point_code,
        )
}

async fn list(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Query(paging): Query<Paging>) -> Reply {
    let found = ctx.access.tokens(&caller, &paging.page()).await?;
    let items: Vec<serde_json::Value> = found
        .items
        .iter()
        .map(|token| {
            serde_json::json!({
                "id": token.id,
                "name": token.name,
                "scopes": token.scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>(),
                "org": token.org,
                "ceiling": token.ceiling,
                "bootstrap": token.is_bootstrap(),
                "of_bootstrap": token.is_of_bootstrap(),
                "made_with": token.made_with,
                "made_by": token.created_by,
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "last_used": token.last_used,
                "revoked_at": token.revoked_at,
            })
        })
        .collect();
    reply::list(&items, found.next.as_deref())
}

async fn create(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: TokenRequest = reply::body(&body)?;
    let scopes = request.scopes.iter().map(|word| scope(word)).collect::<Result<Vec<_>, _>>()?;
    let org = super::organisation_or(&ctx, &caller, request.org.as_deref(), caller.centre()).await?;
    let days = request.days.unwrap_or(DEFAULT_DAYS).clamp(1, 3650);
    let new = NewToken {
        name: request.name.clone(),
        scopes,
        org,
        ceiling: request.ceiling.as_deref().map_or(Ok(Tlp::Amber), str::parse)?,
        bound_to: request.from.as_deref().map(str::parse).transpose()?,
        expires_at: Some(ctx.env.now().plus_secs(days * 86_400)),
    };
    let made = ctx.access.token_create(&caller, &new).await?;
    reply::created(
        &serde_json::json!({"id": made.id, "name": request.name, "secret": made.secret.as_str(), "expires_at": made.expires_at}),
    )
}

fn scope(word: &str) -> Result<Action, Answer> {
    Action::ALL
        .iter()
        .copied()
        .find(|action| action.word() == word)
        .ok_or_else(|| Answer::of(&BAD_BODY, format!("there is no scope {}", base::code::excerpt(word))))
}

async fn revoke(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    ctx.access.token_revoke(&caller, id.parse()?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn sensor_code(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    code(&ctx, &caller, MachineKind::Sensor, &body).await
}

async fn point_code(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    code(&ctx, &caller, MachineKind::Edge, &body).await
}

async fn code(ctx: &ApiCtx, caller: &Caller, kind: MachineKind, body: &Bytes) -> Reply {
    let request: CodeRequest = reply::body(body)?;
    let org = super::organisation(ctx, caller, &request.org).await?;
    let made = ctx.access.enrol_code_create(caller, kind, org, &request.name).await?;
    reply::created(&serde_json::json!({"code": made.code.as_str(), "name": request.name, "ends_at": made.ends_at}))
}
