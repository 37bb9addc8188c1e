//! Findings as a list: columns, fields of the query, exports.

use access::Shown;
use detect::Finding;
use text::{Words, names};

use super::{rule_name, sentence};
use crate::query::Val;
use crate::view::{Cell, Column, Empty, Look};
use crate::web::list::Spec;

/// The findings as a list, for the query line and exports.
pub(crate) const FINDINGS: Spec<Finding> = Spec {
    id: "findings",
    live: "findings",
    caption: |t| t.work.title,
    columns,
    fields: &[
        ("severity", |t| t.work.severity),
        ("state", |t| t.work.state),
        ("rule", |t| t.work.rule),
        ("subject", |t| t.work.subject),
        ("org", |t| t.work.org),
        ("count", |t| t.work.count),
        ("first", |t| t.work.first),
        ("last", |t| t.work.last),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::of("finding", row.id, row.org),
    personal: false,
    empty: |t| Empty::new(t.work.empty, t.work.empty_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("severity", t.work.severity),
        Column::new("what", t.work.what),
        Column::new("subject", t.work.subject),
        Column::new("rule", t.work.rule),
        Column::new("state", t.work.state),
        Column::new("org", t.work.org),
        Column::num("count", t.work.count),
        Column::new("first", t.work.first),
        Column::new("last", t.work.last),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &Finding) -> Vec<Cell> {
    vec![
        look.severity(row.severity),
        Cell::main(format!("/findings/{}", row.id), sentence(look, row)),
        look.value(Some("subject"), &row.subject.value),
        Cell::mono(row.rule.clone()),
        Cell::Badge(look.finding_state(row.state.word())),
        look.org(row.org),
        Cell::Num(row.count),
        look.time(row.first_at),
        look.time(row.last_at),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Finding) -> Vec<(&'static str, Val)> {
    vec![
        ("severity", Val::Number(f64::from(row.severity))),
        ("severity", names::severity(look.lang().other(), row.severity).into()),
        ("severity", names::severity(look.lang(), row.severity).into()),
        ("state", row.state.word().into()),
        ("rule", row.rule.as_str().into()),
        ("rule", rule_name(look, &row.rule).into()),
        ("subject", row.subject.value.as_str().into()),
        ("org", look.org_name(row.org).into()),
        ("count", Val::Number(row.count as f64)),
        ("first", Val::Time(row.first_at)),
        ("last", Val::Time(row.last_at)),
    ]
}
