//! An indicator: the one page from events to receipts, and what a person does with it.

use access::Action;
use axum::extract::Path;
use base::{AddressScope, IndicatorId, Problem};
use edge::Directive;
use edge::service::views::Enforcement;
use events::intel::IndicatorState;
use intel::{Dossier, Indicator, What};
use text::names;

use super::directive::Offer;
use crate::error::{Answer, BAD_FORM, Fail};
use crate::view::look::percent;
use crate::view::{
    Act, Badge, Body, Cell, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Step, Table, Tone,
};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Points asked about for one page.
const MOST_DIRECTIVES: usize = 4;

mod rows;

#[cfg(test)]
pub(crate) use rows::draw_review;
pub(crate) use rows::{INDICATORS, all, draft, review};

/// What the indicator's page is drawn from.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) dossier: Dossier,
    pub(crate) enforcement: Vec<Enforcement>,
    /// Its blocks, newest first.
    pub(crate) directives: Vec<Directive>,
    /// Whether the reader may take a block back.
    pub(crate) withdraws: bool,
    /// Names of the people in the order of the story.
    pub(crate) author: Option<String>,
    pub(crate) reviewer: Option<String>,
    pub(crate) approver: Option<String>,
    /// Who made each change of the history.
    pub(crate) who: Vec<Option<String>>,
}

/// `GET /indicators/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<IndicatorId>) -> Answer {
    let look = v.look();
    let dossier = v.ctx().intel.dossier(v.clearance(), id).await?.ok_or_else(Fail::no_page)?;
    let mut enforcement = Vec::new();
    let directives = v.ctx().edge.directives_of(v.clearance(), id).await?;
    for directive in directives.iter().take(MOST_DIRECTIVES) {
        enforcement.extend(v.ctx().edge.enforcement(v.clearance(), directive.id).await?);
    }
    let name = async |id: Option<base::PersonId>| match id {
        Some(id) => super::person_name(&v, id).await,
        None => None,
    };
    let mut who = Vec::new();
    for change in &dossier.history {
        who.push(name(change.by).await);
    }
    let i = &dossier.indicator;
    let story = Story {
        author: name(i.author).await,
        reviewer: name(i.reviewer).await,
        approver: name(i.approver).await,
        who,
        enforcement,
        directives,
        withdraws: v.caller.can(Action::IssueBlock),
        dossier,
    };
    let acts = acts(&v, &story.dossier.indicator);
    let (head, rows) = draw(look, &story, acts);
    answer::page(&v, head, vec![Crumb::new("/indicators", look.t.nav.indicators)], rows)
}

/// The page of an indicator.
pub(crate) fn draw(look: &Look, story: &Story, acts: Vec<Act>) -> (Head, Vec<Row>) {
    let (t, i) = (look.t, &story.dossier.indicator);
    let kind = names::value_kind(look.lang(), i.kind.word()).unwrap_or(i.kind.word());
    let head = Head::new(i.value.clone(), "").value().badges(vec![
        Cell::Badge(look.indicator_state(i.state.word())),
        Cell::text(kind),
        look.tlp(i.tlp),
    ]);
    let mut rows = vec![Row::Full(Panel::new("verdict", t.intel.verdict, verdict(look, story)))];
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    let main = vec![
        Panel::new(
            "enforcement",
            t.intel.enforcement,
            vec![Body::Table(Box::new(enforcement(look, &story.enforcement)))],
        )
        .lead(t.intel.enforcement_lead)
        .live("points", look.here.href()),
        Panel::new("provenance", t.intel.provenance, vec![Body::Table(Box::new(sources(look, story)))])
            .lead(t.intel.provenance_lead),
        Panel::new("history", t.intel.history, vec![Body::Table(Box::new(history(look, story)))])
            .live("indicators", look.here.href()),
    ];
    let mut main = main;
    if !story.directives.is_empty() {
        let offer = if story.withdraws { Offer::Withdraw } else { Offer::Nothing };
        let table = super::directive::table(look, "blocks-of", &story.directives, offer);
        main.insert(
            1,
            Panel::new("blocks", t.back.same, vec![Body::Table(Box::new(table))]).live("points", look.here.href()),
        );
    }
    let mut side = vec![
        Panel::new("factors", t.intel.factors, vec![Body::Table(Box::new(super::factors(look, &i.factors)))]),
        Panel::new("facts", t.admin.details, vec![Body::Facts(facts(look, story))]),
    ];
    if let Some(object) = story.dossier.versions.last() {
        let text = String::from_utf8_lossy(&object.bytes).into_owned();
        let fold = Body::Fold {
            t,
            summary: format!("{} · {}", t.intel.raw, object.sha256.get(..12).unwrap_or_default()),
            text,
        };
        side.push(Panel::new("raw", t.intel.raw, vec![fold]).lead(t.intel.raw_lead));
    }
    rows.push(Row::Split(main, side));
    (head, rows)
}

/// The verdict in a sentence, the score, and the strip of states.
fn verdict(look: &Look, story: &Story) -> Vec<Body> {
    let (t, i) = (look.t, &story.dossier.indicator);
    let kind = names::value_kind(look.lang(), i.kind.word()).unwrap_or(i.kind.word());
    let kind = if look.lang() == text::Lang::En && !kind.starts_with("IP") && kind != "URL" {
        kind.to_lowercase()
    } else {
        kind.to_owned()
    };
    let sentence = match i.class {
        Some(class) => t.verdict(
            &kind,
            &look.class_name(class.word()),
            &t.sessions(i.sessions_total),
            &t.sensor_count(i.sensors_total),
        ),
        None => t.verdict_written(&kind),
    };
    let probed = story.enforcement.iter().filter(|one| one.enforced && one.probed).count() as u64;
    let points = story.enforcement.iter().filter(|one| one.enforced).count() as u64;
    let mut body = vec![
        Body::Verdict(sentence),
        Body::Cells(vec![
            Cell::Score { percent: percent(i.score), big: true },
            Cell::text(t.intel.score_of),
            Cell::Strong(if points == 0 { t.intel.enforcement_none.to_owned() } else { t.enforced_at(points, probed) }),
        ]),
    ];
    if i.automatic {
        body.push(Body::Note { tone: "", text: t.intel.automatic_is.to_owned() });
    }
    if i.night {
        body.push(Body::Note { tone: "warn", text: t.intel.night.to_owned() });
    }
    if let Some(reason) = &i.reason {
        body.push(Body::Note { tone: "warn", text: format!("{}: {reason}", t.frame.reason) });
    }
    body.push(Body::Strip(strip(look, story)));
    body
}

/// The states it passes, each with who and when.
fn strip(look: &Look, story: &Story) -> Vec<Step> {
    let (t, i) = (look.t, &story.dossier.indicator);
    let name = |state: IndicatorState| names::indicator_state(look.lang(), state.word()).unwrap_or_default().to_owned();
    let found = |wanted: &dyn Fn(&What) -> bool| {
        let changes = story.dossier.history.iter().zip(story.who.iter().map(Some).chain(std::iter::repeat(None)));
        changes.filter(|(change, _)| wanted(&change.what)).last().map(|(change, who)| {
            let who = who
                .cloned()
                .flatten()
                .unwrap_or_else(|| if change.by.is_none() { t.intel.automatic.to_owned() } else { String::new() });
            (who, look.when(change.at))
        })
    };
    let order = [IndicatorState::Draft, IndicatorState::InReview, IndicatorState::Approved, IndicatorState::Published];
    let reached = order.iter().position(|state| *state == i.state);
    let over = reached.is_none();
    let mut steps: Vec<Step> = order
        .into_iter()
        .enumerate()
        .map(|(n, state)| {
            let event = found(&|what| match state {
                IndicatorState::Draft => matches!(what, What::Drafted { .. } | What::Proposed { .. }),
                IndicatorState::InReview => matches!(what, What::Submitted | What::Proposed { .. }),
                IndicatorState::Approved => matches!(what, What::Accepted),
                _ => matches!(what, What::Published { .. }),
            });
            // A state that the automatic path skipped is not shown as done.
            let passed = event.is_some() && (over || reached.is_some_and(|at| n < at));
            let (class, said) = match (reached == Some(n), passed) {
                (true, _) => ("now", t.intel.step_now),
                (false, true) => ("done", t.intel.step_done),
                (false, false) => ("", t.intel.step_todo),
            };
            let (who, when) = event.map_or((String::new(), None), |(who, when)| (who, Some(when)));
            Step { class, name: name(state), said, who, when }
        })
        .collect();
    let end = if over { i.state } else { IndicatorState::Expired };
    let event =
        found(&|what| matches!(what, What::Revoked { .. } | What::Expired | What::Rejected { .. } | What::Withdrawn))
            .filter(|_| over);
    let (who, when) = event.map_or((String::new(), None), |(who, when)| (who, Some(when)));
    steps.push(Step {
        class: if over { "bad" } else { "" },
        name: name(end),
        said: if over { t.intel.step_now } else { t.intel.step_todo },
        who,
        when: when.or_else(|| (!over).then(|| look.when(i.valid_until))),
    });
    steps
}

fn facts(look: &Look, story: &Story) -> Facts {
    let (t, i) = (look.t, &story.dossier.indicator);
    let person = |name: &Option<String>| Cell::text(name.clone().unwrap_or_default());
    let author = match (&story.author, names::origin(look.lang(), i.origin.word())) {
        (Some(name), _) => Cell::text(name.clone()),
        (None, Some(origin)) => Cell::text(origin),
        (None, None) => Cell::None,
    };
    let approver = if i.automatic { Cell::text(t.intel.automatic) } else { person(&story.approver) };
    let scope = match i.scope {
        AddressScope::Global => Cell::text(t.intel.scope_global),
        AddressScope::Org(org) => look.org(org),
    };
    let campaign =
        i.campaign.map_or(Cell::None, |id| Cell::link(format!("/campaigns/{id}"), super::campaign::name(id)));
    Facts::tall(vec![
        (t.intel.value, look.value_at(Some("value"), &i.value, super::attack::value_page(&i.value))),
        (t.attack.class, i.class.map_or(Cell::None, |class| look.class(class.word()))),
        (t.intel.description, Cell::text(i.description.clone())),
        (t.work.org, look.org(i.org)),
        (t.intel.scope, scope),
        (t.attack.campaign, campaign),
        (t.intel.valid_from, look.time(i.valid_from)),
        (t.intel.valid_until, look.age(i.valid_until)),
        (t.intel.author, author),
        (t.intel.reviewer, person(&story.reviewer)),
        (t.intel.approver, approver),
        (t.intel.created, look.time(i.created)),
    ])
}

/// Per point what is really enforced.
pub(crate) fn enforcement(look: &Look, rows: &[Enforcement]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("point", t.intel.point),
        Column::new("enforced", t.intel.enforced),
        Column::new("proof", t.intel.proof),
        Column::new("since", t.intel.since),
        Column::num("sequence", t.edge.sequence),
    ];
    let empty = Empty::new(t.intel.enforcement_none, t.intel.enforcement_none_do).link("/points", t.nav.points);
    Table::new(t, "enforcement-table", t.intel.enforcement, columns, empty).rows(rows.iter().map(|row| {
        let state = match (row.enforced, row.desired) {
            (true, _) => Badge::of(Tone::Good, t.edge.deny),
            (false, true) => super::point::status_badge(look, row.status),
            (false, false) => Badge::of(Tone::Low, t.intel.enforcement_none),
        };
        let proof = match (row.probed, row.read_back) {
            (true, _) => Badge::with(Tone::Good, "good", t.edge.probed),
            (false, true) => Badge::with(Tone::Accent, "note", t.edge.read_back),
            (false, false) => Badge::with(Tone::Low, "low", t.edge.unverified),
        };
        vec![
            Cell::link(format!("/points/{}", row.point), row.name.clone()),
            Cell::Badge(state),
            Cell::Badge(proof),
            match row.since {
                Some(at) if row.since_exact => look.time(at),
                Some(at) => Cell::Many(vec![Cell::text("≤"), look.time(at)]),
                None => Cell::None,
            },
            Cell::text(format!("{} / {}", row.applied_sequence, row.needed_sequence.unwrap_or(0))),
        ]
    }))
}

fn sources(look: &Look, story: &Story) -> Table {
    let t = look.t;
    let columns = vec![Column::new("session", t.attack.session), Column::new("at", t.attack.at)];
    let empty = Empty::new(t.intel.provenance_none, "");
    Table::new(t, "provenance-table", t.intel.provenance, columns, empty).rows(story.dossier.sources.iter().map(
        |source| {
            let id = source.session;
            vec![
                Cell::main(format!("/sessions/{id}"), crate::view::look::short_id(&id.to_string())),
                look.time(source.at),
            ]
        },
    ))
}

fn history(look: &Look, story: &Story) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("when", t.intel.when),
        Column::new("who", t.intel.who),
        Column::new("what", t.intel.what),
        Column::new("reason", t.frame.reason),
    ];
    let rows = story.dossier.history.iter().enumerate().rev().map(|(n, change)| {
        let who = story.who.get(n).cloned().flatten();
        let who = who.unwrap_or_else(|| if change.by.is_none() { t.audit.a_system.to_owned() } else { String::new() });
        let (word, reason) = what(&change.what);
        vec![
            look.time(change.at),
            Cell::text(who),
            Cell::text(names::step(look.lang(), word).unwrap_or(word)),
            Cell::text(reason.unwrap_or_default()),
        ]
    });
    Table::new(t, "history-table", t.intel.history, columns, Empty::new(t.list.none_title, "")).rows(rows)
}

/// The stable name of a change, and its reason.
fn what(change: &What) -> (&'static str, Option<String>) {
    match change {
        What::Drafted { .. } => ("drafted", None),
        What::Proposed { .. } => ("proposed", None),
        What::Edited { .. } => ("edited", None),
        What::Submitted => ("submitted", None),
        What::Withdrawn => ("withdrawn", None),
        What::Accepted => ("accepted", None),
        What::Returned { reason } => ("returned", Some(reason.clone())),
        What::Rejected { reason } => ("rejected", Some(reason.clone())),
        What::Published { .. } => ("published", None),
        What::Renewed { .. } => ("renewed", None),
        What::Revoked { reason } => ("revoked", Some(reason.clone())),
        What::Expired => ("expired", None),
    }
}

/// What this person may do with it in its state.
fn acts(v: &Signed, i: &Indicator) -> Vec<Act> {
    let t = v.look().t;
    let can = |action| v.caller.can(action);
    let own = i.author.is_some() && i.author == v.caller.person();
    let form = |verb: &str, submit: &str, style, reason: bool| Form {
        t,
        id: verb.to_owned(),
        action: format!("/indicators/{}/{verb}", i.id),
        csrf: v.visit.token(),
        fields: std::iter::once(Field::hidden("version", i.version.to_string()))
            .chain(reason.then(|| Field::area("reason", t.frame.reason)))
            .collect(),
        submit: submit.to_owned(),
        style,
        across: false,
        key: "",
    };
    let mut acts = Vec::new();
    if i.state == IndicatorState::Draft && can(Action::DraftIntel) {
        acts.push(Act::now(form("submit", t.intel.submit, "primary", false)));
    }
    if matches!(i.state, IndicatorState::InReview | IndicatorState::Approved) && can(Action::ApproveIntel) {
        let lead = if own { t.intel.four_eyes } else { t.intel.publish_lead };
        acts.push(Act::ask(t.intel.publish, lead, "primary", form("publish", t.intel.publish, "primary", false)));
    }
    if i.state == IndicatorState::InReview && can(Action::ReviewIntel) && !own {
        acts.push(Act::now(form("accept", t.intel.approve, "", false)));
        acts.push(Act::ask(
            t.intel.send_back,
            t.intel.reject_lead,
            "",
            form("return", t.intel.send_back, "primary", true),
        ));
        acts.push(Act::ask(t.intel.reject, t.intel.reject_lead, "", form("reject", t.intel.reject, "danger", true)));
    }
    if i.state == IndicatorState::Published && can(Action::RevokeIntel) {
        acts.push(Act::ask(t.intel.revoke, t.intel.revoke_lead, "", form("revoke", t.intel.revoke, "danger", true)));
    }
    acts
}

/// `POST /indicators/{id}/{verb}`.
pub(crate) async fn act(v: Signed, Path((id, verb)): Path<(IndicatorId, String)>, form: Posted) -> Answer {
    let (intel, by, version) = (&v.ctx().intel, &v.caller, form.parsed("version")?);
    let reason = form.get("reason");
    let word = match verb.as_str() {
        "submit" => intel.submit(by, id, version).await.map(|_| "submitted"),
        "accept" => intel.accept(by, id, version).await.map(|_| "approved"),
        "publish" => intel.publish(by, id, version).await.map(|_| "published"),
        "return" => intel.send_back(by, id, version, reason).await.map(|_| "rejected"),
        "reject" => intel.reject(by, id, version, reason).await.map(|_| "rejected"),
        "revoke" => intel.revoke(by, id, version, reason).await.map(|_| "revoked"),
        other => return Err(Problem::new(&BAD_FORM, base::code::excerpt(other)).into()),
    }?;
    Ok(answer::see(&format!("/indicators/{id}"), word))
}
