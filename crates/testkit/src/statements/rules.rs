//! `macro_rules!` as far as statements need it: fragments, groups, repetitions.

use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use std::collections::BTreeMap;

/// The rules of one macro, in order.
#[derive(Debug, Clone)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug, Clone)]
struct Rule {
    pattern: Vec<Pattern>,
    body: Vec<TokenTree>,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// This very token.
    Token(String),
    Group(Delimiter, Vec<Self>),
    /// `$name:kind`.
    Fragment(String, String),
    /// `$( .. ) sep`, as often as it fits.
    Repeat(Vec<Self>, Option<char>),
}

/// What a name stands for.
#[derive(Debug, Clone)]
enum Bound {
    One(Vec<TokenTree>),
    Many(Vec<Bindings>),
}

type Bindings = BTreeMap<String, Bound>;

/// The text of a string literal.
pub(super) fn text(literal: &Literal) -> Option<String> {
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}

/// The parts between separators; a last empty one does not count.
pub(super) fn split(tokens: &[TokenTree], separator: char) -> impl Iterator<Item = &[TokenTree]> {
    let parts = tokens.split(move |tree| matches!(tree, TokenTree::Punct(sign) if sign.as_char() == separator));
    parts.filter(|part| !part.is_empty())
}

/// Every macro that is defined in these tokens, in whatever block.
pub(super) fn defined(tokens: &[TokenTree]) -> BTreeMap<String, Rules> {
    let mut out = BTreeMap::new();
    for (at, tree) in tokens.iter().enumerate() {
        match (tree, tokens.get(at + 2), tokens.get(at + 3)) {
            (TokenTree::Ident(word), Some(TokenTree::Ident(name)), Some(TokenTree::Group(body)))
                if word == "macro_rules" =>
            {
                out.insert(name.to_string(), Rules::read(body));
            }
            (TokenTree::Group(group), ..) => out.extend(defined(&flat(group))),
            _ => {}
        }
    }
    out
}

impl Rules {
    fn read(body: &Group) -> Self {
        let tokens = flat(body);
        let groups: Vec<&Group> = tokens
            .iter()
            .filter_map(|tree| if let TokenTree::Group(group) = tree { Some(group) } else { None })
            .collect();
        let pairs = groups.chunks_exact(2);
        Self(
            pairs
                .filter_map(|pair| match pair {
                    [pattern, body] => Some(Rule { pattern: patterns(&flat(pattern)), body: flat(body) }),
                    _ => None,
                })
                .collect(),
        )
    }

    /// What the macro becomes with these arguments; none when no rule fits.
    pub(super) fn expand(&self, arguments: &[TokenTree]) -> Option<Vec<TokenTree>> {
        self.0.iter().find_map(|rule| {
            let (bound, used) = fit(&rule.pattern, arguments)?;
            (used == arguments.len()).then(|| transcribe(&rule.body, &bound))?
        })
    }

    /// Whether a literal of its bodies is of a kind.
    pub(super) fn holds(&self, kind: &dyn Fn(&str) -> bool) -> bool {
        fn any(tokens: &[TokenTree], kind: &dyn Fn(&str) -> bool) -> bool {
            tokens.iter().any(|tree| match tree {
                TokenTree::Literal(literal) => text(literal).is_some_and(|text| kind(&text)),
                TokenTree::Group(group) => any(&flat(group), kind),
                _ => false,
            })
        }
        self.0.iter().any(|rule| any(&rule.body, kind))
    }
}

fn flat(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

fn is_sign(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(sign)) if sign.as_char() == wanted)
}

/// A repetition's separator and how many tokens stand for both: `, *` or `*`.
fn tail(tokens: &[TokenTree]) -> (Option<char>, usize) {
    let sign = |at: usize| match tokens.get(at) {
        Some(TokenTree::Punct(sign)) => Some(sign.as_char()),
        _ => None,
    };
    match (sign(0), sign(1)) {
        (Some('*' | '+' | '?'), _) => (None, 1),
        (separator, Some('*' | '+' | '?')) => (separator, 2),
        _ => (None, 0),
    }
}

fn patterns(tokens: &[TokenTree]) -> Vec<Pattern> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(tree) = tokens.get(at) {
        at += match (tree, tokens.get(at + 1)) {
            (dollar, Some(TokenTree::Ident(name))) if is_sign(Some(dollar), '$') => {
                let kind = tokens.get(at + 3).map(ToString::to_string).unwrap_or_default();
                out.push(Pattern::Fragment(name.to_string(), kind));
                4
            }
            (dollar, Some(TokenTree::Group(group))) if is_sign(Some(dollar), '$') => {
                let (separator, more) = tail(tokens.get(at + 2..).unwrap_or_default());
                out.push(Pattern::Repeat(patterns(&flat(group)), separator));
                2 + more
            }
            (TokenTree::Group(group), _) => {
                out.push(Pattern::Group(group.delimiter(), patterns(&flat(group))));
                1
            }
            (other, _) => {
                out.push(Pattern::Token(other.to_string()));
                1
            }
        };
    }
    out
}

/// Fits a pattern to the beginning of the tokens; what is bound, and how many tokens were used.
fn fit(pattern: &[Pattern], tokens: &[TokenTree]) -> Option<(Bindings, usize)> {
    let mut bound = Bindings::new();
    let mut at = 0;
    for piece in pattern {
        let rest = tokens.get(at..)?;
        at += match piece {
            Pattern::Token(wanted) => (rest.first()?.to_string() == *wanted).then_some(1)?,
            Pattern::Group(delimiter, inner) => {
                let TokenTree::Group(group) = rest.first()? else { return None };
                let tokens = flat(group);
                let (more, used) = fit(inner, &tokens)?;
                if group.delimiter() != *delimiter || used != tokens.len() {
                    return None;
                }
                bound.extend(more);
                1
            }
            Pattern::Fragment(name, kind) => {
                let size = fragment(kind, rest)?;
                bound.insert(name.clone(), Bound::One(rest.get(..size)?.to_vec()));
                size
            }
            Pattern::Repeat(inner, separator) => {
                let (turns, used) = repeat(inner, *separator, rest);
                for name in names(inner) {
                    let turns = turns.iter().map(|turn| turn.clone().into_iter().filter(|(n, _)| *n == name).collect());
                    bound.insert(name.clone(), Bound::Many(turns.collect()));
                }
                used
            }
        };
    }
    Some((bound, at))
}

fn repeat(inner: &[Pattern], separator: Option<char>, tokens: &[TokenTree]) -> (Vec<Bindings>, usize) {
    let (mut turns, mut used) = (Vec::new(), 0);
    loop {
        let between = match separator {
            Some(sign) if !turns.is_empty() && is_sign(tokens.get(used), sign) => 1,
            Some(_) if !turns.is_empty() => break,
            _ => 0,
        };
        let Some((bound, more)) = fit(inner, tokens.get(used + between..).unwrap_or_default()) else { break };
        if more == 0 {
            break;
        }
        turns.push(bound);
        used += between + more;
    }
    (turns, used)
}

/// How many tokens a fragment takes; none when it does not fit.
fn fragment(kind: &str, tokens: &[TokenTree]) -> Option<usize> {
    let first = tokens.first()?;
    match kind {
        "literal" => matches!(first, TokenTree::Literal(_)).then_some(1),
        "ident" => matches!(first, TokenTree::Ident(_)).then_some(1),
        "tt" | "block" => Some(1),
        _ => {
            let ends = |tree: &TokenTree| matches!(tree, TokenTree::Punct(s) if matches!(s.as_char(), ',' | ';'));
            let size = tokens.iter().position(ends).unwrap_or(tokens.len());
            (size > 0).then_some(size)
        }
    }
}

fn names(pattern: &[Pattern]) -> Vec<String> {
    pattern
        .iter()
        .flat_map(|piece| match piece {
            Pattern::Token(_) => Vec::new(),
            Pattern::Group(_, inner) | Pattern::Repeat(inner, _) => names(inner),
            Pattern::Fragment(name, _) => vec![name.clone()],
        })
        .collect()
}

/// The body with every name replaced; none for a name that is bound in another way than it is used.
fn transcribe(body: &[TokenTree], bound: &Bindings) -> Option<Vec<TokenTree>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(tree) = body.get(at) {
        at += match (tree, body.get(at + 1)) {
            (dollar, Some(TokenTree::Ident(name))) if is_sign(Some(dollar), '$') => {
                match bound.get(&name.to_string()) {
                    Some(Bound::One(tokens)) => out.extend(tokens.iter().cloned()),
                    Some(Bound::Many(_)) => return None,
                    // `$crate`, or a name of a macro that this one defines.
                    None => out.push(TokenTree::Ident(Ident::new(&name.to_string(), name.span()))),
                }
                2
            }
            (dollar, Some(TokenTree::Group(group))) if is_sign(Some(dollar), '$') => {
                let (separator, more) = tail(body.get(at + 2..).unwrap_or_default());
                let inner = flat(group);
                for (turn, bound) in turns(&inner, bound).into_iter().enumerate() {
                    if let Some(sign) = separator.filter(|_| turn > 0) {
                        out.extend(sign.to_string().parse::<TokenStream>().ok()?);
                    }
                    out.extend(transcribe(&inner, &bound)?);
                }
                2 + more
            }
            (TokenTree::Group(group), _) => {
                let inner = transcribe(&flat(group), bound)?;
                let mut made = Group::new(group.delimiter(), inner.into_iter().collect());
                made.set_span(group.span());
                out.push(TokenTree::Group(made));
                1
            }
            (other, _) => {
                out.push(other.clone());
                1
            }
        };
    }
    Some(out)
}

/// What is bound in each turn of a repetition: everything outside it, and one turn of each repeated name inside.
fn turns(inner: &[TokenTree], bound: &Bindings) -> Vec<Bindings> {
    let used = used(inner);
    let repeated: Vec<(&String, &Vec<Bindings>)> = bound
        .iter()
        .filter_map(|(name, what)| match what {
            Bound::Many(turns) if used.contains(name) => Some((name, turns)),
            _ => None,
        })
        .collect();
    let count = repeated.iter().map(|(_, turns)| turns.len()).max().unwrap_or(0);
    let turn = |at: usize| {
        let mut now = bound.clone();
        for (name, turns) in &repeated {
            if let Some(what) = turns.get(at).and_then(|turn| turn.get(*name)) {
                now.insert((*name).clone(), what.clone());
            }
        }
        now
    };
    (0..count).map(turn).collect()
}

fn used(tokens: &[TokenTree]) -> Vec<String> {
    let after = |at: usize, tree: &TokenTree| match (tree, tokens.get(at + 1)) {
        (TokenTree::Group(group), _) => used(&flat(group)),
        (dollar, Some(TokenTree::Ident(name))) if is_sign(Some(dollar), '$') => vec![name.to_string()],
        _ => Vec::new(),
    };
    tokens.iter().enumerate().flat_map(|(at, tree)| after(at, tree)).collect()
}
