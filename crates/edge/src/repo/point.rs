//! Rows of points and receipts.

use base::{EventId, PointId, Realm, Timestamp};
use store::{Clearance, Db, Expect, Row, ScopedSql, StoreError, SystemKey, Unit, params};

use crate::model::{Applied, Driver, Point, PointState, Standing};
use crate::repo::shape;
use crate::wire::{EdgeHeartbeat, Receipt};

const KEY: SystemKey = SystemKey::of("edge");

macro_rules! columns {
    () => {
        "p.id, p.org_id, p.realm, p.tlp, p.name, p.driver, p.state, p.serial, p.cert_expires, p.enrolled_at, p.kill, \
         p.cert_more, p.thaw_until, p.revision, p.version, p.last, p.seen_at, p.clock_offset, p.heartbeat"
    };
}

const BY_ID: &str = concat!("SELECT ", columns!(), " FROM edge_point p WHERE p.id = $1");
const SEEN: ScopedSql =
    ScopedSql::new(concat!("SELECT ", columns!(), " FROM edge_point p WHERE p.id = $1 AND {visible:p}"));
const LIST: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM edge_point p WHERE p.realm = $1 AND p.id > $2 AND {visible:p} ORDER BY p.id LIMIT $3"
));
const INSERT: &str = "INSERT INTO edge_point (id, org_id, realm, tlp, name, driver, state, serial, cert_expires, \
     enrolled_at, kill, thaw_until, revision, version, applied_seq) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0)";
const UPDATE: &str = "UPDATE edge_point SET state = $3, serial = $4, cert_expires = $5, kill = $6, thaw_until = $7, \
     revision = $8, version = $9, applied_seq = $10, standing = $11, last = $12, cert_more = $13 WHERE id = $1 AND version = $2";
const NEXT_NUMBER: &str = "SELECT p.next_number FROM edge_point p WHERE p.id = $1";
const RESERVE: &str = "UPDATE edge_point SET next_number = $3 WHERE id = $1 AND next_number = $2";
const SIGN_OF_LIFE: &str = "UPDATE edge_point SET seen_at = $2 WHERE id = $1";
const HEARTBEAT: &str = "UPDATE edge_point SET seen_at = $2, clock_offset = $3, heartbeat = $4 WHERE id = $1";
const PUT_RECEIPT: &str = "INSERT INTO edge_receipt (id, point, org_id, realm, tlp, at, seq, generation, standing, \
     body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const RECEIPTS: ScopedSql = ScopedSql::new(
    "SELECT r.id, r.at, r.standing, r.body FROM edge_receipt r \
     WHERE r.point = $1 AND r.id < $2 AND {visible:r} ORDER BY r.id DESC LIMIT $3",
);
/// The first receipt that covers a number and comes after the last one that said the opposite.
const FIRST_SINCE: &str = "SELECT r.id, r.at, r.standing, r.body FROM edge_receipt r \
     WHERE r.point = $1 AND r.seq >= $2 AND r.at > (SELECT COALESCE(MAX(b.at), 0) FROM edge_receipt b \
     WHERE b.point = $1 AND b.seq >= $2 AND b.standing IN ('killed', 'differs', 'drifted')) \
     ORDER BY r.at, r.id LIMIT 1";
const CAP: &str = "DELETE FROM edge_receipt WHERE point = $1 AND id < \
     (SELECT o.id FROM edge_receipt o WHERE o.point = $1 ORDER BY o.id DESC LIMIT 1 OFFSET 999)";
const OLDEST: &str = "SELECT MIN(r.seq) AS seq FROM edge_receipt r WHERE r.point = $1";
const FORGET: &str = "DELETE FROM edge_receipt WHERE at < $1";

/// A point with what is known beside its decisions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointRow {
    /// The point.
    pub point: Point,
    /// When it was last heard, by the centre's clock.
    pub seen_at: Option<Timestamp>,
    /// Its clock minus the centre's, in microseconds.
    pub clock_offset_us: Option<i64>,
    /// Its last heartbeat.
    pub heartbeat: Option<EdgeHeartbeat>,
}

/// A stored receipt.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredReceipt {
    /// Its id, sortable by time.
    pub id: EventId,
    /// When it arrived.
    pub at: Timestamp,
    /// What it meant.
    pub standing: Standing,
    /// What the point said.
    pub receipt: Receipt,
}

fn read(row: &Row) -> Result<PointRow, StoreError> {
    let text = |column: &str| row.get::<String>(column);
    let point = Point {
        id: row.get("id")?,
        org: row.get("org_id")?,
        realm: row.get("realm")?,
        tlp: row.get("tlp")?,
        name: text("name")?,
        driver: Driver::from_word(&text("driver")?).ok_or_else(|| shape("driver"))?,
        state: PointState::from_word(&text("state")?).ok_or_else(|| shape("state of a point"))?,
        serial: text("serial")?,
        cert_expires: row.get("cert_expires")?,
        more: json(row, "cert_more")?.unwrap_or_default(),
        enrolled_at: row.get("enrolled_at")?,
        kill: row.get("kill")?,
        thaw_until: row.get("thaw_until")?,
        revision: row.get("revision")?,
        last: json(row, "last")?,
        version: row.get("version")?,
    };
    Ok(PointRow {
        point,
        seen_at: row.get("seen_at")?,
        clock_offset_us: row.get("clock_offset")?,
        heartbeat: json(row, "heartbeat")?,
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| shape(column))).transpose()
}

/// Writes a new point, or the changes of one whose row still has `version`.
pub(crate) fn write(unit: &mut Unit, before: Option<u64>, point: &Point) -> Result<(), StoreError> {
    let p = point;
    if let Some(version) = before {
        let last = p.last.as_ref().map(serde_json::to_string).transpose().map_err(|_| shape("last"))?;
        let more = serde_json::to_string(&p.more).map_err(|_| shape("cert_more"))?;
        let changes = params![
            p.id,
            version,
            p.state.word(),
            &p.serial,
            p.cert_expires,
            p.kill,
            p.thaw_until,
            p.revision,
            p.version,
            p.last.as_ref().map_or(0, |last| last.receipt.sequence),
            p.last.as_ref().map(|last| last.standing.word()),
            last,
            more
        ];
        unit.push(UPDATE, changes, Expect::Rows(1));
        return Ok(());
    }
    let row = params![
        p.id,
        p.org,
        p.realm,
        p.tlp,
        &p.name,
        p.driver.word(),
        p.state.word(),
        &p.serial,
        p.cert_expires,
        p.enrolled_at,
        p.kill,
        p.thaw_until,
        p.revision,
        p.version
    ];
    unit.push(INSERT, row, Expect::Rows(1));
    Ok(())
}

/// Keeps a receipt in the point's history, which holds the newest thousand.
pub(crate) fn keep_receipt(unit: &mut Unit, id: EventId, point: &Point, applied: &Applied) -> Result<(), StoreError> {
    let receipt = &applied.receipt;
    let body = serde_json::to_string(receipt).map_err(|_| shape("receipt"))?;
    let row = params![
        id,
        point.id,
        point.org,
        point.realm,
        point.tlp,
        applied.at,
        receipt.sequence,
        receipt.generation,
        applied.standing.word(),
        body
    ];
    unit.push(PUT_RECEIPT, row, Expect::Rows(1));
    unit.push(CAP, params![point.id], Expect::Any);
    Ok(())
}

/// Notes that the point was heard.
pub(crate) fn heard(unit: &mut Unit, id: PointId, at: Timestamp) {
    unit.push(SIGN_OF_LIFE, params![id, at], Expect::Any);
}

/// The first number of a word to a point that was not reserved yet; none without such a point.
pub(crate) async fn next_number(db: &Db, id: PointId) -> Result<Option<u64>, StoreError> {
    let rows = db.system_read(KEY, NEXT_NUMBER, params![id]).await?;
    rows.first().map(|row| row.get("next_number")).transpose()
}

/// Reserves the numbers up to `next`, if nobody reserved any since `kept` was read.
pub(crate) fn reserve_numbers(unit: &mut Unit, id: PointId, kept: u64, next: u64) {
    unit.push(RESERVE, params![id, kept, next], Expect::Rows(1));
}

/// Keeps a heartbeat.
pub(crate) fn keep_heartbeat(unit: &mut Unit, heartbeat: &EdgeHeartbeat, now: Timestamp) -> Result<(), StoreError> {
    let body = serde_json::to_string(heartbeat).map_err(|_| shape("heartbeat"))?;
    unit.push(HEARTBEAT, params![heartbeat.point, now, heartbeat.at.since(now), body], Expect::Rows(1));
    Ok(())
}

/// Deletes receipts older than `before`.
pub(crate) fn forget_receipts(unit: &mut Unit, before: Timestamp) {
    unit.push(FORGET, params![before], Expect::Any);
}

pub(crate) async fn by_id(db: &Db, id: PointId) -> Result<Option<PointRow>, StoreError> {
    db.system_read(KEY, BY_ID, params![id]).await?.first().map(read).transpose()
}

pub(crate) async fn seen(db: &Db, who: &Clearance, id: PointId) -> Result<Option<PointRow>, StoreError> {
    db.read(SEEN, who, params![id]).await?.first().map(read).transpose()
}

/// One page of points, oldest first.
pub(crate) async fn list(
    db: &Db,
    who: &Clearance,
    realm: Realm,
    after: PointId,
    limit: usize,
) -> Result<Vec<PointRow>, StoreError> {
    db.read(LIST, who, params![realm, after, limit]).await?.iter().map(read).collect()
}

/// One page of a point's receipts, newest first.
pub(crate) async fn receipts(
    db: &Db,
    who: &Clearance,
    point: PointId,
    before: EventId,
    limit: usize,
) -> Result<Vec<StoredReceipt>, StoreError> {
    let rows = db.read(RECEIPTS, who, params![point, before, limit]).await?;
    rows.iter().map(stored).collect()
}

/// The first receipt kept since which a sequence number has been in force without a break.
pub(crate) async fn first_since(db: &Db, point: PointId, seq: u64) -> Result<Option<StoredReceipt>, StoreError> {
    let rows = db.system_read(KEY, FIRST_SINCE, params![point, seq]).await?;
    rows.first().map(stored).transpose()
}

/// The smallest sequence number among the receipts kept.
pub(crate) async fn oldest_kept(db: &Db, point: PointId) -> Result<Option<u64>, StoreError> {
    let rows = db.system_read(KEY, OLDEST, params![point]).await?;
    Ok(rows.first().map(|row| row.get::<Option<u64>>("seq")).transpose()?.flatten())
}

fn stored(row: &Row) -> Result<StoredReceipt, StoreError> {
    Ok(StoredReceipt {
        id: row.get("id")?,
        at: row.get("at")?,
        standing: Standing::from_word(&row.get::<String>("standing")?).ok_or_else(|| shape("standing"))?,
        receipt: serde_json::from_str(&row.get::<String>("body")?).map_err(|_| shape("receipt"))?,
    })
}
