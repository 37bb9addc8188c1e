//! The whole schema: every room's migrations.

use store::Migration;

/// Every room's migrations, in order of floor.
pub(crate) const ROOMS: &[&[Migration]] = &[
    access::MIGRATIONS,
    registry::MIGRATIONS,
    sensor::schema::MIGRATIONS,
    detect::MIGRATIONS,
    intel::MIGRATIONS,
    edge::MIGRATIONS,
    api::MIGRATIONS,
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::{Db, Engine};
    use testkit::statements::{Statement, of_room, statements};

    use super::ROOMS;

    /// Every statement that an engine does not take, with its place and the reason. A file of one engine's own is left to
    /// that engine.
    async fn refused(db: &Db, statements: &[Statement]) -> Vec<String> {
        let (sqlite, postgres) = ("crates/store/src/sqlite", "crates/store/src/postgres");
        let other = if db.engine() == Engine::Sqlite { postgres } else { sqlite };
        let mut refused = Vec::new();
        for Statement { at, text, .. } in statements.iter().filter(|statement| !statement.at.starts_with(other)) {
            if let Err(error) = db.prepare(String::leak(text.clone())).await {
                refused.push(format!("{at} on {}: {error}\n    {text}", db.engine().word()));
            }
        }
        refused
    }

    #[tokio::test]
    async fn every_statement_of_every_room_is_taken_by_both_engines() {
        let all = statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
        // Rooms of the tests and of the measurements have databases of their own.
        let all: Vec<_> = all.into_iter().filter(|one| !["testkit", "bench"].contains(&one.room.as_str())).collect();
        for (room, least) in [
            ("store", 30),
            ("access", 80),
            ("registry", 20),
            ("sensor", 100),
            ("detect", 15),
            ("intel", 20),
            ("edge", 40),
            ("api", 5),
        ] {
            let there = all.iter().filter(|statement| statement.room == room).count();
            assert!(there >= least, "only {there} statements of {room} were found");
        }
        testkit::each_db(ROOMS, |db, _| {
            let all = all.clone();
            async move {
                let refused = refused(&db, &all).await;
                assert!(refused.is_empty(), "{} of {}:\n{}", refused.len(), all.len(), refused.join("\n"));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_statement_that_an_engine_refuses_is_named() {
        let source = "macro_rules! columns { () => { \"s.id, s.nothing\" }; }\n\
            const A: &str = concat!(\"SELECT \", columns!(), \" FROM sensor s\");\n\
            const B: &str = \"SELECT id FROM sensor WHERE name = 1\";\n\
            const C: ScopedSql = ScopedSql::new(\"SELECT s.id FROM sensor s WHERE s.name = $1 AND {visible:s}\");\n\
            fn f(unit: Unit) { unit.exec(\"UPDATE sensor SET nmae = $1\", params![1]) }\n\
            const D: &str = \"SELECT now() - $1 AS since\";\n";
        let seeded = of_room("seeded", &[("seeded.rs".to_owned(), source.to_owned())]).unwrap();
        assert_eq!(seeded.len(), 5);
        testkit::each_db(ROOMS, |db, _| {
            let seeded = seeded.clone();
            async move {
                let refused = refused(&db, &seeded).await;
                let places: Vec<&str> = refused.iter().filter_map(|line| line.split(' ').next()).collect();
                // What compares text with a number is found by PostgreSQL only, and only SQLite has no now().
                let wanted: &[&str] = match db.engine() {
                    Engine::Sqlite => &["seeded.rs:2", "seeded.rs:5", "seeded.rs:6"],
                    Engine::Postgres => &["seeded.rs:2", "seeded.rs:3", "seeded.rs:5", "seeded.rs:6"],
                };
                assert_eq!(places, wanted, "{refused:#?}");
                assert!(refused[0].contains("SELECT s.id, s.nothing FROM sensor s"), "{}", refused[0]);
            }
        })
        .await;
    }

    #[test]
    fn numbers_are_unique_and_in_their_rooms_hundred() {
        let mut seen = std::collections::BTreeSet::new();
        for (index, room) in ROOMS.iter().enumerate() {
            for migration in *room {
                assert!(seen.insert(migration.number), "{} stands twice", migration.number);
                assert_eq!(migration.number / 100, u32::try_from(index).unwrap() + 1, "{}", migration.name);
            }
        }
    }
}
