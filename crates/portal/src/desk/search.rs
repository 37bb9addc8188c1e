//! Search: one line for everything. A bare value is typed by its shape and looked for in every room.

use base::{IndicatorId, refang};
use detect::{Filter as FindingFilter, Finding, Which};
use events::sensor::ValueKind;
use intel::{Filter as IndicatorFilter, Indicator};
use sensor::model::{Observable, Session, SessionFilter};
use store::page::Page;
use text::names;

use access::Action;

use crate::error::Answer;
use crate::query::{Context, Expr, Test, parse};
use crate::view::{Body, Cell, Empty, Facts, Head, Look, Panel, Row, Table};
use crate::web::answer;
use crate::web::visit::Signed;

/// Rows shown of each room; the room's own list has the rest.
const SHOWN: u32 = 5;

/// What was found in the rooms.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) kind: Option<ValueKind>,
    pub(crate) value: String,
    pub(crate) observable: Option<Observable>,
    pub(crate) indicators: Vec<Indicator>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) sessions: Vec<Session>,
    pub(crate) owner: Option<Body>,
    pub(crate) orgs: Vec<registry::Org>,
}

/// `GET /search?q=`.
pub(crate) async fn page(v: Signed) -> Answer {
    let look = v.look();
    let q = look.here.get("q").unwrap_or_default().trim().to_owned();
    if q.is_empty() {
        let rows = vec![Row::Full(Panel::new("how", look.t.list.grammar, vec![how(look)]))];
        return answer::page(&v, Head::new(look.t.nav.search, look.t.frame.search_hint), Vec::new(), rows);
    }
    // Only bare values are looked for everywhere; a query with fields belongs to a list, which the page offers.
    let context = Context { now: look.now, zone: look.zone.name() };
    let fields: Vec<&'static str> = all_fields();
    let expr = parse(&q, &fields, &context)?.expr;
    let value = refang(expr.bare().unwrap_or_default());
    let found = if value.is_empty() { Found::default() } else { find(&v, &value).await? };
    found.indicators.iter().for_each(|row| look.seen.row("indicator", row.id, row.org, row.tlp));
    found.findings.iter().for_each(|row| look.seen.row("finding", row.id, row.org, row.tlp));
    found.sessions.iter().for_each(|row| look.seen.row("session", row.id, row.org, row.tlp));
    let mut rows = draw(look, &found);
    if has_fields(&expr) {
        rows.insert(0, Row::Full(Panel::new("lists", look.t.list.results_in, vec![lists(look, &q)])));
    }
    answer::page(&v, Head::new(q, "").value(), Vec::new(), rows)
}

/// Every field of every list, each once.
fn all_fields() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    let lists: [&[crate::web::list::FieldName]; 8] = [
        super::attack::SOURCES.fields,
        super::session::SESSIONS.fields,
        super::campaign::CAMPAIGNS.fields,
        super::finding::FINDINGS.fields,
        super::indicator::INDICATORS.fields,
        super::point::POINTS.fields,
        super::sensor::SENSORS.fields,
        super::audit::LEAVES.fields,
    ];
    names.extend(lists.iter().flat_map(|fields| fields.iter().map(|(name, _)| *name)));
    names.sort_unstable();
    names.dedup();
    names
}

fn has_fields(expr: &Expr) -> bool {
    match expr {
        Expr::All => false,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(has_fields),
        Expr::Not(part) => has_fields(part),
        Expr::Term(term) => term.field.is_some() && term.test != Test::Is(String::new()),
    }
}

/// The same query asked of each list.
fn lists(look: &Look, q: &str) -> Body {
    let nav = &look.t.nav;
    let link = |path: &str, name: &str| Cell::link(crate::view::url::Query::at(path).with("q", q).href(), name);
    Body::Cells(vec![
        link("/attacks", nav.attacks),
        link("/sessions", nav.sessions),
        link("/findings", nav.findings),
        link("/indicators", nav.indicators),
        link("/points", nav.points),
        link("/sensors", nav.sensors),
    ])
}

/// Looks for a bare value in every room the person may read.
async fn find(v: &Signed, text: &str) -> Result<Found, crate::error::Fail> {
    let (ctx, who) = (v.ctx(), v.clearance());
    let guess = intel::value::guess(text);
    let mut found = Found { kind: guess.as_ref().map(|(kind, _)| *kind), value: text.to_owned(), ..Found::default() };
    let page = || Page { after: None, limit: SHOWN };
    if let Some((kind, value)) = &guess
        && v.caller.can(Action::ReadAttacks)
    {
        found.observable = ctx.attacks.observable(who, *kind, value, None).await.ok();
        if kind.is_address() {
            let filter = SessionFilter { source: Some(value.clone()), ..SessionFilter::default() };
            found.sessions = ctx.attacks.sessions(who, &filter, &page()).await?.items;
            found.owner = Some(super::org::owner(v, value));
        }
        if *kind == ValueKind::Domain {
            found.owner = Some(super::org::owner(v, value));
        }
    }
    if v.caller.can(Action::ReadIntel) {
        let filter = IndicatorFilter { text: text.to_owned(), ..IndicatorFilter::default() };
        found.indicators = ctx.intel.list(who, &filter, &page()).await?.items;
        if let Ok(id) = text.parse::<IndicatorId>()
            && let Some(row) = ctx.intel.get(who, id).await?
        {
            found.indicators.push(row);
        }
    }
    if v.caller.can(Action::ReadFindings) {
        let filter = FindingFilter { which: Which::All, value: Some(text.to_owned()), ..FindingFilter::default() };
        found.findings = ctx.detect.list(who, &filter, &page()).await?.items;
    }
    if v.caller.can(Action::ReadOrganisations) && guess.is_none() {
        let filter = registry::OrgFilter { text: Some(text.to_owned()), ..registry::OrgFilter::default() };
        found.orgs = ctx.registry.orgs(who, &filter, &page()).await?.items;
    }
    Ok(found)
}

/// The page: what kind of value it is, whose, and what each room knows.
pub(crate) fn draw(look: &Look, found: &Found) -> Vec<Row> {
    let t = look.t;
    let mut main = Vec::new();
    let mut side = Vec::new();
    if let Some(o) = &found.observable {
        let facts = Facts::wide(vec![
            (t.attack.class, look.class(o.class.word())),
            (t.attack.score, look.score(o.score)),
            (t.attack.aim, super::attack::aim(look, o.aim)),
            (t.attack.benign, Cell::text(o.benign.clone().unwrap_or_default())),
            (t.attack.sessions, Cell::Num(o.sessions)),
            (t.attack.sensors, Cell::Num(o.sensors)),
            (t.attack.first, look.time(o.first_at)),
            (t.attack.last, look.time(o.last_at)),
        ]);
        main.push(Panel::new("attacks", t.nav.attacks, vec![Body::Facts(facts)]).tools(vec![look.tlp(o.tlp)]));
        let factors = super::factors(look, &o.factors);
        side.push(Panel::new("factors", t.intel.factors, vec![Body::Table(Box::new(factors))]));
        let signs = super::signs(look, &o.aim_factors);
        side.push(Panel::new("aim", t.attack.aim_why, vec![Body::Table(Box::new(signs))]));
    }
    let spec_table = |id: &'static str, caption: &str, columns, cells: Vec<Vec<Cell>>| {
        Table::new(t, id, caption, columns, Empty::new(t.list.none_title, "")).rows(cells)
    };
    let rest = |path: &str, field: &str| {
        let q = format!("{field}:{}", crate::query::quote(&found.value));
        vec![Cell::link(crate::view::url::Query::at(path).with("q", &q).href(), t.list.all)]
    };
    if !found.indicators.is_empty() {
        let spec = &super::indicator::INDICATORS;
        let cells = found.indicators.iter().map(|row| (spec.cells)(look, row)).collect();
        let table = spec_table("found-indicators", t.intel.title, (spec.columns)(t), cells);
        main.push(
            Panel::new("indicators", t.intel.title, vec![Body::Table(Box::new(table))])
                .tools(rest("/indicators", "value")),
        );
    }
    if !found.findings.is_empty() {
        let spec = &super::finding::FINDINGS;
        let cells = found.findings.iter().map(|row| (spec.cells)(look, row)).collect();
        let table = spec_table("found-findings", t.work.title, (spec.columns)(t), cells);
        main.push(
            Panel::new("findings", t.work.title, vec![Body::Table(Box::new(table))])
                .tools(rest("/findings", "subject")),
        );
    }
    if !found.sessions.is_empty() {
        let spec = &super::session::SESSIONS;
        let cells = found.sessions.iter().map(|row| (spec.cells)(look, row)).collect();
        let table = spec_table("found-sessions", t.nav.sessions, (spec.columns)(t), cells);
        main.push(
            Panel::new("sessions", t.nav.sessions, vec![Body::Table(Box::new(table))])
                .tools(rest("/sessions", "source")),
        );
    }
    if !found.orgs.is_empty() {
        let links =
            found.orgs.iter().map(|org| Cell::link(format!("/orgs/{}", org.id), look.org_name(org.id))).collect();
        main.push(Panel::new("orgs", t.nav.orgs, vec![Body::Cells(vec![Cell::Below(links)])]));
    }
    if main.is_empty() {
        main.push(Panel::new(
            "nothing",
            t.list.results_in,
            vec![Body::Empty(Empty::new(t.list.none_match, t.list.none_match_do))],
        ));
    }
    let mut about = Vec::new();
    if let Some(kind) = found.kind {
        let name = names::value_kind(look.lang(), kind.word()).unwrap_or(kind.word());
        about.push(Body::Facts(Facts::tall(vec![
            (t.intel.kind, Cell::text(name)),
            (t.intel.value, look.value(None, &found.value)),
        ])));
    }
    about.extend(found.owner.clone());
    if !about.is_empty() {
        side.insert(0, Panel::new("whose", t.nav.whose, about));
    }
    // Wide tables stand below each other; what is small stands beside the first.
    let wide = main.split_off(usize::from(found.observable.is_some()));
    let mut rows = Vec::new();
    if !side.is_empty() || !main.is_empty() {
        rows.push(Row::Split(if main.is_empty() { vec![side.remove(0)] } else { main }, side));
    }
    rows.extend(wide.into_iter().map(Row::Full));
    rows
}

/// How to write a query.
fn how(look: &Look) -> Body {
    let l = &look.t.list;
    Body::Facts(Facts::tall(vec![
        (l.grammar_field, Cell::mono("state:published and not class:scan")),
        (l.grammar_list, Cell::mono("class:(download or scan) score:60..80 value:evil* last:>=6h")),
        (l.grammar_addr, Cell::mono("203.0.113.0/24   hxxp://evil[.]example/   ２０３．０．１１３．７")),
    ]))
}
