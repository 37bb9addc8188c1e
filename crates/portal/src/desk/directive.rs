//! One directive: where it is enforced, what taking it back would open, and who decided what about it.

use access::{Action, act};
use axum::extract::Path;
use base::{DirectiveId, Problem};
use edge::service::take_back::Opening;
use edge::wire::Intent;
use edge::{Directive, DirectiveState};
use store::audit::{Filter, search};
use store::page::Page;
use text::names;

use crate::error::{Answer, Fail, NOT_TICKED};
use crate::view::{
    Act, Badge, Body, Cell, Choice, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// What the rows of a table of directives offer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Offer<'a> {
    Nothing,
    /// The two words of the second person, with the form's token.
    Decide(&'a str),
    /// The way to take it back.
    Withdraw,
}

/// Directives as a table.
pub(crate) fn table(look: &Look, id: &'static str, rows: &[Directive], offer: Offer<'_>) -> Table {
    let t = look.t;
    let mut columns = vec![
        Column::new("value", t.edge.value),
        Column::new("intent", t.edge.intent),
        Column::new("state", t.edge.state),
        Column::new("reason", t.frame.reason),
        Column::new("indicator", t.edge.indicator),
        Column::new("since", t.edge.since),
        Column::new("expires", t.edge.expires),
        Column::new("marking", t.list.marking),
    ];
    if !matches!(offer, Offer::Nothing) {
        columns.push(Column::new("act", t.frame.actions));
    }
    let empty = Empty::new(t.edge.elements_none, "");
    Table::new(t, id, t.edge.elements, columns, empty).rows(rows.iter().map(|row| {
        let page = format!("/directives/{}", row.id);
        let mut cells = vec![
            look.value_at(None, &row.key.to_string(), page.clone()),
            Cell::Badge(intent(look, row.intent)),
            Cell::link(page.clone(), state(look, row)),
            Cell::text(row.reason.clone()),
            row.indicator.map_or(Cell::None, |id| Cell::link(format!("/indicators/{id}"), t.frame.open)),
            look.time(row.issued),
            look.time(row.expires),
            look.tlp(row.tlp),
        ];
        match offer {
            Offer::Nothing => {}
            Offer::Decide(token) => {
                let form =
                    |verb: &str, submit| crate::view::table::form_cell(decide_form(look, row, verb, submit, token));
                cells.push(Cell::Many(vec![form("approve", t.edge.agree), form("decline", t.edge.decline)]));
            }
            Offer::Withdraw if row.state == DirectiveState::Ended => cells.push(Cell::None),
            Offer::Withdraw => cells.push(Cell::Button { href: page, text: act_name(look, row).to_owned() }),
        }
        cells
    }))
}

fn intent(look: &Look, intent: Intent) -> Badge {
    match intent {
        Intent::Deny => Badge::with(Tone::High, "bad", look.t.edge.deny),
        Intent::Allow => Badge::with(Tone::Good, "good", look.t.edge.allow),
    }
}

fn state(look: &Look, row: &Directive) -> &'static str {
    names::directive_state(look.lang(), row.state.word()).unwrap_or(row.state.word())
}

const fn act_name(look: &Look, row: &Directive) -> &'static str {
    match row.intent {
        Intent::Deny => look.t.back.act,
        Intent::Allow => look.t.back.act_allow,
    }
}

fn decide_form(look: &Look, row: &Directive, verb: &str, submit: &str, token: &str) -> Form {
    Form {
        t: look.t,
        id: format!("{verb}-{}", crate::view::look::short_id(&row.id.to_string())),
        action: format!("/directives/{}/{verb}", row.id),
        csrf: token.to_owned(),
        fields: Vec::new(),
        submit: submit.to_owned(),
        style: "",
        across: true,
        key: "",
    }
}

/// `GET /directives/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<DirectiveId>) -> Answer {
    let edge = &v.ctx().edge;
    let directive = edge.directive(v.clearance(), id).await?;
    let opening = edge.opening(v.clearance(), id).await?;
    let story = Story {
        author: name(&v, directive.author).await,
        approver: name(&v, directive.approver).await,
        why: taken_back(&v, id).await?,
        token: v.caller.can(Action::IssueBlock).then(|| v.visit.token()),
        opening,
        directive,
    };
    let (head, rows) = draw(v.look(), &story);
    answer::page(&v, head, vec![Crumb::new("/points", v.look().t.nav.points)], rows)
}

async fn name(v: &Signed, id: Option<base::PersonId>) -> Option<String> {
    super::person_name(v, id?).await
}

/// The reason that was given when it was taken back; the audit tree keeps it.
async fn taken_back(v: &Signed, id: DirectiveId) -> Result<Option<String>, Fail> {
    let (from, until) = (base::Timestamp::EPOCH, base::Timestamp::from_micros(i64::MAX));
    let filter = Filter::Subject(format!("directive:{id}"));
    let found = search(&v.ctx().db, v.clearance(), &filter, from, until, &Page::first(200)).await?;
    let leaf = found.items.into_iter().find(|leaf| leaf.action == "edge.take_back");
    let entry = leaf.and_then(|leaf| serde_json::from_str::<serde_json::Value>(&leaf.entry).ok());
    Ok(entry.and_then(|entry| entry.pointer("/detail/reason").and_then(|r| r.as_str().map(str::to_owned))))
}

/// What the page is drawn from.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) directive: Directive,
    pub(crate) opening: Opening,
    pub(crate) author: Option<String>,
    pub(crate) approver: Option<String>,
    /// Why it was taken back.
    pub(crate) why: Option<String>,
    /// The form's token, where the reader may take it back.
    pub(crate) token: Option<String>,
}

/// The page.
pub(crate) fn draw(look: &Look, story: &Story) -> (Head, Vec<Row>) {
    let (t, d) = (look.t, &story.directive);
    let head = Head::new(d.key.to_string(), "").value().badges(vec![
        Cell::Badge(intent(look, d.intent)),
        Cell::text(state(look, d)),
        look.tlp(d.tlp),
    ]);
    let mut rows = Vec::new();
    if let Some(token) = story.token.as_deref().filter(|_| d.state != DirectiveState::Ended) {
        rows.push(Row::Acts(vec![withdraw(look, story, token)]));
    }
    let where_now = super::indicator::enforcement(look, &story.opening.enforced);
    let mut main = vec![
        Panel::new("where", t.back.where_now, vec![Body::Table(Box::new(where_now))])
            .lead(t.intel.enforcement_lead)
            .live("points", look.here.href()),
    ];
    if !story.opening.kept_by.is_empty() {
        let kept = table(look, "kept", &story.opening.kept_by, Offer::Nothing);
        main.push(Panel::new("kept-panel", t.back.kept_by, vec![Body::Table(Box::new(kept))]).lead(t.back.kept));
    }
    let side = vec![Panel::new("facts", t.admin.details, vec![Body::Facts(facts(look, story))])];
    rows.push(Row::Split(main, side));
    (head, rows)
}

/// What withdrawing does, in words, then the form: the reason, and a box that names what is opened.
fn withdraw(look: &Look, story: &Story, token: &str) -> Act {
    let (t, d) = (look.t, &story.directive);
    let points: Vec<&str> = story.opening.enforced.iter().map(|one| one.name.as_str()).collect();
    let opens = if !story.opening.kept_by.is_empty() {
        t.back.kept.to_owned()
    } else if points.is_empty() {
        t.back.opens_nothing.to_owned()
    } else {
        t.opens_at(&d.key.to_string(), &points.join(look.lang().pick("、", ", ")))
    };
    let lead = if d.indicator.is_some() { format!("{opens} {}", t.back.indicator_stays) } else { opens };
    let form = Form {
        t,
        id: "withdraw".into(),
        action: format!("/directives/{}/withdraw", d.id),
        csrf: token.to_owned(),
        fields: vec![
            Field::area("reason", t.frame.reason),
            Field::many(
                "confirm",
                t.back.opens,
                vec![Choice::new("yes", format!("{}: {}", t.back.confirm, d.key), false)],
            ),
        ],
        submit: act_name(look, d).to_owned(),
        style: "danger",
        across: false,
        key: "",
    };
    Act::ask(act_name(look, d), lead, "danger", form)
}

fn facts(look: &Look, story: &Story) -> Facts {
    let (t, d) = (look.t, &story.directive);
    let person = |name: &Option<String>| Cell::text(name.as_deref().unwrap_or(t.back.nobody));
    let mut rows = vec![
        (t.edge.value, look.value_at(None, &d.key.to_string(), super::attack::value_page(&d.key.to_string()))),
        (t.frame.reason, Cell::text(d.reason.clone())),
        (t.work.org, look.org(d.org)),
        (t.edge.indicator, d.indicator.map_or(Cell::None, |id| Cell::link(format!("/indicators/{id}"), t.frame.open))),
        (t.back.author, person(&story.author)),
        (t.back.approver, story.approver.clone().map_or(Cell::None, Cell::text)),
        (t.edge.since, look.time(d.issued)),
        (t.edge.expires, look.age(d.expires)),
    ];
    if let Some(ended) = d.ended {
        rows.push((t.back.ended_at, look.age(ended)));
    }
    if let Some(reason) = d.end_reason {
        let word = names::end_reason(look.lang(), reason.word()).unwrap_or(reason.word());
        rows.push((t.back.end_reason, Cell::text(word)));
    }
    if let Some(why) = &story.why {
        rows.push((t.intel.revoke, Cell::text(why.clone())));
    }
    Facts::tall(rows)
}

/// `POST /directives/{id}/{verb}`: the second person decides, or somebody takes a block back.
pub(crate) async fn decide(v: Signed, Path((id, verb)): Path<(DirectiveId, String)>, form: Posted) -> Answer {
    let (edge, by) = (&v.ctx().edge, &v.caller);
    match verb.as_str() {
        "approve" => {
            let facts = edge.directive_facts(by, id).await?;
            let approval =
                v.ctx().access.permit_approval::<act::ApproveBlock, _>(by, id, &facts, &format!("directive:{id}"))?;
            edge.approve_with(by, &approval).await?;
        }
        "decline" => edge.decline(by, id).await.map(drop)?,
        "withdraw" if !form.ticked("confirm") => return Err(Problem::new(&NOT_TICKED, "").at("confirm").into()),
        "withdraw" => {
            edge.take_back(by, id, form.get("reason")).await?;
            return Ok(answer::see(&format!("/directives/{id}"), "withdrawn"));
        }
        _ => return Err(Fail::no_page()),
    }
    Ok(answer::see("/points", "saved"))
}
