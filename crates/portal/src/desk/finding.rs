//! Findings: the queue with its preview, one finding, and what a person does with it.

use access::Action;
use axum::extract::Path;
use base::{FindingId, Problem};
use detect::{Filter, Finding, FindingOutcome, FindingState, Group, Past, Which};
use store::page::Page;
use text::names;

use super::bulk;
use crate::error::{Answer, BAD_FORM, Fail};
use crate::query::Expr;
use crate::view::body::{Group as GroupView, Item, Queue};
use crate::view::look::percent;
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Tab, Table, Tone,
};
use crate::web::list::{self, CHUNK};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

mod rows;

pub(crate) use rows::FINDINGS;

/// What the queue is drawn from.
pub(crate) struct Desk<'a> {
    pub(crate) loaded: &'a list::Loaded<Finding>,
    pub(crate) groups: &'a [Group],
    pub(crate) chosen: Option<&'a Finding>,
    pub(crate) past: Past,
    pub(crate) owner: Option<String>,
    pub(crate) token: &'a str,
    /// Whether the reader may act on findings at all.
    pub(crate) acts: bool,
}

/// `GET /findings`.
pub(crate) async fn queue(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &FINDINGS, |expr, after| fetch(&v, expr, after)).await?;
    if let Some(file) = list::export(&v, &FINDINGS, &loaded).await {
        return file;
    }
    if loaded.by.is_some() {
        let table = list::table(look, &FINDINGS, &loaded, tabs(look));
        let panel = Panel::new("counts", look.t.count.by, vec![Body::Table(Box::new(table))]);
        return answer::page(&v, Head::new(look.t.work.title, ""), Vec::new(), vec![Row::Full(panel)]);
    }
    let groups = v.ctx().detect.groups(v.clearance()).await?;
    let wanted = look.here.get("sel").and_then(|id| id.parse::<FindingId>().ok());
    let chosen = wanted.and_then(|id| loaded.rows.iter().find(|row| row.id == id)).or_else(|| loaded.rows.first());
    let past = match chosen {
        Some(finding) => v.ctx().detect.past(v.clearance(), finding).await?,
        None => Past::default(),
    };
    let desk = Desk {
        loaded: &loaded,
        groups: &groups,
        chosen,
        past,
        owner: owner(&v, chosen).await,
        token: &v.visit.token(),
        acts: v.caller.can(Action::ResolveFinding),
    };
    answer::page(&v, Head::new(look.t.work.title, look.t.work.lead), Vec::new(), vec![draw_queue(look, &desk)])
}

async fn fetch(v: &Signed, expr: Expr, after: Option<String>) -> Result<list::Chunk<Finding>, Fail> {
    let here = &v.look().here;
    let state = here.get("state").or_else(|| expr.must_be("state")).unwrap_or_default();
    let which = match state {
        "all" => Which::All,
        "mine" => Which::Open,
        word => FindingState::from_word(word).map_or(Which::Open, Which::State),
    };
    let filter = Filter {
        which,
        org: None,
        rule: here.get("rule").or_else(|| expr.must_be("rule")).map(str::to_owned),
        min_severity: 0,
        owner: (state == "mine").then(|| v.caller.person()).flatten(),
        value: expr.must_be("subject").filter(|value| !is_network(value)).map(str::to_owned),
    };
    let paged = v.ctx().detect.list(v.clearance(), &filter, &Page { after, limit: CHUNK }).await?;
    Ok((paged.items, paged.next))
}

/// A network is asked of every row: the database finds single values only.
fn is_network(value: &str) -> bool {
    value.parse::<base::AddrSpec>().is_ok_and(|spec| !spec.is_host())
}

/// The name of the one who took it.
async fn owner(v: &Signed, finding: Option<&Finding>) -> Option<String> {
    super::person_name(v, finding?.owner?).await
}

/// The queue.
pub(crate) fn draw_queue(look: &Look, desk: &Desk<'_>) -> Row {
    let t = look.t;
    let home = look.here.with("sel", "").with("done", "").with("undo", "").with("after", "");
    let rule = look.here.get("rule").unwrap_or_default();
    let mut groups = vec![GroupView {
        href: home.with("rule", "").href(),
        label: t.work.group_all.to_owned(),
        count: text::say::number(desk.groups.iter().map(|group| group.open).sum()),
        current: rule.is_empty(),
    }];
    groups.extend(merged(desk.groups).into_iter().map(|(name, open)| GroupView {
        href: home.with("rule", name).href(),
        label: rule_name(look, name),
        count: text::say::number(open),
        current: rule == name,
    }));
    let items = desk.loaded.rows.iter().map(|row| Item {
        href: look.here.with("done", "").with("undo", "").with("sel", &row.id.to_string()).href(),
        sentence: sentence(look, row),
        meta: vec![
            look.severity(row.severity),
            Cell::Badge(look.finding_state(row.state.word())),
            Cell::text(t.ago(look.now.since(row.last_at))),
            Cell::text(format!("×{}", row.count)),
        ],
        chosen: desk.chosen.is_some_and(|chosen| chosen.id == row.id),
        pick: (desk.acts && row.state != FindingState::Resolved).then(|| Cell::Pick {
            value: bulk::pick(row.id, row.version),
            label: format!("{}: {}", t.bulk.pick, sentence(look, row)),
        }),
    });
    let list = list::table(look, &FINDINGS, desk.loaded, Vec::new());
    let shown = t.rows(desk.loaded.rows.len() as u64);
    let preview = match desk.chosen {
        Some(finding) => preview(look, finding, desk),
        None => Panel::new("preview", t.work.preview, vec![Body::Empty(Empty::new(t.work.select, ""))]),
    };
    Row::Queue(Box::new(Queue {
        t,
        here: look.here.href(),
        tabs: tabs(look),
        groups,
        bulk: (desk.acts && !desk.loaded.rows.is_empty()).then(|| bulk::findings_form(look, desk.token)),
        items: items.collect(),
        list,
        shown,
        preview,
    }))
}

/// Groups of one rule over all organisations, busiest first.
fn merged(groups: &[Group]) -> Vec<(&str, u64)> {
    let mut out: Vec<(&str, u64)> = Vec::new();
    for group in groups {
        match out.iter_mut().find(|(rule, _)| *rule == group.rule) {
            Some((_, open)) => *open += group.open,
            None => out.push((&group.rule, group.open)),
        }
    }
    out.sort_by_key(|(rule, open)| (std::cmp::Reverse(*open), *rule));
    out
}

fn tabs(look: &Look) -> Vec<Tab> {
    let t = look.t;
    [
        ("", t.work.f_open),
        ("mine", t.work.f_mine),
        ("silenced", t.work.f_silenced),
        ("resolved", t.work.f_resolved),
        ("all", t.list.all),
    ]
    .into_iter()
    .map(|(word, label)| {
        let tab = list::tab(look, "state", word, label);
        Tab {
            href: crate::view::url::Query { path: "/findings".into(), pairs: vec![("state".into(), word.into())] }
                .href(),
            ..tab
        }
    })
    .collect()
}

/// The name of a rule: sensor rules are named by their class.
pub(crate) fn rule_name(look: &Look, rule: &str) -> String {
    let class = rule.strip_prefix("sensor.").and_then(|word| names::class(look.lang(), word));
    class.or_else(|| names::rule(look.lang(), rule)).unwrap_or(rule).to_owned()
}

/// A finding in a sentence: what, who to whom.
pub(crate) fn sentence(look: &Look, finding: &Finding) -> String {
    let rule = rule_name(look, &finding.rule);
    if finding.rule.starts_with("sensor.") && matches!(finding.subject.kind.as_str(), "ipv4" | "ipv6") {
        return look.t.finding_line(&finding.subject.value, &rule, &look.org_name(finding.org));
    }
    let name = finding.params.get("name").and_then(serde_json::Value::as_str).unwrap_or(&finding.subject.value);
    look.t.finding_about(&rule, name, &look.org_name(finding.org))
}

fn preview(look: &Look, finding: &Finding, desk: &Desk<'_>) -> Panel {
    let mut body = vec![Body::Verdict(sentence(look, finding)), Body::Cells(badges(look, finding))];
    if desk.acts {
        body.push(Body::Acts(acts(look, finding, desk.token, &here(look), &next(look, desk, finding))));
    }
    body.push(Body::Facts(facts(look, finding, desk.past, desk.owner.as_deref())));
    body.push(Body::Facts(why(look, finding)));
    Panel::new("preview", look.t.work.preview, body).tools(vec![
        Cell::link(format!("/findings/{}", finding.id), look.t.frame.open),
        Cell::link("/silences", look.t.quiet.title),
    ])
}

/// This page without the words of the last act.
fn here(look: &Look) -> String {
    look.here.with("done", "").with("undo", "").href()
}

/// The queue with the row after this one chosen: where one goes on after a finding has left the queue.
fn next(look: &Look, desk: &Desk<'_>, finding: &Finding) -> String {
    let after = desk.loaded.rows.iter().skip_while(|row| row.id != finding.id).nth(1);
    let chosen = after.map(|row| row.id.to_string()).unwrap_or_default();
    look.here.with("done", "").with("undo", "").with("sel", &chosen).href()
}

fn badges(look: &Look, finding: &Finding) -> Vec<Cell> {
    vec![look.severity(finding.severity), Cell::Badge(look.finding_state(finding.state.word())), look.tlp(finding.tlp)]
}

fn facts(look: &Look, finding: &Finding, past: Past, owner: Option<&str>) -> Facts {
    let t = look.t;
    let before = match past.last_outcome {
        Some(outcome) => {
            let name = names::outcome(look.lang(), outcome.word()).unwrap_or(outcome.word());
            Cell::text(t.seen_before(past.times, name))
        }
        None => Cell::text(t.work.before_none),
    };
    let subject = &finding.subject;
    let value = match names::value_kind(look.lang(), &subject.kind) {
        Some(_) => look.value_at(Some("subject"), &subject.value, super::attack::value_page(&subject.value)),
        None if subject.kind == "sensor" => Cell::link(format!("/sensors/{}", subject.value), t.sensors.one),
        None if subject.kind == "point" => Cell::link(format!("/points/{}", subject.value), t.edge.one),
        None => look.value(Some("subject"), &subject.value),
    };
    let mut rows = vec![
        (t.work.subject, value),
        (t.work.org, look.org(finding.org)),
        (t.work.owner, Cell::text(owner.unwrap_or(t.work.nobody))),
        (t.work.before, before),
        (t.work.count, Cell::Num(finding.count)),
        (t.work.first, look.age(finding.first_at)),
        (t.work.last, look.age(finding.last_at)),
    ];
    if let (Some(outcome), Some(reason)) = (finding.outcome, &finding.reason) {
        rows.push((t.work.outcome, Cell::text(names::outcome(look.lang(), outcome.word()).unwrap_or(outcome.word()))));
        rows.push((t.work.resolve_reason, Cell::text(reason.clone())));
    }
    Facts::tall(rows)
}

/// Why it fired: the score with its factors, and what was observed.
fn why(look: &Look, finding: &Finding) -> Facts {
    let t = look.t;
    let mut rows = vec![(t.work.rule.to_owned(), Cell::mono(finding.rule.clone()))];
    if let Some(score) = finding.why.score {
        rows.push((t.work.confidence.to_owned(), Cell::Score { percent: percent(score), big: false }));
    }
    rows.extend(finding.why.facts.iter().map(|fact| {
        let value = match (fact.name.as_str(), fact.value.parse()) {
            ("class", _) => look.class(&fact.value),
            ("first_at" | "last_at", Ok(at)) => look.time(at),
            ("aim", _) => Cell::text(names::aim(look.lang(), &fact.value).unwrap_or(&fact.value)),
            _ => Cell::text(fact.value.clone()),
        };
        (names::fact(look.lang(), &fact.name).unwrap_or(&fact.name).to_owned(), value)
    }));
    if !finding.why.sessions.is_empty() {
        let links = finding
            .why
            .sessions
            .iter()
            .take(5)
            .map(|id| Cell::link(format!("/sessions/{id}"), crate::view::look::short_id(&id.to_string())));
        rows.push((t.work.evidence.to_owned(), Cell::Many(links.collect())));
    }
    if let Some(campaign) = finding.campaign {
        let link = Cell::link(format!("/campaigns/{campaign}"), super::campaign::name(campaign));
        rows.push((t.attack.campaign.to_owned(), link));
    }
    Facts { wide: false, rows }
}

/// What can be done with it in its state; `back` is where one stays, `next` where one goes when it leaves the queue.
pub(crate) fn acts(look: &Look, finding: &Finding, token: &str, back: &str, next: &str) -> Vec<Act> {
    let t = look.t;
    let form = |verb: &str, submit: &str, style, mut fields: Vec<Field>| {
        let back = if verb == "resolve" { next } else { back };
        fields.push(Field::hidden("version", finding.version.to_string()));
        fields.push(Field::hidden("return", back));
        Form {
            t,
            id: format!("{verb}-{}", crate::view::look::short_id(&finding.id.to_string())),
            action: format!("/findings/{}/{verb}", finding.id),
            csrf: token.to_owned(),
            fields,
            submit: submit.to_owned(),
            style,
            across: false,
            key: "",
        }
    };
    let reason = || Field::area("reason", t.work.resolve_reason).hint(t.work.resolve_hint);
    let mut acts = Vec::new();
    if finding.state == FindingState::New {
        acts.push(Act::now(form("take", t.work.take, "primary", Vec::new())).key("take"));
    }
    if finding.state != FindingState::Resolved {
        let outcomes = FindingOutcome::ALL.map(|outcome| {
            let name = names::outcome(look.lang(), outcome.word()).unwrap_or(outcome.word());
            Choice::new(outcome.word(), name, outcome == FindingOutcome::TruePositive)
        });
        let fields = vec![Field::one("outcome", t.work.outcome, outcomes.to_vec()), reason()];
        acts.push(Act::ask(t.work.resolve, "", "", form("resolve", t.work.resolve, "primary", fields)).key("resolve"));
        let silence = crate::view::url::Query::at(format!("/findings/{}/silence", finding.id)).with("return", next);
        acts.push(Act::go(silence.href(), t.work.silence).key("silence"));
    } else {
        acts.push(Act::now(form("undo", t.work.reopen, "", Vec::new())));
    }
    acts
}

/// The form behind the toast's undo.
pub(crate) fn undo_form(look: &Look, token: &str, id: FindingId, version: i64) -> Form {
    Form {
        t: look.t,
        id: "undo".into(),
        action: format!("/findings/{id}/undo"),
        csrf: token.to_owned(),
        fields: vec![
            Field::hidden("version", version.to_string()),
            Field::hidden("return", look.here.with("done", "").with("undo", "").href()),
        ],
        submit: look.t.frame.undo.to_owned(),
        style: "",
        across: true,
        key: "undo",
    }
}

/// `GET /findings/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<FindingId>) -> Answer {
    let look = v.look();
    let finding = v.ctx().detect.get(v.clearance(), id).await?.ok_or_else(Fail::no_page)?;
    let past = v.ctx().detect.past(v.clearance(), &finding).await?;
    let owner = owner(&v, Some(&finding)).await;
    let mut people = Vec::new();
    for step in &finding.trail {
        people.push(match step.by {
            Some(person) => super::person_name(&v, person).await,
            None => None,
        });
    }
    let crumbs = vec![Crumb::new("/findings", look.t.nav.findings)];
    let token = v.caller.can(Action::ResolveFinding).then(|| v.visit.token());
    let (head, rows) = draw(look, &finding, past, owner.as_deref(), &people, token.as_deref());
    answer::page(&v, head, crumbs, rows)
}

/// The page of a finding.
pub(crate) fn draw(
    look: &Look,
    finding: &Finding,
    past: Past,
    owner: Option<&str>,
    people: &[Option<String>],
    token: Option<&str>,
) -> (Head, Vec<Row>) {
    let t = look.t;
    let head = Head::new(sentence(look, finding), "").badges(badges(look, finding));
    let mut rows = Vec::new();
    if let Some(token) = token {
        let here = here(look);
        rows.push(Row::Acts(acts(look, finding, token, &here, &here)));
    }
    let main = vec![
        Panel::new("what", t.work.what, vec![Body::Facts(facts(look, finding, past, owner))]),
        Panel::new("history", t.frame.history, vec![Body::Table(Box::new(trail(look, finding, people)))]),
    ];
    let mut side = vec![Panel::new("why", t.work.why, vec![Body::Facts(why(look, finding))])];
    if !finding.why.factors.is_empty() {
        let table = super::factors(look, &finding.why.factors);
        side.push(Panel::new("factors", t.intel.factors, vec![Body::Table(Box::new(table))]));
    }
    rows.push(Row::Split(main, side));
    (head, rows)
}

fn trail(look: &Look, finding: &Finding, people: &[Option<String>]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("when", t.intel.when),
        Column::new("who", t.intel.who),
        Column::new("what", t.intel.what),
        Column::new("reason", t.frame.reason),
    ];
    let empty = Empty::new(t.list.none_title, "");
    Table::new(t, "trail", t.frame.history, columns, empty).rows(finding.trail.iter().enumerate().rev().map(
        |(i, step)| {
            let word =
                serde_json::to_value(step.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            let what = names::step(look.lang(), &word).unwrap_or_default().to_owned();
            let what = if step.undone {
                Cell::Many(vec![
                    Cell::text(what),
                    Cell::Badge(Badge::of(Tone::Low, names::step(look.lang(), "undone").unwrap_or_default())),
                ])
            } else {
                Cell::text(what)
            };
            let who = people.get(i).cloned().flatten().unwrap_or_else(|| t.audit.a_system.to_owned());
            vec![look.time(step.at), Cell::text(who), what, Cell::text(step.reason.clone().unwrap_or_default())]
        },
    ))
}

/// `POST /findings/{id}/take`.
pub(crate) async fn take(v: Signed, Path(id): Path<FindingId>, form: Posted) -> Answer {
    let after = v.ctx().detect.take(&v.caller, id, form.parsed("version")?).await?;
    Ok(answer::see(&form.back("/findings"), &undoable("taken", &after)))
}

/// `POST /findings/{id}/resolve`: the queue then chooses the next finding.
pub(crate) async fn resolve(v: Signed, Path(id): Path<FindingId>, form: Posted) -> Answer {
    let word = form.need("outcome")?;
    let outcome = FindingOutcome::from_word(word).ok_or_else(|| Problem::new(&BAD_FORM, word).at("outcome"))?;
    let after = v.ctx().detect.resolve(&v.caller, id, form.parsed("version")?, outcome, form.get("reason")).await?;
    Ok(answer::see(&form.back("/findings"), &undoable("resolved", &after)))
}

/// `POST /findings/{id}/undo`.
pub(crate) async fn undo(v: Signed, Path(id): Path<FindingId>, form: Posted) -> Answer {
    v.ctx().detect.undo(&v.caller, id, form.parsed("version")?).await?;
    Ok(answer::see(&form.back("/findings"), "reopened"))
}

fn undoable(word: &str, after: &Finding) -> String {
    format!("{word}&undo={}.{}", after.id, after.version)
}
