//! Redirections: where a command's output goes and where its input comes from.

use super::exec::{Open, Run, Target};
use super::fs::FsError;
use super::parse::{Piece, Redirect, Word};

impl Run<'_> {
    /// Runs something under its redirections.
    pub(super) fn redirected(
        &mut self,
        redirects: &[Redirect],
        stdin: &[u8],
        work: impl FnOnce(&mut Self, &[u8]) -> i32,
    ) -> i32 {
        let (out, err) = (self.out, self.err);
        let first = self.files.len();
        let mut input: Option<Vec<u8>> = None;
        let mut failed = false;
        for redirect in redirects {
            if let Err((name, error)) = self.redirect(redirect, &mut input) {
                let shell = self.sh.name();
                self.complain(format!("{shell}: {name}: {}", error.text()));
                failed = true;
                break;
            }
        }
        let status = if failed { 1 } else { work(self, input.as_deref().unwrap_or(stdin)) };
        (self.out, self.err) = (out, err);
        for open in self.files.split_off(first.min(self.files.len())) {
            let full = self.sh.fs.write(&open.path, &open.data, true, self.sh.user.uid, self.now);
            if full == Err(FsError::Full) {
                let shell = self.sh.name();
                self.complain(format!("{shell}: write error: {}", FsError::Full.text()));
            }
        }
        status
    }

    fn redirect(&mut self, redirect: &Redirect, input: &mut Option<Vec<u8>>) -> Result<(), (String, FsError)> {
        match redirect {
            Redirect::Out { fd, append, to } => {
                let target = self.open(to, *append)?;
                match fd {
                    1 => self.out = target,
                    2 => self.err = target,
                    _ => {}
                }
            }
            Redirect::Both { append, to } => {
                let target = self.open(to, *append)?;
                (self.out, self.err) = (target, target);
            }
            Redirect::Dup { fd: 2, to: 1 } => self.err = self.out,
            Redirect::Dup { fd: 1, to: 2 } => self.out = self.err,
            Redirect::Dup { .. } => {}
            Redirect::In { from } => {
                let name = self.one(from);
                *input = Some(self.read_file(&name).map_err(|e| (name, e))?);
            }
            Redirect::Here { text, expand } => {
                let text = if *expand { self.one(&here_word(text)) } else { text.clone() };
                *input = Some(text.into_bytes());
            }
        }
        Ok(())
    }

    fn open(&mut self, to: &Word, append: bool) -> Result<Target, (String, FsError)> {
        let name = self.one(to);
        let path = self.path(&name);
        if path == "/dev/null" {
            return Ok(Target::Null);
        }
        if path == "/dev/tty" || path == "/dev/stdout" || path == "/dev/stderr" {
            return Ok(Target::Tty);
        }
        self.sh.fs.write(&path, b"", append, self.sh.user.uid, self.now).map_err(|e| (name, e))?;
        self.files.push(Open { path, data: Vec::new() });
        Ok(Target::File(self.files.len() - 1))
    }
}

/// A here-document's text as a word: only parameters are replaced.
fn here_word(text: &str) -> Word {
    let mut out = Word::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push(Piece::Text(before.to_owned(), true));
        let after = after.strip_prefix('$').unwrap_or(after);
        let end = after.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        out.push(if name.is_empty() { Piece::Text("$".to_owned(), true) } else { Piece::Var(name.to_owned(), true) });
        rest = tail;
    }
    out.push(Piece::Text(rest.to_owned(), true));
    out
}
