//! Attack sessions: the list, and one session from its first to its last event.

use access::Shown;
use base::code::excerpt;
use base::{SensorId, SessionId};
use sensor::model::{Session, SessionDetail, SessionEvent, SessionFilter};
use serde_json::Value;
use store::page::Page;
use text::{Words, names};

use axum::extract::Path;

use crate::error::{Answer, Fail};
use crate::query::{Expr, Val};
use crate::view::body::Line;
use crate::view::{Badge, Body, Cell, Column, Crumb, Empty, Facts, Head, Look, Panel, Row, Tone};
use crate::web::answer;
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;

/// `GET /sessions`.
pub(crate) async fn all(v: Signed) -> Answer {
    let look = v.look();
    let loaded = list::load(look, &SESSIONS, |expr, after| fetch(&v, expr, after)).await?;
    if let Some(file) = list::export(&v, &SESSIONS, &loaded).await {
        return file;
    }
    let table = list::table(look, &SESSIONS, &loaded, Vec::new());
    let panel = Panel::new("sessions", look.t.nav.sessions, vec![Body::Table(Box::new(table))]);
    answer::page(&v, Head::new(look.t.nav.sessions, ""), crumbs(look), vec![Row::Full(panel)])
}

async fn fetch(v: &Signed, expr: Expr, after: Option<String>) -> Result<list::Chunk<Session>, Fail> {
    let filter = SessionFilter {
        class: super::attack::chosen_class(v.look(), &expr),
        source: expr.must_be("source").filter(|text| text.parse::<std::net::IpAddr>().is_ok()).map(str::to_owned),
        sensor: v.look().here.get("sensor").and_then(|id| id.parse::<SensorId>().ok()),
        campaign: v.look().here.get("campaign").and_then(|id| id.parse().ok()),
        ..SessionFilter::default()
    };
    let paged = v.ctx().attacks.sessions(v.clearance(), &filter, &Page { after, limit: CHUNK }).await?;
    Ok((paged.items, paged.next))
}

fn crumbs(look: &Look) -> Vec<Crumb> {
    vec![Crumb::new("/attacks", look.t.nav.attacks)]
}

/// `GET /sessions/{id}`.
pub(crate) async fn one(v: Signed, Path(id): Path<SessionId>) -> Answer {
    let look = v.look();
    let detail = v.ctx().attacks.session(v.clearance(), id).await?;
    let mut crumbs = crumbs(look);
    crumbs.push(Crumb::new("/sessions", look.t.nav.sessions));
    let (head, rows) = draw(look, &detail);
    answer::page(&v, head, crumbs, rows)
}

/// The page of a session.
pub(crate) fn draw(look: &Look, detail: &SessionDetail) -> (Head, Vec<Row>) {
    let (t, session) = (look.t, &detail.session);
    let title = format!("{} → {}", session.src_ip, session.sensor_name);
    let head =
        Head::new(title, t.attack.session_lead).badges(vec![look.class(session.class.word()), look.tlp(session.tlp)]);
    let mut side = vec![Panel::new("facts", t.admin.details, vec![Body::Facts(facts(look, detail))])];
    let why = reason(look, detail);
    side.push(Panel::new("why", t.attack.class, vec![Body::Facts(why)]));
    side.extend(tried(look, detail));
    let lines = detail.events.iter().map(|event| line(look, event)).collect();
    let more = if detail.more_events { t.list.more_there } else { "" };
    let transcript = Panel::new("transcript", t.attack.transcript, vec![Body::Lines(lines)])
        .lead(format!("{} {more}", look.zone.long(session.opened_at)))
        .live("attacks", look.here.href());
    (head, vec![Row::Split(vec![transcript], side)])
}

fn facts(look: &Look, detail: &SessionDetail) -> Facts {
    let (t, s) = (look.t, &detail.session);
    let end = s
        .closed_at
        .map_or_else(|| Cell::Badge(Badge::with(Tone::Medium, "wait", t.attack.still_open)), |at| look.time(at));
    let campaign =
        s.campaign.map_or(Cell::None, |id| Cell::link(format!("/campaigns/{id}"), super::campaign::name(id)));
    let mut rows = vec![
        (t.attack.source, look.value_at(None, &s.src_ip, super::attack::value_page(&s.src_ip))),
        (t.attack.target, Cell::text(format!("{} {}", s.protocol.to_uppercase(), s.dst_port))),
        (t.attack.sensor, Cell::link(format!("/sensors/{}", s.sensor), s.sensor_name.clone())),
        (t.work.org, look.org(s.org)),
        (t.attack.start, look.time(s.opened_at)),
        (t.attack.end, end),
        (t.attack.duration, Cell::text(t.span(s.closed_at.unwrap_or(s.last_at).since(s.opened_at)))),
        (t.attack.version, s.client.as_deref().map_or(Cell::None, |client| look.value(None, client))),
        (t.attack.client, s.hassh.as_deref().map_or(Cell::None, |hassh| look.value(None, hassh))),
        (t.attack.campaign, campaign),
        (t.attack.events, Cell::Num(s.events)),
    ];
    if let Some(kept) = &detail.kept {
        rows.push((t.attack.removed, look.time(kept.events_removed_at)));
        rows.push((t.attack.digest, Cell::mono(kept.digest.clone())));
    }
    Facts::tall(rows)
}

fn reason(look: &Look, detail: &SessionDetail) -> Facts {
    let mut rows = vec![(look.t.work.rule.to_owned(), Cell::mono(detail.reason.rule.clone()))];
    rows.extend(
        detail.reason.facts.iter().map(|(name, value)| {
            (names::fact(look.lang(), name).unwrap_or(name).to_owned(), Cell::mono(excerpt(value)))
        }),
    );
    Facts { wide: false, rows }
}

/// Credentials, commands and files, each as a list of values with their menus.
fn tried(look: &Look, detail: &SessionDetail) -> Vec<Panel> {
    let t = look.t;
    let values = |items: &[String]| Cell::Below(items.iter().map(|item| look.value(None, item)).collect());
    let login = if detail.login {
        Cell::Badge(Badge::of(Tone::High, t.attack.success))
    } else {
        Cell::Badge(Badge::of(Tone::Low, t.attack.failure))
    };
    let mut panels = Vec::new();
    if detail.session.attempts > 0 {
        let rows = vec![
            (t.attack.credentials, Cell::Many(vec![Cell::Num(detail.session.attempts), login])),
            (t.attack.user, values(&detail.users)),
            (t.attack.password, values(&detail.passwords)),
        ];
        panels.push(Panel::new("credentials", t.attack.credentials, vec![Body::Facts(Facts::tall(rows))]));
    }
    let found: Vec<(&str, Cell)> = [
        (t.attack.files, &detail.urls),
        (t.attack.value, &detail.hashes),
        (t.attack.indicator, &detail.ssh_keys),
        (t.attack.target, &detail.forwards),
    ]
    .into_iter()
    .filter(|(_, items)| !items.is_empty())
    .map(|(name, items)| (name, values(items)))
    .collect();
    if !found.is_empty() {
        panels.push(Panel::new("files", t.attack.files, vec![Body::Facts(Facts::tall(found))]));
    }
    panels
}

/// One event of the transcript in one line.
fn line(look: &Look, event: &SessionEvent) -> Line {
    let t = look.t;
    let body: Value = serde_json::from_str(&event.body).unwrap_or(Value::Null);
    let text = |name: &str| body.get(name).map(plain).unwrap_or_default();
    let (said, mark, loud) = match event.kind.as_str() {
        "auth.attempt" => {
            let success = body.get("success").and_then(Value::as_bool).unwrap_or(false);
            let badge =
                if success { Badge::of(Tone::High, t.attack.success) } else { Badge::of(Tone::Low, t.attack.failure) };
            let secret = if text("key").is_empty() { text("password") } else { text("key") };
            (format!("{} / {secret}", text("user")), Some(badge), success)
        }
        "cmd.input" => (text("line"), None, false),
        "file.in" => (format!("{} {}", text("sha256"), text("name")), None, true),
        "file.ref" => (text("url"), None, true),
        "req" => (format!("{} {}", text("verb"), text("target")), None, false),
        "forward.request" => (format!("{}:{}", text("host"), text("port")), None, true),
        "proto.fingerprint" => (format!("{} {}", text("version"), text("hassh")), None, false),
        "ics.control" => (text("function"), None, true),
        "conn.close" => {
            let millis = body.get("duration_ms").and_then(Value::as_i64).unwrap_or(0);
            (t.span(millis.saturating_mul(1_000)), None, false)
        }
        "conn.open" => (format!("{}:{}", text("src_ip"), text("src_port")), None, false),
        _ => (event.body.clone(), None, false),
    };
    Line {
        clock: look.zone.clock(event.at),
        iso: event.at.rfc3339(),
        kind: names::event_kind(look.lang(), &event.kind).unwrap_or(&event.kind).to_owned(),
        text: said.trim().chars().flat_map(visible).collect(),
        mark,
        loud,
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// What an attacker typed, with control and direction characters made visible.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control() && c != '\t'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = if hidden { c.escape_unicode().collect() } else { c.to_string() };
    text.chars().collect::<Vec<_>>().into_iter()
}

/// The list of sessions.
pub(crate) const SESSIONS: Spec<Session> = Spec {
    id: "sessions-list",
    live: "attacks",
    caption: |t| t.nav.sessions,
    columns,
    fields: &[
        ("source", |t| t.attack.source),
        ("class", |t| t.attack.class),
        ("sensor", |t| t.attack.sensor),
        ("protocol", |t| t.attack.protocol),
        ("port", |t| t.attack.target),
        ("client", |t| t.attack.version),
        ("hassh", |t| t.attack.client),
        ("attempts", |t| t.attack.credentials),
        ("commands", |t| t.attack.commands),
        ("org", |t| t.work.org),
        ("start", |t| t.attack.start),
        ("last", |t| t.attack.last),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::of("session", row.id, row.org),
    personal: false,
    empty: |t| Empty::new(t.attack.none, t.attack.none_do),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::new("start", t.attack.start),
        Column::new("source", t.attack.source),
        Column::new("class", t.attack.class),
        Column::new("sensor", t.attack.sensor),
        Column::new("protocol", t.attack.protocol),
        Column::num("attempts", t.attack.credentials),
        Column::num("commands", t.attack.commands),
        Column::new("duration", t.attack.duration),
        Column::new("org", t.work.org),
        Column::new("marking", t.list.marking),
    ]
}

pub(crate) fn cells(look: &Look, row: &Session) -> Vec<Cell> {
    let open = Cell::main(format!("/sessions/{}", row.id), look.zone.long(row.opened_at));
    vec![
        open,
        look.value_at(Some("source"), &row.src_ip, super::attack::value_page(&row.src_ip)),
        look.class(row.class.word()),
        Cell::link(format!("/sensors/{}", row.sensor), row.sensor_name.clone()),
        Cell::text(format!("{} {}", row.protocol.to_uppercase(), row.dst_port)),
        Cell::Num(row.attempts),
        Cell::Num(row.commands),
        Cell::text(look.t.span(row.closed_at.unwrap_or(row.last_at).since(row.opened_at))),
        look.org(row.org),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Session) -> Vec<(&'static str, Val)> {
    let mut values: Vec<(&'static str, Val)> = vec![
        ("source", row.src_ip.as_str().into()),
        ("class", row.class.word().into()),
        ("class", look.class_name(row.class.word()).into()),
        ("sensor", row.sensor_name.as_str().into()),
        ("protocol", row.protocol.as_str().into()),
        ("port", Val::Number(f64::from(row.dst_port))),
        ("attempts", Val::Number(row.attempts as f64)),
        ("commands", Val::Number(row.commands as f64)),
        ("org", look.org_name(row.org).into()),
        ("start", Val::Time(row.opened_at)),
        ("last", Val::Time(row.last_at)),
    ];
    values.extend(row.client.as_deref().map(|client| ("client", client.into())));
    values.extend(row.hassh.as_deref().map(|hassh| ("hassh", hassh.into())));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        let shown: String = "ls\u{1b}[31m \u{202e}gpj".chars().flat_map(visible).collect();
        assert_eq!(shown, "ls\\u{1b}[31m \\u{202e}gpj");
    }
}
