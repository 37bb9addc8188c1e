//! Shell text to tokens: quotes, expansions, redirections, here-documents (XCU clauses 2.2, 2.3 and 2.7).

use super::parse::{Fault, Piece, Redirect, Word};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    Redirect(Redirect),
    Op(&'static str),
    End,
}

/// All tokens of a text; the last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    Lexer { chars: text.chars().collect(), at: 0, heres: Vec::new(), tokens: Vec::new() }.run()
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    /// Here-documents that wait for the end of their line: token to fill, delimiter, expand, strip tabs.
    heres: Vec<(usize, String, bool, bool)>,
    tokens: Vec<Token>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let fits = text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c));
        if fits {
            self.at += text.chars().count();
        }
        fits
    }

    fn run(mut self) -> Result<Vec<Token>, Fault> {
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '\n' => {
                    self.at += 1;
                    self.tokens.push(Token::Op("\n"));
                    self.here_documents()?;
                }
                '<' | '>' => self.redirect(None)?,
                '&' if self.peek(1) == Some('>') => self.redirect(None)?,
                '0'..='9' if matches!(self.peek(1), Some('<' | '>')) => {
                    self.at += 1;
                    self.redirect(c.to_digit(10).and_then(|d| u8::try_from(d).ok()))?;
                }
                _ => {
                    if let Some(op) =
                        ["&&", "||", ";;", "|&", ";", "&", "|", "(", ")"].into_iter().find(|op| self.eat(op))
                    {
                        self.tokens.push(Token::Op(if op == "|&" { "|" } else { op }));
                    } else {
                        let word = self.word()?;
                        self.tokens.push(Token::Word(word));
                    }
                }
            }
        }
        if self.heres.is_empty() {
            self.tokens.push(Token::End);
            Ok(self.tokens)
        } else {
            Err(Fault::Incomplete)
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn redirect(&mut self, fd: Option<u8>) -> Result<(), Fault> {
        let op = ["&>>", "&>", "<<<", "<<-", "<<", ">>", ">&", "<&", ">|", "<>", ">", "<"]
            .into_iter()
            .find(|op| self.eat(op));
        self.blanks();
        if matches!(op, Some(">&" | "<&"))
            && let Some(to) = self.peek(0).filter(|c| c.is_ascii_digit() || *c == '-')
        {
            self.at += 1;
            let to = to.to_digit(10).and_then(|d| u8::try_from(d).ok()).unwrap_or(9);
            self.tokens.push(Token::Redirect(Redirect::Dup { fd: fd.unwrap_or(1), to }));
            return Ok(());
        }
        let word = self.word()?;
        if word.is_empty() {
            return Err(Fault::Syntax(self.peek(0).map_or_else(|| "newline".to_owned(), |c| c.to_string())));
        }
        let redirect = match op {
            Some("<") | Some("<>") | Some("<&") => Redirect::In { from: word },
            Some("<<<") => Redirect::Here { text: flat(&word), expand: true },
            Some(here @ ("<<" | "<<-")) => {
                let expand = !word.iter().any(|p| matches!(p, Piece::Text(_, true)));
                self.heres.push((self.tokens.len(), flat(&word), expand, here == "<<-"));
                Redirect::Here { text: String::new(), expand }
            }
            Some("&>") | Some("&>>") | Some(">&") => Redirect::Both { append: op == Some("&>>"), to: word },
            _ => Redirect::Out { fd: fd.unwrap_or(1), append: op == Some(">>"), to: word },
        };
        self.tokens.push(Token::Redirect(redirect));
        Ok(())
    }

    fn here_documents(&mut self) -> Result<(), Fault> {
        for (token, delimiter, expand, strip) in std::mem::take(&mut self.heres) {
            let mut text = String::new();
            loop {
                if self.at >= self.chars.len() {
                    return Err(Fault::Incomplete);
                }
                let mut line = String::new();
                while let Some(c) = self.peek(0).filter(|c| *c != '\n') {
                    line.push(c);
                    self.at += 1;
                }
                self.at += 1;
                let line = if strip { line.trim_start_matches('\t') } else { line.as_str() };
                if line.trim_end_matches('\r') == delimiter {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if let Some(slot) = self.tokens.get_mut(token) {
                *slot = Token::Redirect(Redirect::Here { text, expand });
            }
        }
        Ok(())
    }

    fn word(&mut self) -> Result<Word, Fault> {
        let mut word = Word::new();
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\'' => {
                    self.at += 1;
                    let text = self.until('\'')?;
                    word.push(Piece::Text(text, true));
                }
                '"' => {
                    self.at += 1;
                    self.double_quoted(&mut word)?;
                }
                '\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        None => return Err(Fault::Incomplete),
                        Some('\n') => {}
                        Some(c) => word.push(Piece::Text(c.to_string(), true)),
                    }
                    self.at += 1;
                }
                '$' | '`' => self.expansion(&mut word, false)?,
                c => {
                    self.at += 1;
                    push_text(&mut word, c, false);
                }
            }
        }
        Ok(word)
    }

    fn until(&mut self, end: char) -> Result<String, Fault> {
        let mut out = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == end {
                return Ok(out);
            }
            out.push(c);
        }
        Err(Fault::Incomplete)
    }

    fn double_quoted(&mut self, word: &mut Word) -> Result<(), Fault> {
        word.push(Piece::Text(String::new(), true));
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' if matches!(self.peek(1), Some('$' | '`' | '"' | '\\' | '\n')) => {
                    if let Some(c) = self.peek(1).filter(|c| *c != '\n') {
                        push_text(word, c, true);
                    }
                    self.at += 2;
                }
                '$' | '`' => self.expansion(word, true)?,
                c => {
                    self.at += 1;
                    push_text(word, c, true);
                }
            }
        }
        Err(Fault::Incomplete)
    }

    fn expansion(&mut self, word: &mut Word, quoted: bool) -> Result<(), Fault> {
        if self.eat("`") {
            let text = self.until('`')?;
            word.push(Piece::Run(text, quoted));
        } else if self.eat("$((") {
            let text = self.balanced("((", 2)?;
            word.push(Piece::Math(text));
        } else if self.eat("$(") {
            let text = self.balanced("(", 1)?;
            word.push(Piece::Run(text, quoted));
        } else if self.eat("${") {
            let text = self.until('}')?;
            word.push(Piece::Var(text, quoted));
        } else {
            self.at += 1;
            match self.peek(0) {
                Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                    let mut name = String::new();
                    while let Some(c) = self.peek(0).filter(|c| *c == '_' || c.is_ascii_alphanumeric()) {
                        name.push(c);
                        self.at += 1;
                    }
                    word.push(Piece::Var(name, quoted));
                }
                Some(c @ ('?' | '$' | '#' | '!' | '@' | '*' | '-' | '0'..='9')) => {
                    self.at += 1;
                    word.push(Piece::Var(c.to_string(), quoted));
                }
                Some('\'') if !quoted => {}
                _ => push_text(word, '$', quoted),
            }
        }
        Ok(())
    }

    /// The text up to the parenthesis that closes `open` ones; quotes inside are respected.
    fn balanced(&mut self, _open: &str, open: usize) -> Result<String, Fault> {
        let (mut depth, mut out) = (open, String::new());
        let mut quote = None;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match (quote, c) {
                (Some(q), c) if q == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') => {
                    depth -= 1;
                    if depth == 0 {
                        if open == 2 {
                            out.pop();
                        }
                        return Ok(out);
                    }
                }
                _ => {}
            }
            out.push(c);
        }
        Err(Fault::Incomplete)
    }
}

fn push_text(word: &mut Word, c: char, quoted: bool) {
    match word.last_mut() {
        Some(Piece::Text(text, q)) if *q == quoted => text.push(c),
        _ => word.push(Piece::Text(c.to_string(), quoted)),
    }
}

fn flat(word: &Word) -> String {
    word.iter().fold(String::new(), |mut out, piece| {
        match piece {
            Piece::Text(text, _) => out.push_str(text),
            Piece::Var(name, _) => {
                out.push('$');
                out.push_str(name);
            }
            Piece::Run(text, _) | Piece::Math(text) => out.push_str(text),
        }
        out
    })
}
