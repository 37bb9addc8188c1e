//! Saved searches: run, shared, deleted; a new one is named on a page of its own.

use access::{NewSearch, SavedSearch, SearchId};
use axum::extract::Path;

use crate::error::{Answer, Fail};
use crate::view::url::Query;
use crate::view::{Body, Cell, Choice, Column, Empty, Field, Form, Head, Look, Panel, Row, Table};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Lists whose queries can be saved.
const LISTS: [&str; 10] = [
    "/findings",
    "/indicators",
    "/review",
    "/attacks",
    "/sessions",
    "/campaigns",
    "/points",
    "/sensors",
    "/audit",
    "/quarantine",
];

/// One search as the page shows it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) search: SavedSearch,
    pub(crate) by: Option<String>,
    pub(crate) own: bool,
}

/// `GET /searches`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let wanted = look.here.get("list");
    let mut lines = Vec::new();
    for search in v.ctx().access.searches(&v.caller).await? {
        if wanted.is_some_and(|list| list != search.list) {
            continue;
        }
        let by = super::person_name(&v, search.owner).await;
        lines.push(Line { own: v.caller.person() == Some(search.owner), by, search });
    }
    let rows = draw(look, &lines, &v.visit.token());
    answer::page(&v, Head::new(look.t.saved.title, look.t.saved.lead), Vec::new(), rows)
}

/// The name of a list.
fn list_name<'a>(look: &Look, list: &'a str) -> &'a str {
    let nav = &look.t.nav;
    match list {
        "/findings" => nav.findings,
        "/indicators" => nav.indicators,
        "/review" => nav.review,
        "/attacks" => nav.attacks,
        "/sessions" => nav.sessions,
        "/campaigns" => nav.campaigns,
        "/points" => nav.points,
        "/sensors" => nav.sensors,
        "/audit" => nav.audit,
        "/quarantine" => look.t.waste.title,
        other => other,
    }
}

/// The page.
pub(crate) fn draw(look: &Look, lines: &[Line], token: &str) -> Vec<Row> {
    let t = look.t;
    let columns = vec![
        Column::new("name", t.saved.name),
        Column::new("list", t.saved.list),
        Column::new("query", t.saved.query),
        Column::new("shared", t.saved.share),
        Column::new("by", t.saved.by),
        Column::new("act", t.frame.actions),
    ];
    let table = Table::new(t, "saved", t.saved.title, columns, Empty::new(t.saved.none, t.saved.none_do)).rows(
        lines.iter().map(|line| {
            let s = &line.search;
            let act = if line.own {
                let id = format!("forget-{}", crate::view::look::short_id(&s.id.to_string()));
                let action = format!("/searches/{}/forget", s.id);
                crate::view::table::form_cell(form(look, id, action, Vec::new(), t.saved.forget, token))
            } else {
                Cell::None
            };
            vec![
                Cell::main(Query::at(s.list.clone()).with("q", &s.query).href(), s.name.clone()),
                Cell::text(list_name(look, &s.list)),
                Cell::mono(s.query.clone()),
                Cell::text(if s.shared { t.saved.shared } else { t.saved.mine }),
                Cell::text(line.by.as_deref().unwrap_or_default()),
                act,
            ]
        }),
    );
    vec![Row::Full(Panel::new("saved-panel", t.saved.title, vec![Body::Table(Box::new(table))]))]
}

fn form(look: &Look, id: String, action: String, fields: Vec<Field>, submit: &str, token: &str) -> Form {
    let across = fields.is_empty();
    let style = if across { "" } else { "primary" };
    Form { t: look.t, id, action, csrf: token.to_owned(), fields, submit: submit.to_owned(), style, across, key: "" }
}

/// `GET /searches/new?list=&q=`.
pub(crate) async fn new(v: Signed) -> Answer {
    let look = v.look();
    let list = look.here.get("list").filter(|list| LISTS.contains(list)).ok_or_else(Fail::no_page)?;
    let rows = draw_new(look, list, look.here.get("q").unwrap_or_default(), &v.visit.token());
    answer::page(&v, Head::new(look.t.saved.save, list_name(look, list)), Vec::new(), rows)
}

/// The page that names a search.
pub(crate) fn draw_new(look: &Look, list: &str, query: &str, token: &str) -> Vec<Row> {
    let t = look.t;
    let fields = vec![
        Field::hidden("list", list),
        Field::line("name", t.saved.name),
        Field::line("query", t.saved.query).value(query),
        Field::many("shared", t.saved.shared, vec![Choice::new("yes", t.saved.share, false)]),
    ];
    let form = form(look, "save".into(), "/searches".into(), fields, t.frame.save, token);
    vec![Row::Full(Panel::new("save-panel", t.saved.save, vec![Body::Form(form)]))]
}

/// `POST /searches`.
pub(crate) async fn save(v: Signed, posted: Posted) -> Answer {
    let list = posted.get("list");
    if !LISTS.contains(&list) {
        return Err(Fail::no_page());
    }
    let new = NewSearch {
        list: list.to_owned(),
        name: posted.need("name")?.to_owned(),
        query: posted.need("query")?.to_owned(),
        shared: posted.ticked("shared"),
    };
    v.ctx().access.save_search(&v.caller, &new).await?;
    Ok(answer::see("/searches", "kept"))
}

/// `POST /searches/{id}/forget`.
pub(crate) async fn forget(v: Signed, Path(id): Path<SearchId>, _posted: Posted) -> Answer {
    v.ctx().access.forget_search(&v.caller, id).await?;
    Ok(answer::see("/searches", "forgotten"))
}
