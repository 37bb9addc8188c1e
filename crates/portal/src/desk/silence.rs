//! Silences: previewed before they are saved, listed with their end, ended early.

use access::Action;
use axum::extract::Path;
use base::FindingId;
use detect::{Finding, Preview, Silence, SilenceId, SilenceScope};

use super::finding::rule_name;
use crate::error::{Answer, Fail};
use crate::view::{Body, Cell, Choice, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Tab, Table};
use crate::web::visit::Signed;
use crate::web::{Posted, answer, posted};

/// Rows of a preview.
const SHOWN: u32 = 50;
/// Lengths offered, hours.
const LENGTHS: [&str; 4] = ["1", "8", "168", "720"];

/// `GET /silences`.
pub(crate) async fn all(v: Signed) -> Answer {
    v.caller.require(Action::ReadFindings)?;
    let (look, detect) = (v.look(), &v.ctx().detect);
    let hidden = detect.hidden(v.clearance()).await?;
    let mut lines = Vec::new();
    for silence in detect.silences(v.clearance()).await? {
        let by = match silence.by {
            Some(person) => super::person_name(&v, person).await,
            None => None,
        };
        let hides = hidden.iter().find(|(id, _)| *id == silence.id).map_or(0, |(_, count)| *count);
        lines.push(Line { silence, by, hides });
    }
    let token = v.caller.can(Action::ResolveFinding).then(|| v.visit.token());
    let rows = draw_all(look, &lines, token.as_deref());
    let crumbs = vec![Crumb::new("/findings", look.t.nav.findings)];
    answer::page(&v, Head::new(look.t.quiet.title, look.t.quiet.lead), crumbs, rows)
}

/// One silence as the list shows it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) silence: Silence,
    pub(crate) by: Option<String>,
    pub(crate) hides: u64,
}

/// The list.
pub(crate) fn draw_all(look: &Look, lines: &[Line], token: Option<&str>) -> Vec<Row> {
    let t = look.t;
    let mut columns = vec![
        Column::new("scope", t.quiet.scope),
        Column::new("org", t.work.org),
        Column::new("reason", t.frame.reason),
        Column::new("by", t.quiet.by),
        Column::num("hidden", t.quiet.hidden),
        Column::new("until", t.quiet.until),
        Column::new("marking", t.list.marking),
    ];
    columns.extend(token.map(|_| Column::new("act", t.frame.actions)));
    let empty = Empty { good: true, ..Empty::new(t.quiet.none, t.quiet.none_do) }.link("/findings", t.nav.findings);
    let table = Table::new(t, "silences", t.quiet.list, columns, empty).rows(lines.iter().map(|line| {
        let s = &line.silence;
        let mut cells = vec![
            Cell::Below(vec![Cell::Strong(rule_name(look, &s.scope.rule)), subject(look, &s.scope)]),
            look.org(s.scope.org),
            Cell::text(s.reason.clone()),
            Cell::text(line.by.as_deref().unwrap_or_default()),
            Cell::Num(line.hides),
            look.age(s.until),
            look.tlp(s.tlp),
        ];
        cells.extend(token.map(|token| crate::view::table::form_cell(end_form(look, s, token))));
        cells
    }));
    vec![Row::Full(Panel::new("silences-panel", t.quiet.list, vec![Body::Table(Box::new(table))]))]
}

fn subject(look: &Look, scope: &SilenceScope) -> Cell {
    match &scope.subject {
        Some(subject) => look.value(None, &subject.value),
        None => Cell::text(look.t.quiet.everything),
    }
}

fn end_form(look: &Look, silence: &Silence, token: &str) -> Form {
    Form {
        t: look.t,
        id: format!("end-{}", crate::view::look::short_id(&silence.id.to_string())),
        action: format!("/silences/{}/end", silence.id),
        csrf: token.to_owned(),
        fields: vec![Field::hidden("version", silence.version.to_string())],
        submit: look.t.quiet.end.to_owned(),
        style: "",
        across: true,
        key: "",
    }
}

/// `POST /silences/{id}/end`.
pub(crate) async fn end(v: Signed, Path(id): Path<SilenceId>, form: Posted) -> Answer {
    v.ctx().detect.end_silence(&v.caller, id, form.parsed("version")?).await?;
    Ok(answer::see("/silences", "unsilenced"))
}

/// What a new silence is previewed from; the address holds all of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) finding: Finding,
    /// Every subject of the rule.
    pub(crate) whole: bool,
    pub(crate) preview: Preview,
    pub(crate) rows: Vec<Finding>,
    pub(crate) token: String,
}

/// `GET /findings/{id}/silence`: what it would have hidden, before it is saved.
pub(crate) async fn plan(v: Signed, Path(id): Path<FindingId>) -> Answer {
    v.caller.require(Action::ResolveFinding)?;
    let (look, detect) = (v.look(), &v.ctx().detect);
    let finding = detect.get(v.clearance(), id).await?.ok_or_else(Fail::no_page)?;
    let whole = look.here.get("whole").is_some();
    let scope = scope_of(&finding, whole);
    let plan = Plan {
        preview: detect.preview(&v.caller, &scope).await?,
        rows: detect.preview_rows(&v.caller, &scope, SHOWN).await?,
        token: v.visit.token(),
        finding,
        whole,
    };
    let crumbs =
        vec![Crumb::new("/findings", look.t.nav.findings), Crumb::new(format!("/findings/{id}"), look.t.work.one)];
    let head = Head::new(look.t.quiet.new_title, super::finding::sentence(look, &plan.finding));
    answer::page(&v, head, crumbs, draw_plan(look, &plan))
}

fn scope_of(finding: &Finding, whole: bool) -> SilenceScope {
    let subject = (!whole).then(|| finding.subject.clone());
    SilenceScope { org: finding.org, rule: finding.rule.clone(), subject }
}

/// The preview: scope as tabs, numbers, rows, then the form that saves.
pub(crate) fn draw_plan(look: &Look, plan: &Plan) -> Vec<Row> {
    let (t, here) = (look.t, look.here.with("done", ""));
    let tab = |whole: &str, label: &str| Tab {
        label: label.to_owned(),
        href: here.with("whole", whole).href(),
        current: plan.whole == (whole == "1"),
    };
    let tabs = vec![tab("", t.quiet.subject_only), tab("1", t.quiet.everything)];
    let p = plan.preview;
    let numbers = Facts::wide(vec![
        (t.quiet.findings, Cell::Num(p.findings)),
        (t.quiet.firings, Cell::Num(p.firings)),
        (t.quiet.open_now, Cell::Num(p.open)),
        (t.work.rule, Cell::text(rule_name(look, &plan.finding.rule))),
        (t.work.subject, subject(look, &scope_of(&plan.finding, plan.whole))),
        (t.work.org, look.org(plan.finding.org)),
    ]);
    let columns = vec![
        Column::new("severity", t.work.severity),
        Column::new("what", t.work.what),
        Column::new("state", t.work.state),
        Column::num("count", t.work.count),
        Column::new("last", t.work.last),
    ];
    let table = Table::new(t, "preview-rows", t.quiet.rows, columns, Empty::new(t.quiet.preview_none, "")).rows(
        plan.rows.iter().map(|row| {
            vec![
                look.severity(row.severity),
                Cell::main(format!("/findings/{}", row.id), super::finding::sentence(look, row)),
                Cell::Badge(look.finding_state(row.state.word())),
                Cell::Num(row.count),
                look.age(row.last_at),
            ]
        }),
    );
    let main = Panel::new(
        "plan",
        t.quiet.preview,
        vec![
            Body::Verdict(t.would_hide(p.findings, u64::from(p.days))),
            Body::Facts(numbers),
            Body::Table(Box::new(table)),
        ],
    )
    .lead(t.quiet.taken_stay);
    let save = Panel::new("save", t.quiet.save, vec![Body::Form(save_form(look, plan))])
        .lead(t.work.silence_lead)
        .tools(vec![Cell::link("/silences", t.quiet.to_list)]);
    vec![Row::Tabs { label: t.quiet.scope.to_owned(), tabs }, Row::Split(vec![main], vec![save])]
}

fn save_form(look: &Look, plan: &Plan) -> Form {
    let t = look.t;
    let labels = [t.work.silence_1h, t.work.silence_8h, t.work.silence_7d, t.work.silence_30d];
    let lengths = LENGTHS.into_iter().zip(labels).map(|(hours, label)| Choice::new(hours, label, hours == "8"));
    let mut fields = vec![
        Field::one("hours", t.work.silence_until, lengths.collect()),
        Field::area("reason", t.frame.reason).hint(t.work.resolve_hint),
    ];
    if plan.whole {
        fields.push(Field::hidden("whole", "1"));
    }
    if let Some(back) = look.here.get("return").and_then(posted::local) {
        fields.push(Field::hidden("return", back));
    }
    Form {
        t,
        id: "silence".into(),
        action: format!("/findings/{}/silence", plan.finding.id),
        csrf: plan.token.clone(),
        fields,
        submit: t.quiet.save.to_owned(),
        style: "primary",
        across: false,
        key: "",
    }
}

/// `POST /findings/{id}/silence`: what was previewed, until an end.
pub(crate) async fn save(v: Signed, Path(id): Path<FindingId>, form: Posted) -> Answer {
    let finding = v.ctx().detect.get(v.clearance(), id).await?.ok_or_else(Fail::no_page)?;
    let hours: i64 = form.parsed("hours")?;
    let until = v.look().now.plus_secs(hours.clamp(0, 24 * 366).saturating_mul(3_600));
    let scope = scope_of(&finding, form.ticked("whole"));
    v.ctx().detect.silence(&v.caller, scope, until, form.get("reason")).await?;
    Ok(answer::see(&form.back("/silences"), "silenced"))
}
