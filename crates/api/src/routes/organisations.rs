//! Organisations, their networks and domains, and whose an address is.

use std::net::IpAddr;

use access::{Action, Caller};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use base::{AddrSpec, AddressScope};
use registry::{Criticality, DomainName, NewCircuit, NewOrg, OrgFilter, OrgKind, RegistryError, Span, Standing};
use serde::Deserialize;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY};
use crate::reply::{self, Reply};
use crate::routes::{Paging, known};
use crate::table::{Route, Rule, Table};

/// An organisation to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrgRequest {
    /// Code name: lower-case letters, digits and dashes.
    pub name: String,
    /// Name in zh-TW; the code name when left out.
    #[serde(default)]
    pub zh: Option<String>,
    /// Name in English; the code name when left out.
    #[serde(default)]
    pub en: Option<String>,
    /// `national`, `sector`, `operator`, `isp` or `public`.
    #[serde(default)]
    pub kind: Option<String>,
    /// Code name of the organisation above; the centre itself when left out.
    #[serde(default)]
    pub parent: Option<String>,
    /// Sector, a free word of the centre.
    #[serde(default)]
    pub sector: Option<String>,
    /// `none`, `important` or `critical`.
    #[serde(default)]
    pub criticality: Option<String>,
    /// Networks in CIDR form.
    #[serde(default)]
    pub networks: Vec<String>,
}

/// A network, domain, AS number or circuit to add: exactly one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BelongingRequest {
    /// A network in CIDR form.
    #[serde(default)]
    pub network: Option<String>,
    /// Whether the network is in the organisation's own address plan instead of the internet's.
    #[serde(default)]
    pub internal: bool,
    /// A domain name.
    #[serde(default)]
    pub domain: Option<String>,
    /// An AS number.
    #[serde(default)]
    pub asn: Option<String>,
    /// A circuit.
    #[serde(default)]
    pub circuit: Option<CircuitRequest>,
}

/// A circuit to add.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CircuitRequest {
    /// The provider's number of it.
    pub number: String,
    /// The provider.
    pub provider: String,
    /// Bandwidth in Mbit/s, where known.
    #[serde(default)]
    pub mbps: Option<u32>,
}

/// Adds the routes.
#[must_use]
pub fn add(table: Table) -> Table {
    let read = Rule::May(Action::ReadOrganisations);
    let manage = Rule::May(Action::ManageOrganisations);
    table
        .add(
            Route::get("/api/v1/orgs", read, "organisations", "Organisations")
                .lists("Org")
                .paged()
                .query("text", "part of a name"),
            list,
        )
        .add(
            Route::post("/api/v1/orgs", manage, "organisations", "Add an organisation")
                .gives("OrgMade")
                .takes::<OrgRequest>()
                .status(201),
            add_org,
        )
        .add(Route::get("/api/v1/orgs/{name}", read, "organisations", "One organisation").gives("Org"), one)
        .add(
            Route::post(
                "/api/v1/orgs/{name}/belongings",
                manage,
                "organisations",
                "Register a network, domain, AS number or circuit",
            )
            .gives("PartMade")
            .takes::<BelongingRequest>()
            .status(201),
            add_belonging,
        )
        .add(
            Route::get("/api/v1/whose", read, "organisations", "Whose address is this?")
                .gives("Whose")
                .query("address", "an IP address"),
            whose,
        )
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    limit: Option<u32>,
    after: Option<String>,
    text: Option<String>,
}

async fn list(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<ListQuery>,
) -> Reply {
    let page = Paging { limit: query.limit, after: query.after }.page();
    let filter = OrgFilter { text: query.text, ..OrgFilter::default() };
    let found = ctx.registry.orgs(caller.clearance(), &filter, &page).await?;
    let items: Vec<serde_json::Value> = found.items.iter().map(row).collect();
    reply::list(&items, found.next.as_deref())
}

/// An organisation as lists show it.
pub(crate) fn row(org: &registry::Org) -> serde_json::Value {
    serde_json::json!({
        "id": org.id,
        "name": org.code,
        "zh": org.name_zh,
        "en": org.name_en,
        "parent": org.parent,
        "kind": org.standing.kind.word(),
        "sector": org.standing.sector,
        "criticality": org.standing.criticality.word(),
        "level": org.standing.level.map(registry::Level::word),
        "own": org.own,
        "from": org.from,
        "to": org.to,
        "version": org.version,
    })
}

async fn one(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, Path(name): Path<String>) -> Reply {
    let id = super::organisation(&ctx, &caller, &name).await?;
    versioned(&ctx.registry.org(caller.clearance(), id).await?)
}

/// One organisation with the version of its row.
pub(crate) fn versioned(org: &registry::Org) -> Reply {
    reply::versioned(&row(org), i64::try_from(org.version).unwrap_or(i64::MAX))
}

async fn add_org(State(ctx): State<ApiCtx>, Extension(caller): Extension<Caller>, body: Bytes) -> Reply {
    let request: OrgRequest = reply::body(&body)?;
    let parent = super::organisation_or(&ctx, &caller, request.parent.as_deref(), caller.centre()).await?;
    // Every network is read before anything is made: a typing error leaves nothing behind.
    let networks: Vec<AddrSpec> = request.networks.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let code = request.name.parse()?;
    let kind = known("kind", request.kind.as_deref().unwrap_or("operator"), OrgKind::from_word)?;
    let criticality = known("criticality", request.criticality.as_deref().unwrap_or("none"), Criticality::from_word)?;
    let new = NewOrg {
        name_zh: request.zh.unwrap_or_else(|| request.name.clone()),
        name_en: request.en.unwrap_or_else(|| request.name.clone()),
        code,
        parent: Some(parent),
        standing: Standing { kind, sector: request.sector, criticality, level: None },
    };
    let id = ctx.registry.org_add(&caller, new, Span::default()).await?;
    for net in networks {
        ctx.registry.network_add(&caller, id, net, AddressScope::Global, Span::default()).await?;
    }
    reply::created(&serde_json::json!({"id": id, "name": request.name}))
}

async fn add_belonging(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Bytes,
) -> Reply {
    let request: BelongingRequest = reply::body(&body)?;
    let org = super::organisation(&ctx, &caller, &name).await?;
    match (request.network, request.domain, request.asn, request.circuit) {
        (Some(network), None, None, None) => {
            let scope = if request.internal { AddressScope::Org(org) } else { AddressScope::Global };
            let id = ctx.registry.network_add(&caller, org, network.parse()?, scope, Span::default()).await?;
            reply::created(&serde_json::json!({"id": id, "network": network}))
        }
        (None, None, Some(asn), None) => {
            let id = ctx.registry.asn_add(&caller, org, asn.parse()?, Span::default()).await?;
            reply::created(&serde_json::json!({"id": id, "asn": asn}))
        }
        (None, None, None, Some(new)) => {
            let circuit = NewCircuit { number: new.number.clone(), provider: new.provider, mbps: new.mbps };
            let id = ctx.registry.circuit_add(&caller, org, &circuit, Span::default()).await?;
            reply::created(&serde_json::json!({"id": id, "circuit": new.number}))
        }
        (None, Some(domain), None, None) => {
            let domain: DomainName = domain.parse()?;
            let id = ctx.registry.domain_add(&caller, org, domain.clone(), Span::default()).await?;
            reply::created(&serde_json::json!({"id": id, "domain": domain}))
        }
        _ => Err(Answer::of(&BAD_BODY, "exactly one of network, domain, asn and circuit is needed")),
    }
}

#[derive(Debug, Deserialize)]
struct WhoseQuery {
    address: IpAddr,
}

async fn whose(
    State(ctx): State<ApiCtx>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<WhoseQuery>,
) -> Reply {
    let owner = ctx.registry.whose().whose(query.address, AddressScope::Global, ctx.env.now());
    let seen = |org| caller.sees(&registry::command::belonging_facts(org, caller.realm()));
    let Some(owner) = owner.filter(|owner| seen(owner.org)) else {
        return reply::ok(&serde_json::json!({"address": query.address, "org": null}));
    };
    // What the caller may not see is answered as nobody's.
    let org = match ctx.registry.org(caller.clearance(), owner.org).await {
        Ok(org) => Some(org),
        Err(RegistryError::UnknownOrg) => None,
        Err(error) => return Err(error.into()),
    };
    reply::ok(&serde_json::json!({
        "address": query.address,
        "org": org.as_ref().map(row),
        "network": org.as_ref().map(|_| owner.network),
    }))
}
