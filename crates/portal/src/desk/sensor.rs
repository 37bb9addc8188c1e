//! Sensors: health, silence, enrolment.

use access::{Action, MachineKind, Shown};
use axum::extract::Path;
use base::SensorId;
use sensor::model::{Sensor, SensorState, Session, SessionFilter};
use store::page::Page;
use text::{Words, names};

use crate::error::{Answer, Fail};
use crate::query::Val;
use crate::view::{
    Act, Badge, Body, Cell, Column, Crumb, Empty, Facts, Field, Form, Head, Look, Panel, Row, Table, Tone,
};
use crate::web::list::{self, Spec};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// Sessions shown on a sensor's page.
const SHOWN: u32 = 15;

/// `GET /sensors`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let loaded =
        list::load(look, &SENSORS, |_, _| async { Ok::<_, Fail>((v.ctx().fleet.list(v.clearance()).await?, None)) })
            .await?;
    if let Some(file) = list::export(&v, &SENSORS, &loaded).await {
        return file;
    }
    let mut rows = Vec::new();
    if v.caller.can(Action::ManageSensors) {
        let form = super::enrol::form(&v, MachineKind::Sensor).await?;
        rows.push(Row::Acts(vec![Act::ask(look.t.sensors.enrol, look.t.sensors.enrol_lead, "primary", form)]));
    }
    let table = list::table(look, &SENSORS, &loaded, Vec::new());
    let mut panel = Panel::new("sensors", look.t.sensors.title, vec![Body::Table(Box::new(table))]);
    let mut tools = vec![Cell::link("/jobs", look.t.jobs.title)];
    if v.caller.can(Action::Ingest) {
        tools.push(Cell::link("/quarantine", look.t.waste.title));
    }
    panel = panel.tools(tools);
    rows.push(Row::Full(panel));
    answer::page(&v, Head::new(look.t.sensors.title, ""), Vec::new(), rows)
}

/// A sensor's state as word, shape and colour.
pub(crate) fn state_badge(look: &Look, state: SensorState) -> Badge {
    let word = names::sensor_state(look.lang(), state.word()).unwrap_or(state.word());
    match state {
        SensorState::Healthy => Badge::of(Tone::Good, word),
        SensorState::Impaired => Badge::of(Tone::Medium, word),
        SensorState::Silent | SensorState::Missing => Badge::with(Tone::High, "silent", word),
        SensorState::Enrolled => Badge::with(Tone::Low, "wait", word),
        SensorState::Revoked => Badge::with(Tone::Low, "bad", word),
    }
}

/// `GET /sensors/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<SensorId>) -> Answer {
    let look = v.look();
    let sensor = v.ctx().fleet.get(v.clearance(), id).await?;
    let filter = SessionFilter { sensor: Some(id), ..SessionFilter::default() };
    let sessions = v.ctx().attacks.sessions(v.clearance(), &filter, &Page { after: None, limit: SHOWN }).await?;
    let mut acts = Vec::new();
    if v.caller.can(Action::ManageSensors) && sensor.state != SensorState::Revoked {
        let form = Form {
            id: "revoke".into(),
            action: format!("/sensors/{id}/revoke"),
            fields: vec![Field::line("name", &format!("{}: {}", look.t.edge.kill_type, sensor.name))],
            submit: look.t.sensors.revoke.to_owned(),
            style: "danger",
            ..super::blank(&v)
        };
        acts.push(Act::ask(look.t.sensors.revoke, look.t.sensors.revoke_lead, "", form));
    }
    let (head, rows) = draw(look, &sensor, &sessions.items, acts);
    answer::page(&v, head, vec![Crumb::new("/sensors", look.t.nav.sensors)], rows)
}

/// The page of a sensor.
pub(crate) fn draw(look: &Look, sensor: &Sensor, sessions: &[Session], acts: Vec<Act>) -> (Head, Vec<Row>) {
    let t = look.t;
    let head = Head::new(sensor.name.clone(), "").badges(vec![
        Cell::Badge(state_badge(look, sensor.state)),
        look.org(sensor.org),
        look.tlp(sensor.tlp),
    ]);
    let health = sensor.health.as_ref();
    let number = |n: Option<u64>| n.map_or(Cell::None, Cell::Num);
    let facts = Facts::wide(vec![
        (t.sensors.heard, sensor.last_heard.map_or(Cell::None, |at| look.age(at))),
        (t.attack.last, sensor.last_event.map_or(Cell::None, |at| look.age(at))),
        (t.sensors.kind, Cell::text(names::sensor_kind(look.lang(), sensor.kind.word()).unwrap_or(sensor.kind.word()))),
        (t.sensors.version, Cell::text(health.map(|beat| beat.version.clone()).unwrap_or_default())),
        (t.sensors.spool, number(health.map(|beat| beat.spool_depth))),
        (t.sensors.dropped, number(health.map(|beat| beat.spool_dropped))),
        (t.attack.sessions, number(health.map(|beat| u64::from(beat.sessions_open)))),
        (t.sensors.skew, Cell::text(sensor.clock_offset.map(|us| format!("{} ms", us / 1_000)).unwrap_or_default())),
        (t.admin.certificate, look.time_or_none(sensor.cert_expires)),
        (t.sensors.enrolled, look.time(sensor.enrolled_at)),
    ]);
    let columns = vec![Column::new("listener", t.sensors.listeners), Column::new("probe", t.sensors.self_probe)];
    let probes = health.map(|beat| beat.probes.as_slice()).unwrap_or_default();
    let probes = Table::new(t, "probes", t.sensors.self_probe, columns, Empty::new(t.sensors.st_never, "")).rows(
        probes.iter().map(|probe| {
            let badge = if probe.ok {
                Badge::of(Tone::Good, t.sensors.probe_ok)
            } else {
                Badge::of(Tone::High, t.sensors.probe_bad)
            };
            vec![Cell::mono(probe.listener.clone()), Cell::Badge(badge)]
        }),
    );
    let columns = (super::session::SESSIONS.columns)(t);
    let list = Table::new(t, "sensor-sessions", t.sensors.recent, columns, Empty::new(t.attack.none, ""))
        .rows(sessions.iter().map(|row| super::session::cells(look, row)))
        .live("attacks", look.here.href());
    let mut rows = Vec::new();
    if let Some(since) = sensor.silent_since {
        let text =
            format!("{} · {}", names::sensor_state(look.lang(), "silent").unwrap_or_default(), look.zone.long(since));
        rows.push(Row::Note { tone: "warn", text });
    }
    if !acts.is_empty() {
        rows.push(Row::Acts(acts));
    }
    rows.push(Row::Split(
        vec![Panel::new("health", t.sensors.health, vec![Body::Facts(facts)]).live("sensors", look.here.href())],
        vec![Panel::new("probe", t.sensors.self_probe, vec![Body::Table(Box::new(probes))])],
    ));
    rows.push(Row::Full(Panel::new("recent", t.sensors.recent, vec![Body::Table(Box::new(list))])));
    (head, rows)
}

/// `POST /sensors/{id}/revoke`.
pub(crate) async fn revoke(v: Signed, Path(id): Path<SensorId>, form: Posted) -> Answer {
    let sensor = v.ctx().fleet.get(v.clearance(), id).await?;
    super::point::confirmed(&form, true, &sensor.name)?;
    v.ctx().fleet.revoke(&v.caller, id).await?;
    Ok(answer::see(&format!("/sensors/{id}"), "revoked"))
}

/// The list of sensors.
pub(crate) const SENSORS: Spec<Sensor> = Spec {
    id: "sensors-list",
    live: "sensors",
    caption: |t| t.sensors.title,
    columns,
    fields: &[
        ("name", |t| t.sensors.name),
        ("state", |t| t.sensors.state),
        ("kind", |t| t.sensors.kind),
        ("org", |t| t.sensors.org),
        ("heard", |t| t.sensors.heard),
        ("version", |t| t.sensors.version),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::of("sensor", row.id, row.org),
    personal: false,
    empty: |t| Empty::new(t.sensors.none, t.sensors.none_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("name", t.sensors.name),
        Column::new("state", t.sensors.state),
        Column::new("kind", t.sensors.kind),
        Column::new("org", t.sensors.org),
        Column::new("heard", t.sensors.heard),
        Column::new("event", t.attack.last),
        Column::num("spool", t.sensors.spool),
        Column::new("version", t.sensors.version),
        Column::new("marking", t.list.marking),
    ]
}

fn cells(look: &Look, row: &Sensor) -> Vec<Cell> {
    let health = row.health.as_ref();
    vec![
        Cell::main(format!("/sensors/{}", row.id), row.name.clone()),
        Cell::Badge(state_badge(look, row.state)),
        Cell::text(names::sensor_kind(look.lang(), row.kind.word()).unwrap_or(row.kind.word())),
        look.org(row.org),
        look.time_or_none(row.last_heard),
        look.time_or_none(row.last_event),
        health.map_or(Cell::None, |beat| Cell::Num(beat.spool_depth)),
        Cell::text(health.map(|beat| beat.version.clone()).unwrap_or_default()),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Sensor) -> Vec<(&'static str, Val)> {
    let mut values: Vec<(&'static str, Val)> = vec![
        ("name", row.name.as_str().into()),
        ("state", row.state.word().into()),
        ("kind", row.kind.word().into()),
        ("org", look.org_name(row.org).into()),
    ];
    values.extend(row.last_heard.map(|at| ("heard", Val::Time(at))));
    values.extend(row.health.as_ref().map(|beat| ("version", beat.version.as_str().into())));
    values
}
