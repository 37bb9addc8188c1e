//! Rows by key, many at a time: one statement of 64 places, so that the number of statements stays bounded and prepared.

use store::{Db, Row, StoreError, SystemKey, Value};

/// The key of this room's machinery.
pub(crate) const KEY: SystemKey = SystemKey::of("sensor");

/// How many places [`in64`] has.
pub(crate) const PLACES: usize = 64;

/// `($1, ..., $64)`, for an `IN`.
macro_rules! in64 {
    () => {
        "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,\
         $31,$32,$33,$34,$35,$36,$37,$38,$39,$40,$41,$42,$43,$44,$45,$46,$47,$48,$49,$50,$51,$52,$53,$54,$55,$56,$57,$58,\
         $59,$60,$61,$62,$63,$64)"
    };
}
pub(crate) use in64;

/// The rows of these keys, each key asked for once; `sql` has the places of [`in64`].
pub(crate) async fn by_keys<K>(db: &Db, sql: &'static str, mut keys: Vec<K>) -> Result<Vec<Row>, StoreError>
where
    K: Ord + Clone + Into<Value>,
{
    keys.sort_unstable();
    keys.dedup();
    let mut rows = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(PLACES) {
        // A short last chunk repeats its last key: the same text serves every size.
        let last = chunk.last().cloned().into_iter().cycle();
        let params: Vec<Value> = chunk.iter().cloned().chain(last).take(PLACES).map(Into::into).collect();
        rows.extend(db.system_read(KEY, sql, params).await?);
    }
    Ok(rows)
}
