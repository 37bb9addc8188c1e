//! Second looks: what one officer approved alone at night, with the two decisions of another person.

use access::{Action, Caller, RetroId, RetroOutcome, RetroReview};
use axum::extract::Path;
use base::{DirectiveId, IndicatorId};
use store::page::Page;

use crate::error::{Answer, Fail};
use crate::view::{Act, Badge, Body, Cell, Column, Crumb, Empty, Field, Form, Head, Look, Panel, Row, Table, Tone};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Second looks read at once.
const MOST: u32 = 200;

/// Whether this person is asked for second looks.
pub(crate) fn concerns(caller: &Caller) -> bool {
    caller.can(Action::ApproveIntel) || caller.can(Action::ApproveBlock)
}

/// Second looks that are owed, the soonest due first.
pub(crate) async fn owed(v: &Signed) -> Result<Vec<RetroReview>, Fail> {
    Ok(v.ctx().access.retro_open(&v.caller, &Page::first(MOST)).await?.items)
}

/// One owed look as the page shows it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) review: RetroReview,
    /// The approved thing's words and page.
    pub(crate) what: (String, String),
    pub(crate) who: Option<String>,
    /// The reader approved it.
    pub(crate) own: bool,
}

/// `GET /night`.
pub(crate) async fn all(v: Signed) -> Answer {
    if !concerns(&v.caller) {
        v.caller.require(Action::ApproveIntel)?;
    }
    let look = v.look();
    let mut lines = Vec::new();
    for review in owed(&v).await? {
        lines.push(Line {
            what: what(&v, &review.subject).await?,
            who: super::person_name(&v, review.approved_by).await,
            own: v.caller.person() == Some(review.approved_by),
            review,
        });
    }
    let rows = draw(look, &lines, &v.visit.token());
    let crumbs = vec![Crumb::new("/review", look.t.nav.review)];
    answer::page(&v, Head::new(look.t.night.title, look.t.night.lead), crumbs, rows)
}

/// The value behind a subject, and its page.
pub(crate) async fn what(v: &Signed, subject: &str) -> Result<(String, String), Fail> {
    let (kind, id) = subject.split_once(':').unwrap_or_default();
    let words = match kind {
        "indicator" => match id.parse::<IndicatorId>() {
            Ok(id) => v.ctx().intel.get(v.clearance(), id).await?.map(|row| {
                v.look().seen.row("indicator", row.id, row.org, row.tlp);
                row.value
            }),
            Err(_) => None,
        },
        "directive" => match id.parse::<DirectiveId>() {
            Ok(id) => v.ctx().edge.directive(v.clearance(), id).await.ok().map(|row| {
                v.look().seen.row("directive", row.id, row.org, row.tlp);
                row.key.to_string()
            }),
            Err(_) => None,
        },
        _ => None,
    };
    Ok((words.unwrap_or_else(|| subject.to_owned()), format!("/{kind}s/{id}")))
}

/// The page.
pub(crate) fn draw(look: &Look, lines: &[Line], token: &str) -> Vec<Row> {
    let t = look.t;
    let columns = vec![
        Column::new("what", t.night.what),
        Column::new("kind", t.intel.kind),
        Column::new("who", t.night.who),
        Column::new("at", t.night.at),
        Column::new("due", t.night.due),
        Column::new("act", t.frame.actions),
    ];
    let table =
        Table::new(t, "night", t.night.queue, columns, Empty::good(t.night.none)).rows(lines.iter().map(|line| {
            let r = &line.review;
            let kind = if r.action == Action::ApproveBlock { t.edge.deny } else { t.intel.one };
            let mut due = vec![look.age(r.due_at)];
            if r.due_at < look.now {
                due.push(Cell::Badge(Badge::of(Tone::Critical, t.night.overdue)));
            }
            let acts = if line.own { Cell::text(t.night.own) } else { Cell::Acts(acts(look, r, token)) };
            vec![
                Cell::main(line.what.1.clone(), line.what.0.clone()),
                Cell::text(kind),
                Cell::text(line.who.as_deref().unwrap_or_default()),
                look.age(r.approved_at),
                Cell::Below(due),
                acts,
            ]
        }));
    vec![Row::Full(
        Panel::new("night-panel", t.night.queue, vec![Body::Table(Box::new(table))])
            .live("indicators", look.here.href()),
    )]
}

fn acts(look: &Look, review: &RetroReview, token: &str) -> Vec<Act> {
    let t = look.t;
    let form = |verb: &str, submit: &str, style, fields| Form {
        t,
        id: format!("{verb}-{}", crate::view::look::short_id(&review.id.to_string())),
        action: format!("/night/{}/{verb}", review.id),
        csrf: token.to_owned(),
        fields,
        submit: submit.to_owned(),
        style,
        across: false,
        key: "",
    };
    vec![
        Act::now(form("agree", t.night.agree, "primary", Vec::new())),
        Act::ask(
            t.night.undo,
            t.night.undo_lead,
            "",
            form("undo", t.night.undo, "danger", vec![Field::area("note", t.frame.reason)]),
        ),
    ]
}

/// `POST /night/{id}/{verb}`: agree, or object and undo.
pub(crate) async fn act(v: Signed, Path((id, verb)): Path<(RetroId, String)>, form: Posted) -> Answer {
    let (outcome, word) = match verb.as_str() {
        "agree" => (RetroOutcome::Confirmed, "agreed"),
        "undo" => (RetroOutcome::Objected, "undone"),
        _ => return Err(Fail::no_page()),
    };
    let review = owed(&v).await?.into_iter().find(|review| review.id == id).ok_or_else(Fail::no_page)?;
    let ctx = v.ctx();
    let rooms = (&ctx.intel, &ctx.edge);
    procedures::second_look::look(&ctx.access, rooms, &v.caller, &review, outcome, form.get("note")).await?;
    Ok(answer::see("/night", word))
}
