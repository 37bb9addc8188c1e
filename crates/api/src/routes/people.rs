//! People: inviting them, their roles, disabling and enabling accounts, their sessions, second looks.

use std::str::FromStr;

use access::{
    Action, Caller, LoginId, NewHolding, NewPerson, PeopleFilter, Person, PersonState, RetroId, RetroOutcome,
    SecretLink,
};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use base::{PersonId, Role, Timestamp};
use http::StatusCode;
use serde::Deserialize;

use crate::change::Change;
use crate::context::ApiCtx;
use crate::problem::Answer;
use crate::reply::{self, Reply};
use crate::routes::{Paging, known, pick};
use crate::table::{Route, Rule, Table};

/// A role to hold.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// The role, as `lianfang user roles` names it.
    pub role: String,
    /// Code name of the organisation it is held in; the person's own when left out.
    #[serde(default)]
    pub org: Option<String>,
    /// The person it is held for, by id, where it is a deputy's.
    #[serde(default)]
    pub deputy_for: Option<String>,
    /// From when, RFC 3339.
    #[serde(default)]
    pub from: Option<String>,
    /// Until when, RFC 3339.
    #[serde(default)]
    pub to: Option<String>,
}

/// A person to invite.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonRequest {
    /// Sign-in name: lower-case letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Name to show; the sign-in name when left out.
    #[serde(default)]
    pub display: Option<String>,
    /// Mail address.
    #[serde(default)]
    pub mail: String,
    /// `zh-TW` or `en`; zh-TW when left out.
    #[serde(default)]
    pub language: Option<String>,
    /// IANA zone; Asia/Taipei when left out.
    #[serde(default)]
    pub zone: Option<String>,
    /// Code name of the home organisation; the centre itself when left out.
    #[serde(default)]
    pub org: Option<String>,
    /// When the account ends by itself, RFC 3339.
    #[serde(default)]
    pub expires_at: Option<String>,
    /// Roles.
    #[serde(default)]
    pub roles: Vec<RoleRequest>,
}

/// All roles of a person, in place of those before.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesRequest {
    /// The roles.
    pub roles: Vec<RoleRequest>,
}

/// How a second look ended.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRequest {
    /// `confirmed` or `objected`.
    pub outcome: String,
    /// Why; an objection needs it.
    #[serde(default)]
    pub note: String,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadPeople);
    let manage = Rule::May(Action::ManagePeople);
    let table = table
        .add(
            Route::get("/api/v1/people", read, "people", "People, by sign-in name")
                .lists("Person")
                .paged()
                .query("starts", "only whose sign-in name starts so")
                .query("state", "invited, active or disabled")
                .query("org", "only of this organisation, by code name"),
            list,
        )
        .add(
            Route::post("/api/v1/people", manage, "people", "Invite a person; the link is answered once")
                .takes::<PersonRequest>()
                .gives("PersonLink")
                .secret("link")
                .status(201),
            invite,
        )
        .add(Route::get("/api/v1/people/{id}", read, "people", "One person with roles").gives("Person"), one)
        .add(
            Route::patch("/api/v1/people/{id}", manage, "people", "Replace a person's roles; send If-Match")
                .takes::<RolesRequest>()
                .gives("Person"),
            set_roles,
        )
        .add(
            Route::post("/api/v1/people/{id}/invitation", manage, "people", "A new invitation link; the old one dies")
                .gives("PersonLink")
                .secret("link")
                .status(201),
            invite_again,
        )
        .add(
            Route::post(
                "/api/v1/people/{id}/disable",
                manage,
                "people",
                "Disable an account and end its sessions; send If-Match",
            )
            .gives("Person"),
            disable,
        )
        .add(
            Route::post(
                "/api/v1/people/{id}/enable",
                manage,
                "people",
                "Enable an account; its link is answered once; send If-Match",
            )
            .gives("PersonLink")
            .secret("link")
            .status(201),
            enable,
        );
    add_sessions(table)
}

fn add_sessions(table: Table) -> Table {
    table
        .add(
            Route::get(
                "/api/v1/people/{id}/sessions",
                Rule::SignedIn,
                "people",
                "Open sessions: one's own, or others' with manage_people",
            )
            .lists("Login"),
            sessions,
        )
        .add(
            Route::delete(
                "/api/v1/people/{id}/sessions/{session}",
                Rule::SignedIn,
                "people",
                "End a session: one's own, or others' with manage_people",
            )
            .gives_nothing(),
            end_session,
        )
        .add(
            Route::get(
                "/api/v1/night-reviews",
                Rule::May(Action::ReadIntel),
                "people",
                "Self-approved decisions of the night that wait for a second look",
            )
            .lists("NightReview")
            .paged(),
            reviews,
        )
        .add(
            Route::post(
                "/api/v1/night-reviews/{id}/close",
                Rule::May(Action::ApproveIntel),
                "people",
                "Confirm or object; never one's own; send If-Match",
            )
            .takes::<ReviewRequest>()
            .gives_nothing(),
            close_review,
        )
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<u32>,
    after: Option<String>,
    starts: Option<String>,
    state: Option<String>,
    org: Option<String>,
}

async fn list(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Query(wanted): Query<Wanted>) -> Reply {
    let state = pick("state", wanted.state.as_deref(), PersonState::from_word)?;
    let org = match &wanted.org {
        Some(code) => Some(super::organisation(&ctx, &caller, code).await?),
        None => None,
    };
    let page = Paging { limit: wanted.limit, after: wanted.after }.page();
    let found = ctx.access.people(&caller, &PeopleFilter { org, state, starts: wanted.starts }, &page).await?;
    let items: Vec<serde_json::Value> = found.items.iter().map(row).collect();
    reply::list(&items, found.next.as_deref())
}

fn row(person: &Person) -> serde_json::Value {
    let roles: Vec<serde_json::Value> = person
        .holdings
        .iter()
        .map(|holding| {
            let what = &holding.what;
            serde_json::json!({
                "role": what.role.word(), "org": what.org, "deputy_for": what.deputy_for, "from": what.from, "to": what.to,
            })
        })
        .collect();
    serde_json::json!({
        "id": person.id,
        "name": person.login,
        "display": person.display,
        "mail": person.mail,
        "language": person.language,
        "zone": person.zone,
        "org": person.org,
        "state": person.state.word(),
        "second_factor": person.second_factor,
        "roles": roles,
        "expires_at": person.expires_at,
        "created_at": person.created_at,
        "last_sign_in": person.last_sign_in,
        "version": person.version,
    })
}

fn versioned(person: &Person) -> Reply {
    reply::versioned(&row(person), i64::try_from(person.version).unwrap_or(i64::MAX))
}

fn linked(id: PersonId, link: &SecretLink) -> Reply {
    let path = format!("/invite/{}", link.token.as_str());
    reply::created(&serde_json::json!({"id": id, "link": path, "ends_at": link.ends_at}))
}

fn optional<T: FromStr>(text: Option<&str>) -> Result<Option<T>, T::Err> {
    text.map(str::parse).transpose()
}

async fn holdings(
    ctx: &ApiCtx,
    caller: &Caller,
    home: base::OrgId,
    roles: &[RoleRequest],
) -> Result<Vec<NewHolding>, Answer> {
    let mut out = Vec::with_capacity(roles.len());
    for wanted in roles {
        out.push(NewHolding {
            role: known("role", &wanted.role, |word| Role::ALL.iter().copied().find(|role| role.word() == word))?,
            org: super::organisation_or(ctx, caller, wanted.org.as_deref(), home).await?,
            deputy_for: optional(wanted.deputy_for.as_deref())?,
            from: optional(wanted.from.as_deref())?,
            to: optional(wanted.to.as_deref())?,
        });
    }
    Ok(out)
}

async fn invite(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: PersonRequest = reply::body(&body)?;
    let org = super::organisation_or(&ctx, &caller, request.org.as_deref(), caller.centre()).await?;
    let new = NewPerson {
        holdings: holdings(&ctx, &caller, org, &request.roles).await?,
        display: request.display.unwrap_or_else(|| request.name.clone()),
        login: request.name,
        mail: request.mail,
        language: request.language.unwrap_or_else(|| "zh-TW".to_owned()),
        zone: request.zone.unwrap_or_else(|| "Asia/Taipei".to_owned()),
        org,
        expires_at: optional::<Timestamp>(request.expires_at.as_deref())?,
    };
    let (id, link) = ctx.access.invite(&caller, &new).await?;
    linked(id, &link)
}

async fn one(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    versioned(&ctx.access.person(&caller, id.parse()?).await?)
}

async fn set_roles(change: Change<PersonId>, body: Bytes) -> Reply {
    let request: RolesRequest = reply::body(&body)?;
    let Change { ctx, caller, id, version } = change;
    let person = ctx.access.person(&caller, id).await?;
    let roles = holdings(&ctx, &caller, person.org, &request.roles).await?;
    ctx.access.set_roles(&caller, id, &roles, version.into()).await?;
    versioned(&ctx.access.person(&caller, id).await?)
}

async fn invite_again(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Reply {
    let id: PersonId = id.parse()?;
    linked(id, &ctx.access.invite_again(&caller, id).await?)
}

async fn disable(change: Change<PersonId>) -> Reply {
    let Change { ctx, caller, id, version } = change;
    ctx.access.disable(&caller, id, version.into()).await?;
    versioned(&ctx.access.person(&caller, id).await?)
}

async fn enable(change: Change<PersonId>) -> Reply {
    linked(change.id, &change.ctx.access.enable(&change.caller, change.id, change.version.into()).await?)
}

async fn sessions(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(id): Path<String>) -> Reply {
    let open = ctx.access.sessions(&caller, id.parse()?).await?;
    let items: Vec<serde_json::Value> = open
        .iter()
        .map(|login| {
            serde_json::json!({
                "id": login.id, "kind": login.kind.word(), "created_at": login.created_at, "last_seen": login.last_seen, "ends_at": login.ends_at,
                "address": login.address, "agent": login.agent, "second_factor_at": login.second_factor_at,
            })
        })
        .collect();
    reply::list(&items, None)
}

async fn end_session(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path((_person, session)): Path<(String, String)>,
) -> Reply {
    let session: LoginId = session.parse()?;
    ctx.access.revoke_session(&caller, session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn reviews(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(paging): Query<Paging>,
) -> Reply {
    let found = ctx.access.retro_open(&caller, &paging.page()).await?;
    let items: Vec<serde_json::Value> = found
        .items
        .iter()
        .map(|review| {
            serde_json::json!({
                "id": review.id, "action": review.action.word(), "subject": review.subject, "org": review.org,
                "approved_by": review.approved_by, "approved_at": review.approved_at, "due_at": review.due_at,
                "version": review.version,
            })
        })
        .collect();
    reply::list(&items, found.next.as_deref())
}

async fn close_review(change: Change<RetroId>, body: Bytes) -> Reply {
    let request: ReviewRequest = reply::body(&body)?;
    let outcome = known("outcome", &request.outcome, |word| {
        [RetroOutcome::Confirmed, RetroOutcome::Objected].into_iter().find(|outcome| outcome.word() == word)
    })?;
    let (by, version) = (&change.caller, change.version.into());
    change.ctx.access.retro_close(by, change.id, outcome, &request.note, version).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
