//! Quarantined lines: what could not be read, why, and the kept bytes to take away.

use access::{Action, Shown};
use sensor::model::Quarantined;
use store::page::Page;
use text::Words;

use crate::error::{Answer, Fail};
use crate::query::Val;
use crate::view::{Body, Cell, Column, Crumb, Empty, Head, Look, Panel, Row};
use crate::web::answer;
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;

/// `GET /quarantine`.
pub(crate) async fn all(v: Signed) -> Answer {
    v.caller.require(Action::Ingest)?;
    let look = v.look();
    let loaded = list::load(look, &LINES, |_, after| async {
        let paged = v.ctx().attacks.quarantine(v.clearance(), &Page { after, limit: CHUNK }).await?;
        Ok::<_, Fail>((paged.items, paged.next))
    })
    .await?;
    if let Some(file) = list::export(&v, &LINES, &loaded).await {
        return file;
    }
    let table = list::table(look, &LINES, &loaded, Vec::new());
    let panel =
        Panel::new("quarantine", look.t.waste.title, vec![Body::Table(Box::new(table))]).lead(look.t.waste.again);
    let crumbs = vec![Crumb::new("/sensors", look.t.nav.sensors)];
    answer::page(&v, Head::new(look.t.waste.title, look.t.waste.lead), crumbs, vec![Row::Full(panel)])
}

/// The list; its NDJSON export holds each line as it is kept.
pub(crate) const LINES: Spec<Quarantined> = Spec {
    id: "quarantined-lines",
    live: "attacks",
    caption: |t| t.waste.title,
    columns,
    fields: &[
        ("code", |t| t.frame.error_code),
        ("format", |t| t.waste.format),
        ("org", |t| t.work.org),
        ("times", |t| t.waste.times),
        ("last", |t| t.work.last),
        ("line", |t| t.waste.line),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::marked("list:quarantine".to_owned(), Some(row.org)),
    personal: false,
    empty: |t| Empty::good(t.waste.none),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("last", t.work.last),
        Column::new("code", t.frame.error_code),
        Column::new("detail", t.waste.detail),
        Column::new("line", t.waste.line),
        Column::new("format", t.waste.format),
        Column::new("org", t.work.org),
        Column::num("times", t.waste.times),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &Quarantined) -> Vec<Cell> {
    vec![
        look.age(row.at),
        Cell::link(format!("/errors#{}", row.code), row.code.clone()),
        Cell::text(row.detail.clone()),
        Cell::mono(row.excerpt.clone()),
        Cell::text(row.format.clone()),
        look.org(row.org),
        Cell::Num(row.times),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Quarantined) -> Vec<(&'static str, Val)> {
    vec![
        ("code", row.code.as_str().into()),
        ("format", row.format.as_str().into()),
        ("org", look.org_name(row.org).into()),
        ("times", Val::Number(row.times as f64)),
        ("last", Val::Time(row.at)),
        ("line", row.excerpt.as_str().into()),
    ]
}
