//! From characters to words, quotes and brackets, each with its position.

use base::Problem;
use base::code::excerpt;

use super::BAD_QUERY;

/// One piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Quoted(String),
    Open,
    Close,
    /// A `-` directly before what it excludes.
    Minus,
    /// `|`: what comes after it is done with the rows.
    Pipe,
}

/// A piece and where it begins, counted in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) token: Token,
    pub(super) at: usize,
    /// Directly after the piece before, without space: `field:` and its quote or bracket.
    pub(super) glued: bool,
}

/// The half-width form of one character of a Chinese input method.
const fn half(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => match char::from_u32(c as u32 - 0xfee0) {
            Some(half) => half,
            None => c,
        },
        '\u{3000}' => ' ',
        other => other,
    }
}

/// The sign that closes what this one opens.
const fn closing(c: char) -> Option<char> {
    match c {
        '"' => Some('"'),
        '\u{ff02}' => Some('\u{ff02}'),
        '\u{201c}' => Some('\u{201d}'),
        '「' => Some('」'),
        _ => None,
    }
}

/// Cuts a query into pieces. What stands between quotes stays as it is; everything else is made half-width.
pub(super) fn lex(text: &str) -> Result<Vec<Piece>, Problem> {
    let raw: Vec<char> = text.chars().collect();
    let chars: Vec<char> = raw.iter().map(|c| if closing(*c).is_some() { *c } else { half(*c) }).collect();
    let mut out: Vec<Piece> = Vec::new();
    let mut i = 0;
    let mut end = usize::MAX;
    while let Some(&c) = chars.get(i) {
        if c.is_whitespace() {
            i += 1;
            continue;
        }
        let start = i;
        let starts_fresh = end != start || matches!(out.last().map(|p| &p.token), Some(Token::Open));
        let token = match c {
            quote if closing(quote).is_some() => quoted(&raw, &mut i)?,
            '(' => {
                i += 1;
                Token::Open
            }
            ')' => {
                i += 1;
                Token::Close
            }
            '|' => {
                i += 1;
                Token::Pipe
            }
            '-' if starts_fresh && chars.get(i + 1).is_some_and(|next| !next.is_whitespace()) => {
                i += 1;
                Token::Minus
            }
            _ => word(&chars, &mut i),
        };
        out.push(Piece { token, at: start + 1, glued: end == start });
        end = i;
    }
    Ok(out)
}

fn quoted(chars: &[char], i: &mut usize) -> Result<Token, Problem> {
    let start = *i;
    let mut out = String::new();
    let end = chars.get(start).copied().and_then(closing);
    *i += 1;
    while let Some(&c) = chars.get(*i) {
        *i += 1;
        match c {
            c if Some(c) == end => return Ok(Token::Quoted(out)),
            '\\' => {
                if let Some(&next) = chars.get(*i) {
                    out.push(next);
                    *i += 1;
                }
            }
            other => out.push(other),
        }
    }
    Err(Problem::new(&BAD_QUERY, format!("the quote is not closed: {}", excerpt(&out))).at(place(start + 1)))
}

/// A word ends at a space, quote or bracket; `(.)` of defanged names does not end it.
fn word(chars: &[char], i: &mut usize) -> Token {
    let mut out = String::new();
    while let Some(&c) = chars.get(*i) {
        let dot = c == '(' && chars.get(*i + 1) == Some(&'.') && chars.get(*i + 2) == Some(&')');
        if dot && !out.is_empty() {
            out.push('.');
            *i += 3;
            continue;
        }
        if c.is_whitespace() || matches!(c, '(' | ')' | '|') || closing(c).is_some() {
            break;
        }
        out.push(c);
        *i += 1;
    }
    Token::Word(out)
}

/// How a position is named to people and programs.
pub(super) fn place(at: usize) -> String {
    format!("character {at}")
}
