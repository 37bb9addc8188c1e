//! Rows of directives.

use base::{AddrSpec, AddressScope, DirectiveId, IndicatorId, Realm, Timestamp};
use store::{Clearance, Db, Expect, Row, ScopedSql, StoreError, SystemKey, Unit, params};

use crate::desired::Live;
use crate::model::{Audience, Directive, DirectiveState, EndReason, Impact};
use crate::repo::{BATCH, range, shape, sixteen, sixteen_params};
use crate::wire::Intent;

const KEY: SystemKey = SystemKey::of("edge");

macro_rules! columns {
    () => {
        "d.id, d.org_id, d.realm, d.tlp, d.scope, d.value, d.intent, d.impact, d.state, d.author, d.approver, \
         d.indicator, d.provenance, d.reason, d.verdicts, d.issued, d.expires, d.ended, d.end_reason, d.version"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM edge_directive d WHERE d.id = $1");
const SEEN: ScopedSql =
    ScopedSql::new(concat!("SELECT ", columns!(), " FROM edge_directive d WHERE d.id = $1 AND {visible:d}"));
const BY_INDICATOR: &str =
    concat!("SELECT ", columns!(), " FROM edge_directive d WHERE d.indicator = $1 ORDER BY d.id DESC LIMIT 1000");
const SEEN_BY_INDICATOR: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM edge_directive d WHERE d.indicator = $1 AND {visible:d} ORDER BY d.id DESC LIMIT 100"
));
const DUE: &str = concat!("SELECT ", columns!(), " FROM edge_directive d WHERE d.due <= $1 ORDER BY d.due LIMIT $2");
const LIST: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM edge_directive d WHERE d.realm = $1 AND d.state = $2 AND d.id < $3 AND {visible:d} \
     ORDER BY d.id DESC LIMIT $4"
));
const LIST_VALUE: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM edge_directive d WHERE d.realm = $1 AND d.value = $2 AND d.id < $3 AND {visible:d} \
     ORDER BY d.id DESC LIMIT $4"
));
/// Active denials inside the range, then those around it.
const INSIDE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM edge_directive d WHERE d.realm = $1 AND d.live = 1 AND d.intent = 'deny' \
     AND d.host = $4 AND d.lo >= $2 AND d.lo <= $3"
);
const AROUND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM edge_directive d WHERE d.realm = $1 AND d.live = 1 AND d.intent = 'deny' \
     AND d.host = 0 AND d.lo <= $2 AND d.hi >= $3"
);
const LIVE_AT: &str = sixteen!(
    "SELECT d.id, d.value, d.intent, d.audience, d.expires, d.org_id, d.tlp, d.scope FROM edge_directive d \
     WHERE d.realm = $1 AND d.value = ",
    " AND d.live = 1"
);
const ALLOWS: &str = "SELECT d.id, d.value, d.intent, d.audience, d.expires, d.org_id, d.tlp, d.scope FROM edge_directive d \
     WHERE d.realm = $1 AND d.live = 1 AND d.intent = 'allow' AND d.lo <= $3 AND d.hi >= $2";
const LIVE: &str = "SELECT d.id, d.value, d.intent, d.audience, d.expires, d.org_id, d.tlp, d.scope FROM edge_directive d \
     WHERE d.realm = $1 AND d.live = 1";

const INSERT: &str = "INSERT INTO edge_directive (id, org_id, realm, tlp, scope, audience, value, lo, hi, host, \
     intent, impact, state, author, approver, indicator, provenance, reason, verdicts, issued, expires, ended, \
     end_reason, version, live, due) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
     $19, $20, $21, $22, $23, $24, $25, $26)";
const UPDATE: &str = "UPDATE edge_directive SET state = $3, approver = $4, expires = $5, ended = $6, end_reason = $7, \
     version = $8, live = $9, due = $10 WHERE id = $1 AND version = $2";

/// The row of a directive.
pub(crate) fn read(row: &Row) -> Result<Directive, StoreError> {
    let text = |column: &str| row.get::<String>(column);
    Ok(Directive {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        scope: row.get::<AddressScope>("scope")?,
        key: text("value")?.parse().map_err(|_| shape("value of a directive"))?,
        intent: Intent::from_word(&text("intent")?).ok_or_else(|| shape("intent"))?,
        impact: Impact::from_word(&text("impact")?).ok_or_else(|| shape("impact"))?,
        state: DirectiveState::from_word(&text("state")?).ok_or_else(|| shape("state of a directive"))?,
        author: row.get("author")?,
        approver: row.get("approver")?,
        indicator: row.get("indicator")?,
        provenance: serde_json::from_str(&text("provenance")?).map_err(|_| shape("provenance"))?,
        reason: text("reason")?,
        verdicts: serde_json::from_str(&text("verdicts")?).map_err(|_| shape("verdicts"))?,
        issued: row.get("issued")?,
        expires: row.get("expires")?,
        ended: row.get("ended")?,
        end_reason: match row.get::<Option<String>>("end_reason")? {
            Some(word) => Some(EndReason::from_word(&word).ok_or_else(|| shape("end reason"))?),
            None => None,
        },
        version: row.get("version")?,
    })
}

fn live(row: &Row) -> Result<Live, StoreError> {
    Ok(Live {
        id: row.get("id")?,
        key: row.get::<String>("value")?.parse().map_err(|_| shape("value of a directive"))?,
        intent: Intent::from_word(&row.get::<String>("intent")?).ok_or_else(|| shape("intent"))?,
        audience: Audience::from_key(&row.get::<String>("audience")?).ok_or_else(|| shape("audience"))?,
        expires: row.get("expires")?,
        org: row.get("org_id")?,
        tlp: row.get("tlp")?,
        scope: row.get("scope")?,
    })
}

/// Writes a new directive, or the changes of one whose row still has `version`.
pub(crate) fn write(unit: &mut Unit, before: Option<u64>, directive: &Directive) -> Result<(), StoreError> {
    let d = directive;
    let due = (d.state != DirectiveState::Ended).then_some(d.expires);
    if let Some(version) = before {
        let changes = params![
            d.id,
            version,
            d.state.word(),
            d.approver,
            d.expires,
            d.ended,
            d.end_reason.map(EndReason::word),
            d.version,
            d.is_active(),
            due
        ];
        unit.push(UPDATE, changes, Expect::Rows(1));
        return Ok(());
    }
    let audience = d.audience().ok_or_else(|| shape("a directive without audience"))?;
    let (lo, hi) = range(d.key);
    let row = params![
        d.id,
        d.org,
        d.realm,
        d.tlp,
        d.scope,
        audience.key(),
        d.key.to_string(),
        lo,
        hi,
        d.key.is_host(),
        d.intent.word(),
        d.impact.word(),
        d.state.word(),
        d.author,
        d.approver,
        d.indicator,
        d.provenance.to_string(),
        &d.reason,
        serde_json::to_string(&d.verdicts).map_err(|_| shape("verdicts"))?,
        d.issued,
        d.expires,
        d.ended,
        d.end_reason.map(EndReason::word),
        d.version,
        d.is_active(),
        due
    ];
    unit.push(INSERT, row, Expect::Rows(1));
    Ok(())
}

pub(crate) async fn by_id(db: &Db, id: DirectiveId) -> Result<Option<Directive>, StoreError> {
    db.system_read(KEY, BY_ID, params![id]).await?.first().map(read).transpose()
}

pub(crate) async fn seen(db: &Db, who: &Clearance, id: DirectiveId) -> Result<Option<Directive>, StoreError> {
    db.read(SEEN, who, params![id]).await?.first().map(read).transpose()
}

pub(crate) async fn by_indicator(db: &Db, id: IndicatorId) -> Result<Vec<Directive>, StoreError> {
    db.system_read(KEY, BY_INDICATOR, params![id]).await?.iter().map(read).collect()
}

pub(crate) async fn seen_by_indicator(db: &Db, who: &Clearance, id: IndicatorId) -> Result<Vec<Directive>, StoreError> {
    db.read(SEEN_BY_INDICATOR, who, params![id]).await?.iter().map(read).collect()
}

/// Directives that have not ended and whose time ran out.
pub(crate) async fn due(db: &Db, now: Timestamp, most: usize) -> Result<Vec<Directive>, StoreError> {
    db.system_read(KEY, DUE, params![now, most]).await?.iter().map(read).collect()
}

/// One page of the directives of a state, newest first.
pub(crate) async fn list(
    db: &Db,
    who: &Clearance,
    state: DirectiveState,
    before: DirectiveId,
    limit: usize,
) -> Result<Vec<Directive>, StoreError> {
    db.read(LIST, who, params![who.realm(), state.word(), before, limit]).await?.iter().map(read).collect()
}

/// One page of the directives with this key, newest first.
pub(crate) async fn list_value(
    db: &Db,
    who: &Clearance,
    key: AddrSpec,
    before: DirectiveId,
    limit: usize,
) -> Result<Vec<Directive>, StoreError> {
    db.read(LIST_VALUE, who, params![who.realm(), key.to_string(), before, limit]).await?.iter().map(read).collect()
}

/// Active denials that share an address with `key`.
pub(crate) async fn denials_over(db: &Db, realm: Realm, key: AddrSpec) -> Result<Vec<Directive>, StoreError> {
    let (lo, hi) = range(key);
    let mut found = Vec::new();
    for host in [true, false] {
        let inside = params![realm, lo.clone(), hi.clone(), host];
        found.extend(db.system_read(KEY, INSIDE, inside).await?.iter().map(read).collect::<Result<Vec<_>, _>>()?);
    }
    for row in db.system_read(KEY, AROUND, params![realm, lo, hi]).await? {
        let around = read(&row)?;
        // A network that begins where the range begins was found already.
        if found.iter().all(|known| known.id != around.id) {
            found.push(around);
        }
    }
    Ok(found)
}

/// Active directives with exactly one of these keys.
pub(crate) async fn live_at(db: &Db, realm: Realm, keys: &[AddrSpec]) -> Result<Vec<Live>, StoreError> {
    let mut found = Vec::new();
    for batch in keys.chunks(BATCH) {
        let rows = db.system_read(KEY, LIVE_AT, sixteen_params(realm, batch)).await?;
        found.extend(rows.iter().map(live).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}

/// Active allowing directives that share an address with the span from `lo` to `hi`.
pub(crate) async fn allows_in(db: &Db, realm: Realm, lo: Vec<u8>, hi: Vec<u8>) -> Result<Vec<Live>, StoreError> {
    db.system_read(KEY, ALLOWS, params![realm, lo, hi]).await?.iter().map(live).collect()
}

/// Every active directive of a realm.
pub(crate) async fn all_live(db: &Db, realm: Realm) -> Result<Vec<Live>, StoreError> {
    db.system_read(KEY, LIVE, params![realm]).await?.iter().map(live).collect()
}
