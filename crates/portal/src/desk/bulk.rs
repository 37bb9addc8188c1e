//! Acts on several rows at once: ticked boxes and one form; every row is decided for itself, and told for itself.

use access::Action;
use base::{Coded, FindingId, IndicatorId, Problem};
use detect::FindingOutcome;
use text::names;

use crate::error::{Answer, BAD_FORM, Fail};
use crate::view::{Badge, Body, Cell, Choice, Column, Crumb, Empty, Field, Form, Head, Look, Panel, Row, Table, Tone};
use crate::web::answer::{advice, said};
use crate::web::visit::{self, Signed};
use crate::web::{Posted, answer};

/// Rows of one form, at most.
const MOST: usize = 200;

/// The name of the boxes, and the id of the form they belong to wherever they stand on the page.
pub(crate) const FORM: &str = "bulk";

/// A row's box: its id and the version the reader saw.
pub(crate) fn pick(id: impl std::fmt::Display, version: impl std::fmt::Display) -> String {
    format!("{id}.{version}")
}

/// The form under the findings.
pub(crate) fn findings_form(look: &Look, token: &str) -> Form {
    let t = look.t;
    let take = Choice::new("take", t.work.take, true);
    let outcomes = FindingOutcome::ALL.map(|outcome| {
        let name = names::outcome(look.lang(), outcome.word()).unwrap_or(outcome.word());
        Choice::new(outcome.word(), format!("{}: {name}", t.work.resolve), false)
    });
    form(look, "/findings/bulk", std::iter::once(take).chain(outcomes).collect(), token)
}

/// The form under the review queue, with what this person may do.
pub(crate) fn review_form(look: &Look, publishes: bool, token: &str) -> Form {
    let t = look.t;
    let mut choices = vec![Choice::new("accept", t.intel.approve, true)];
    if publishes {
        choices.push(Choice::new("publish", t.intel.publish, false));
    }
    choices.push(Choice::new("return", t.intel.send_back, false));
    choices.push(Choice::new("reject", t.intel.reject, false));
    form(look, "/review/bulk", choices, token)
}

fn form(look: &Look, action: &str, choices: Vec<Choice>, token: &str) -> Form {
    let t = look.t;
    Form {
        t,
        id: FORM.into(),
        action: action.to_owned(),
        csrf: token.to_owned(),
        fields: vec![
            Field::one("verb", t.bulk.act, choices),
            Field::line("reason", t.bulk.reason).optional(),
            Field::hidden("return", look.here.with("done", "").with("undo", "").href()),
        ],
        submit: t.bulk.apply.to_owned(),
        style: "primary",
        across: false,
        key: "",
    }
}

/// What became of one row: its words, its page, and the problem where there was one.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) words: String,
    pub(crate) href: String,
    pub(crate) problem: Option<Problem>,
}

/// The ticked rows.
fn picked<I: std::str::FromStr>(form: &Posted) -> Result<Vec<(I, i64)>, Fail> {
    let bad = |text: &str| Problem::new(&BAD_FORM, base::code::excerpt(text)).at("pick");
    let picks = form.all("pick");
    if picks.len() > MOST {
        return Err(bad("more than 200 rows").into());
    }
    let read = |text: &str| {
        let (id, version) = text.split_once('.')?;
        Some((id.parse().ok()?, version.parse().ok()?))
    };
    picks.into_iter().map(|text| read(text).ok_or_else(|| bad(text).into())).collect()
}

/// `POST /findings/bulk`.
pub(crate) async fn findings(v: Signed, form: Posted) -> Answer {
    v.caller.require(Action::ResolveFinding)?;
    let (detect, by) = (&v.ctx().detect, &v.caller);
    let verb = form.need("verb")?;
    let outcome = FindingOutcome::from_word(verb);
    if outcome.is_none() && verb != "take" {
        return Err(Problem::new(&BAD_FORM, base::code::excerpt(verb)).at("verb").into());
    }
    let mut told = Vec::new();
    for (id, version) in picked::<FindingId>(&form)? {
        let row = detect.get(v.clearance(), id).await?;
        if let Some(row) = &row {
            v.look().seen.row("finding", id, row.org, row.tlp);
        }
        let done = match outcome {
            Some(outcome) => detect.resolve(by, id, version, outcome, form.get("reason")).await,
            None => detect.take(by, id, version).await,
        };
        told.push(Told {
            words: row.map_or_else(|| id.to_string(), |row| super::finding::sentence(v.look(), &row)),
            href: format!("/findings/{id}"),
            problem: done.err().map(|error| error.problem()),
        });
    }
    result(&v, &told, &form.back("/findings"), v.look().t.nav.findings).await
}

/// `POST /review/bulk`: four eyes hold for each row.
pub(crate) async fn review(v: Signed, form: Posted) -> Answer {
    v.caller.require(Action::ReviewIntel)?;
    let (intel, by, reason) = (&v.ctx().intel, &v.caller, form.get("reason"));
    let verb = form.need("verb")?;
    let mut told = Vec::new();
    for (id, version) in picked::<IndicatorId>(&form)? {
        let row = intel.get(v.clearance(), id).await?;
        if let Some(row) = &row {
            v.look().seen.row("indicator", id, row.org, row.tlp);
        }
        let done = match verb {
            "accept" => intel.accept(by, id, version).await,
            "publish" => intel.publish(by, id, version).await,
            "return" => intel.send_back(by, id, version, reason).await,
            "reject" => intel.reject(by, id, version, reason).await,
            other => return Err(Problem::new(&BAD_FORM, base::code::excerpt(other)).at("verb").into()),
        };
        told.push(Told {
            words: row.map_or_else(|| id.to_string(), |row| row.value),
            href: format!("/indicators/{id}"),
            problem: done.err().map(|error| error.problem()),
        });
    }
    result(&v, &told, &form.back("/review"), v.look().t.nav.review).await
}

async fn result(v: &Signed, told: &[Told], back: &str, place: &str) -> Answer {
    let look = v.look();
    for one in told.iter().filter(|one| one.problem.as_ref().is_some_and(|problem| problem.code.http == 404)) {
        visit::outside(&v.visit, &v.caller, &one.href).await?;
    }
    let done = told.iter().filter(|one| one.problem.is_none()).count();
    let head = Head::new(look.t.bulk.result, look.t.done_of(done, told.len()));
    answer::page(v, head, vec![Crumb::new(back, place)], draw(look, told, back))
}

/// The result, row by row.
pub(crate) fn draw(look: &Look, told: &[Told], back: &str) -> Vec<Row> {
    let t = look.t;
    let columns = vec![
        Column::new("what", t.work.what),
        Column::new("result", t.audit.outcome),
        Column::new("why", t.frame.reason),
        Column::new("code", t.frame.error_code),
    ];
    let table = Table::new(t, "told", t.bulk.result, columns, Empty::new(t.bulk.none, t.bulk.none_do)).rows(
        told.iter().map(|one| {
            let what = Cell::main(one.href.clone(), one.words.clone());
            match &one.problem {
                None => vec![what, Cell::good(t.bulk.done), Cell::None, Cell::None],
                Some(problem) => vec![
                    what,
                    Cell::Badge(Badge::of(Tone::High, t.bulk.refused)),
                    Cell::text(format!("{} {}", said(look.lang(), problem), advice(look.lang(), problem))),
                    Cell::link(format!("/errors#{}", problem.code.id), problem.code.id),
                ],
            }
        }),
    );
    let panel = Panel::new("told-panel", t.bulk.result, vec![Body::Table(Box::new(table))])
        .tools(vec![Cell::link(back, t.bulk.back)]);
    vec![Row::Full(panel)]
}
