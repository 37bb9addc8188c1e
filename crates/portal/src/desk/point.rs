//! Enforcement points: what is really enforced, since when, what differs; the kill switch.

use access::{Action, MachineKind, Shown};
use axum::extract::Path;
use base::{PointId, Problem};
use edge::service::views::{Difference, PointView, Status};
use edge::wire::Probe;
use edge::{Directive, DirectiveState, Driver, Standing, StoredReceipt};
use store::page::Page;
use text::{Words, names};

use super::directive::Offer;
use crate::error::{Answer, Fail, NOT_CONFIRMED};
use crate::query::Val;
use crate::view::{
    Act, Badge, Body, Cell, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Receipts and directives shown on a page.
const SHOWN: u32 = 20;

/// `GET /points`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &POINTS, |_, after| async {
        let paged = v.ctx().edge.points(v.clearance(), &Page { after, limit: CHUNK }).await?;
        Ok::<_, Fail>((paged.items, paged.next))
    })
    .await?;
    if let Some(file) = list::export(&v, &POINTS, &loaded).await {
        return file;
    }
    let active =
        v.ctx().edge.directives(v.clearance(), DirectiveState::Active, &Page { after: None, limit: SHOWN }).await?;
    let held =
        v.ctx().edge.directives(v.clearance(), DirectiveState::Held, &Page { after: None, limit: SHOWN }).await?;
    let killed = v.ctx().edge.config(v.clearance().realm()).await?.kill;
    let mut acts = Vec::new();
    if v.caller.can(Action::ManagePoints) {
        acts.push(Act::ask(
            look.t.edge.enrol,
            look.t.edge.enrol_lead,
            "primary",
            super::enrol::form(&v, MachineKind::Edge).await?,
        ));
    }
    if v.caller.can(Action::KillSwitch) {
        acts.push(kill_act(
            &v,
            "/points/kill",
            &look.org_name(v.caller.centre()),
            killed,
            look.t.edge.kill_all,
            look.t.edge.kill_all_lead,
        ));
    }
    let table = list::table(look, &POINTS, &loaded, Vec::new());
    let decide = v.caller.can(Action::ApproveBlock).then(|| v.visit.token());
    let of_held = decide.as_deref().map_or(Offer::Nothing, Offer::Decide);
    let of_active = if v.caller.can(Action::IssueBlock) { Offer::Withdraw } else { Offer::Nothing };
    let rows = draw_all(look, table, acts, killed, &active.items, &held.items, (of_held, of_active));
    answer::page(&v, Head::new(look.t.edge.title, look.t.intel.enforcement_lead), Vec::new(), rows)
}

/// The page of all points.
pub(crate) fn draw_all(
    look: &Look,
    table: Table,
    acts: Vec<Act>,
    killed: bool,
    active: &[Directive],
    held: &[Directive],
    (of_held, of_active): (Offer<'_>, Offer<'_>),
) -> Vec<Row> {
    let t = look.t;
    let mut rows = Vec::new();
    if killed {
        rows.push(Row::Note { tone: "bad", text: t.edge.kill_is_on.to_owned() });
    }
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    rows.push(Row::Full(Panel::new("points", t.edge.title, vec![Body::Table(Box::new(table))])));
    if !held.is_empty() {
        let table = super::directive::table(look, "held", held, of_held);
        rows.push(Row::Full(
            Panel::new("held-panel", t.edge.held, vec![Body::Table(Box::new(table))]).lead(t.edge.held_lead),
        ));
    }
    let table = super::directive::table(look, "active", active, of_active).live("points", look.here.href());
    rows.push(Row::Full(Panel::new("directives", t.edge.elements, vec![Body::Table(Box::new(table))])));
    rows
}

/// A point's state as word, shape and colour.
pub(crate) fn status_badge(look: &Look, status: Status) -> Badge {
    let e = &look.t.edge;
    match status {
        Status::Revoked => Badge::with(Tone::Low, "bad", e.st_revoked),
        Status::Waiting => Badge::with(Tone::Low, "wait", e.st_never),
        Status::Silent => Badge::with(Tone::Critical, "silent", e.st_silent),
        Status::Behind => Badge::with(Tone::Medium, "wait", e.st_behind),
        Status::Trouble => Badge::of(Tone::High, e.st_drift),
        Status::Proved => Badge::with(Tone::Good, "good", e.probed),
        Status::ReadBack => Badge::with(Tone::Good, "note", e.read_back),
    }
}

/// `GET /points/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<PointId>) -> Answer {
    let look = v.look();
    let view = v.ctx().edge.point(v.clearance(), id).await?;
    let receipts = v.ctx().edge.receipts(v.clearance(), id, &Page { after: None, limit: SHOWN }).await?;
    let mut acts = Vec::new();
    if v.caller.can(Action::KillSwitch) {
        let action = format!("/points/{id}/kill");
        acts.push(kill_act(&v, &action, &view.point.name, view.point.kill, look.t.edge.kill, look.t.edge.kill_lead));
    }
    if v.caller.can(Action::ManagePoints) && view.status != Status::Revoked {
        let form = Form {
            id: "revoke".into(),
            action: format!("/points/{id}/revoke"),
            fields: vec![Field::line("name", look.t.edge.kill_type).hint(look.t.frame.required)],
            submit: look.t.sensors.revoke.to_owned(),
            style: "danger",
            ..super::blank(&v)
        };
        acts.push(Act::ask(look.t.sensors.revoke, look.t.sensors.revoke_lead, "", form));
    }
    let (head, rows) = draw(look, &view, &receipts.items, acts);
    answer::page(&v, head, vec![Crumb::new("/points", look.t.nav.points)], rows)
}

/// The kill switch: typing the name confirms it; releasing needs no name.
fn kill_act(v: &Signed, action: &str, name: &str, on: bool, title: &str, lead: &str) -> Act {
    let t = v.look().t;
    let mut fields = vec![Field::hidden("on", if on { "" } else { "1" })];
    if !on {
        fields.push(Field::line("name", &format!("{}: {name}", t.edge.kill_type)));
    }
    let (submit, style) = if on { (t.edge.kill_off, "primary") } else { (t.edge.kill_on, "danger") };
    let form = Form {
        id: "kill".into(),
        action: action.to_owned(),
        fields,
        submit: submit.to_owned(),
        style,
        ..super::blank(v)
    };
    Act::ask(
        if on { t.edge.kill_off.to_owned() } else { title.to_owned() },
        lead,
        if on { "primary" } else { "" },
        form,
    )
}

/// The page of a point.
pub(crate) fn draw(look: &Look, view: &PointView, receipts: &[StoredReceipt], acts: Vec<Act>) -> (Head, Vec<Row>) {
    let (t, point) = (look.t, &view.point);
    let head = Head::new(point.name.clone(), "").badges(vec![
        Cell::Badge(status_badge(look, view.status)),
        look.org(point.org),
        look.tlp(point.tlp),
    ]);
    let mut rows = Vec::new();
    if point.kill {
        rows.push(Row::Note { tone: "bad", text: t.edge.kill_is_on.to_owned() });
    }
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    let really = vec![Body::Facts(really(look, view))];
    let differs = if view.differs.is_empty() {
        vec![Body::Empty(Empty::good(t.duty.drift_none))]
    } else {
        view.differs.iter().map(|one| Body::Note { tone: "warn", text: difference(look, one) }).collect()
    };
    rows.push(Row::Split(
        vec![Panel::new("really", t.edge.really, really).lead(t.edge.elements_lead).live("points", look.here.href())],
        vec![Panel::new("differs", t.edge.differs, differs).live("points", look.here.href())],
    ));
    let table = receipts_table(look, receipts).live("points", look.here.href());
    rows.push(Row::Full(
        Panel::new("receipts", t.edge.receipts, vec![Body::Table(Box::new(table))]).lead(t.edge.receipts_lead),
    ));
    (head, rows)
}

fn really(look: &Look, view: &PointView) -> Facts {
    let (t, point) = (look.t, &view.point);
    let last = point.last.as_ref();
    let receipt = last.map(|last| &last.receipt);
    let standing = last.map(|last| standing_badge(look, last.standing));
    let driver = match point.driver {
        Driver::Nft => t.edge.driver_nft,
        Driver::File => t.edge.driver_file,
    };
    let sequence = format!("{} / {}", receipt.map_or(0, |r| r.sequence), view.desired_sequence);
    Facts::wide(vec![
        (t.edge.really, receipt.map_or(Cell::None, |r| Cell::Num(r.elements))),
        (t.edge.should, Cell::Num(view.desired_entries)),
        (t.edge.proof, standing.map_or(Cell::None, Cell::Badge)),
        (t.edge.since, look.time_or_none(view.since)),
        (t.edge.verified_at, last.map_or(Cell::None, |last| look.age(last.at))),
        (t.edge.heard, view.seen_at.map_or(Cell::None, |at| look.age(at))),
        (t.edge.driver, Cell::text(driver)),
        (t.edge.sequence, Cell::text(sequence)),
        (t.sensors.version, Cell::text(view.heartbeat.as_ref().map(|beat| beat.version.clone()).unwrap_or_default())),
        (t.sensors.skew, Cell::text(view.clock_offset_us.map(|us| format!("{} ms", us / 1_000)).unwrap_or_default())),
        (t.admin.certificate, look.time(point.cert_expires)),
        (t.sensors.enrolled, look.time(point.enrolled_at)),
    ])
}

fn standing_badge(look: &Look, standing: Standing) -> Badge {
    let word = names::standing(look.lang(), standing.word()).unwrap_or(standing.word());
    match standing {
        Standing::Proved => Badge::with(Tone::Good, "good", word),
        Standing::ReadBack => Badge::with(Tone::Accent, "note", word),
        Standing::Killed | Standing::Frozen => Badge::of(Tone::Medium, word),
        _ => Badge::of(Tone::High, word),
    }
}

/// A difference in a sentence.
fn difference(look: &Look, one: &Difference) -> String {
    let e = &look.t.edge;
    match one {
        Difference::Behind { applied, desired } => format!("{}: {applied} / {desired}", e.st_behind),
        Difference::Digest => names::standing(look.lang(), "differs").unwrap_or_default().to_owned(),
        Difference::Wrong { keys } => {
            format!("{}: {}", e.not_ok, keys.iter().take(5).cloned().collect::<Vec<_>>().join(", "))
        }
        Difference::Probe => names::standing(look.lang(), "unproved").unwrap_or_default().to_owned(),
        Difference::Drift { missing, extra, repaired } => {
            let end = if *repaired { e.repaired } else { e.not_repaired };
            format!("{} · {end}", look.t.drift(*missing, *extra))
        }
        Difference::Refused { total } => format!("{}: {total}", e.refused),
        Difference::Frozen { why } => format!("{}: {why}", e.st_frozen),
        Difference::Killed => e.kill_is_on.to_owned(),
        Difference::Clock { offset_us } => format!("{}: {} ms", look.t.sensors.skew, offset_us / 1_000),
    }
}

fn receipts_table(look: &Look, receipts: &[StoredReceipt]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("at", t.edge.at),
        Column::new("result", t.audit.outcome),
        Column::num("sequence", t.edge.sequence),
        Column::num("elements", t.edge.elements),
        Column::num("read_back", t.edge.read_back),
        Column::new("probed", t.edge.probed),
        Column::new("drift", t.edge.drift),
        Column::new("took", t.attack.duration),
    ];
    let empty = Empty::new(t.edge.receipts_none, "");
    Table::new(t, "receipts-table", t.edge.receipts, columns, empty).rows(receipts.iter().map(|row| {
        let r = &row.receipt;
        let probe = match &r.probe {
            Probe::Probed { blocked, passed } => {
                let ok = blocked.iter().chain(passed).filter(|canary| canary.ok).count();
                Cell::text(format!("{ok} / {}", blocked.len() + passed.len()))
            }
            Probe::ReadBackOnly => Cell::text(t.edge.read_back),
            Probe::Failed { why } => Cell::text(why.clone()),
        };
        let drift = r.drift.map_or(Cell::None, |drift| {
            let end = if drift.repaired { t.edge.repaired } else { t.edge.not_repaired };
            Cell::text(format!("{} · {end}", t.drift(drift.missing, drift.extra)))
        });
        vec![
            look.time(row.at),
            Cell::Badge(standing_badge(look, row.standing)),
            Cell::Num(r.sequence),
            Cell::Num(r.elements),
            Cell::Num(r.read_back.changed + r.read_back.sampled),
            probe,
            drift,
            Cell::text(format!("{} ms", r.took_us / 1_000)),
        ]
    }))
}

/// `POST /points/{id}/kill`.
pub(crate) async fn kill(v: Signed, Path(id): Path<PointId>, form: Posted) -> Answer {
    let on = form.ticked("on");
    let view = v.ctx().edge.point(v.clearance(), id).await?;
    confirmed(&form, on, &view.point.name)?;
    v.ctx().edge.kill_point(&v.caller, id, on).await?;
    Ok(answer::see(&format!("/points/{id}"), if on { "stopped" } else { "resumed" }))
}

/// `POST /points/kill`: every point.
pub(crate) async fn kill_all(v: Signed, form: Posted) -> Answer {
    let on = form.ticked("on");
    confirmed(&form, on, &v.look().org_name(v.caller.centre()))?;
    v.ctx().edge.kill_all(&v.caller, on).await?;
    Ok(answer::see("/points", if on { "stopped" } else { "resumed" }))
}

/// `POST /points/{id}/revoke`.
pub(crate) async fn revoke(v: Signed, Path(id): Path<PointId>, form: Posted) -> Answer {
    let view = v.ctx().edge.point(v.clearance(), id).await?;
    confirmed(&form, true, &view.point.name)?;
    v.ctx().edge.revoke_point(&v.caller, id).await?;
    Ok(answer::see(&format!("/points/{id}"), "revoked"))
}

/// An act with consequences needs the thing's name; the server knows it, the form only repeats it.
pub(crate) fn confirmed(form: &Posted, needed: bool, name: &str) -> Result<(), Fail> {
    if !needed || form.get("name") == name.trim() {
        return Ok(());
    }
    Err(Problem::new(&NOT_CONFIRMED, "").at("name").into())
}

/// The list of points.
pub(crate) const POINTS: Spec<PointView> = Spec {
    id: "points-list",
    live: "points",
    caption: |t| t.edge.title,
    columns,
    fields: &[
        ("name", |t| t.edge.name),
        ("org", |t| t.edge.org),
        ("driver", |t| t.edge.driver),
        ("state", |t| t.edge.state),
        ("elements", |t| t.edge.elements),
        ("heard", |t| t.edge.heard),
    ],
    cells,
    values,
    tlp: |row| row.point.tlp,
    row: |row| Shown::of("point", row.point.id, row.point.org),
    personal: false,
    empty: |t| Empty::new(t.edge.none, t.edge.none_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("name", t.edge.name),
        Column::new("state", t.edge.state),
        Column::num("really", t.edge.really),
        Column::num("should", t.edge.should),
        Column::new("since", t.edge.since),
        Column::new("differs", t.edge.differs),
        Column::new("driver", t.edge.driver),
        Column::new("org", t.edge.org),
        Column::new("heard", t.edge.heard),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &PointView) -> Vec<Cell> {
    let elements = row.point.last.as_ref().map(|last| last.receipt.elements);
    let differs = row.differs.first().map(|one| difference(look, one));
    vec![
        Cell::main(format!("/points/{}", row.point.id), row.point.name.clone()),
        Cell::Badge(status_badge(look, row.status)),
        elements.map_or(Cell::None, Cell::Num),
        Cell::Num(row.desired_entries),
        look.time_or_none(row.since),
        Cell::text(differs.unwrap_or_default()),
        Cell::text(if row.point.driver == Driver::Nft { look.t.edge.driver_nft } else { look.t.edge.driver_file }),
        look.org(row.point.org),
        row.seen_at.map_or(Cell::None, |at| look.time(at)),
        look.tlp(row.point.tlp),
    ]
}

fn values(look: &Look, row: &PointView) -> Vec<(&'static str, Val)> {
    let state = serde_json::to_value(row.status).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    let mut values: Vec<(&'static str, Val)> = vec![
        ("name", row.point.name.as_str().into()),
        ("org", look.org_name(row.point.org).into()),
        ("driver", row.point.driver.word().into()),
        ("state", state.into()),
    ];
    values.extend(row.point.last.as_ref().map(|last| ("elements", Val::Number(last.receipt.elements as f64))));
    values.extend(row.seen_at.map(|at| ("heard", Val::Time(at))));
    values
}
