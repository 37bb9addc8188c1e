//! Sessions: lists and one session with its events.

use base::{SessionId, Timestamp};
use events::sensor::AttackClass;
use serde::Deserialize;
use store::page::{Page, Paged};
use store::{Clearance, Row, ScopedSql, StoreError, Value, params};

use super::{MOST_EVENTS, Reads, after, class_of, newest};
use crate::classify::{FLOOD_PER_MINUTE, Reason, across_sessions, as_flood, classify};
use crate::error::SensorError;
use crate::model::{Kept, Session, SessionDetail, SessionEvent, SessionFilter};
use crate::net::sort_key;
use crate::summary::Summary;

const LIST: &str = "sensor.sessions";

macro_rules! columns {
    () => {
        "s.id, s.org_id, s.realm, s.tlp, s.scope, s.sensor_id, COALESCE(x.name, '') AS sensor_name, s.foreign_key, s.src_ip, \
         s.protocol, s.dst_port, s.opened_at, s.last_at, s.closed_at, s.class, s.events, s.attempts, s.commands, \
         s.client, s.hassh, s.campaign_id"
    };
}

/// A list that one condition drives, so that its index is used; the other wishes only filter.
macro_rules! list {
    ($drive:literal) => {
        ScopedSql::new(concat!(
            "SELECT ",
            columns!(),
            " FROM attack_session s LEFT JOIN sensor x ON x.id = s.sensor_id WHERE ",
            $drive,
            " AND s.class = COALESCE($1, s.class) AND s.sensor_id = COALESCE($2, s.sensor_id)
              AND s.org_id = COALESCE($3, s.org_id) AND s.src_key = COALESCE($4, s.src_key)
              AND s.opened_at >= $5 AND s.opened_at < $6 AND (s.opened_at, s.id) < ($7, $8) AND {visible:s}
              ORDER BY s.opened_at DESC, s.id DESC LIMIT $9"
        ))
    };
}

const BY_TIME: ScopedSql = list!("1 = 1");
const BY_CLASS: ScopedSql = list!("s.class = $1");
const BY_SENSOR: ScopedSql = list!("s.sensor_id = $2");
const BY_ORG: ScopedSql = list!("s.org_id = $3");
const BY_SOURCE: ScopedSql = list!("s.src_key = $4");
const BY_CAMPAIGN: ScopedSql = list!("s.campaign_id = $10");
const GET: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    ", s.summary FROM attack_session s LEFT JOIN sensor x ON x.id = s.sensor_id WHERE s.id = $1 AND {visible:s}"
));
const KEPT: ScopedSql = ScopedSql::new(
    "SELECT s.session_id AS id, s.org_id, s.realm, s.tlp, s.scope, s.sensor_id, COALESCE(x.name, '') AS sensor_name, s.src_ip,
        s.protocol, s.dst_port, s.opened_at, s.last_at, s.closed_at, s.class, s.events, s.attempts, s.commands,
        CAST(NULL AS TEXT) AS client, CAST(NULL AS TEXT) AS hassh, y.campaign_id, s.digest, s.events_removed_at, s.session_removed_at
     FROM attack_kept s LEFT JOIN sensor x ON x.id = s.sensor_id
        LEFT JOIN attack_session y ON y.id = s.session_id WHERE s.session_id = $1 AND {visible:s}",
);
const EVENTS: ScopedSql = ScopedSql::new(
    "SELECT e.journal_at, e.events, e.lines FROM attack_event e
     WHERE e.session_id = $1 AND e.journal_at > $2 AND {visible:e} ORDER BY e.journal_at LIMIT 4",
);

impl Reads {
    /// Sessions, newest first.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Cursor`].
    pub async fn sessions(
        &self,
        who: &Clearance,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Paged<Session>, SensorError> {
        let source = match filter.source.as_deref().map(|text| text.trim().parse().map(sort_key)) {
            Some(Err(_)) => return Err(SensorError::BadField("source")),
            Some(Ok(key)) => Value::Bytes(key.to_vec()),
            None => Value::Null,
        };
        let mut values: Vec<Value> = params![filter.class.map(AttackClass::word), filter.sensor, filter.org];
        values.push(source);
        values.push(filter.since.map_or(Value::Int(i64::MIN), Value::from));
        values.push(filter.until.map_or(Value::Int(i64::MAX), Value::from));
        values.extend(after(page, LIST, newest())?);
        values.push(page.fetch().into());
        // The condition that leaves the fewest sessions drives.
        let sql = match filter {
            SessionFilter { campaign: Some(campaign), .. } => {
                values.push((*campaign).into());
                BY_CAMPAIGN
            }
            SessionFilter { source: Some(_), .. } => BY_SOURCE,
            SessionFilter { sensor: Some(_), .. } => BY_SENSOR,
            SessionFilter { class: Some(_), .. } => BY_CLASS,
            SessionFilter { org: Some(_), .. } => BY_ORG,
            _ => BY_TIME,
        };
        let rows = self.db.read(sql, who, values).await?;
        let items = rows.iter().map(session).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(items, page, LIST, |last| params![last.opened_at, last.id]))
    }

    /// One session with its events.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn session(&self, who: &Clearance, id: SessionId) -> Result<SessionDetail, SensorError> {
        let rows = self.db.read(GET, who, params![id]).await?;
        let Some(row) = rows.first() else { return self.kept_session(who, id).await };
        let text: String = row.get("summary")?;
        let summary: Summary =
            serde_json::from_str(&text).map_err(|_| StoreError::Shape("attack_session.summary".to_owned()))?;
        let session = session(row)?;
        let (base, reason) = classify(&summary);
        let flood = as_flood(base, FLOOD_PER_MINUTE).filter(|_| session.class == AttackClass::Flood);
        let (events, more_events) = self.events(who, id).await?;
        let texts = |texts: &mut dyn Iterator<Item = &str>| texts.map(str::to_owned).collect::<Vec<_>>();
        Ok(SessionDetail {
            reason: flood.map_or_else(|| across_sessions(base, session.class, reason), |(_, reason)| reason),
            foreign_key: row.get("foreign_key")?,
            users: texts(&mut summary.first_users.texts()),
            passwords: texts(&mut summary.first_passwords.texts()),
            login: summary.logins > 0,
            command_lines: texts(&mut summary.lines.texts()),
            urls: texts(&mut summary.urls.iter()),
            hashes: texts(&mut summary.hashes.iter()),
            ssh_keys: texts(&mut summary.keys.iter()),
            forwards: texts(&mut summary.forwards.iter()),
            exploits: texts(&mut summary.exploits.iter()),
            requests: texts(&mut summary.targets.texts()),
            kept: if events.is_empty() { self.kept(who, id).await?.map(|(kept, _)| kept) } else { None },
            events,
            more_events,
            session,
        })
    }

    /// The outline of a session that retention removed.
    async fn kept_session(&self, who: &Clearance, id: SessionId) -> Result<SessionDetail, SensorError> {
        let (kept, session) = self.kept(who, id).await?.ok_or(SensorError::NotFound)?;
        let reason = Reason { rule: "removed".to_owned(), facts: Vec::new() };
        let empty = Vec::new;
        Ok(SessionDetail {
            session,
            reason,
            foreign_key: String::new(),
            users: empty(),
            passwords: empty(),
            login: false,
            command_lines: empty(),
            urls: empty(),
            hashes: empty(),
            ssh_keys: empty(),
            forwards: empty(),
            exploits: empty(),
            requests: empty(),
            events: Vec::new(),
            more_events: false,
            kept: Some(kept),
        })
    }

    async fn kept(&self, who: &Clearance, id: SessionId) -> Result<Option<(Kept, Session)>, SensorError> {
        let rows = self.db.read(KEPT, who, params![id]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let kept = Kept {
            digest: row.get("digest")?,
            events_removed_at: row.get("events_removed_at")?,
            session_removed_at: row.get("session_removed_at")?,
        };
        Ok(Some((kept, session(row)?)))
    }

    /// The events in the order of their times, bounded; whether there are more.
    async fn events(&self, who: &Clearance, id: SessionId) -> Result<(Vec<SessionEvent>, bool), SensorError> {
        let mut events = Vec::new();
        let mut at = i64::MIN;
        loop {
            let rows = self.db.read(EVENTS, who, params![id, at]).await?;
            for row in &rows {
                at = row.get("journal_at")?;
                let lines: String = row.get("lines")?;
                events.extend(lines.split('\n').filter_map(event));
            }
            if rows.is_empty() || events.len() > MOST_EVENTS {
                break;
            }
        }
        events.sort_by(|a, b| (a.at, &a.body).cmp(&(b.at, &b.body)));
        let more = events.len() > MOST_EVENTS;
        events.truncate(MOST_EVENTS);
        for (n, event) in (1..).zip(&mut events) {
            event.n = n;
        }
        Ok((events, more))
    }
}

/// An event's line with what a list of them is ordered by.
fn event(line: &str) -> Option<SessionEvent> {
    #[derive(Deserialize)]
    struct Head {
        at: Timestamp,
        kind: String,
    }
    let head: Head = serde_json::from_str(line).ok()?;
    Some(SessionEvent { n: 0, at: head.at, kind: head.kind, body: line.to_owned() })
}

fn session(row: &Row) -> Result<Session, SensorError> {
    let class: String = row.get("class")?;
    Ok(Session {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        sensor: row.get("sensor_id")?,
        sensor_name: row.get("sensor_name")?,
        src_ip: row.get("src_ip")?,
        scope: row.get("scope")?,
        protocol: row.get("protocol")?,
        dst_port: row.get("dst_port")?,
        opened_at: row.get("opened_at")?,
        last_at: row.get("last_at")?,
        closed_at: row.get("closed_at")?,
        class: class_of(&class)?,
        events: row.get("events")?,
        attempts: row.get("attempts")?,
        commands: row.get("commands")?,
        client: row.get("client")?,
        hassh: row.get("hassh")?,
        campaign: row.get("campaign_id")?,
    })
}
