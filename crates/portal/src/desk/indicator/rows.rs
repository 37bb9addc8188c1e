//! Indicators as lists: all of them, and the review queue; writing a new one.

use access::{Action, Shown};
use base::{AddressScope, Tlp};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, ValueKind};
use intel::{Draft, Filter, Indicator};
use store::page::Page;
use text::{Words, names};

use crate::desk::bulk;
use crate::error::{Answer, Fail};
use crate::query::{Expr, Val};
use crate::view::{Act, Body, Cell, Choice, Column, Empty, Field, Form, Head, Look, Panel, Row};
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// `GET /indicators`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &INDICATORS, |expr, after| fetch(&v, expr, after)).await?;
    if let Some(file) = list::export(&v, &INDICATORS, &loaded).await {
        return file;
    }
    let tabs = std::iter::once(list::tab(look, "state", "", look.t.list.all))
        .chain(IndicatorState::ALL.map(|state| {
            let name = names::indicator_state(look.lang(), state.word()).unwrap_or(state.word());
            list::tab(look, "state", state.word(), name)
        }))
        .collect();
    let table = list::table(look, &INDICATORS, &loaded, tabs);
    let mut rows = Vec::new();
    if v.caller.can(Action::DraftIntel) {
        rows.push(Row::Acts(vec![Act::ask(look.t.intel.new, look.t.intel.new_lead, "primary", new_form(&v))]));
    }
    let panel = Panel::new("indicators", look.t.intel.title, vec![Body::Table(Box::new(table))]);
    rows.push(Row::Full(panel.tools(vec![Cell::link("/automatic", look.t.auto.title)])));
    answer::page(&v, Head::new(look.t.intel.title, ""), Vec::new(), rows)
}

async fn fetch(v: &Signed, expr: Expr, after: Option<String>) -> Result<list::Chunk<Indicator>, Fail> {
    let state = v.look().here.get("state").or_else(|| expr.must_be("state")).and_then(IndicatorState::from_word);
    let filter = Filter {
        state,
        kind: expr.must_be("kind").and_then(ValueKind::from_word),
        class: crate::desk::attack::chosen_class(v.look(), &expr),
        min_score: 0.0,
        text: expr.must_be("value").or_else(|| expr.bare()).unwrap_or_default().to_owned(),
    };
    let paged = v.ctx().intel.list(v.clearance(), &filter, &Page { after, limit: CHUNK }).await?;
    Ok((paged.items, paged.next))
}

fn new_form(v: &Signed) -> Form {
    let t = v.look().t;
    let tlps =
        Tlp::ALL.map(|tlp| Choice::new(tlp.word(), format!("TLP:{}", tlp.word().to_uppercase()), tlp == Tlp::Amber));
    Form {
        t,
        id: "new".into(),
        action: "/indicators".into(),
        csrf: v.visit.token(),
        fields: vec![
            Field::line("value", t.intel.value).hint(t.frame.search_hint),
            Field::area("description", t.intel.description).optional(),
            Field::one("tlp", t.list.marking, tlps.to_vec()),
            Field::typed("days", t.intel.days, "number", "off").optional(),
        ],
        submit: t.frame.add.to_owned(),
        style: "primary",
        across: false,
        key: "",
    }
}

/// `POST /indicators`.
pub(crate) async fn draft(v: Signed, form: Posted) -> Answer {
    let tlp: Tlp = form.parsed("tlp")?;
    let days: Option<i64> = form.optional("days")?;
    let draft = Draft {
        org: v.caller.org(),
        tlp,
        scope: AddressScope::Global,
        kind: None,
        value: form.need("value")?.to_owned(),
        name: String::new(),
        description: form.get("description").to_owned(),
        confidence: 50,
        lasts: days.map(|days| days.clamp(0, 3_660).saturating_mul(86_400)),
    };
    let made = v.ctx().intel.draft(&v.caller, draft).await?;
    Ok(answer::see(&format!("/indicators/{}", made.id), "drafted"))
}

/// `GET /review`.
pub(crate) async fn review(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &REVIEW, |_, after| async {
        let paged = v.ctx().intel.waiting(v.clearance(), &Page { after, limit: CHUNK }).await?;
        Ok::<_, Fail>((paged.items, paged.next))
    })
    .await?;
    if let Some(file) = list::export(&v, &REVIEW, &loaded).await {
        return file;
    }
    let body = draw_review(look, &loaded, v.caller.can(Action::ApproveIntel), &v.visit.token());
    let panel = Panel::new("review", look.t.intel.review, body).tools(vec![Cell::link("/night", look.t.night.title)]);
    answer::page(&v, Head::new(look.t.intel.review_title, look.t.intel.review_lead), Vec::new(), vec![Row::Full(panel)])
}

/// The review queue: each row with its box, and the form of the ticked ones.
pub(crate) fn draw_review(look: &Look, loaded: &list::Loaded<Indicator>, publishes: bool, token: &str) -> Vec<Body> {
    let t = look.t;
    let mut table = list::table(look, &REVIEW, loaded, Vec::new());
    if loaded.by.is_some() || loaded.rows.is_empty() {
        return vec![Body::Table(Box::new(table))];
    }
    table.columns.insert(0, Column::new("pick", t.bulk.pick));
    for (shown, row) in table.rows.iter_mut().zip(&loaded.rows) {
        let label = format!("{}: {}", t.bulk.pick, row.value);
        shown.cells.insert(0, Cell::Pick { value: bulk::pick(row.id, row.version), label });
    }
    vec![Body::Bulk { t, form: bulk::review_form(look, publishes, token) }, Body::Table(Box::new(table))]
}

/// Fields of indicator lists.
const FIELDS: &[list::FieldName] = &[
    ("value", |t| t.intel.value),
    ("kind", |t| t.intel.kind),
    ("state", |t| t.intel.state),
    ("class", |t| t.attack.class),
    ("score", |t| t.intel.score),
    ("org", |t| t.work.org),
    ("automatic", |t| t.intel.automatic),
    ("until", |t| t.intel.valid_until),
    ("updated", |t| t.intel.updated),
    ("sessions", |t| t.attack.sessions),
];

/// The list of indicators.
pub(crate) const INDICATORS: Spec<Indicator> = Spec {
    id: "indicators-list",
    live: "indicators",
    caption: |t| t.intel.title,
    columns,
    fields: FIELDS,
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::of("indicator", row.id, row.org),
    personal: false,
    empty: |t| Empty::new(t.intel.none, t.intel.none_do),
};

/// What waits for a reviewer or approver.
const REVIEW: Spec<Indicator> = Spec {
    id: "review-list",
    caption: |t| t.intel.review,
    empty: |t| Empty { good: true, ..Empty::new(t.intel.review_none, t.intel.review_none_do) },
    ..INDICATORS
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("value", t.intel.value),
        Column::new("kind", t.intel.kind),
        Column::new("state", t.intel.state),
        Column::new("score", t.intel.score),
        Column::new("class", t.attack.class),
        Column::num("sessions", t.attack.sessions),
        Column::new("org", t.work.org),
        Column::new("until", t.intel.valid_until),
        Column::new("updated", t.intel.updated),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &Indicator) -> Vec<Cell> {
    vec![
        look.value_at(Some("value"), &row.value, format!("/indicators/{}", row.id)),
        look.kind(row.kind.word()),
        Cell::Badge(look.indicator_state(row.state.word())),
        look.score(row.score),
        row.class.map_or(Cell::None, |class| look.class(class.word())),
        Cell::Num(row.sessions_total),
        look.org(row.org),
        look.time(row.valid_until),
        look.time(row.modified),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Indicator) -> Vec<(&'static str, Val)> {
    let mut values: Vec<(&'static str, Val)> = vec![
        ("value", row.value.as_str().into()),
        ("kind", row.kind.word().into()),
        ("state", row.state.word().into()),
        ("score", Val::Number(row.score * 100.0)),
        ("org", look.org_name(row.org).into()),
        ("automatic", if row.automatic { "yes" } else { "no" }.into()),
        ("until", Val::Time(row.valid_until)),
        ("updated", Val::Time(row.modified)),
        ("sessions", Val::Number(row.sessions_total as f64)),
    ];
    if let Some(class) = row.class.map(AttackClass::word) {
        values.push(("class", class.into()));
        values.push(("class", look.class_name(class).into()));
    }
    values
}
