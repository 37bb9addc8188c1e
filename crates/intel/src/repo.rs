//! Rows of this room: statements, and the way between rows and values.

use base::{AddressScope, OrgId, Realm};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, ValueKind};
use sha2::{Digest as _, Sha256};
use store::{Expect, Row, ScopedSql, StoreError, Unit, params};

use crate::desk::Change;
use crate::error::IntelError;
use crate::model::{Indicator, Note, ObjectVersion, Origin, Source};
use crate::{object, value};

macro_rules! columns {
    () => {
        "i.id, i.org_id, i.realm, i.tlp, i.scope, i.kind, i.value, i.name, i.description, i.state, i.class, i.score, \
         i.factors, i.confidence, i.origin, i.author, i.reviewer, i.approver, i.automatic, i.night, i.campaign, \
         i.lasts, i.valid_from, i.valid_until, i.created, i.modified, i.published_at, i.reason, i.sessions_total, \
         i.sensors_total, i.version"
    };
}

/// What every list shares: `$1` the kind or empty, `$2` the class or empty, `$3` the least score, `$4` and `$5` the
/// cursor (modified, id), `$6` the limit. With `by hits` the order is no index for the engine to walk along (the plus
/// sign says so): few rows are found first and then sorted.
macro_rules! list {
    (by time, $where:literal) => {
        list!(@ "i.modified", $where)
    };
    (by hits, $where:literal) => {
        list!(@ "+i.modified", $where)
    };
    (@ $modified:literal, $where:literal) => {
        ScopedSql::new(concat!(
            "SELECT ",
            columns!(),
            " FROM indicator i WHERE {visible:i} AND (i.kind = $1 OR $1 = '') AND (i.class = $2 OR $2 = '')",
            " AND i.score >= $3 AND ",
            $modified,
            " <= $4 AND (i.modified < $4 OR i.id < $5) AND ",
            $where,
            " ORDER BY ",
            $modified,
            " DESC, i.id DESC LIMIT $6"
        ))
    };
}

/// Every state.
pub(crate) const ALL: ScopedSql = list!(by time, "1 = 1");
/// One state, `$7`.
pub(crate) const STATE: ScopedSql = list!(by time, "i.state = $7");
/// Two ranges of search keys `$8` to `$11`, and networks around the key `$12`; `$7` is the state or empty.
pub(crate) const RANGES: ScopedSql = list!(
    by hits,
    "(i.state = $7 OR $7 = '') AND i.id IN (SELECT r.id FROM indicator r WHERE r.search_key >= $8 AND r.search_key < $9 \
     UNION ALL SELECT r.id FROM indicator r WHERE r.search_key >= $10 AND r.search_key < $11 \
     UNION ALL SELECT r.id FROM indicator r WHERE r.search_end >= $12 AND r.search_key <= $12)"
);
/// Words of the name, `$8` as a LIKE pattern; `$7` is the state or empty.
pub(crate) const WORDS: ScopedSql = list!(
    by hits,
    "(i.state = $7 OR $7 = '') AND i.id IN (SELECT w.id FROM indicator w WHERE w.name_key LIKE $8 ESCAPE '!')"
);
/// What waits for a reviewer or an approver: highest score first, then oldest. `$1` to `$3` are the cursor.
pub(crate) const WAITING: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM indicator i WHERE i.waiting = 1 AND {visible:i} AND i.score <= $1 \
     AND (i.score < $1 OR i.created > $2 OR (i.created = $2 AND i.id > $3)) \
     ORDER BY i.score DESC, i.created, i.id LIMIT $4"
));
pub(crate) const GET: ScopedSql =
    ScopedSql::new(concat!("SELECT ", columns!(), " FROM indicator i WHERE i.id = $1 AND {visible:i}"));
pub(crate) const BY_VALUE: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM indicator i WHERE i.value_key = $1 AND {visible:i} ORDER BY i.modified DESC LIMIT 100"
));
/// Indicators of one value for the machinery, the live ones first.
pub(crate) const KNOWN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM indicator i WHERE i.value_key = $1 AND i.realm = $2 AND i.scope = $3 AND (i.live_key IS NOT NULL OR \
     (i.modified >= $4 AND i.state IN ('rejected', 'revoked'))) \
     ORDER BY CASE WHEN i.live_key IS NULL THEN 1 ELSE 0 END, CASE WHEN i.org_id = $5 THEN 0 ELSE 1 END, \
     i.modified DESC LIMIT 10"
);
pub(crate) const DUE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM indicator i WHERE i.ends_at IS NOT NULL AND i.ends_at <= $1 ORDER BY i.ends_at LIMIT $2"
);
pub(crate) const TOTALS: ScopedSql =
    ScopedSql::new("SELECT i.state, COUNT(*) AS n FROM indicator i WHERE {visible:i} GROUP BY i.state");
pub(crate) const HISTORY: ScopedSql = ScopedSql::new(
    "SELECT c.body FROM indicator_change c JOIN indicator i ON i.id = c.indicator_id \
     WHERE c.indicator_id = $1 AND {visible:i} ORDER BY c.version",
);
pub(crate) const VERSIONS: ScopedSql = ScopedSql::new(
    "SELECT v.version, v.modified, v.sha256, v.object FROM indicator_version v \
     JOIN indicator i ON i.id = v.indicator_id WHERE v.indicator_id = $1 AND {visible:i} ORDER BY v.version",
);
pub(crate) const SOURCES: ScopedSql = ScopedSql::new(
    "SELECT s.session_id, s.at FROM indicator_source s JOIN indicator i ON i.id = s.indicator_id \
     WHERE s.indicator_id = $1 AND {visible:i} ORDER BY s.session_id DESC LIMIT 100",
);
pub(crate) const NOTES: ScopedSql = ScopedSql::new(
    "SELECT n.at, n.author, n.text FROM indicator_note n JOIN indicator i ON i.id = n.indicator_id \
     WHERE n.indicator_id = $1 AND {visible:i} ORDER BY n.at, n.id LIMIT 500",
);
/// The present objects of what is in force; `$1` and `$2` are the cursor (modified, id).
pub(crate) const OBJECTS: ScopedSql = ScopedSql::new(
    "SELECT i.id, i.modified, v.object FROM indicator i \
     JOIN indicator_version v ON v.indicator_id = i.id AND v.version = i.object_version \
     WHERE i.state = 'published' AND {visible:i} AND i.modified <= $1 AND (i.modified < $1 OR i.id < $2) \
     ORDER BY i.modified DESC, i.id DESC LIMIT $3",
);
pub(crate) const POLICY: &str = "SELECT class, enabled, min_score, min_sensors, ttl, version FROM intel_policy";
pub(crate) const SET_POLICY: &str = "INSERT INTO intel_policy (class, enabled, min_score, min_sensors, ttl, version) \
     VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (class) DO UPDATE SET enabled = excluded.enabled, \
     min_score = excluded.min_score, min_sensors = excluded.min_sensors, ttl = excluded.ttl, \
     version = intel_policy.version + 1";
pub(crate) const SET_POLICY_FIRST: &str = "INSERT INTO intel_policy (class, enabled, min_score, min_sensors, ttl, \
     version) VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (class) DO NOTHING";
pub(crate) const SET_POLICY_AT: &str = "UPDATE intel_policy SET enabled = $2, min_score = $3, min_sensors = $4, \
     ttl = $5, version = version + 1 WHERE class = $1 AND version = $6";
pub(crate) const INSERT_NOTE: &str =
    "INSERT INTO indicator_note (id, indicator_id, at, author, text) VALUES ($1, $2, $3, $4, $5)";

const INSERT: &str = "INSERT INTO indicator (id, org_id, realm, tlp, scope, kind, value, value_key, search_key, \
     search_end, live_key, name, name_key, description, state, class, score, factors, confidence, origin, author, \
     reviewer, approver, automatic, night, campaign, lasts, valid_from, valid_until, ends_at, created, modified, \
     published_at, reason, sessions_total, sensors_total, object_version, version, waiting) VALUES ($1, $2, $3, $4, $5, $6, \
     $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, \
     $30, $31, $32, $33, $34, $35, $36, $37, $38, $39)";
const UPDATE: &str = "UPDATE indicator SET tlp = $1, live_key = $2, name = $3, name_key = $4, description = $5, \
     state = $6, class = $7, score = $8, factors = $9, confidence = $10, reviewer = $11, approver = $12, \
     automatic = $13, night = $14, campaign = $15, lasts = $16, valid_from = $17, valid_until = $18, ends_at = $19, \
     modified = $20, published_at = $21, reason = $22, sessions_total = $23, sensors_total = $24, \
     object_version = CASE WHEN $25 > 0 THEN $25 ELSE object_version END, version = $26, waiting = $29, \
     author = $30 \
     WHERE id = $27 AND version = $28";
const INSERT_CHANGE: &str = "INSERT INTO indicator_change (indicator_id, version, at, body) VALUES ($1, $2, $3, $4)";
const INSERT_VERSION: &str =
    "INSERT INTO indicator_version (indicator_id, version, modified, sha256, object) VALUES ($1, $2, $3, $4, $5)";
const INSERT_SOURCE: &str = "INSERT INTO indicator_source (indicator_id, session_id, at) VALUES ($1, $2, $3) \
     ON CONFLICT (indicator_id, session_id) DO NOTHING";

/// The key under which an organisation has at most one live indicator.
fn live_key(realm: Realm, org: OrgId, scope: AddressScope, kind: ValueKind, value: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(realm.to_string().as_bytes());
    hash.update([0]);
    hash.update(org.0.as_bytes());
    hash.update(scope.key().as_bytes());
    hash.update([0]);
    hash.update(value::value_key(kind, value));
    hash.finalize().to_vec()
}

/// Whether something may still become of it.
pub(crate) const fn is_live(state: IndicatorState) -> bool {
    use IndicatorState::{Approved, Draft, InReview, Published};
    matches!(state, Draft | InReview | Approved | Published)
}

/// When it ends by itself: what is in force, and what sensors proposed and nobody took.
fn ends_at(row: &Indicator) -> Option<base::Timestamp> {
    let ends = row.state == IndicatorState::Published || (row.origin == Origin::Sensors && is_live(row.state));
    ends.then_some(row.valid_until)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Shape(error.to_string()))
}

/// The text that words of a name are looked up in.
pub(crate) fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// Adds to the unit: the row's new state, each change as a line of history, each rewritten object, new sources.
/// `states` holds the row after each change, in order; `before` is the version it was loaded at.
pub(crate) fn write(
    unit: &mut Unit,
    changes: &[Change],
    states: &[Indicator],
    before: Option<i64>,
) -> Result<(), IntelError> {
    let Some(row) = states.last() else { return Ok(()) };
    let object_version =
        changes.iter().zip(states).filter(|(change, _)| change.what.rewrites()).map(|(_, state)| state.version).max();
    write_row(unit, row, object_version.unwrap_or(0), before)?;
    for (change, state) in changes.iter().zip(states) {
        let line = params![state.id, state.version, change.at, json(change)?];
        unit.push(INSERT_CHANGE, line, Expect::Rows(1));
        if change.what.rewrites() {
            let stored = object::write(state)?;
            let hash = Sha256::digest(&stored.bytes).to_vec();
            let version = params![state.id, state.version, state.modified, hash, stored.bytes];
            unit.push(INSERT_VERSION, version, Expect::Rows(1));
        }
        for session in change.what.sessions() {
            unit.push(INSERT_SOURCE, params![state.id, *session, change.at], Expect::Any);
        }
    }
    Ok(())
}

fn write_row(unit: &mut Unit, row: &Indicator, object: i64, before: Option<i64>) -> Result<(), StoreError> {
    let live = is_live(row.state).then(|| live_key(row.realm, row.org, row.scope, row.kind, &row.value));
    let class = row.class.map_or("", AttackClass::word);
    let factors = json(&row.factors)?;
    let (name_key, state) = (name_key(&row.name), row.state.word());
    let waiting = matches!(row.state, IndicatorState::InReview | IndicatorState::Approved);
    match before {
        None => {
            let key = value::value_key(row.kind, &row.value);
            let search = value::search_key(row.kind, &row.value);
            let end = value::search_end(row.kind, &row.value);
            let values = params![
                row.id,
                row.org,
                row.realm,
                row.tlp,
                row.scope,
                row.kind.word(),
                &row.value,
                key,
                search,
                end,
                live,
                &row.name,
                name_key,
                &row.description,
                state,
                class,
                row.score,
                factors,
                row.confidence,
                row.origin.word(),
                row.author,
                row.reviewer,
                row.approver,
                row.automatic,
                row.night,
                row.campaign,
                row.lasts,
                row.valid_from,
                row.valid_until,
                ends_at(row),
                row.created,
                row.modified,
                row.published_at,
                row.reason.clone(),
                row.sessions_total,
                row.sensors_total,
                object,
                row.version,
                waiting,
            ];
            unit.push(INSERT, values, Expect::Rows(1));
        }
        Some(version) => {
            let values = params![
                row.tlp,
                live,
                &row.name,
                name_key,
                &row.description,
                state,
                class,
                row.score,
                factors,
                row.confidence,
                row.reviewer,
                row.approver,
                row.automatic,
                row.night,
                row.campaign,
                row.lasts,
                row.valid_from,
                row.valid_until,
                ends_at(row),
                row.modified,
                row.published_at,
                row.reason.clone(),
                row.sessions_total,
                row.sensors_total,
                object,
                row.version,
                row.id,
                version,
                waiting,
                row.author,
            ];
            unit.push(UPDATE, values, Expect::Rows(1));
        }
    }
    Ok(())
}

/// An indicator from its row.
pub(crate) fn indicator(row: &Row) -> Result<Indicator, StoreError> {
    let bad = |column: &str, word: &str| StoreError::Shape(format!("indicator {column} {word}"));
    let (kind, state, class, origin): (String, String, String, String) =
        (row.get("kind")?, row.get("state")?, row.get("class")?, row.get("origin")?);
    let factors: String = row.get("factors")?;
    Ok(Indicator {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        scope: row.get("scope")?,
        kind: ValueKind::from_word(&kind).ok_or_else(|| bad("kind", &kind))?,
        value: row.get("value")?,
        name: row.get("name")?,
        description: row.get("description")?,
        state: IndicatorState::from_word(&state).ok_or_else(|| bad("state", &state))?,
        class: AttackClass::from_word(&class),
        score: row.get("score")?,
        factors: serde_json::from_str(&factors).map_err(|error| bad("factors", &error.to_string()))?,
        confidence: row.get("confidence")?,
        origin: Origin::from_word(&origin).ok_or_else(|| bad("origin", &origin))?,
        author: row.get("author")?,
        reviewer: row.get("reviewer")?,
        approver: row.get("approver")?,
        automatic: row.get("automatic")?,
        night: row.get("night")?,
        campaign: row.get("campaign")?,
        lasts: row.get("lasts")?,
        valid_from: row.get("valid_from")?,
        valid_until: row.get("valid_until")?,
        created: row.get("created")?,
        modified: row.get("modified")?,
        published_at: row.get("published_at")?,
        reason: row.get("reason")?,
        sessions_total: row.get("sessions_total")?,
        sensors_total: row.get("sensors_total")?,
        version: row.get("version")?,
    })
}

/// A line of history.
pub(crate) fn change(row: &Row) -> Result<Change, StoreError> {
    let body: String = row.get("body")?;
    serde_json::from_str(&body).map_err(|error| StoreError::Shape(format!("indicator change: {error}")))
}

/// A version of the object.
pub(crate) fn version(row: &Row) -> Result<ObjectVersion, StoreError> {
    Ok(ObjectVersion {
        version: row.get("version")?,
        modified: row.get("modified")?,
        sha256: hex::encode(row.get::<Vec<u8>>("sha256")?),
        bytes: row.get("object")?,
    })
}

/// A session that proves it.
pub(crate) fn source(row: &Row) -> Result<Source, StoreError> {
    Ok(Source { session: row.get("session_id")?, at: row.get("at")? })
}

/// A note.
pub(crate) fn note(row: &Row) -> Result<Note, StoreError> {
    Ok(Note { at: row.get("at")?, by: row.get("author")?, text: row.get("text")? })
}
