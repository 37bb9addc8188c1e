//! Statements: portable SQL with `$1` parameters, scoped reads, migrations.

/// A read of rows that belong to organisations. Its text must hold `{visible:alias}`, which becomes the
/// condition on `alias.org_id`, `alias.tlp` and `alias.realm`; without it the constant does not compile.
#[derive(Debug, Clone, Copy)]
pub struct ScopedSql(&'static str);

impl ScopedSql {
    /// Checks at compile time (when used in a `const`) that the visibility clause is there.
    ///
    /// ```compile_fail
    /// const LEAK: store::ScopedSql = store::ScopedSql::new("SELECT * FROM indicator");
    /// ```
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(contains(text.as_bytes(), b"{visible:"), "a scoped read needs its {{visible:alias}} clause");
        Self(text)
    }

    /// The text with its clause unexpanded.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.0
    }
}

#[allow(clippy::indexing_slicing, reason = "const fn: indices are bounded by the loop conditions")]
const fn contains(hay: &[u8], needle: &[u8]) -> bool {
    let mut start = 0;
    while start + needle.len() <= hay.len() {
        let mut i = 0;
        while i < needle.len() && hay[start + i] == needle[i] {
            i += 1;
        }
        if i == needle.len() {
            return true;
        }
        start += 1;
    }
    false
}

/// One step of the schema. One text serves both databases; `@id`, `@int`, `@real`, `@bytes`, `@text` are the types
/// and `@strict` ends a table (`STRICT` on SQLite, nothing on PostgreSQL). Forward only.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Unique over all rooms; each room has its own hundred.
    pub number: u32,
    /// A short name: `sensor_session`.
    pub name: &'static str,
    /// Statements separated by `;` at the end of a line.
    pub sql: &'static str,
}
