//! Every SQL statement of the rooms, gathered from their sources, so that a test can prepare each on each engine.
//!
//! Statements are constants: literals, `concat!`, and macros of the room that become one of the two. The sources are
//! read as the compiler reads them (tokens, `macro_rules!`), never by lines; tests and documentation are passed over. A
//! macro that holds SQL and cannot be followed is an error, so that no statement escapes unseen.

mod rules;

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rules::Rules;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// The room it stands in: `sensor`.
    pub room: String,
    /// Its place: `crates/sensor/src/fleet.rs:71`.
    pub at: String,
    /// The portable text, with `$1` and `{visible:x}`.
    pub text: String,
}

/// What begins a statement that rows are read or written with.
const VERBS: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"];
/// Macros inside macros, at most.
const DEEPEST: usize = 16;

/// The statements of every room in `crates`, each text once.
///
/// # Errors
/// A source that cannot be read, or a macro with SQL that cannot be followed.
pub fn statements(crates: &Path) -> Result<Vec<Statement>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(crates)? {
        let folder = entry?.path();
        let room = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut files = Vec::new();
        sources(&folder.join("src"), &mut files)?;
        let texts = files.into_iter().map(|file| {
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            let name = file.strip_prefix(crates).unwrap_or(&file).display().to_string();
            Ok((format!("crates/{name}"), text))
        });
        for statement in of_room(&room, &texts.collect::<Result<Vec<_>>>()?)? {
            found.entry((statement.room.clone(), statement.text.clone())).or_insert(statement);
        }
    }
    Ok(found.into_values().collect())
}

/// The statements of one room, from the names and texts of its files.
///
/// # Errors
/// As [`statements`].
pub fn of_room(room: &str, files: &[(String, String)]) -> Result<Vec<Statement>> {
    let mut read = Vec::new();
    for (name, text) in files {
        let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let macros = rules::defined(&tokens);
        read.push((name, tokens, macros));
    }
    let shared: BTreeMap<String, Rules> =
        read.iter().flat_map(|(.., macros)| macros.iter().map(|(name, rules)| (name.clone(), rules.clone()))).collect();
    let mut out = Vec::new();
    for (file, tokens, own) in &read {
        let mut walk = Walk { room, file, own, shared: &shared, line: None, out: Vec::new() };
        walk.tokens(tokens, 0)?;
        out.append(&mut walk.out);
    }
    Ok(out)
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let is = |name: &str| path.file_stem().is_some_and(|stem| stem == name);
        if is("tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, into)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
    into.sort();
    Ok(())
}

/// A pass over one file.
struct Walk<'a> {
    room: &'a str,
    file: &'a str,
    /// Macros of the file, which count before those of the room.
    own: &'a BTreeMap<String, Rules>,
    shared: &'a BTreeMap<String, Rules>,
    /// The line of the outermost macro: what comes out of one has no line of its own.
    line: Option<usize>,
    out: Vec<Statement>,
}

impl Walk<'_> {
    fn tokens(&mut self, tokens: &[TokenTree], depth: usize) -> Result<()> {
        let mut at = 0;
        while let Some(tree) = tokens.get(at) {
            at += match tree {
                TokenTree::Punct(sign) if sign.as_char() == '#' => attribute(tokens, at),
                TokenTree::Ident(name) if name == "macro_rules" => 4,
                TokenTree::Ident(name) => match invoked(tokens, at) {
                    Some(group) => {
                        self.invocation(&name.to_string(), group, name.span().start().line, depth)?;
                        3
                    }
                    None => 1,
                },
                TokenTree::Group(group) => {
                    self.tokens(&flat(group), depth)?;
                    1
                }
                TokenTree::Literal(literal) => {
                    if let Some(text) = rules::text(literal) {
                        self.take(text, literal.span().start().line);
                    }
                    1
                }
                TokenTree::Punct(_) => 1,
            };
        }
        Ok(())
    }

    fn invocation(&mut self, name: &str, group: &Group, line: usize, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            bail!("{}:{line}: {name}! has no end", self.file);
        }
        let inner = flat(group);
        let outermost = self.line.is_none();
        let line = *self.line.get_or_insert(line);
        let outcome = if name == "concat" {
            match self.joined(&inner, depth) {
                Some(text) => {
                    self.take(text, line);
                    Ok(())
                }
                None if self.holds_sql(&inner) => Err(anyhow::anyhow!("{}:{line}: a concat! with SQL", self.file)),
                None => self.tokens(&inner, depth + 1),
            }
        } else {
            match self.rules(name).map(|rules| (rules.expand(&inner), rules.holds(&looks_like_sql))) {
                Some((Some(expanded), _)) => self.tokens(&expanded, depth + 1),
                Some((None, true)) => Err(anyhow::anyhow!("{}:{line}: {name}! holds SQL", self.file)),
                Some((None, false)) | None => self.tokens(&inner, depth + 1),
            }
        };
        if outermost {
            self.line = None;
        }
        outcome.context("a macro cannot be followed")
    }

    fn rules(&self, name: &str) -> Option<&Rules> {
        self.own.get(name).or_else(|| self.shared.get(name))
    }

    /// The text of `concat!` with these arguments.
    fn joined(&self, arguments: &[TokenTree], depth: usize) -> Option<String> {
        rules::split(arguments, ',').map(|one| self.value(one, depth)).collect()
    }

    /// The text that an expression is at compile time.
    fn value(&self, tokens: &[TokenTree], depth: usize) -> Option<String> {
        match tokens {
            [] => Some(String::new()),
            [TokenTree::Literal(literal)] => rules::text(literal).or_else(|| Some(literal.to_string())),
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => self.value(&flat(group), depth),
            [TokenTree::Ident(name), ..] if depth <= DEEPEST && tokens.len() == 3 => {
                let inner = flat(invoked(tokens, 0)?);
                if name == "concat" {
                    return self.joined(&inner, depth + 1);
                }
                self.value(&self.rules(&name.to_string())?.expand(&inner)?, depth + 1)
            }
            _ => None,
        }
    }

    fn holds_sql(&self, tokens: &[TokenTree]) -> bool {
        tokens.iter().any(|tree| match tree {
            TokenTree::Literal(literal) => rules::text(literal).is_some_and(|text| looks_like_sql(&text)),
            TokenTree::Group(group) => self.holds_sql(&flat(group)),
            _ => false,
        })
    }

    fn take(&mut self, text: String, line: usize) {
        if looks_like_sql(&text) {
            let at = format!("{}:{}", self.file, self.line.unwrap_or(line));
            self.out.push(Statement { room: self.room.to_owned(), at, text });
        }
    }
}

/// Whether a text is a statement: its first word is a verb, and a second one follows.
fn looks_like_sql(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|first| VERBS.contains(&first)) && words.next().is_some()
}

fn flat(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The arguments of the macro whose name stands here.
fn invoked(tokens: &[TokenTree], at: usize) -> Option<&Group> {
    match (tokens.get(at + 1), tokens.get(at + 2)) {
        (Some(TokenTree::Punct(sign)), Some(TokenTree::Group(group))) if sign.as_char() == '!' => Some(group),
        _ => None,
    }
}

/// How many tokens an attribute takes; one of tests takes the item behind it too.
fn attribute(tokens: &[TokenTree], at: usize) -> usize {
    let inner = usize::from(matches!(tokens.get(at + 1), Some(TokenTree::Punct(sign)) if sign.as_char() == '!'));
    let Some(TokenTree::Group(group)) = tokens.get(at + 1 + inner) else { return 1 };
    let size = 2 + inner;
    if group.stream().to_string().replace(' ', "") != "cfg(test)" {
        return size;
    }
    let end = tokens.iter().skip(at + size).position(|tree| match tree {
        TokenTree::Group(body) => body.delimiter() == Delimiter::Brace,
        TokenTree::Punct(sign) => sign.as_char() == ';',
        _ => false,
    });
    size + end.map_or(0, |end| end + 1)
}

#[cfg(test)]
mod tests;
