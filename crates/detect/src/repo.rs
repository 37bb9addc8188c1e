//! Rows of this room: statements, and the way between rows and values.

use base::{OrgId, Realm};
use sha2::{Digest as _, Sha256};
use store::{Row, ScopedSql, StoreError, Unit, Value, params};

use crate::model::{Finding, FindingOutcome, FindingState, Silence, SilenceScope, Subject};

macro_rules! columns {
    () => {
        "f.id, f.org_id, f.realm, f.tlp, f.scope, f.rule, f.severity, f.subject_kind, f.subject, f.params, f.why, \
         f.fired, f.first_at, f.last_at, f.state, f.owner, f.outcome, f.reason, f.silence_id, f.campaign, f.trail, \
         f.version"
    };
}

/// One list in four statements, by whether organisation and rule are given: the engines use an index for a plain
/// equality, never for one that may be switched off. (`1 = 1 OR` keeps an unused parameter and its type.) `$1` least severity, `$2` the owner unless `$3` says any, `$4` to
/// `$6` the cursor, `$7` the limit, then `$8` organisation, `$9` rule, and what the list itself asks for.
macro_rules! lists {
    ($(#[$doc:meta])* $name:ident, $where:literal, $after:literal, $order:literal) => {
        $(#[$doc])*
        pub(crate) const $name: Lists = Lists {
            all: lists!(@ "(1 = 1 OR f.org_id = $8 OR f.rule = $9)", $where, $after, $order),
            org: lists!(@ "f.org_id = $8 AND (1 = 1 OR f.rule = $9)", $where, $after, $order),
            rule: lists!(@ "(1 = 1 OR f.org_id = $8) AND f.rule = $9", $where, $after, $order),
            both: lists!(@ "f.org_id = $8 AND f.rule = $9", $where, $after, $order),
        };
    };
    (@ $scope:literal, $where:literal, $after:literal, $order:literal) => {
        ScopedSql::new(concat!(
            "SELECT ",
            columns!(),
            " FROM finding f WHERE {visible:f} AND f.severity >= $1 AND (f.owner = $2 OR $3 = 1) AND ",
            $scope,
            " AND ",
            $where,
            " AND ",
            $after,
            " ORDER BY ",
            $order,
            " LIMIT $7"
        ))
    };
}

/// The statements of one list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lists {
    all: ScopedSql,
    org: ScopedSql,
    rule: ScopedSql,
    both: ScopedSql,
}

impl Lists {
    /// The statement for what is given.
    pub(crate) const fn pick(self, org: bool, rule: bool) -> ScopedSql {
        match (org, rule) {
            (false, false) => self.all,
            (true, false) => self.org,
            (false, true) => self.rule,
            (true, true) => self.both,
        }
    }
}

lists!(
    /// What waits: most severe first, then oldest. The cursor is (severity, first_at, id).
    OPEN,
    "f.open = 1",
    "f.severity <= $4 AND (f.severity < $4 OR f.first_at > $5 OR (f.first_at = $5 AND f.id > $6))",
    "f.severity DESC, f.first_at, f.id"
);
lists!(
    /// Everything, newest first. The cursor is (4, last_at, id).
    ALL,
    "f.severity <= $4",
    "f.last_at <= $5 AND (f.last_at < $5 OR f.id < $6)",
    "f.last_at DESC, f.id DESC"
);
lists!(
    /// One state, newest first; `$10` is the state.
    STATE,
    "f.state = $10 AND f.severity <= $4",
    "f.last_at <= $5 AND (f.last_at < $5 OR f.id < $6)",
    "f.last_at DESC, f.id DESC"
);
lists!(
    /// One subject value, newest first; `$10` to `$15` are its keys as each kind.
    SUBJECT,
    "f.subject_key IN ($10, $11, $12, $13, $14, $15) AND f.severity <= $4",
    "f.last_at <= $5 AND (f.last_at < $5 OR f.id < $6)",
    "f.last_at DESC, f.id DESC"
);
pub(crate) const GET: ScopedSql =
    ScopedSql::new(concat!("SELECT ", columns!(), " FROM finding f WHERE f.id = $1 AND {visible:f}"));
pub(crate) const LIVE: &str = concat!("SELECT ", columns!(), " FROM finding f WHERE f.live_key = $1");
pub(crate) const GROUPS: ScopedSql = ScopedSql::new(
    "SELECT f.rule, f.org_id, COUNT(*) AS open, SUM(CASE WHEN f.state = 'new' THEN 1 ELSE 0 END) AS fresh, \
     MAX(f.severity) AS severity, MIN(f.first_at) AS oldest, MAX(f.last_at) AS latest \
     FROM finding f WHERE f.open = 1 AND {visible:f} GROUP BY f.rule, f.org_id \
     ORDER BY MAX(f.severity) DESC, MIN(f.first_at), f.rule, f.org_id LIMIT $1",
);
pub(crate) const PAST: ScopedSql = ScopedSql::new(
    "SELECT f.outcome, COUNT(*) AS times, MAX(f.last_at) AS last_at FROM finding f \
     WHERE f.subject_key = $1 AND f.state = 'resolved' AND f.id <> $2 AND {visible:f} \
     GROUP BY f.outcome ORDER BY MAX(f.last_at) DESC, f.outcome",
);
pub(crate) const PREVIEW: ScopedSql = ScopedSql::new(
    "SELECT COUNT(*) AS findings, CAST(COALESCE(SUM(f.fired), 0) AS BIGINT) AS firings, \
     COALESCE(SUM(CASE WHEN f.state = 'new' THEN 1 ELSE 0 END), 0) AS open FROM finding f \
     WHERE f.org_id = $1 AND f.rule = $2 AND (f.subject_key = $3 OR $4 = 1) AND f.last_at >= $5 AND {visible:f}",
);
/// Which findings those are, newest first; the scope is `$1` to `$5`, the limit `$6`.
pub(crate) const PREVIEW_ROWS: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM finding f WHERE f.org_id = $1 AND f.rule = $2 AND (f.subject_key = $3 OR $4 = 1) AND f.last_at >= $5 AND \
     {visible:f} ORDER BY f.last_at DESC, f.id DESC LIMIT $6"
));
/// How many findings each silence hides now.
pub(crate) const HIDDEN: ScopedSql = ScopedSql::new(
    "SELECT f.silence_id, COUNT(*) AS hidden FROM finding f \
     WHERE f.silence_id IS NOT NULL AND f.state = 'silenced' AND {visible:f} GROUP BY f.silence_id",
);
pub(crate) const SILENCES: ScopedSql = ScopedSql::new(
    "SELECT s.id, s.org_id, s.realm, s.tlp, s.rule, s.subject_kind, s.subject, s.reason, s.author, s.from_at, \
     s.until_at, s.ended_at, s.version FROM silence s \
     WHERE s.until_at > $1 AND s.ended_at IS NULL AND {visible:s} ORDER BY s.until_at, s.id LIMIT 500",
);
pub(crate) const SILENCE: ScopedSql = ScopedSql::new(
    "SELECT s.id, s.org_id, s.realm, s.tlp, s.rule, s.subject_kind, s.subject, s.reason, s.author, s.from_at, \
     s.until_at, s.ended_at, s.version FROM silence s WHERE s.id = $1 AND {visible:s}",
);
/// The silence that covers a firing; the most special first.
pub(crate) const COVERING: &str = "SELECT id FROM silence WHERE org_id = $1 AND rule = $2 AND until_at > $3 \
     AND realm = $4 AND ended_at IS NULL AND (subject_key IS NULL OR subject_key = $5) \
     ORDER BY CASE WHEN subject_key IS NULL THEN 1 ELSE 0 END, until_at DESC LIMIT 1";

const INSERT: &str = "INSERT INTO finding (id, org_id, realm, tlp, scope, rule, severity, subject_kind, subject, \
     subject_key, params, why, fired, first_at, last_at, state, open, owner, outcome, reason, silence_id, campaign, \
     trail, live_key, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
     $18, $19, $20, $21, $22, $23, $24, $25)";
const UPDATE: &str = "UPDATE finding SET tlp = $1, severity = $2, params = $3, why = $4, fired = $5, first_at = $6, \
     last_at = $7, state = $8, open = $9, owner = $10, outcome = $11, reason = $12, silence_id = $13, campaign = $14, \
     trail = $15, live_key = $16, version = $17 WHERE id = $18 AND version = $19";
const INSERT_SILENCE: &str = "INSERT INTO silence (id, org_id, realm, tlp, rule, subject_kind, subject, subject_key, \
     reason, author, from_at, until_at, ended_at, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
/// What nobody works on is hidden; what somebody took stays.
const HIDE: &str = "UPDATE finding SET state = 'silenced', open = 0, silence_id = $1, version = version + 1 \
     WHERE org_id = $2 AND rule = $3 AND realm = $4 AND state = 'new' AND (subject_key = $5 OR $6 = 1)";
const END: &str = "UPDATE silence SET ended_at = $1, version = version + 1 WHERE id = $2 AND version = $3";
const SHOW: &str = "UPDATE finding SET state = 'new', open = 1, silence_id = NULL, version = version + 1 \
     WHERE silence_id = $1 AND state = 'silenced'";

/// The key of a subject: fixed size whatever its length.
pub(crate) fn subject_key(subject: &Subject) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(subject.kind.as_bytes());
    hash.update([0]);
    hash.update(subject.value.as_bytes());
    hash.finalize().to_vec()
}

/// The key under which at most one live finding exists.
pub(crate) fn live_key(realm: Realm, org: OrgId, rule: &str, subject: &Subject) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(realm.to_string().as_bytes());
    hash.update([0]);
    hash.update(org.0.as_bytes());
    hash.update(rule.as_bytes());
    hash.update([0]);
    hash.update(subject_key(subject));
    hash.finalize().to_vec()
}

fn live(finding: &Finding) -> Option<Vec<u8>> {
    (finding.state != FindingState::Resolved)
        .then(|| live_key(finding.realm, finding.org, &finding.rule, &finding.subject))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Shape(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|error| StoreError::Shape(format!("{column}: {error}")))
}

/// Adds the row's new state to the unit; `before` is the version it was loaded at.
pub(crate) fn write(unit: &mut Unit, row: &Finding, before: Option<i64>) -> Result<(), StoreError> {
    let expect = store::Expect::Rows(1);
    let outcome = row.outcome.map(FindingOutcome::word);
    let (params, why, trail) = (json(&row.params)?, json(&row.why)?, json(&row.trail)?);
    let (state, open) = (row.state.word(), row.state.is_open());
    match before {
        None => unit.push(
            INSERT,
            params![
                row.id,
                row.org,
                row.realm,
                row.tlp,
                row.scope,
                &row.rule,
                row.severity,
                &row.subject.kind,
                &row.subject.value,
                subject_key(&row.subject),
                params,
                why,
                row.count,
                row.first_at,
                row.last_at,
                state,
                open,
                row.owner,
                outcome,
                row.reason.clone(),
                row.silence,
                row.campaign,
                trail,
                live(row),
                row.version,
            ],
            expect,
        ),
        Some(version) => unit.push(
            UPDATE,
            params![
                row.tlp,
                row.severity,
                params,
                why,
                row.count,
                row.first_at,
                row.last_at,
                state,
                open,
                row.owner,
                outcome,
                row.reason.clone(),
                row.silence,
                row.campaign,
                trail,
                live(row),
                row.version,
                row.id,
                version,
            ],
            expect,
        ),
    }
    Ok(())
}

/// Adds a silence, and hides what it covers now.
pub(crate) fn write_silence(unit: Unit, silence: &Silence) -> Unit {
    let SilenceScope { org, rule, subject } = &silence.scope;
    let key = subject.as_ref().map(subject_key);
    unit.exec_one(
        INSERT_SILENCE,
        params![
            silence.id,
            *org,
            silence.realm,
            silence.tlp,
            rule,
            subject.as_ref().map(|s| s.kind.clone()),
            subject.as_ref().map(|s| s.value.clone()),
            key.clone(),
            &silence.reason,
            silence.by,
            silence.from,
            silence.until,
            silence.ended_at,
            silence.version,
        ],
    )
    .exec(HIDE, params![silence.id, *org, rule, silence.realm, key.clone().unwrap_or_default(), key.is_none()])
}

/// Ends a silence, and brings back what it hid.
pub(crate) fn end_silence(unit: Unit, silence: &Silence, now: base::Timestamp) -> Unit {
    unit.exec_one(END, params![now, silence.id, silence.version]).exec(SHOW, params![silence.id])
}

/// A finding from its row.
pub(crate) fn finding(row: &Row) -> Result<Finding, StoreError> {
    let word: String = row.get("state")?;
    let state = FindingState::from_word(&word).ok_or_else(|| StoreError::Shape(format!("finding state {word}")))?;
    Ok(Finding {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        scope: row.get("scope")?,
        rule: row.get("rule")?,
        severity: row.get("severity")?,
        subject: Subject { kind: row.get("subject_kind")?, value: row.get("subject")? },
        params: parsed(row, "params")?,
        why: parsed(row, "why")?,
        count: row.get("fired")?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
        state,
        owner: row.get("owner")?,
        outcome: outcome(row)?,
        reason: row.get("reason")?,
        silence: row.get("silence_id")?,
        campaign: row.get("campaign")?,
        trail: parsed(row, "trail")?,
        version: row.get("version")?,
    })
}

/// The outcome in a row's column `outcome`.
pub(crate) fn outcome(row: &Row) -> Result<Option<FindingOutcome>, StoreError> {
    let word: Option<String> = row.get("outcome")?;
    word.map(|word| {
        FindingOutcome::from_word(&word).ok_or_else(|| StoreError::Shape(format!("finding outcome {word}")))
    })
    .transpose()
}

/// A silence from its row.
pub(crate) fn silence(row: &Row) -> Result<Silence, StoreError> {
    let kind: Option<String> = row.get("subject_kind")?;
    let value: Option<String> = row.get("subject")?;
    Ok(Silence {
        id: row.get("id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        scope: SilenceScope {
            org: row.get("org_id")?,
            rule: row.get("rule")?,
            subject: kind.zip(value).map(|(kind, value)| Subject { kind, value }),
        },
        reason: row.get("reason")?,
        by: row.get("author")?,
        from: row.get("from_at")?,
        until: row.get("until_at")?,
        ended_at: row.get("ended_at")?,
        version: row.get("version")?,
    })
}

/// A missing optional id as a parameter that equals no stored one.
pub(crate) fn or_nil<I: Into<Value>>(id: Option<I>) -> Value {
    id.map_or(Value::Uuid(uuid::Uuid::nil()), Into::into)
}
