//! From words to an expression. Unknown fields are refused with the three nearest names.

use base::code::excerpt;
use base::{AddrSpec, Problem, refang};
use std::iter::Peekable;
use std::vec::IntoIter;

use super::eval::Context;
use super::lex::{Piece, Token, lex, place};
use super::time;
use super::{Asked, BAD_QUERY, BAD_RANGE, Bound, DEEPEST, Expr, LONGEST, Term, Test, UNKNOWN_FIELD};

/// Reads a query over a list with these fields, and what is done with its rows.
///
/// # Errors
/// `LF-POR-0101` for text that is no query, `LF-POR-0102` for an unknown field, `LF-POR-0103` for a bad range.
pub(crate) fn parse(text: &str, fields: &[&'static str], context: &Context<'_>) -> Result<Asked, Problem> {
    if text.chars().count() > LONGEST {
        return Err(Problem::new(&BAD_QUERY, format!("the query is longer than {LONGEST} characters")));
    }
    let mut parser = Parser { pieces: lex(text)?.into_iter().peekable(), fields, context, depth: 0 };
    let expr = match parser.pieces.peek() {
        None | Some(Piece { token: Token::Pipe, .. }) => Expr::All,
        Some(_) => parser.any_of()?,
    };
    let by = match parser.pieces.next() {
        None => None,
        Some(Piece { token: Token::Pipe, at, .. }) => Some(parser.by(at)?),
        Some(piece) => {
            return Err(Problem::new(&BAD_QUERY, "a bracket is closed that was not opened").at(place(piece.at)));
        }
    };
    Ok(Asked { expr, by })
}

struct Parser<'a> {
    pieces: Peekable<IntoIter<Piece>>,
    fields: &'a [&'static str],
    context: &'a Context<'a>,
    depth: usize,
}

impl Parser<'_> {
    /// `by FIELD`, and nothing after it.
    fn by(&mut self, pipe: usize) -> Result<&'static str, Problem> {
        let wrong = |at| Problem::new(&BAD_QUERY, "after | comes: by FIELD").at(place(at));
        if !self.word_is("by") {
            return Err(wrong(pipe));
        }
        self.pieces.next();
        let field = match self.pieces.next() {
            Some(Piece { token: Token::Word(name), at, .. }) => self.field(&name, at)?,
            _ => return Err(wrong(pipe)),
        };
        match self.pieces.next() {
            None => Ok(field),
            Some(piece) => Err(wrong(piece.at)),
        }
    }

    fn word_is(&mut self, word: &str) -> bool {
        matches!(self.pieces.peek(), Some(Piece { token: Token::Word(text), .. }) if text.eq_ignore_ascii_case(word))
    }

    /// `a or b or c`.
    fn any_of(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.all_of()?];
        while self.word_is("or") {
            self.pieces.next();
            parts.push(self.all_of()?);
        }
        Ok(flat(parts, Expr::Or))
    }

    /// `a b and c`.
    fn all_of(&mut self) -> Result<Expr, Problem> {
        let mut parts = vec![self.one()?];
        loop {
            if self.word_is("and") {
                self.pieces.next();
                parts.push(self.one()?);
            } else if self.word_is("or")
                || matches!(self.pieces.peek(), None | Some(Piece { token: Token::Close | Token::Pipe, .. }))
            {
                return Ok(flat(parts, Expr::And));
            } else {
                parts.push(self.one()?);
            }
        }
    }

    fn one(&mut self) -> Result<Expr, Problem> {
        let Some(piece) = self.pieces.next() else {
            return Err(Problem::new(&BAD_QUERY, "something is missing at the end"));
        };
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::new(&BAD_QUERY, "the query is nested too deeply").at(place(piece.at)));
        }
        let expr = match piece.token {
            Token::Minus => Expr::Not(Box::new(self.one()?)),
            Token::Open => {
                let inner = self.any_of()?;
                self.close(piece.at)?;
                inner
            }
            Token::Close => return Err(Problem::new(&BAD_QUERY, "a bracket is closed too early").at(place(piece.at))),
            Token::Pipe => return Err(Problem::new(&BAD_QUERY, "something is missing before |").at(place(piece.at))),
            Token::Quoted(text) => Expr::Term(Term { field: None, test: Test::Exactly(text) }),
            Token::Word(text) if text.eq_ignore_ascii_case("not") => Expr::Not(Box::new(self.one()?)),
            Token::Word(text) if text.eq_ignore_ascii_case("and") || text.eq_ignore_ascii_case("or") => {
                return Err(Problem::new(&BAD_QUERY, "and and or stand between two conditions").at(place(piece.at)));
            }
            Token::Word(text) => self.word(&text, piece.at)?,
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn close(&mut self, opened: usize) -> Result<(), Problem> {
        match self.pieces.next() {
            Some(Piece { token: Token::Close, .. }) => Ok(()),
            _ => Err(Problem::new(&BAD_QUERY, "the bracket is not closed").at(place(opened))),
        }
    }

    /// A word: a bare value where its shape says so, else `field:value`.
    fn word(&mut self, text: &str, at: usize) -> Result<Expr, Problem> {
        let whole = refang(text);
        let bare = whole.contains("://") || whole.starts_with("SHA256:") || whole.parse::<AddrSpec>().is_ok();
        let split = if bare { None } else { text.split_once([':', '=']) };
        let Some((name, rest)) = split.filter(|(name, _)| !name.is_empty()) else {
            return Ok(Expr::Term(Term { field: None, test: Test::Is(whole) }));
        };
        let field = self.field(name, at)?;
        let after = at + name.chars().count() + 1;
        if !rest.is_empty() {
            return self.test(rest, after).map(|test| Expr::Term(Term { field: Some(field), test }));
        }
        match self.pieces.next_if(|piece| piece.glued) {
            Some(Piece { token: Token::Quoted(text), .. }) => {
                Ok(Expr::Term(Term { field: Some(field), test: Test::Exactly(text) }))
            }
            Some(Piece { token: Token::Open, at, .. }) => self.list(field, at),
            _ => Err(Problem::new(&BAD_QUERY, format!("{name} needs a value")).at(place(after))),
        }
    }

    /// `field:(a or b "c d")`.
    fn list(&mut self, field: &'static str, opened: usize) -> Result<Expr, Problem> {
        let mut parts = Vec::new();
        loop {
            match self.pieces.next() {
                Some(Piece { token: Token::Close, .. }) if !parts.is_empty() => return Ok(flat(parts, Expr::Or)),
                Some(Piece { token: Token::Word(text), .. }) if text.eq_ignore_ascii_case("or") => {}
                Some(Piece { token: Token::Word(text), at, .. }) => {
                    let test = self.test(&text, at)?;
                    parts.push(Expr::Term(Term { field: Some(field), test }));
                }
                Some(Piece { token: Token::Quoted(text), .. }) => {
                    parts.push(Expr::Term(Term { field: Some(field), test: Test::Exactly(text) }));
                }
                _ => return Err(Problem::new(&BAD_QUERY, "the list of values is not complete").at(place(opened))),
            }
        }
    }

    fn field(&self, name: &str, at: usize) -> Result<&'static str, Problem> {
        let lower = name.to_lowercase();
        if let Some(field) = self.fields.iter().find(|field| **field == lower) {
            return Ok(field);
        }
        let mut near: Vec<_> = self.fields.iter().map(|field| (distance(&lower, field), *field)).collect();
        near.sort_unstable();
        let names = near.iter().take(3).map(|(_, field)| *field).collect::<Vec<_>>().join(", ");
        Err(Problem::new(&UNKNOWN_FIELD, format!("{}; nearest: {names}", excerpt(name))).at(place(at)))
    }

    fn test(&self, text: &str, at: usize) -> Result<Test, Problem> {
        let bound = |text: &str| {
            time::bound(text, self.context).ok_or_else(|| Problem::new(&BAD_RANGE, excerpt(text)).at(place(at)))
        };
        if text == "*" {
            return Ok(Test::Exists);
        }
        for (sign, make) in
            [(">=", Test::AtLeast as fn(Bound) -> Test), ("<=", Test::AtMost), (">", Test::Above), ("<", Test::Below)]
        {
            if let Some(rest) = text.strip_prefix(sign) {
                return bound(rest).map(make);
            }
        }
        match text.split_once("..") {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok(Test::Between(bound(from)?, bound(to)?)),
            _ => Ok(Test::Is(refang(text))),
        }
    }
}

fn flat(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) }
}

/// Levenshtein distance, for names of a few letters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let here = if x == *y { diagonal } else { 1 + diagonal.min(left).min(*cell) };
            diagonal = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or(0)
}
