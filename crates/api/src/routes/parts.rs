//! Changing an organisation: its names and standing, its parts (networks, domains, AS numbers, circuits, contacts).

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use registry::{ContactId, Criticality, Level, Names, NewContact, OrgKind, Standing};
use serde::Deserialize;

use crate::change::Change;
use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, NOT_FOUND};
use crate::reply::{self, Reply};
use crate::routes::known;
use crate::routes::organisations::versioned;
use crate::table::{Route, Rule, Table};

/// What changes about an organisation; what is left out stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgChange {
    /// Name in zh-TW.
    #[serde(default)]
    pub zh: Option<String>,
    /// Name in English.
    #[serde(default)]
    pub en: Option<String>,
    /// `national`, `sector`, `operator`, `isp` or `public`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Sector, a free word of the centre; empty for none.
    #[serde(default)]
    pub sector: Option<String>,
    /// `none`, `important` or `critical`.
    #[serde(default)]
    pub criticality: Option<String>,
    /// Responsibility level, `A` to `E`; empty for none.
    #[serde(default)]
    pub level: Option<String>,
}

/// A contact to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactRequest {
    /// Name, family name first, with title.
    pub name: String,
    /// `security`, `network`, `duty` or `management`.
    pub role: String,
    /// Mail address.
    #[serde(default)]
    pub mail: String,
    /// Telephone.
    #[serde(default)]
    pub telephone: String,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadOrganisations);
    let manage = Rule::May(Action::ManageOrganisations);
    let contacts = Rule::May(Action::ManageContacts);
    table
        .add(
            Route::patch(
                "/api/v1/orgs/{name}",
                manage,
                "organisations",
                "Change names or standing, one of them at a time; send If-Match",
            )
            .takes::<OrgChange>()
            .gives("Org"),
            change,
        )
        .add(
            Route::delete("/api/v1/orgs/{name}", manage, "organisations", "End an organisation; send If-Match")
                .gives_nothing(),
            end,
        )
        .add(
            Route::get(
                "/api/v1/orgs/{name}/parts",
                read,
                "organisations",
                "Networks, domains, AS numbers, circuits, contacts",
            )
            .gives("OrgParts"),
            parts,
        )
        .add(
            Route::delete(
                "/api/v1/orgs/{name}/parts/{kind}/{id}",
                manage,
                "organisations",
                "End a network, domain, asn or circuit; send If-Match with its version",
            )
            .gives_nothing(),
            end_part,
        )
        .add(
            Route::post("/api/v1/orgs/{name}/contacts", contacts, "organisations", "Add a contact")
                .takes::<ContactRequest>()
                .gives("Made")
                .status(201),
            add_contact,
        )
        .add(
            Route::delete(
                "/api/v1/orgs/{name}/contacts/{id}",
                contacts,
                "organisations",
                "End a contact; send If-Match with its version",
            )
            .gives_nothing(),
            end_contact,
        )
}

async fn change(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let request: OrgChange = reply::body(&body)?;
    let version = reply::if_match(&headers)?;
    let id = super::organisation(&ctx, &caller, &name).await?;
    let before = ctx.registry.org(caller.clearance(), id).await?;
    let names = request.zh.is_some() || request.en.is_some();
    let standing =
        request.kind.is_some() || request.sector.is_some() || request.criticality.is_some() || request.level.is_some();
    match (names, standing) {
        (true, false) => {
            let to = Names {
                code: before.code,
                zh: request.zh.unwrap_or(before.name_zh),
                en: request.en.unwrap_or(before.name_en),
            };
            ctx.registry.org_rename(&caller, id, to, version).await?;
        }
        (false, true) => {
            let to = changed(before.standing, request)?;
            ctx.registry.org_set_standing(&caller, id, to, version).await?;
        }
        _ => return Err(Answer::of(&BAD_BODY, "either names or standing, each its own change")),
    }
    versioned(&ctx.registry.org(caller.clearance(), id).await?)
}

fn changed(before: Standing, request: OrgChange) -> Result<Standing, Answer> {
    let filled = |text: String| (!text.trim().is_empty()).then_some(text);
    Ok(Standing {
        kind: request.kind.map_or(Ok(before.kind), |word| known("kind", &word, OrgKind::from_word))?,
        sector: request.sector.map_or(before.sector, filled),
        criticality: request
            .criticality
            .map_or(Ok(before.criticality), |word| known("criticality", &word, Criticality::from_word))?,
        level: match request.level.map(filled) {
            None => before.level,
            Some(None) => None,
            Some(Some(word)) => Some(known("level", &word, Level::from_word)?),
        },
    })
}

async fn end(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Reply {
    let version = reply::if_match(&headers)?;
    let id = super::organisation(&ctx, &caller, &name).await?;
    ctx.registry.org_end(&caller, id, None, version).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn parts(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(name): Path<String>) -> Reply {
    let id = super::organisation(&ctx, &caller, &name).await?;
    let (registry, who) = (&ctx.registry, caller.clearance());
    reply::ok(&serde_json::json!({
        "org": id,
        "networks": registry.networks(who, id).await?,
        "domains": registry.domains(who, id).await?,
        "asns": registry.asns(who, id).await?,
        "circuits": registry.circuits(who, id).await?,
        "contacts": registry.contacts(who, id).await?,
    }))
}

async fn end_part(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path((_name, kind, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Reply {
    let version = reply::if_match(&headers)?;
    match kind.as_str() {
        "network" => ctx.registry.network_end(&caller, id.parse()?, None, version).await?,
        "domain" => ctx.registry.domain_end(&caller, id.parse()?, None, version).await?,
        "asn" => ctx.registry.asn_end(&caller, id.parse()?, None, version).await?,
        "circuit" => ctx.registry.circuit_end(&caller, id.parse()?, None, version).await?,
        _ => return Err(Answer::of(&NOT_FOUND, "the kinds are network, domain, asn and circuit")),
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn add_contact(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Reply {
    let request: ContactRequest = reply::body(&body)?;
    let org = super::organisation(&ctx, &caller, &name).await?;
    let new = NewContact { name: request.name, role: request.role, mail: request.mail, telephone: request.telephone };
    let id = ctx.registry.contact_add(&caller, org, &new).await?;
    reply::created(&serde_json::json!({"id": id}))
}

async fn end_contact(change: Change<ContactId>) -> Reply {
    change.ctx.registry.contact_end(&change.caller, change.id, change.version.into()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
