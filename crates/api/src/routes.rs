//! The routes, one module per subject, and what they share.

pub mod attacks;
pub mod audit;
pub mod automatic;
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
pub mod session;
pub mod silences;
pub mod tokens;

use access::Caller;
use base::OrgId;
use registry::OrgCode;
use serde::Deserialize;
use store::page::Page;

use crate::context::ApiCtx;
use crate::problem::{Answer, BAD_BODY, NOT_FOUND};
use crate::table::Table;

/// Every route of the portal's listener.
#[must_use]
pub fn public(ctx: ApiCtx) -> Table {
    let table = Table::new(ctx);
    let table = meta::add(table);
    let table = session::add(table);
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
    let table = automatic::add(table);
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

/// The organisation of a code name, or the one that is meant when none is given.
pub(crate) async fn organisation_or(
    ctx: &ApiCtx,
    caller: &Caller,
    code: Option<&str>,
    default: OrgId,
) -> Result<OrgId, Answer> {
    match code {
        Some(code) => organisation(ctx, caller, code).await,
        None => Ok(default),
    }
}

/// A word of a closed list; the field's name stands in the problem.
pub(crate) fn known<T>(field: &str, word: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, Answer> {
    parse(word).ok_or_else(|| Answer::of(&BAD_BODY, format!("{field}: {} is not known", base::code::excerpt(word))))
}

/// The same for a word that may be left out.
pub(crate) fn pick<T>(field: &str, word: Option<&str>, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Answer> {
    word.map(|word| known(field, word, parse)).transpose()
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
