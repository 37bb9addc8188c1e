//! Rows of the desired state: entries, their log, and the digest of each audience.

use base::{AddrSpec, AddressScope, DirectiveId, OrgId, Realm, Timestamp, Tlp};
use store::{Clearance, Db, Expect, Row, ScopedSql, StoreError, SystemKey, Unit, params};

use crate::model::Audience;
use crate::repo::{BATCH, shape, sixteen, sixteen_params};
use crate::wire::{Collection, Entry, SetDigest};

const KEY: SystemKey = SystemKey::of("edge");

const AT: &str = sixteen!(
    "SELECT e.audience, e.collection, e.value, e.org_id, e.tlp, e.scope, e.directive, e.expires, e.seq, e.first_seq \
     FROM edge_entry e WHERE e.realm = $1 AND e.value = ",
    ""
);
const SNAPSHOT: &str = "SELECT e.audience, e.collection, e.value, e.org_id, e.tlp, e.scope, e.directive, e.expires, \
     e.seq, e.first_seq FROM edge_entry e WHERE e.realm = $1 AND e.audience IN ($2, $3)";
const ALL: &str = "SELECT e.audience, e.collection, e.value, e.org_id, e.tlp, e.scope, e.directive, e.expires, e.seq, e.first_seq \
     FROM edge_entry e WHERE e.realm = $1";
const OF_DIRECTIVE: &str = "SELECT e.audience, e.collection, e.value, e.org_id, e.tlp, e.scope, e.directive, \
     e.expires, e.seq, e.first_seq FROM edge_entry e WHERE e.directive = $1";
const DENIED: ScopedSql = ScopedSql::new(
    "SELECT e.value, e.expires FROM edge_entry e WHERE e.realm = $1 AND e.audience IN ('all', $2) \
     AND e.collection IN ('ip4.host', 'ip4.net', 'ip6.host', 'ip6.net') AND e.expires > $3 AND e.tlp <= $4 AND {visible:e}",
);
const PUT: &str = "INSERT INTO edge_entry (realm, audience, collection, value, org_id, tlp, scope, directive, \
     expires, seq, first_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (realm, audience, collection, value) DO UPDATE SET org_id = $5, tlp = $6, scope = $7, \
     directive = $8, expires = $9, seq = $10, first_seq = $11";
const DROP: &str = "DELETE FROM edge_entry WHERE realm = $1 AND audience = $2 AND collection = $3 AND value = $4";
const LOG: &str = "INSERT INTO edge_change (realm, seq, audience, collection, value, org_id, tlp, scope, at, \
     old_directive, old_expires, new_directive, new_expires) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const CHANGES: &str = "SELECT c.seq, c.audience, c.collection, c.value, c.old_directive, c.old_expires, \
     c.new_directive, c.new_expires FROM edge_change c \
     WHERE c.realm = $1 AND c.seq > $2 AND c.seq <= $3 AND c.audience IN ($4, $5) ORDER BY c.seq LIMIT $6";
const FRESH_IN: &str = "SELECT COUNT(*) AS n FROM (SELECT c.seq FROM edge_change c WHERE c.realm = $1 AND c.at > $2 \
     AND c.old_directive IS NULL AND c.collection IN ('ip4.host', 'ip4.net', 'ip6.host', 'ip6.net') LIMIT $3) AS f";
const GONE_IN: &str = "SELECT COUNT(*) AS n FROM (SELECT c.seq FROM edge_change c WHERE c.realm = $1 AND c.at > $2 \
     AND c.new_directive IS NULL AND c.collection IN ('ip4.host', 'ip4.net', 'ip6.host', 'ip6.net') LIMIT $3) AS g";
const CHANNELS: &str =
    "SELECT audience, seq, count, digest FROM edge_channel WHERE realm = $1 AND audience IN ($2, $3)";
const CHANNELS_OF_REALM: &str = "SELECT audience, seq, count, digest FROM edge_channel WHERE realm = $1";
const PUT_CHANNEL: &str = "INSERT INTO edge_channel (realm, audience, org_id, tlp, seq, count, digest) \
     VALUES ($1, $2, $3, 2, $4, $5, $6) \
     ON CONFLICT (realm, audience) DO UPDATE SET seq = $4, count = $5, digest = $6";
const OLDEST_KEPT: &str = "SELECT MAX(c.seq) AS seq FROM edge_change c WHERE c.realm = $1 AND c.at < $2";
const FORGET: &str = "DELETE FROM edge_change WHERE realm = $1 AND seq <= $2";

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntryRow {
    pub(crate) audience: Audience,
    pub(crate) entry: Entry,
    pub(crate) org: OrgId,
    pub(crate) tlp: Tlp,
    pub(crate) scope: AddressScope,
    /// The change that made it what it is.
    pub(crate) seq: u64,
    /// The change since which its directive stands there without a break.
    pub(crate) first_seq: u64,
}

/// What stands at a place: which directive, until when.
pub(crate) type Held = (DirectiveId, Timestamp);

/// One change of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeRow {
    pub(crate) audience: Audience,
    pub(crate) collection: Collection,
    pub(crate) key: AddrSpec,
    pub(crate) old: Option<Held>,
    pub(crate) new: Option<Held>,
}

/// Count and digest of an audience's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) audience: Audience,
    pub(crate) seq: u64,
    pub(crate) count: u64,
    pub(crate) digest: SetDigest,
}

fn place(row: &Row) -> Result<(Audience, Collection, AddrSpec), StoreError> {
    Ok((
        Audience::from_key(&row.get::<String>("audience")?).ok_or_else(|| shape("audience"))?,
        Collection::from_word(&row.get::<String>("collection")?).ok_or_else(|| shape("collection"))?,
        row.get::<String>("value")?.parse().map_err(|_| shape("value of an entry"))?,
    ))
}

fn entry(row: &Row) -> Result<EntryRow, StoreError> {
    let (audience, collection, key) = place(row)?;
    let (directive, expires) = (row.get("directive")?, row.get("expires")?);
    Ok(EntryRow {
        audience,
        entry: Entry { collection, directive, expires, intent: collection.intent(), key },
        org: row.get("org_id")?,
        tlp: row.get("tlp")?,
        scope: row.get("scope")?,
        seq: row.get("seq")?,
        first_seq: row.get("first_seq")?,
    })
}

fn held(row: &Row, directive: &str, expires: &str) -> Result<Option<Held>, StoreError> {
    Ok(row.get::<Option<DirectiveId>>(directive)?.zip(row.get::<Option<Timestamp>>(expires)?))
}

fn channel(row: &Row) -> Result<Channel, StoreError> {
    let digest: Vec<u8> = row.get("digest")?;
    Ok(Channel {
        audience: Audience::from_key(&row.get::<String>("audience")?).ok_or_else(|| shape("audience"))?,
        seq: row.get("seq")?,
        count: row.get("count")?,
        digest: SetDigest::from_bytes(digest.try_into().map_err(|_| shape("digest"))?),
    })
}

/// The entries with one of these keys, whatever the audience.
pub(crate) async fn at(db: &Db, realm: Realm, keys: &[AddrSpec]) -> Result<Vec<EntryRow>, StoreError> {
    let mut found = Vec::new();
    for batch in keys.chunks(BATCH) {
        let rows = db.system_read(KEY, AT, sixteen_params(realm, batch)).await?;
        found.extend(rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(found)
}

/// Everything a point of this organisation enforces, in the order of collection and key.
pub(crate) async fn snapshot(db: &Db, realm: Realm, org: OrgId) -> Result<Vec<EntryRow>, StoreError> {
    let audiences = params![realm, Audience::All.key(), Audience::Org(org).key()];
    let rows = db.system_read(KEY, SNAPSHOT, audiences).await?;
    let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|row| row.entry.place());
    Ok(entries)
}

/// Every entry of a realm.
pub(crate) async fn all(db: &Db, realm: Realm) -> Result<Vec<EntryRow>, StoreError> {
    db.system_read(KEY, ALL, params![realm]).await?.iter().map(entry).collect()
}

/// The entries that a directive has become.
pub(crate) async fn of_directive(db: &Db, id: DirectiveId) -> Result<Vec<EntryRow>, StoreError> {
    db.system_read(KEY, OF_DIRECTIVE, params![id]).await?.iter().map(entry).collect()
}

/// Denied keys that this clearance sees, for everybody and for one organisation, with their ends.
pub(crate) async fn denied(
    db: &Db,
    who: &Clearance,
    org: OrgId,
    now: Timestamp,
) -> Result<Vec<(AddrSpec, Timestamp)>, StoreError> {
    let rows = db.read(DENIED, who, params![who.realm(), Audience::Org(org).key(), now, Tlp::AmberStrict]).await?;
    rows.iter()
        .map(|row| {
            let key = row.get::<String>("value")?.parse().map_err(|_| shape("value of an entry"))?;
            Ok((key, row.get("expires")?))
        })
        .collect()
}

/// Puts an entry where it belongs.
pub(crate) fn put(unit: &mut Unit, realm: Realm, row: &EntryRow) {
    let e = &row.entry;
    let values = params![
        realm,
        row.audience.key(),
        e.collection.word(),
        e.key.to_string(),
        row.org,
        row.tlp,
        row.scope,
        e.directive,
        e.expires,
        row.seq,
        row.first_seq
    ];
    unit.push(PUT, values, Expect::Rows(1));
}

/// Takes an entry away.
pub(crate) fn take(unit: &mut Unit, realm: Realm, row: &EntryRow) {
    let e = &row.entry;
    unit.push(DROP, params![realm, row.audience.key(), e.collection.word(), e.key.to_string()], Expect::Rows(1));
}

/// Writes a change to the log; `owner` says whose row it is.
pub(crate) fn log(unit: &mut Unit, realm: Realm, seq: u64, change: &ChangeRow, owner: &EntryRow) {
    let (old, new) = (change.old, change.new);
    let values = params![
        realm,
        seq,
        change.audience.key(),
        change.collection.word(),
        change.key.to_string(),
        owner.org,
        owner.tlp,
        owner.scope,
        unit.at,
        old.map(|held| held.0),
        old.map(|held| held.1),
        new.map(|held| held.0),
        new.map(|held| held.1)
    ];
    unit.push(LOG, values, Expect::Rows(1));
}

/// Changes after `after` up to `to` that concern a point of this organisation, oldest first, `most` at most.
pub(crate) async fn changes(
    db: &Db,
    realm: Realm,
    org: OrgId,
    after: u64,
    to: u64,
    most: usize,
) -> Result<Vec<ChangeRow>, StoreError> {
    let audiences = (Audience::All.key(), Audience::Org(org).key());
    let rows = db.system_read(KEY, CHANGES, params![realm, after, to, audiences.0, audiences.1, most]).await?;
    rows.iter()
        .map(|row| {
            let (audience, collection, key) = place(row)?;
            let (old, new) = (held(row, "old_directive", "old_expires")?, held(row, "new_directive", "new_expires")?);
            Ok(ChangeRow { audience, collection, key, old, new })
        })
        .collect()
}

/// Denials that appeared and that went away since a time, each counted up to `most`.
pub(crate) async fn moved_since(db: &Db, realm: Realm, since: Timestamp, most: u64) -> Result<(u64, u64), StoreError> {
    let mut counts = [0_u64; 2];
    for (count, sql) in counts.iter_mut().zip([FRESH_IN, GONE_IN]) {
        let rows = db.system_read(KEY, sql, params![realm, since, most]).await?;
        *count = rows.first().map(|row| row.get("n")).transpose()?.unwrap_or(0);
    }
    Ok((counts[0], counts[1]))
}

/// The channels that a point of this organisation follows.
pub(crate) async fn channels(db: &Db, realm: Realm, org: OrgId) -> Result<Vec<Channel>, StoreError> {
    let audiences = params![realm, Audience::All.key(), Audience::Org(org).key()];
    db.system_read(KEY, CHANNELS, audiences).await?.iter().map(channel).collect()
}

/// Every channel of a realm.
pub(crate) async fn channels_of_realm(db: &Db, realm: Realm) -> Result<Vec<Channel>, StoreError> {
    db.system_read(KEY, CHANNELS_OF_REALM, params![realm]).await?.iter().map(channel).collect()
}

/// Writes a channel; everybody's belongs to the centre, an organisation's to itself.
pub(crate) fn put_channel(unit: &mut Unit, realm: Realm, centre: OrgId, channel: &Channel) {
    let org = match channel.audience {
        Audience::All => centre,
        Audience::Org(org) => org,
    };
    let values = params![realm, channel.audience.key(), org, channel.seq, channel.count, *channel.digest.bytes()];
    unit.push(PUT_CHANNEL, values, Expect::Rows(1));
}

/// The number of the last change older than a time.
pub(crate) async fn last_before(db: &Db, realm: Realm, before: Timestamp) -> Result<Option<u64>, StoreError> {
    let rows = db.system_read(KEY, OLDEST_KEPT, params![realm, before]).await?;
    Ok(rows.first().map(|row| row.get::<Option<u64>>("seq")).transpose()?.flatten())
}

/// Deletes the log up to a number.
pub(crate) fn forget(unit: &mut Unit, realm: Realm, up_to: u64) {
    unit.push(FORGET, params![realm, up_to], Expect::Any);
}
