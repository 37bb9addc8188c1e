//! How many rows a second one unit of 5,000 inserts brings to SQLite: `cargo run --release -p store --example rows`.
#![allow(clippy::print_stdout, reason = "an example speaks to the person who runs it")]

use base::Env;
use store::{Actor, Db, Migration, StoreError, Unit, params};

const SCHEMA: &[Migration] = &[Migration {
    number: 90,
    name: "rows",
    sql: "CREATE TABLE sample (id @int PRIMARY KEY, name @text NOT NULL, at @int NOT NULL, key @id NOT NULL) @strict;",
}];
const PUT: &str = "INSERT INTO sample (id, name, at, key) VALUES ($1, $2, $3, $4)";

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let file = std::env::temp_dir().join(format!("lianfang-rows-{}.db", std::process::id()));
    let env = Env::system();
    let db = Db::open_sqlite(&file, env.clone()).await?;
    db.migrate(&[SCHEMA]).await?;
    for round in 0..10_i64 {
        let rows = round * 5_000..(round + 1) * 5_000;
        let unit = rows.fold(Unit::new(Actor::Stranger, env.now()), |unit, id| {
            unit.exec(PUT, params![id, "203.0.113.7", env.now(), env.id::<base::EventId>()])
        });
        let start = env.now();
        db.commit(unit).await?;
        let micros = env.now().since(start).max(1);
        println!("{} rows/s", 5_000 * 1_000_000 / micros);
    }
    db.close().await;
    for end in ["", "-wal", "-shm"] {
        // What is not there needs no removing.
        let _gone = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    Ok(())
}
