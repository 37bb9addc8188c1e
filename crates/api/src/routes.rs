//! The routes, one module per subject, and what they share.

pub mod attacks;
pub mod audit;
pub mod enforcement;
pub mod feeds;
pub mod findings;
pub mod indicators;
pub mod ingest;
pub mod machines;
pub mod meta;
pub mod organisations;
pub mod parts;
pub mod people;
pub mod silences;
pub mod tokens;

use access::Caller;
use base::OrgId;
use registry::OrgCode;
use serde::Deserialize;
use store::page::Page;

use crate::context::ApiCtx;
use crate::problem::{Answer, NOT_FOUND};
use crate::table::Table;

/// Every route of the portal's listener.
#[must_use]
pub fn public(ctx: ApiCtx) -> Table {
    let table = Table::new(ctx);
    let table = meta::add(table);
    let table = machines::add_enrolment(table);
    let table = ingest::add(table);
    let table = organisations::add(table);
    let table = parts::add(table);
    let table = people::add(table);
    let table = tokens::add(table);
    let table = attacks::add(table);
    let table = findings::add(table);
    let table = silences::add(table);
    let table = indicators::add(table);
    let table = enforcement::add(table);
    let table = audit::add(table);
    feeds::add(table)
}

/// Every route of the machine listener.
#[must_use]
pub fn machine(ctx: ApiCtx) -> Table {
    feeds::add_machine(machines::add_machine_routes(Table::new(ctx)))
}

/// The organisation of a code name; unknown and invisible ones are the same to the outside.
pub(crate) async fn organisation(ctx: &ApiCtx, caller: &Caller, code: &str) -> Result<OrgId, Answer> {
    // One's own organisation needs no clearance: a narrow token may not read its row but may name it.
    if let Ok(own) = code.parse::<OrgCode>()
        && ctx.registry.whose().by_code(&own, ctx.env.now()) == Some(caller.org())
    {
        return Ok(caller.org());
    }
    let code: OrgCode = code
        .parse()
        .map_err(|_| Answer::of(&NOT_FOUND, format!("there is no organisation {}", base::code::excerpt(code))))?;
    Ok(ctx.registry.org_by_code(caller.clearance(), &code).await?.id)
}

/// `limit` and `after` of a list.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Paging {
    limit: Option<u32>,
    after: Option<String>,
}

impl Paging {
    /// As the store wants it.
    pub(crate) fn page(&self) -> Page {
        Page { after: self.after.clone(), limit: self.limit.unwrap_or(50) }
    }
}
