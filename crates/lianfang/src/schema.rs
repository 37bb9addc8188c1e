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
    use super::ROOMS;

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
