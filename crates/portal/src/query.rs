//! The one query grammar of every list: `field:value` with `and or not ( )`, `-`, quotes, `*`, lists, ranges, CIDR,
//! and `| by FIELD` for counts.
//!
//! Pure: text in, an expression or a coded error out; an expression is then asked row by row ([`Expr::holds`]).
//! Defanged values and the full-width signs of Chinese input methods are understood. No HTML, no HTTP, no database.

mod eval;
mod lex;
mod parse;
mod time;

pub(crate) use eval::{Context, Val};
pub(crate) use parse::parse;

base::codes! {
    /// The query cannot be read.
    pub BAD_QUERY = "LF-POR-0101", 400,
        en "The query cannot be read.", zh "看不懂這個查詢。",
        act_en "Write field:value, combined with and, or, not and parentheses; quote values with spaces.",
        act_zh "請寫成 欄位:值，並以 and、or、not 與括號組合；含空白的值請加引號。";
    /// A field is unknown here.
    pub UNKNOWN_FIELD = "LF-POR-0102", 400,
        en "This list has no such field.", zh "這份清單沒有此欄位。",
        act_en "Use one of the nearest names shown, or open the list of fields.", act_zh "請使用所列的相近名稱，或開啟欄位清單。";
    /// A range or comparison has a value that is neither a number nor a time.
    pub BAD_RANGE = "LF-POR-0103", 400,
        en "The comparison needs a number or a time.", zh "比較需要數字或時間。",
        act_en "Write score:>=60, last:>=1d or last:2026-11-20..2026-11-21.", act_zh "請寫成 score:>=60、last:>=1d 或 last:2026-11-20..2026-11-21。";
}

/// Longest query, characters.
pub(crate) const LONGEST: usize = 2_000;
/// Deepest nesting.
pub(crate) const DEEPEST: usize = 24;

/// A query with what is done with its rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    pub(crate) expr: Expr,
    /// `| by FIELD`: how many rows there are of each value.
    pub(crate) by: Option<&'static str>,
}

/// A query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// Everything.
    All,
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Term(Term),
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    /// The field; none searches every field.
    pub(crate) field: Option<&'static str>,
    pub(crate) test: Test,
}

/// What a condition asks of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Equal, or matching where it holds `*`.
    Is(String),
    /// Equal, letter by letter: it was quoted.
    Exactly(String),
    Exists,
    AtLeast(Bound),
    AtMost(Bound),
    Above(Bound),
    Below(Bound),
    Between(Bound, Bound),
}

/// The end of a range: a number, a time, or both readings of one text (`1d` is only a time, `60` is a number).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    Number(f64),
    Time(base::Timestamp),
}

/// Text as a value of the grammar: quoted where it must be.
pub(crate) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let word = matches!(text.to_ascii_lowercase().as_str(), "" | "and" | "or" | "not");
    // `field://x` would be read as an address of the web, `a..b` as a range, `-a` as an exclusion.
    let read_otherwise = text.starts_with(['-', '/']) || text.contains("..");
    if !word && !read_otherwise && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

impl Expr {
    /// The value that every row must have in this field, where the query is a plain conjunction that says so.
    /// A list hands it to the database; the query itself is still asked of every row.
    pub(crate) fn must_be(&self, field: &str) -> Option<&str> {
        match self {
            Self::Term(Term { field: Some(name), test: Test::Is(value) | Test::Exactly(value) })
                if *name == field && !value.contains('*') =>
            {
                Some(value)
            }
            Self::And(parts) => parts.iter().find_map(|part| part.must_be(field)),
            _ => None,
        }
    }

    /// The bare word a plain conjunction holds, for a list that can search by it.
    pub(crate) fn bare(&self) -> Option<&str> {
        match self {
            Self::Term(Term { field: None, test: Test::Is(value) | Test::Exactly(value) }) => Some(value),
            Self::And(parts) => parts.iter().find_map(Self::bare),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
