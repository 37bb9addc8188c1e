//! Asking a query of a row.

use base::{AddrSpec, Timestamp};

use super::{Bound, Expr, Test};

/// What reading a query depends on: the moment and the reader's zone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) now: Timestamp,
    /// IANA name.
    pub(crate) zone: &'a str,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val {
    /// Text; addresses and networks are recognised by their form.
    Text(String),
    Number(f64),
    Time(Timestamp),
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Expr {
    /// Whether the row holds; `row` lists its fields with their values, a field may stand several times.
    pub(crate) fn holds(&self, row: &[(&'static str, Val)]) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Not(part) => !part.holds(row),
            Self::Term(term) => row
                .iter()
                .filter(|(name, _)| term.field.is_none_or(|field| field == *name))
                .any(|(_, value)| meets(&term.test, value, term.field.is_none())),
        }
    }
}

/// Whether a value meets a test; `anywhere` looks inside texts (a bare word of no field).
fn meets(test: &Test, value: &Val, anywhere: bool) -> bool {
    match test {
        Test::Exists => !matches!(value, Val::Text(text) if text.is_empty()),
        Test::Exactly(want) => {
            said(value).is_some_and(|have| {
                if anywhere {
                    have.to_lowercase().contains(&want.to_lowercase())
                } else {
                    have.eq_ignore_ascii_case(want)
                }
            }) || same_number(want, value)
        }
        Test::Is(want) => is(want, value, anywhere),
        Test::AtLeast(bound) => order(value, *bound).is_some_and(std::cmp::Ordering::is_ge),
        Test::AtMost(bound) => order(value, *bound).is_some_and(std::cmp::Ordering::is_le),
        Test::Above(bound) => order(value, *bound).is_some_and(std::cmp::Ordering::is_gt),
        Test::Below(bound) => order(value, *bound).is_some_and(std::cmp::Ordering::is_lt),
        Test::Between(from, to) => {
            order(value, *from).is_some_and(std::cmp::Ordering::is_ge)
                && order(value, *to).is_some_and(std::cmp::Ordering::is_le)
        }
    }
}

fn said(value: &Val) -> Option<&str> {
    if let Val::Text(text) = value { Some(text) } else { None }
}

fn same_number(want: &str, value: &Val) -> bool {
    matches!(value, Val::Number(have) if want.parse::<f64>().is_ok_and(|want| (want - have).abs() < f64::EPSILON))
}

fn is(want: &str, value: &Val, anywhere: bool) -> bool {
    let Some(have) = said(value) else {
        return same_number(want, value);
    };
    if let (Ok(net), Ok(addr)) = (want.parse::<AddrSpec>(), have.parse::<AddrSpec>()) {
        return net.net().contains(&addr.net());
    }
    let (want, have) = (want.to_lowercase(), have.to_lowercase());
    if want.contains('*') {
        like(&want, &have)
    } else if anywhere {
        have.contains(&want)
    } else {
        have == want
    }
}

/// `*` stands for any text, also none. Linear in the text for each piece of the pattern.
fn like(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) if !piece.is_empty() => rest = after,
            None => return false,
            Some(_) => {}
        }
    }
    rest.ends_with(last)
}

fn order(value: &Val, bound: Bound) -> Option<std::cmp::Ordering> {
    match (value, bound) {
        (Val::Number(have), Bound::Number(want)) => have.partial_cmp(&want),
        (Val::Time(have), Bound::Time(want)) => Some(have.cmp(&want)),
        _ => None,
    }
}
