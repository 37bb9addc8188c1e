//! Commands of the shell itself.

use super::exec::{Flow, Run};
use crate::persona::Flavour;

pub(super) fn nothing(_: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    0
}

pub(super) fn fails(_: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    1
}

/// Words that leave the menus of routers; a plain shell does not know most of them.
pub(super) fn menu(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let name = argv.first().map_or("", String::as_str);
    match (run.sh.host.flavour, name) {
        (Flavour::Bash, "enable") => 0,
        (Flavour::Bash, _) => {
            let shell = run.sh.name();
            run.complain(format!("{shell}: {name}: command not found"));
            127
        }
        (Flavour::Ash, _) => {
            let shell = run.sh.name();
            run.complain(format!("{shell}: {name}: not found"));
            127
        }
    }
}

pub(super) fn cd(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let target = argv.iter().skip(1).find(|a| !(a.starts_with('-') && a.len() > 1));
    let typed = match target.map(String::as_str) {
        None => run.sh.user.home.clone(),
        Some("-") => run.sh.variable("OLDPWD").unwrap_or_else(|| run.sh.cwd.clone()),
        Some(typed) => typed.to_owned(),
    };
    let path = run.path(&typed);
    let shell = run.sh.name();
    match run.sh.fs.get(&path) {
        Some(node) if matches!(node.kind, super::fs::Kind::Dir) => {
            if run.sh.user.uid != 0 && node.uid != run.sh.user.uid && node.mode & 0o001 == 0 {
                return run.complain(format!("{shell}: cd: {typed}: Permission denied"));
            }
            let old = std::mem::replace(&mut run.sh.cwd, path.clone());
            run.sh.set_variable("OLDPWD", old);
            run.sh.set_variable("PWD", path);
            0
        }
        Some(_) => run.complain(format!("{shell}: cd: {typed}: Not a directory")),
        None if run.sh.host.flavour == Flavour::Ash => run.complain(format!("{shell}: cd: can't cd to {typed}")),
        None => run.complain(format!("{shell}: cd: {typed}: No such file or directory")),
    }
}

pub(super) fn pwd(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    run.say(run.sh.cwd.clone());
    0
}

pub(super) fn echo(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let (mut newline, mut escapes, mut from) = (true, false, 1);
    for word in argv.iter().skip(1) {
        let flags = word.strip_prefix('-').filter(|f| !f.is_empty() && f.chars().all(|c| matches!(c, 'n' | 'e' | 'E')));
        let Some(flags) = flags else { break };
        newline = newline && !flags.contains('n');
        escapes = (escapes || flags.contains('e')) && !flags.ends_with('E');
        from += 1;
    }
    let text = argv.iter().skip(from).map(String::as_str).collect::<Vec<_>>().join(" ");
    if escapes {
        let (bytes, stop) = unescape(&text);
        run.put(bytes);
        newline = newline && !stop;
    } else {
        run.put(text);
    }
    if newline {
        run.put(b"\n");
    }
    0
}

/// Backslash escapes as `echo -e` and `printf` know them; true when `\c` ended the text.
fn unescape(text: &str) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        match rest.next() {
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('a') => out.push(7),
            Some('b') => out.push(8),
            Some('e') => out.push(27),
            Some('\\') => out.push(b'\\'),
            Some('c') => return (out, true),
            Some('x') => {
                let mut value = None;
                while let Some(digit) =
                    rest.peek().and_then(|c| c.to_digit(16)).filter(|_| value.is_none_or(|v: u32| v < 16))
                {
                    value = Some(value.unwrap_or(0) * 16 + digit);
                    rest.next();
                }
                match value {
                    Some(value) => out.push(u8::try_from(value).unwrap_or(0)),
                    None => out.extend(b"\\x"),
                }
            }
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or(0);
                let mut count = u32::from(digit != '0');
                while let Some(next) = rest.peek().and_then(|c| c.to_digit(8)).filter(|_| count < 3) {
                    value = value * 8 + next;
                    count += 1;
                    rest.next();
                }
                out.push(u8::try_from(value & 0xff).unwrap_or(0));
            }
            Some(other) => {
                out.push(b'\\');
                out.extend(other.encode_utf8(&mut [0; 4]).bytes());
            }
            None => out.push(b'\\'),
        }
    }
    (out, false)
}

pub(super) fn printf(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let Some(format) = argv.get(1) else { return run.complain("printf: usage: printf [-v var] format [arguments]") };
    let mut values = argv.iter().skip(2);
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        match chars.find(|c| !matches!(c, '0'..='9' | '-' | '.' | ' ' | '+' | '#')) {
            Some('%') | None => text.push('%'),
            Some('d' | 'i' | 'u') => {
                let value = values.next().map_or("0", String::as_str);
                text.push_str(&value.parse::<i64>().unwrap_or(0).to_string());
            }
            Some('x') => {
                let value = values.next().and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
                text.push_str(&format!("{value:x}"));
            }
            Some(_) => text.push_str(values.next().map_or("", String::as_str)),
        }
    }
    let (bytes, _) = unescape(&text);
    run.put(bytes);
    0
}

pub(super) fn export(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut shown = true;
    for word in argv.iter().skip(1) {
        shown = false;
        if let Some((name, value)) = word.split_once('=') {
            run.sh.set_variable(name, value.to_owned());
        }
    }
    if shown {
        let prefix = if argv.first().is_some_and(|n| n == "export") { "declare -x " } else { "" };
        for (name, value) in run.sh.variables.clone() {
            run.say(format!("{prefix}{name}=\"{value}\""));
        }
    }
    0
}

pub(super) fn unset(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    for name in argv.iter().skip(1) {
        run.sh.variables.remove(name);
    }
    0
}

pub(super) fn exit(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let status = argv.get(1).and_then(|s| s.parse::<u8>().ok()).unwrap_or(0);
    match run.sh.stack.pop() {
        Some(user) => run.sh.become_user(user),
        None => run.exit = Some(u32::from(status)),
    }
    i32::from(status)
}

pub(super) fn leave_loop(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    run.flow = Flow::Break;
    0
}

pub(super) fn next_round(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    run.flow = Flow::Continue;
    0
}

pub(super) fn test(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut words: Vec<&str> = argv.iter().skip(1).map(String::as_str).collect();
    if matches!(words.last(), Some(&("]" | "]]"))) {
        words.pop();
    }
    let truth = words
        .split(|w| matches!(*w, "-o" | "||"))
        .any(|or| or.split(|w| matches!(*w, "-a" | "&&")).all(|one| holds(run, one)));
    i32::from(!truth)
}

fn holds(run: &Run<'_>, words: &[&str]) -> bool {
    let number = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
    match words {
        ["!", rest @ ..] => !holds(run, rest),
        [text] => !text.is_empty(),
        ["-z", text] => text.is_empty(),
        ["-n", text] => !text.is_empty(),
        [flag, path] => {
            let node = run.sh.fs.get(&run.path(path));
            match *flag {
                "-d" => node.is_some_and(|n| matches!(n.kind, super::fs::Kind::Dir)),
                "-f" => node.is_some_and(|n| !matches!(n.kind, super::fs::Kind::Dir | super::fs::Kind::Device)),
                "-s" => node.is_some_and(|n| super::fs::Vfs::size(n) > 0),
                "-x" => node.is_some_and(|n| n.mode & 0o111 != 0),
                "-e" | "-r" | "-w" | "-a" => node.is_some(),
                _ => false,
            }
        }
        [left, op, right] => match *op {
            "=" | "==" => left == right,
            "!=" => left != right,
            "-eq" => number(left) == number(right),
            "-ne" => number(left) != number(right),
            "-lt" => number(left) < number(right),
            "-le" => number(left) <= number(right),
            "-gt" => number(left) > number(right),
            "-ge" => number(left) >= number(right),
            _ => false,
        },
        _ => false,
    }
}

pub(super) fn kind(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let command = argv.first().is_some_and(|n| n == "command");
    let rest: Vec<String> = argv.iter().skip(1).filter(|a| !a.starts_with('-')).cloned().collect();
    if command && !argv.iter().any(|a| a == "-v" || a == "-V") {
        return run.command(&rest, stdin);
    }
    let mut status = 0;
    for name in rest {
        match (super::programs::builtin(&name).is_some(), run.sh.on_path(&name)) {
            (true, _) if command => run.say(&name),
            (true, _) => run.say(format!("{name} is a shell builtin")),
            (false, Some(path)) if command => run.say(path),
            (false, Some(path)) => run.say(format!("{name} is {path}")),
            (false, None) => {
                status = 1;
                if !command {
                    let shell = run.sh.name();
                    run.complain(format!("{shell}: type: {name}: not found"));
                }
            }
        }
    }
    status
}

pub(super) fn which(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut status = 0;
    for name in argv.iter().skip(1) {
        match run.sh.on_path(name) {
            Some(path) => run.say(path),
            None => status = 1,
        }
    }
    status
}

pub(super) fn eval(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let text = argv.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(" ");
    run.script(&text, stdin)
}

pub(super) fn exec(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let rest: Vec<String> = argv.iter().skip(1).cloned().collect();
    if rest.is_empty() { 0 } else { run.command(&rest, stdin) }
}

pub(super) fn source(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let Some(name) = argv.get(1) else { return 2 };
    match run.read_file(name) {
        Ok(data) => {
            let path = run.path(name);
            run.run_file(&path, &data, stdin)
        }
        Err(error) => {
            let shell = run.sh.name();
            run.complain(format!("{shell}: {name}: {}", error.text()))
        }
    }
}

pub(super) fn history(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if argv.iter().any(|a| a == "-c") {
        run.sh.history.clear();
        return 0;
    }
    for (index, line) in run.sh.history.clone().iter().enumerate() {
        run.say(format!("{:>5}  {line}", index + 1));
    }
    0
}
