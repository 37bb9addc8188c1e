//! From portable SQL to the text an engine wants: numbered parameters, the visibility clause, the schema's types.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::clearance::Clearance;
use crate::db::Engine;
use crate::error::StoreError;
use crate::value::Value;
use uuid::Uuid;

/// An expanded statement.
#[derive(Debug)]
pub(crate) struct Text {
    /// What the engine is given.
    pub(crate) sql: String,
    /// How many parameters the caller must hand over (those of the clause not counted).
    pub(crate) params: usize,
}

/// The address of a statement and the number of areas it was expanded for.
type Key = ((usize, usize), usize);

/// Expanded statements by the address of their constant: a `'static` text never moves and is never freed.
#[derive(Debug)]
pub(crate) struct Texts {
    engine: Engine,
    known: RwLock<HashMap<Key, Arc<Text>>>,
}

impl Texts {
    pub(crate) fn new(engine: Engine) -> Self {
        Self { engine, known: RwLock::default() }
    }

    /// The engine's text of a statement that holds no visibility clause.
    pub(crate) fn plain(&self, sql: &'static str) -> Result<Arc<Text>, StoreError> {
        self.get(sql, 1)
    }

    /// The engine's text of a portable statement, expanded once for each number of areas in its visibility clause.
    pub(crate) fn get(&self, sql: &'static str, areas: usize) -> Result<Arc<Text>, StoreError> {
        let key = (address(sql), areas);
        if let Some(text) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Arc::clone(text));
        }
        let text = Arc::new(expand(sql, self.engine, areas)?);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&text));
        Ok(text)
    }
}

/// What tells two constants apart.
pub(crate) fn address(sql: &'static str) -> (usize, usize) {
    (sql.as_ptr().addr(), sql.len())
}

/// How many areas the clause of this clearance has room for: a power of two, so that few texts of one statement exist.
pub(crate) fn room_for(who: &Clearance) -> usize {
    who.areas().len().max(1).next_power_of_two()
}

/// The parameters of the visibility clause with room for `areas`, in the order [`expand`] numbers them.
pub(crate) fn clause_params(who: &Clearance, areas: usize) -> impl Iterator<Item = Value> + '_ {
    // No row has a marking below zero: an empty place shows nothing.
    let empty = [Value::Uuid(Uuid::nil()), Value::Int(-1)];
    let held = who.areas().iter().map(|area| [Value::Uuid(area.top.0), Value::Int(area.within.rank())]);
    let places = held.chain(std::iter::repeat(empty)).take(areas);
    [Value::from(who.realm()), Value::Int(who.shared().rank())].into_iter().chain(places.flatten())
}

/// A piece of a statement.
enum Piece<'a> {
    Plain(&'a str),
    Param(usize),
    Visible(&'a str),
}

fn expand(sql: &str, engine: Engine, areas: usize) -> Result<Text, StoreError> {
    let pieces = split(sql)?;
    let most = pieces.iter().filter_map(|p| if let Piece::Param(n) = p { Some(*n) } else { None }).max().unwrap_or(0);
    let sign = match engine {
        Engine::Sqlite => '?',
        Engine::Postgres => '$',
    };
    let mut out = String::with_capacity(sql.len() + 256);
    for piece in pieces {
        match piece {
            Piece::Plain(text) => out.push_str(text),
            Piece::Param(number) => {
                out.push(sign);
                out.push_str(&number.to_string());
            }
            Piece::Visible(alias) => {
                let p = |offset: usize| format!("{sign}{}", most + offset);
                out.push_str(&format!("({alias}.realm = {} AND ({alias}.tlp <= {}", p(1), p(2)));
                for place in 0..areas {
                    let (top, within) = (p(3 + 2 * place), p(4 + 2 * place));
                    out.push_str(&format!(
                        " OR ({alias}.tlp <= {within} AND {alias}.org_id IN \
                         (SELECT descendant_id FROM org_closure WHERE ancestor_id = {top}))"
                    ));
                }
                out.push_str("))");
            }
        }
    }
    Ok(Text { sql: out, params: most })
}

/// Cuts the text at parameters and clauses; what stands in quotes stays as it is.
fn split(sql: &str) -> Result<Vec<Piece<'_>>, StoreError> {
    let mut pieces = Vec::new();
    let mut plain = 0;
    let mut chars = sql.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' | '"' => while chars.next().is_some_and(|(_, q)| q != c) {},
            '$' => {
                let start = at + 1;
                let mut end = start;
                while let Some((_, digit)) = chars.next_if(|(_, d)| d.is_ascii_digit()) {
                    end += digit.len_utf8();
                }
                if let Some(Ok(number)) = sql.get(start..end).filter(|t| !t.is_empty()).map(str::parse) {
                    pieces.push(Piece::Plain(sql.get(plain..at).unwrap_or_default()));
                    pieces.push(Piece::Param(number));
                    plain = end;
                }
            }
            '{' => {
                let rest = sql.get(at..).unwrap_or_default();
                let alias = rest
                    .strip_prefix("{visible:")
                    .and_then(|tail| tail.split_once('}'))
                    .map(|(alias, _)| alias)
                    .filter(|alias| !alias.is_empty() && alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
                    .ok_or_else(|| StoreError::Refused(format!("unknown clause in: {sql}")))?;
                pieces.push(Piece::Plain(sql.get(plain..at).unwrap_or_default()));
                pieces.push(Piece::Visible(alias));
                plain = at + "{visible:}".len() + alias.len();
                while chars.next_if(|(i, _)| *i < plain).is_some() {}
            }
            _ => {}
        }
    }
    pieces.push(Piece::Plain(sql.get(plain..).unwrap_or_default()));
    Ok(pieces)
}

/// The schema text of an engine: `@id @int @real @bytes @text @strict`.
pub(crate) fn schema(sql: &str, engine: Engine) -> String {
    // Text compares by bytes on both, so that an order and a keyset page mean the same everywhere.
    let tokens: [(&str, &str); 6] = match engine {
        Engine::Sqlite => [
            ("@strict", "STRICT"),
            ("@id", "BLOB"),
            ("@int", "INTEGER"),
            ("@real", "REAL"),
            ("@bytes", "BLOB"),
            ("@text", "TEXT"),
        ],
        Engine::Postgres => [
            ("@strict", ""),
            ("@id", "UUID"),
            ("@int", "BIGINT"),
            ("@real", "DOUBLE PRECISION"),
            ("@bytes", "BYTEA"),
            ("@text", "TEXT COLLATE \"C\""),
        ],
    };
    tokens.iter().fold(sql.to_owned(), |text, (token, with)| text.replace(token, with))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(sql: &str) -> String {
        expand(sql, Engine::Sqlite, 1).unwrap().sql
    }

    #[test]
    fn numbers_parameters_outside_quotes() {
        assert_eq!(
            sqlite("SELECT '$1', \"$2\" WHERE a = $12 AND b = $1"),
            "SELECT '$1', \"$2\" WHERE a = ?12 AND b = ?1"
        );
        assert_eq!(sqlite("SELECT 'it''s $1', $1 -- 警"), "SELECT 'it''s $1', ?1 -- 警");
        assert_eq!(expand("a $1 b $3 c $1", Engine::Postgres, 1).unwrap().sql, "a $1 b $3 c $1");
        assert_eq!(expand("a $1 b $3", Engine::Postgres, 1).unwrap().params, 3);
    }

    #[test]
    fn the_clause_takes_the_next_numbers() {
        let text = expand("SELECT 1 FROM t i WHERE i.x = $2 AND {visible:i}", Engine::Postgres, 1).unwrap();
        assert_eq!(text.params, 2);
        assert!(text.sql.ends_with(
            "AND (i.realm = $3 AND (i.tlp <= $4 OR (i.tlp <= $6 AND i.org_id IN (SELECT descendant_id FROM org_closure \
             WHERE ancestor_id = $5))))"
        ));
        let two = expand("SELECT 1 FROM t i WHERE {visible:i}", Engine::Postgres, 2).unwrap();
        assert!(two.sql.contains("ancestor_id = $3)) OR (i.tlp <= $6") && two.sql.ends_with("ancestor_id = $5))))"));
        assert!(expand("SELECT {nothing:i}", Engine::Sqlite, 1).is_err());
        assert!(expand("SELECT {visible:i; DROP}", Engine::Sqlite, 1).is_err());
    }

    #[test]
    fn schema_tokens() {
        assert_eq!(
            schema("CREATE TABLE t (a @id, b @int) @strict", Engine::Sqlite),
            "CREATE TABLE t (a BLOB, b INTEGER) STRICT"
        );
    }
}
