//! Word expansion: parameters, substitutions, arithmetic, splitting and patterns.

use super::exec::Run;
use super::fs::{Vfs, parent};
use super::parse::{Piece, Word};

/// Words one command may have.
const WORDS: usize = 512;
/// Bytes one expansion may give.
const BYTES: usize = 64 * 1024;

impl Run<'_> {
    /// All words of a command, split and with patterns replaced.
    pub(super) fn words(&mut self, words: &[Word]) -> Vec<String> {
        let mut out = Vec::new();
        let mut bytes = 0_usize;
        for word in words {
            for field in self.fields(word) {
                bytes += field.len();
                if out.len() < WORDS && bytes < BYTES {
                    out.push(field);
                }
            }
        }
        out
    }

    /// One word without splitting: redirections, assignments.
    pub(super) fn one(&mut self, word: &Word) -> String {
        let mut out = String::new();
        for (index, piece) in word.iter().enumerate() {
            match piece {
                Piece::Text(text, false) if index == 0 => out.push_str(&self.tilde(text)),
                piece => out.push_str(&self.piece(piece)),
            }
            truncate(&mut out, BYTES);
        }
        out
    }

    fn fields(&mut self, word: &Word) -> Vec<String> {
        // A current field, whether anything (even an empty quote) stands in it, and whether it holds a live pattern.
        let (mut done, mut now, mut some, mut pattern) = (Vec::new(), String::new(), false, false);
        for (index, piece) in word.iter().enumerate() {
            match piece {
                Piece::Text(text, quoted) => {
                    some = some || *quoted || !text.is_empty();
                    pattern = pattern || (!*quoted && text.contains(['*', '?', '[']));
                    if index == 0 && !*quoted {
                        now.push_str(&self.tilde(text));
                    } else {
                        now.push_str(text);
                    }
                }
                Piece::Var(_, true) | Piece::Run(_, true) | Piece::Math(_) => {
                    some = true;
                    now.push_str(&self.piece(piece));
                }
                Piece::Var(_, false) | Piece::Run(_, false) => {
                    let text = self.piece(piece);
                    let mut parts = text.split([' ', '\t', '\n']).peekable();
                    while let Some(part) = parts.next() {
                        now.push_str(part);
                        some = some || !part.is_empty();
                        if parts.peek().is_some() && some {
                            done.push(std::mem::take(&mut now));
                            some = false;
                        }
                    }
                }
            }
            truncate(&mut now, BYTES);
        }
        if some {
            done.push(now);
        }
        if pattern { done.into_iter().flat_map(|field| self.glob(field)).collect() } else { done }
    }

    fn tilde(&self, text: &str) -> String {
        match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", self.sh.user.home),
            _ => text.to_owned(),
        }
    }

    fn piece(&mut self, piece: &Piece) -> String {
        match piece {
            Piece::Text(text, _) => text.clone(),
            Piece::Var(name, _) => self.parameter(name),
            Piece::Run(text, _) => self.substitute(text),
            Piece::Math(text) => {
                let text: String = text.chars().filter(|c| *c != '$').collect();
                Math { chars: text.chars().filter(|c| !c.is_whitespace()).collect(), at: 0, depth: 0, run: self }
                    .total()
                    .to_string()
            }
        }
    }

    fn parameter(&self, text: &str) -> String {
        if let Some(name) = text.strip_prefix('#').filter(|n| !n.is_empty()) {
            return self.sh.variable(name).unwrap_or_default().len().to_string();
        }
        let end = text.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        if name.is_empty() {
            return self.sh.variable(text).unwrap_or_default();
        }
        let value = self.sh.variable(name);
        match rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')) {
            Some(default) => value.filter(|v| !v.is_empty()).unwrap_or_else(|| default.to_owned()),
            None => value.unwrap_or_default(),
        }
    }

    fn glob(&self, field: String) -> Vec<String> {
        let full = Vfs::absolute(&self.sh.cwd, &field);
        let folder = parent(&full).to_owned();
        let pattern = full.rsplit('/').next().unwrap_or_default().to_owned();
        if folder.contains(['*', '?']) {
            return vec![field];
        }
        let Ok(entries) = self.sh.fs.list(&folder) else { return vec![field] };
        let shown = field.rfind('/').and_then(|at| field.get(..=at)).unwrap_or_default();
        let found: Vec<String> = entries
            .into_iter()
            .filter(|(name, _)| (!name.starts_with('.') || pattern.starts_with('.')) && matches(&pattern, name))
            .map(|(name, _)| format!("{shown}{name}"))
            .collect();
        if found.is_empty() { vec![field] } else { found }
    }
}

/// Cuts at a character's edge.
pub(super) fn truncate(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
}

/// Whether `name` fits a pattern of `*`, `?` and text; linear with one step back, never exponential.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = name.get(n) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(q) if *q == '?' || q == c => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

/// Integer arithmetic: `+ - * / %` and parentheses; everything else counts as 0.
struct Math<'a, 'b> {
    chars: Vec<char>,
    at: usize,
    depth: usize,
    run: &'a Run<'b>,
}

impl Math<'_, '_> {
    fn total(&mut self) -> i64 {
        let mut left = self.product();
        loop {
            match self.chars.get(self.at) {
                Some('+') => {
                    self.at += 1;
                    left = left.wrapping_add(self.product());
                }
                Some('-') => {
                    self.at += 1;
                    left = left.wrapping_sub(self.product());
                }
                _ => return left,
            }
        }
    }

    fn product(&mut self) -> i64 {
        let mut left = self.value();
        loop {
            match self.chars.get(self.at) {
                Some('*') => {
                    self.at += 1;
                    left = left.wrapping_mul(self.value());
                }
                Some('/') => {
                    self.at += 1;
                    left = left.checked_div(self.value()).unwrap_or(0);
                }
                Some('%') => {
                    self.at += 1;
                    left = left.checked_rem(self.value()).unwrap_or(0);
                }
                _ => return left,
            }
        }
    }

    fn value(&mut self) -> i64 {
        match self.chars.get(self.at).copied() {
            Some('-') if self.depth < 64 => {
                self.at += 1;
                self.depth += 1;
                let value = self.value().wrapping_neg();
                self.depth -= 1;
                value
            }
            Some('(') if self.depth < 64 => {
                self.at += 1;
                self.depth += 1;
                let inner = self.total();
                self.depth -= 1;
                self.at += usize::from(self.chars.get(self.at) == Some(&')'));
                inner
            }
            Some(c) if c == '_' || c.is_ascii_alphanumeric() => {
                let text: String =
                    self.chars.iter().skip(self.at).take_while(|c| **c == '_' || c.is_ascii_alphanumeric()).collect();
                self.at += text.len();
                if let Some(digits) = text.strip_prefix("0x") {
                    return i64::from_str_radix(digits, 16).unwrap_or(0);
                }
                text.parse()
                    .unwrap_or_else(|_| self.run.sh.variable(&text).and_then(|v| v.trim().parse().ok()).unwrap_or(0))
            }
            _ => {
                self.at = self.chars.len();
                0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_and_do_not_explode() {
        assert!(matches("*.sh", "a.sh") && matches("a?c*", "abcd") && matches("*", ""));
        assert!(!matches("*.sh", "a.shx") && !matches("a", "b"));
        assert!(!matches(&"*a".repeat(200), &"b".repeat(2000)));
    }
}
