//! Lists: one engine for all of them. The query is pushed to the database where it can be and asked of every row;
//! pages go on by key; what one sees can be taken away as CSV or NDJSON with a head that says what it is.

use std::future::Future;

use access::Shown;
use axum::response::{IntoResponse, Response};
use base::{Problem, Tlp};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use text::Words;

use crate::error::{Answer, Fail};
use crate::query::{self, Asked, Context, Expr, Val};
use crate::view::url::Query;
use crate::view::{Cell, Column, Empty, Filter, Look, Pager, Tab, Table};
use crate::web::answer::{list_home, said};
use crate::web::visit::Signed;

mod counts;

/// Rows of a page, at least, where there are so many.
const PAGE: usize = 50;
/// Rows fetched at once.
pub(crate) const CHUNK: u32 = 100;
/// Rows looked at for one page, at most; a rarer match is found on a later page.
const LOOKED_AT: usize = 5_000;
/// Rows of an export, at most.
const EXPORT: usize = 20_000;

/// One field of a list's queries: its stable name and its word.
pub(crate) type FieldName = (&'static str, fn(&Words) -> &'static str);

/// What a list is made of.
pub(crate) struct Spec<R> {
    pub(crate) id: &'static str,
    pub(crate) live: &'static str,
    pub(crate) caption: fn(&Words) -> &'static str,
    pub(crate) columns: fn(&Words) -> Vec<Column>,
    pub(crate) fields: &'static [FieldName],
    pub(crate) cells: fn(&Look, &R) -> Vec<Cell>,
    pub(crate) values: fn(&Look, &R) -> Vec<(&'static str, Val)>,
    pub(crate) tlp: fn(&R) -> Tlp,
    /// What leaves call a row; where it holds somebody's details, every row is restricted.
    pub(crate) row: fn(&R) -> Shown,
    pub(crate) personal: bool,
    pub(crate) empty: fn(&Words) -> Empty,
}

/// What the database gave: rows and where it goes on.
pub(crate) type Chunk<R> = (Vec<R>, Option<String>);

/// A loaded page of a list.
pub(crate) struct Loaded<R> {
    pub(crate) rows: Vec<R>,
    next: Option<String>,
    problem: Option<Problem>,
    /// The rows are to be counted by this field.
    pub(crate) by: Option<&'static str>,
}

#[cfg(test)]
impl<R> Loaded<R> {
    /// The same, counted by a field.
    pub(crate) fn by(self, field: &'static str) -> Self {
        Self { by: Some(field), ..self }
    }

    /// A loaded page, for drawn fixtures.
    pub(crate) fn of(rows: Vec<R>, next: Option<String>) -> Self {
        Self { rows, next, problem: None, by: None }
    }
}

/// Reads the address's query.
pub(crate) fn expression<R>(look: &Look, spec: &Spec<R>) -> Result<Asked, Problem> {
    let names: Vec<&'static str> = spec.fields.iter().map(|(name, _)| *name).collect();
    let context = Context { now: look.now, zone: look.zone.name() };
    query::parse(look.here.get("q").unwrap_or_default(), &names, &context)
}

/// Loads a page: fetches chunks until enough rows hold or enough were looked at.
pub(crate) async fn load<R, F, Fut, E>(look: &Look, spec: &Spec<R>, fetch: F) -> Result<Loaded<R>, Fail>
where
    F: Fn(Expr, Option<String>) -> Fut,
    Fut: Future<Output = Result<Chunk<R>, E>>,
    E: Into<Fail>,
{
    let Asked { expr, by } = match expression(look, spec) {
        Ok(asked) => asked,
        Err(problem) => return Ok(Loaded { rows: Vec::new(), next: None, problem: Some(problem), by: None }),
    };
    let want = if by.is_some() || look.here.get("format").is_some() { EXPORT } else { PAGE };
    let next = look.here.get("after").map(str::to_owned);
    let mut loaded = Loaded { rows: Vec::new(), next, problem: None, by };
    let mut seen = 0;
    loop {
        let (rows, next) = fetch(expr.clone(), loaded.next.take()).await.map_err(Into::into)?;
        seen += rows.len();
        loaded.rows.extend(rows.into_iter().filter(|row| expr.holds(&(spec.values)(look, row))));
        loaded.next = next;
        if loaded.next.is_none() || loaded.rows.len() >= want || seen >= LOOKED_AT.max(want) {
            for row in &loaded.rows {
                if spec.personal {
                    look.seen.personal((spec.row)(row));
                } else if access::is_restricted((spec.tlp)(row)) {
                    look.seen.marked((spec.row)(row));
                }
            }
            return Ok(loaded);
        }
    }
}

/// The list as a table; `tabs` stand before the query line.
pub(crate) fn table<R>(look: &Look, spec: &Spec<R>, loaded: &Loaded<R>, tabs: Vec<Tab>) -> Table {
    let t = look.t;
    let home = list_home(&look.here);
    let q = look.here.get("q").unwrap_or_default();
    let narrowed = !q.is_empty() || look.here.get("after").is_some();
    let empty = if narrowed { Empty::new(t.list.none_match, t.list.none_match_do) } else { (spec.empty)(t) };
    let marking = loaded.rows.iter().map(spec.tlp).max().map(|tlp| look.tlp(tlp));
    let keep = home.pairs.iter().filter(|(key, _)| key != "q").cloned().collect();
    let table = match loaded.by {
        Some(field) => counts::table(look, spec, loaded, field, empty),
        None => Table::new(t, spec.id, (spec.caption)(t), (spec.columns)(t), empty)
            .rows(loaded.rows.iter().map(|row| (spec.cells)(look, row))),
    };
    let mut table = table.live(spec.live, look.here.href());
    table.filter = Some(Filter {
        action: home.path.clone(),
        q: q.to_owned(),
        keep,
        tabs,
        problem: loaded.problem.as_ref().map(|problem| {
            let place = problem.place.clone().unwrap_or_default();
            (said(t.lang, problem).to_owned(), format!("{} {place}", problem.detail))
        }),
        fields: spec.fields.iter().map(|(name, word)| (*name, word(t).to_owned())).collect(),
        searchable: !spec.fields.is_empty(),
        save: (!q.is_empty() && loaded.problem.is_none())
            .then(|| Query::at("/searches/new").with("list", &home.path).with("q", q).href()),
        saved: Query::at("/searches").with("list", &home.path).href(),
    });
    table.pager = Some(Pager {
        next: loaded.next.as_ref().filter(|_| loaded.by.is_none()).map(|next| home.with("after", next).href()),
        first: look.here.get("after").map(|_| home.href()),
        csv: look.here.with("done", "").with("format", "csv").href(),
        ndjson: look.here.with("done", "").with("format", "ndjson").href(),
        as_of: look.when(look.now),
        marking,
    });
    table
}

/// The list as a file, where the address asks for one. Every file leaves its leaf before it is handed out.
pub(crate) async fn export<R>(v: &Signed, spec: &Spec<R>, loaded: &Loaded<R>) -> Option<Answer> {
    let look = v.look();
    let format = look.here.get("format")?;
    if let Some(problem) = &loaded.problem {
        return Some(Err(problem.clone().into()));
    }
    let marking = loaded.rows.iter().map(spec.tlp).max().unwrap_or(Tlp::Clear);
    let head = Head {
        list: spec.id,
        state: list_home(&look.here).href(),
        query: look.here.get("q").unwrap_or_default().to_owned(),
        zone: look.zone.name().to_owned(),
        as_of: look.now.rfc3339(),
        marking: format!("TLP:{}", marking.word().to_uppercase()),
        rows: loaded.rows.len(),
        complete: loaded.next.is_none(),
    };
    let (columns, cells) = match loaded.by {
        Some(field) => (counts::columns(look), counts::cells(look, spec, loaded, field)),
        None => ((spec.columns)(look.t), loaded.rows.iter().map(|row| (spec.cells)(look, row)).collect()),
    };
    let rows = cells.iter().map(|row| row.iter().map(Cell::plain).collect::<Vec<_>>());
    let (media, extension, text) = match format {
        "csv" => ("text/csv; charset=utf-8", "csv", csv(&head, &columns, rows)),
        "ndjson" => ("application/x-ndjson", "ndjson", ndjson(&head, &columns, rows)),
        _ => return Some(Err(Fail::no_page())),
    };
    let restricted = loaded.rows.iter().filter(|row| spec.personal || access::is_restricted((spec.tlp)(row))).count();
    // A question about people may hold their names: personal data stands in no leaf.
    let query = if spec.personal && !head.query.is_empty() { "?" } else { head.query.as_str() };
    let detail = json!({
        "format": extension, "query": base::code::excerpt(query), "marking": head.marking, "rows": head.rows, "complete": head.complete,
        "restricted": restricted,
    });
    let subject = format!("list:{}", spec.id);
    if let Err(error) = v.ctx().access.note_export(&v.caller, "portal.export", &subject, detail).await {
        return Some(Err(error.into()));
    }
    let name = format!("attachment; filename=\"lianfang-{}.{extension}\"", spec.id);
    let heads = [(CONTENT_TYPE, media.to_owned()), (CONTENT_DISPOSITION, name)];
    let response: Response = (heads, text).into_response();
    Some(Ok(response))
}

/// What an export says about itself.
struct Head {
    list: &'static str,
    state: String,
    query: String,
    zone: String,
    as_of: String,
    marking: String,
    rows: usize,
    complete: bool,
}

impl Head {
    fn pairs(&self) -> [(&'static str, Value); 8] {
        [
            ("list", json!(self.list)),
            ("state", json!(self.state)),
            ("query", json!(self.query)),
            ("zone", json!(self.zone)),
            ("as_of", json!(self.as_of)),
            ("marking", json!(self.marking)),
            ("rows", json!(self.rows)),
            ("complete", json!(self.complete)),
        ]
    }
}

/// Comment lines, then RFC 4180; a cell that a spreadsheet would run as a formula is disarmed with an apostrophe.
fn csv(head: &Head, columns: &[Column], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut out = String::from('\u{feff}');
    for (key, value) in head.pairs() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // One cell: a query with a comma must not become a column of its own.
        out.push_str(&csv_cell(&format!("# {key}: {}", text.replace(['\r', '\n'], " "))));
        out.push_str("\r\n");
    }
    let line = |cells: Vec<String>| cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(",") + "\r\n";
    out.push_str(&line(columns.iter().map(|column| column.name.to_owned()).collect()));
    for row in rows {
        out.push_str(&line(row));
    }
    out
}

fn csv_cell(text: &str) -> String {
    let armed = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if armed { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

fn ndjson(head: &Head, columns: &[Column], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut first = Map::from_iter(head.pairs().map(|(key, value)| (key.to_owned(), value)));
    first.insert("kind".into(), json!("head"));
    let mut out = Value::Object(first).to_string();
    out.push('\n');
    for row in rows {
        let mut object =
            Map::from_iter(columns.iter().zip(row).map(|(column, cell)| (column.name.to_owned(), json!(cell))));
        object.insert("kind".into(), json!(head.list));
        out.push_str(&Value::Object(object).to_string());
        out.push('\n');
    }
    out
}

/// A tab that sets one key of the address.
pub(crate) fn tab(look: &Look, key: &str, value: &str, label: impl Into<String>) -> Tab {
    let current = look.here.get(key).unwrap_or_default() == value;
    Tab { label: label.into(), href: list_home(&look.here).with(key, value).href(), current }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_disarmed() {
        assert_eq!(csv_cell("plain"), "plain");
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_cell("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(csv_cell("-5"), "-5");
        assert_eq!(csv_cell("@x"), "'@x");
    }

    #[test]
    fn the_head_says_what_was_taken() {
        let head = Head {
            list: "findings",
            state: "/findings?q=a".into(),
            query: "a\nb".into(),
            zone: "Asia/Taipei".into(),
            as_of: "2026-11-21T06:05:09.000000Z".into(),
            marking: "TLP:AMBER".into(),
            rows: 1,
            complete: true,
        };
        let columns = [Column::new("source", "來源")];
        let text = csv(&head, &columns, std::iter::once(vec!["203.0.113.7".into()]));
        assert!(text.starts_with("\u{feff}# list: findings\r\n# state: /findings?q=a\r\n# query: a b\r\n"), "{text}");
        assert!(text.ends_with("# complete: true\r\nsource\r\n203.0.113.7\r\n"), "{text}");
        let lines = ndjson(&head, &columns, std::iter::once(vec!["203.0.113.7".into()]));
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["marking"], "TLP:AMBER");
        assert_eq!(lines[1], json!({"kind": "findings", "source": "203.0.113.7"}));
    }
}
