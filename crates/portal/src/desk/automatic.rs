//! The automatic path: which classes are published without a person, from which proof on, what it did, who changed it.

use access::Action;
use axum::extract::Path;
use base::Problem;
use events::intel::IndicatorState;
use events::sensor::AttackClass;
use intel::{AutoPolicy, ClassPolicy, Filter, Indicator};
use store::audit::{Filter as Leaves, search};
use store::page::Page;

use crate::error::{Answer, BAD_FORM, Fail};
use crate::view::look::percent;
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Crumb, Empty, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Published indicators looked at for those the path made.
const LOOKED_AT: u32 = 200;
/// Of each short list so many.
const SHOWN: usize = 12;

/// One change of the settings.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) at: base::Timestamp,
    pub(crate) who: String,
    pub(crate) class: String,
    pub(crate) to: Option<ClassPolicy>,
}

/// What the page is drawn from.
#[derive(Debug)]
pub(crate) struct Automatic {
    pub(crate) policy: AutoPolicy,
    pub(crate) lately: Vec<Indicator>,
    pub(crate) changes: Vec<Changed>,
    /// The form's token, where the reader may change it.
    pub(crate) token: Option<String>,
}

/// `GET /automatic`.
pub(crate) async fn page(v: Signed) -> Answer {
    v.caller.require(Action::ReadIntel)?;
    let look = v.look();
    let filter = Filter { state: Some(IndicatorState::Published), ..Filter::default() };
    let published = v.ctx().intel.list(v.clearance(), &filter, &Page::first(LOOKED_AT)).await?;
    let path = Automatic {
        policy: v.ctx().intel.policy().await?,
        lately: published.items.into_iter().filter(|row| row.automatic).take(SHOWN).collect(),
        changes: changes(&v).await?,
        token: v.caller.can(Action::ManageSettings).then(|| v.visit.token()),
    };
    let crumbs = vec![Crumb::new("/indicators", look.t.nav.indicators)];
    answer::page(&v, Head::new(look.t.auto.title, look.t.auto.lead), crumbs, draw(look, &path))
}

/// Changes of the settings, newest first, as the audit tree holds them.
async fn changes(v: &Signed) -> Result<Vec<Changed>, Fail> {
    let (from, until) = (base::Timestamp::EPOCH, base::Timestamp::from_micros(i64::MAX));
    let filter = Leaves::Action("intel.policy".into());
    let found = search(&v.ctx().db, v.clearance(), &filter, from, until, &Page::first(SHOWN as u32)).await?;
    let mut out = Vec::new();
    for leaf in found.items.into_iter().filter(|leaf| leaf.outcome == "done") {
        let person = leaf.actor.strip_prefix("person:").and_then(|id| id.parse().ok());
        let who = match person {
            Some(id) => super::person_name(v, id).await,
            None => None,
        };
        let entry: Option<serde_json::Value> = serde_json::from_str(&leaf.entry).ok();
        out.push(Changed {
            at: leaf.at,
            who: who.unwrap_or_else(|| v.look().t.audit.a_system.to_owned()),
            class: leaf.subject.split_once(':').map_or_else(String::new, |(_, class)| class.to_owned()),
            to: entry.and_then(|entry| serde_json::from_value(entry.get("detail")?.clone()).ok()),
        });
    }
    Ok(out)
}

/// The page.
pub(crate) fn draw(look: &Look, path: &Automatic) -> Vec<Row> {
    let t = look.t;
    let mut columns = vec![
        Column::new("class", t.attack.class),
        Column::new("state", t.auto.state),
        Column::new("min_score", t.auto.min_score),
        Column::num("min_sensors", t.auto.min_sensors),
        Column::num("ttl", t.auto.ttl),
    ];
    columns.extend(path.token.as_ref().map(|_| Column::new("act", t.frame.actions)));
    let table = Table::new(t, "classes", t.auto.classes, columns, Empty::new(t.list.none_title, "")).rows(
        path.policy.iter().map(|(class, rule)| {
            let mut cells = vec![look.class(class.word())];
            cells.extend(rule_cells(look, rule));
            cells.extend(path.token.as_ref().map(|token| Cell::Acts(vec![change(look, class, rule, token)])));
            cells
        }),
    );
    let lead = if path.token.is_some() { t.auto.never.to_owned() } else { t.only(t.auto.never, t.auto.only_admin) };
    let classes = Panel::new("classes-panel", t.auto.classes, vec![Body::Table(Box::new(table))]).lead(lead);
    vec![Row::Full(classes), Row::Even(vec![lately(look, &path.lately)], vec![changed(look, &path.changes)])]
}

fn rule_cells(look: &Look, rule: ClassPolicy) -> Vec<Cell> {
    let t = look.t;
    let state = if rule.enabled {
        Badge::with(Tone::Accent, "auto", t.auto.on)
    } else {
        Badge::with(Tone::Low, "pause", t.auto.off)
    };
    vec![
        Cell::Badge(state),
        look.score(rule.min_score),
        Cell::Num(rule.min_sensors),
        Cell::Num(u64::try_from(rule.ttl / 3_600).unwrap_or(0)),
    ]
}

fn change(look: &Look, class: AttackClass, rule: ClassPolicy, token: &str) -> Act {
    let t = look.t;
    let states = vec![Choice::new("on", t.auto.on, rule.enabled), Choice::new("off", t.auto.off, !rule.enabled)];
    let number = |name, label: &str, value: String| Field::typed(name, label, "number", "off").value(value);
    let form = Form {
        t,
        id: format!("auto-{}", class.word()),
        action: format!("/automatic/{}", class.word()),
        csrf: token.to_owned(),
        fields: vec![
            Field::one("enabled", t.auto.state, states),
            number("min_score", t.auto.min_score, percent(rule.min_score).to_string()),
            number("min_sensors", t.auto.min_sensors, rule.min_sensors.to_string()),
            number("hours", t.auto.ttl, (rule.ttl / 3_600).to_string()),
        ],
        submit: t.frame.save.to_owned(),
        style: "primary",
        across: false,
        key: "",
    };
    Act::ask(t.auto.change, "", "", form)
}

fn lately(look: &Look, rows: &[Indicator]) -> Panel {
    let t = look.t;
    let columns = vec![
        Column::new("value", t.intel.value),
        Column::new("class", t.attack.class),
        Column::new("at", t.intel.when),
        Column::new("marking", t.list.marking),
    ];
    let table = Table::new(t, "auto-lately", t.auto.lately, columns, Empty::new(t.auto.lately_none, "")).rows(
        rows.iter().map(|row| {
            vec![
                look.value_at(None, &row.value, format!("/indicators/{}", row.id)),
                row.class.map_or(Cell::None, |class| look.class(class.word())),
                look.time_or_none(row.published_at),
                look.tlp(row.tlp),
            ]
        }),
    );
    Panel::new("lately", t.auto.lately, vec![Body::Table(Box::new(table))]).live("indicators", look.here.href())
}

fn changed(look: &Look, rows: &[Changed]) -> Panel {
    let t = look.t;
    let columns = vec![
        Column::new("at", t.intel.when),
        Column::new("who", t.intel.who),
        Column::new("class", t.attack.class),
        Column::new("to", t.auto.now),
    ];
    let table = Table::new(t, "auto-changes", t.auto.changes, columns, Empty::new(t.auto.changes_none, "")).rows(
        rows.iter().map(|row| {
            let to = row.to.map_or(Cell::None, |rule| {
                Cell::text(t.auto_rule(
                    if rule.enabled { t.auto.on } else { t.auto.off },
                    percent(rule.min_score),
                    rule.min_sensors,
                    rule.ttl / 3_600,
                ))
            });
            vec![look.time(row.at), Cell::text(row.who.clone()), look.class(&row.class), to]
        }),
    );
    Panel::new("changes", t.auto.changes, vec![Body::Table(Box::new(table))])
}

/// `POST /automatic/{class}`.
pub(crate) async fn set(v: Signed, Path(class): Path<String>, form: Posted) -> Answer {
    let class = AttackClass::from_word(&class).ok_or_else(Fail::no_page)?;
    let score: f64 = form.parsed("min_score")?;
    let hours: i64 = form.parsed("hours")?;
    let enabled = match form.need("enabled")? {
        "on" => true,
        "off" => false,
        other => return Err(Problem::new(&BAD_FORM, base::code::excerpt(other)).at("enabled").into()),
    };
    let rule = ClassPolicy {
        enabled,
        min_score: score / 100.0,
        min_sensors: form.parsed("min_sensors")?,
        ttl: hours.saturating_mul(3_600),
    };
    v.ctx().intel.set_policy(&v.caller, class, rule).await?;
    Ok(answer::see("/automatic", "saved"))
}
