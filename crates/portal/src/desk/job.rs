//! Long work: how far it is, how it ended, and the way to stop it.

use access::Action;
use axum::extract::Path;
use base::JobId;
use store::jobs::{Job, State};
use store::page::Page;

use crate::error::Answer;
use crate::view::cell::Tone;
use crate::view::{Badge, Body, Cell, Column, Crumb, Empty, Form, Head, Look, Panel, Row, Table};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Jobs shown: the newest, some months of them.
const SHOWN: u32 = 100;

/// `GET /jobs`.
pub(crate) async fn all(v: Signed) -> Answer {
    v.caller.require(Action::ReadSensors)?;
    let look = v.look();
    let jobs = store::jobs::list(&v.ctx().db, v.clearance(), &Page { after: None, limit: SHOWN }).await?.items;
    let token = v.caller.can(Action::ManageSensors).then(|| v.visit.token());
    let rows = draw(look, &jobs, token.as_deref());
    let crumbs = vec![Crumb::new("/sensors", look.t.nav.sensors)];
    answer::page(&v, Head::new(look.t.jobs.title, look.t.jobs.lead), crumbs, rows)
}

/// The list.
pub(crate) fn draw(look: &Look, jobs: &[Job], token: Option<&str>) -> Vec<Row> {
    let t = look.t;
    let mut columns = vec![
        Column::new("kind", t.jobs.kind),
        Column::new("state", t.work.state),
        Column::new("step", t.jobs.step),
        Column::new("begins", t.jobs.begins),
        Column::new("ended", t.jobs.ended),
        Column::num("tries", t.jobs.tries),
        Column::new("why", t.jobs.why),
        Column::new("org", t.work.org),
    ];
    columns.extend(token.map(|_| Column::new("act", t.frame.actions)));
    let table = Table::new(t, "jobs", t.jobs.title, columns, Empty::good(t.jobs.none)).rows(jobs.iter().map(|job| {
        let mut cells = vec![
            kind(look, job),
            Cell::Badge(state(look, job)),
            step(job),
            look.time(job.run_at),
            look.time_or_none(job.finished_at),
            Cell::Num(u64::from(job.attempts)),
            Cell::text(job.error.clone().unwrap_or_default()),
            look.org(job.org),
        ];
        cells.extend(token.map(|token| match job.state {
            State::Waiting | State::Running if !job.cancel => {
                crate::view::table::form_cell(stop_form(look, job, token))
            }
            _ => Cell::None,
        }));
        cells
    }));
    vec![Row::Full(Panel::new("jobs-panel", t.jobs.title, vec![Body::Table(Box::new(table))]))]
}

fn kind(look: &Look, job: &Job) -> Cell {
    match job.kind.as_str() {
        sensor::retention::KIND => Cell::Strong(look.t.jobs.retention.to_owned()),
        other => Cell::mono(other),
    }
}

/// `200 / 1,000`; nothing before anybody knows.
fn step(job: &Job) -> Cell {
    if job.total == 0 { Cell::None } else { Cell::text(format!("{} / {}", job.done, job.total)) }
}

fn state(look: &Look, job: &Job) -> Badge {
    let t = &look.t.jobs;
    match job.state {
        State::Running if job.cancel => Badge::with(Tone::Medium, "wait", t.stopping),
        State::Waiting => Badge::with(Tone::Low, "wait", t.waiting),
        State::Running => Badge::of(Tone::Accent, t.running),
        State::Done => Badge::of(Tone::Good, t.done),
        State::Failed => Badge::of(Tone::High, t.failed),
        State::Cancelled => Badge::with(Tone::Low, "bad", t.cancelled),
    }
}

fn stop_form(look: &Look, job: &Job, token: &str) -> Form {
    Form {
        t: look.t,
        id: format!("stop-{}", crate::view::look::short_id(&job.id.to_string())),
        action: format!("/jobs/{}/stop", job.id),
        csrf: token.to_owned(),
        fields: Vec::new(),
        submit: look.t.jobs.stop.to_owned(),
        style: "",
        across: true,
        key: "",
    }
}

/// `POST /jobs/{id}/stop`.
pub(crate) async fn stop(v: Signed, Path(id): Path<JobId>, _form: Posted) -> Answer {
    sensor::retention::cancel(&v.ctx().db, &v.caller, id).await?;
    Ok(answer::see("/jobs", "job-stopped"))
}
