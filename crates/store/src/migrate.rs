//! The runner of migrations: forward only, checksummed, each in its transaction.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use crate::db::Db;
use crate::error::StoreError;
use crate::params;
use crate::schema;
use crate::sql::Migration;
use crate::text;

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migration (
    number @int PRIMARY KEY, name @text NOT NULL, checksum @text NOT NULL, at @int NOT NULL
) @strict;";

/// Two nodes that start at the same moment both come here; the ledger's row is written by the first alone.
const RECORD: &str = "INSERT INTO schema_migration (number, name, checksum, at) VALUES ($1, $2, $3, $4)";

/// Nothing to record: for the ledger itself.
const NOTHING: &str = "DELETE FROM schema_migration WHERE number = 0";

pub(crate) async fn run(db: &Db, rooms: &[&[Migration]]) -> Result<(), StoreError> {
    let known = collect(rooms)?;
    db.apply(text::schema(LEDGER, db.engine()), NOTHING, Vec::new()).await?;
    let applied = applied(db).await?;
    for (number, checksum) in &applied {
        let Some(migration) = known.get(number) else {
            return Err(StoreError::Schema(format!("migration {number} was applied by a newer release")));
        };
        if checksum_of(migration) != *checksum {
            return Err(StoreError::Schema(format!("migration {number} ({}) was altered", migration.name)));
        }
    }
    for (number, migration) in known.iter().filter(|(number, _)| !applied.contains_key(number)) {
        let script = text::schema(migration.sql, db.engine());
        let row = params![*number, migration.name, checksum_of(migration), db.env().now()];
        match db.apply(script, RECORD, row).await {
            Ok(()) => tracing::info!(number, name = migration.name, "migration applied"),
            Err(failure) => {
                // Another node may have been faster: then its ledger row is there.
                if self::applied(db).await?.contains_key(number) {
                    continue;
                }
                let why = format!("migration {number} ({}): {failure}", migration.name);
                return Err(if failure.is_transient() { failure } else { StoreError::Schema(why) });
            }
        }
    }
    Ok(())
}

fn collect(rooms: &[&[Migration]]) -> Result<BTreeMap<u32, Migration>, StoreError> {
    let mut known: BTreeMap<u32, Migration> = BTreeMap::new();
    for migration in std::iter::once(&schema::MIGRATIONS).chain(rooms).copied().flatten() {
        let earlier = known.insert(migration.number, *migration);
        if earlier.is_some_and(|other| other.name != migration.name || other.sql != migration.sql) {
            return Err(StoreError::Schema(format!("two migrations have the number {}", migration.number)));
        }
    }
    Ok(known)
}

async fn applied(db: &Db) -> Result<BTreeMap<u32, String>, StoreError> {
    let rows = db.query("SELECT number, checksum FROM schema_migration ORDER BY number", Vec::new()).await?;
    rows.iter().map(|row| Ok((row.get("number")?, row.get("checksum")?))).collect()
}

/// Over the portable text, so that both engines agree on it.
fn checksum_of(migration: &Migration) -> String {
    hex::encode(Sha256::digest(migration.sql.as_bytes()))
}
