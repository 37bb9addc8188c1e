//! Commands on text: as much of each as recognition scripts use.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::exec::Run;
use super::files::{fault, operands, option};

/// The input of a filter: its files, or standard input.
fn input(run: &mut Run<'_>, program: &str, names: &[String], stdin: &[u8]) -> Result<String, i32> {
    if names.is_empty() {
        return Ok(String::from_utf8_lossy(stdin).into_owned());
    }
    let mut text = String::new();
    for name in names {
        match run.read_file(name) {
            Ok(data) => text.push_str(&String::from_utf8_lossy(&data)),
            Err(error) => return Err(fault(run, program, name, error)),
        }
    }
    Ok(text)
}

macro_rules! input {
    ($run:expr, $program:expr, $names:expr, $stdin:expr) => {
        match input($run, $program, $names, $stdin) {
            Ok(text) => text,
            Err(status) => return status,
        }
    };
}

pub(super) fn head(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let program = argv.first().cloned().unwrap_or_default();
    let (mut count, mut bytes, mut names, mut words) = (10_usize, None, Vec::new(), argv.iter().skip(1));
    while let Some(word) = words.next() {
        match word.strip_prefix('-') {
            Some("n") => count = words.next().and_then(|w| w.trim_start_matches('-').parse().ok()).unwrap_or(10),
            Some("c") => bytes = words.next().and_then(|w| w.parse::<usize>().ok()),
            Some(rest) => match (rest.strip_prefix('n').unwrap_or(rest).parse(), rest.strip_prefix('c')) {
                (Ok(n), _) => count = n,
                (_, Some(n)) => bytes = n.parse().ok(),
                _ => {}
            },
            None => names.push(word.clone()),
        }
    }
    if let Some(bytes) = bytes {
        let data = match names.first() {
            Some(name) => match run.read_file(name) {
                Ok(data) => data,
                Err(error) => return fault(run, &program, name, error),
            },
            None => stdin.to_vec(),
        };
        run.put(data.get(..bytes.min(data.len())).unwrap_or_default());
        return 0;
    }
    let text = input!(run, &program, &names, stdin);
    let lines: Vec<&str> = text.lines().collect();
    let all = program.ends_with("more") || program.ends_with("less");
    let range = match (all, program.ends_with("tail")) {
        (true, _) => 0..lines.len(),
        (_, true) => lines.len().saturating_sub(count)..lines.len(),
        _ => 0..count.min(lines.len()),
    };
    for line in lines.get(range).unwrap_or_default() {
        run.say(line);
    }
    0
}

pub(super) fn grep(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let mut words = argv.iter().skip(1);
    let (mut pattern, mut names) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-e" if pattern.is_none() => pattern = words.next().cloned(),
            "-A" | "-B" | "-C" | "-m" => {
                words.next();
            }
            flag if flag.starts_with('-') && flag.len() > 1 => {}
            _ if pattern.is_none() => pattern = Some(word.clone()),
            _ => names.push(word.clone()),
        }
    }
    let Some(pattern) = pattern else { return run.complain("Usage: grep [OPTION]... PATTERN [FILE]...") };
    let text = input!(run, "grep", &names, stdin);
    let fold = option(argv, 'i');
    let (invert, count, quiet) = (option(argv, 'v'), option(argv, 'c'), option(argv, 'q'));
    let wanted: Vec<Pattern> = pattern.split("\\|").flat_map(|p| p.split('|')).map(|p| Pattern::new(p, fold)).collect();
    // Each pattern looks at each byte of the text.
    if !run.spend(text.len().saturating_mul(wanted.len())) {
        return 1;
    }
    let mut found = 0;
    for line in text.lines() {
        let line_folded = if fold { line.to_lowercase() } else { line.to_owned() };
        if wanted.iter().any(|p| p.fits(&line_folded)) != invert {
            found += 1;
            if !count && !quiet {
                run.say(line);
            }
        }
    }
    if count {
        run.say(found.to_string());
    }
    i32::from(found == 0)
}

/// A pattern as recognition scripts write them: text, `^`, `$` and `.*`.
struct Pattern {
    parts: Vec<String>,
    start: bool,
    end: bool,
}

impl Pattern {
    fn new(text: &str, fold: bool) -> Self {
        let text = if fold { text.to_lowercase() } else { text.to_owned() };
        let (start, end) = (text.starts_with('^'), text.ends_with('$'));
        let core = text.trim_start_matches('^').trim_end_matches('$').replace("\\b", "").replace('\\', "");
        Self { parts: core.split(".*").map(str::to_owned).collect(), start, end }
    }

    fn fits(&self, line: &str) -> bool {
        let mut rest = line;
        for (index, part) in self.parts.iter().enumerate() {
            if index == 0 && self.start && !rest.starts_with(part.as_str()) {
                return false;
            }
            match rest.find(part.as_str()) {
                None => return false,
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            }
        }
        !self.end || rest.is_empty() || self.parts.last().is_some_and(|p| line.ends_with(p.as_str()))
    }
}

pub(super) fn wc(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let names: Vec<String> = operands(argv).cloned().collect();
    let text = input!(run, "wc", &names, stdin);
    let (lines, words, bytes) = (text.matches('\n').count(), text.split_whitespace().count(), text.len());
    let name = names.first().map(|n| format!(" {n}")).unwrap_or_default();
    if option(argv, 'l') {
        run.say(format!("{lines}{name}"));
    } else if option(argv, 'c') {
        run.say(format!("{bytes}{name}"));
    } else if option(argv, 'w') {
        run.say(format!("{words}{name}"));
    } else {
        run.say(format!("{lines:>7} {words:>7} {bytes:>7}{name}"));
    }
    0
}

pub(super) fn sort(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let names: Vec<String> = operands(argv).cloned().collect();
    let program = argv.first().cloned().unwrap_or_default();
    let text = input!(run, &program, &names, stdin);
    let mut lines: Vec<&str> = text.lines().collect();
    let unique = program.ends_with("uniq");
    if !unique {
        lines.sort_unstable();
        if option(argv, 'r') {
            lines.reverse();
        }
    }
    let counted = unique && option(argv, 'c');
    let runs: Vec<(usize, &str)> =
        lines.chunk_by(|a, b| a == b).filter_map(|c| c.first().map(|l| (c.len(), *l))).collect();
    if counted {
        for (count, line) in runs {
            run.say(format!("{count:>7} {line}"));
        }
    } else if unique || option(argv, 'u') {
        for (_, line) in runs {
            run.say(line);
        }
    } else {
        for line in lines {
            run.say(line);
        }
    }
    0
}

/// The value of an option written `-d,` or `-d ,`.
fn value(argv: &[String], flag: &str) -> Option<String> {
    let at = argv.iter().position(|a| a.starts_with(flag))?;
    let rest = argv.get(at)?.strip_prefix(flag)?;
    if rest.is_empty() { argv.get(at + 1).cloned() } else { Some(rest.to_owned()) }
}

/// The numbers of a list such as `1,3-5`; at most 64.
fn numbers(list: &str) -> Vec<usize> {
    let mut out = Vec::new();
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from = from.parse::<usize>().unwrap_or(1).max(1);
        let to = to.parse::<usize>().unwrap_or(from + 32);
        out.extend((from..=to.min(from + 64)).take(64));
    }
    out.truncate(64);
    out
}

pub(super) fn cut(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let text = String::from_utf8_lossy(stdin).into_owned();
    let delimiter = value(argv, "-d").unwrap_or_else(|| "\t".to_owned());
    if let Some(list) = value(argv, "-c") {
        let wanted = numbers(&list);
        for line in text.lines() {
            let chars: Vec<char> = line.chars().collect();
            run.say(wanted.iter().filter_map(|n| chars.get(n - 1)).collect::<String>());
        }
        return 0;
    }
    let wanted = numbers(&value(argv, "-f").unwrap_or_else(|| "1".to_owned()));
    for line in text.lines() {
        let fields: Vec<&str> = line.split(delimiter.as_str()).collect();
        run.say(wanted.iter().filter_map(|n| fields.get(n - 1)).copied().collect::<Vec<_>>().join(&delimiter));
    }
    0
}

pub(super) fn tr(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let words: Vec<&String> = operands(argv).collect();
    let text = String::from_utf8_lossy(stdin).into_owned();
    let set = |word: Option<&&String>| word.map(|w| char_set(w)).unwrap_or_default();
    let (from, to) = (set(words.first()), set(words.get(1)));
    let delete = option(argv, 'd');
    let mut places = HashMap::new();
    for (at, c) in from.into_iter().enumerate() {
        places.entry(c).or_insert(at);
    }
    let out: String = text
        .chars()
        .filter_map(|c| match places.get(&c) {
            None => Some(c),
            Some(_) if delete => None,
            Some(at) => Some(to.get(*at).or(to.last()).copied().unwrap_or(c)),
        })
        .collect();
    run.put(out);
    0
}

/// Characters of a set that count: attackers write ranges, not alphabets.
const SET: usize = 4_096;

fn char_set(text: &str) -> Vec<char> {
    let text = text.replace("[:lower:]", "a-z").replace("[:upper:]", "A-Z").replace("\\n", "\n").replace("\\t", "\t");
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).filter(|_| out.len() < SET) {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if c <= end && u32::from(*end) - u32::from(*c) < 128 => {
                out.extend(*c..=*end);
                at += 3;
            }
            _ => {
                out.push(*c);
                at += 1;
            }
        }
    }
    out
}

pub(super) fn sed(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let words: Vec<String> = operands(argv).cloned().collect();
    let Some((script, names)) = words.split_first() else {
        return run.complain("Usage: sed [OPTION]... {script} [input-file]...");
    };
    let text = input!(run, "sed", names, stdin);
    let mut chars = script.chars();
    let (Some('s'), Some(mark)) = (chars.next(), chars.next()) else {
        run.put(text);
        return 0;
    };
    let parts: Vec<&str> = script.get(1 + mark.len_utf8()..).unwrap_or_default().split(mark).collect();
    let (from, to) = (parts.first().copied().unwrap_or_default(), parts.get(1).copied().unwrap_or_default());
    let all = parts.get(2).is_some_and(|flags| flags.contains('g'));
    let growth = text.matches(from).count().saturating_mul(to.len());
    if from.is_empty() || !run.spend(growth) {
        run.put(text);
        return 0;
    }
    for line in text.lines() {
        let line = if all { line.replace(from, to) } else { line.replacen(from, to, 1) };
        run.say(line);
    }
    0
}

/// `awk`: `/pattern/ {print $n, ...}` with a field separator; the rest of the language gives nothing.
pub(super) fn awk(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let separator = value(argv, "-F");
    let mut words: Vec<String> = operands(argv).cloned().collect();
    if argv.iter().any(|a| a == "-F") && !words.is_empty() {
        words.remove(0);
    }
    let Some((program, names)) = words.split_first() else { return 2 };
    let text = input!(run, "awk", names, stdin);
    let filter = program.split('/').nth(1).filter(|_| program.trim_start().starts_with('/'));
    let printed: Vec<String> = program
        .split_once("print")
        .and_then(|(_, rest)| rest.split(['}', ';']).next())
        .map(|list| list.split(',').map(|f| f.trim().to_owned()).collect())
        .unwrap_or_default();
    for line in text.lines().filter(|line| filter.is_none_or(|f| line.contains(f))) {
        let fields: Vec<&str> = match &separator {
            Some(s) if !s.is_empty() => line.split(s.as_str()).collect(),
            _ => line.split_whitespace().collect(),
        };
        let shown: Vec<String> = printed
            .iter()
            .map(|field| match field.strip_prefix('$') {
                Some("0") => line.to_owned(),
                Some("NF") => fields.last().copied().unwrap_or_default().to_owned(),
                Some(n) => n
                    .parse::<usize>()
                    .ok()
                    .and_then(|n| fields.get(n.wrapping_sub(1)))
                    .copied()
                    .unwrap_or_default()
                    .to_owned(),
                None if field.is_empty() => line.to_owned(),
                None => field.trim_matches('"').to_owned(),
            })
            .collect();
        run.say(shown.join(" "));
    }
    0
}

pub(super) fn xargs(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let text = String::from_utf8_lossy(stdin).into_owned();
    let mut words: Vec<String> = argv.iter().skip(1).skip_while(|a| a.starts_with('-')).cloned().collect();
    if words.is_empty() {
        words.push("echo".to_owned());
    }
    words.extend(text.split_whitespace().take(256).map(str::to_owned));
    run.command(&words, &[])
}

pub(super) fn base64(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let names: Vec<String> = operands(argv).cloned().collect();
    let data = match names.first() {
        None => stdin.to_vec(),
        Some(name) => match run.read_file(name) {
            Ok(data) => data,
            Err(error) => return fault(run, "base64", name, error),
        },
    };
    let mut out = Vec::new();
    if option(argv, 'd') || argv.iter().any(|a| a == "--decode") {
        let (mut bits, mut held) = (0_u32, 0_u32);
        for value in data.iter().filter_map(|c| DIGITS.iter().position(|d| d == c)) {
            bits = (bits << 6 | u32::try_from(value).unwrap_or(0)) & 0x00ff_ffff;
            held += 6;
            if held >= 8 {
                held -= 8;
                out.push(u8::try_from(bits >> held & 0xff).unwrap_or(0));
            }
        }
    } else {
        for chunk in data.chunks(3) {
            let word = chunk.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
            for index in 0..4 {
                let digit =
                    DIGITS.get(usize::try_from(word >> (18 - 6 * index) & 63).unwrap_or(0)).copied().unwrap_or(b'=');
                out.push(if index <= chunk.len() { digit } else { b'=' });
            }
        }
        out.push(b'\n');
    }
    run.put(out);
    0
}

pub(super) fn digest(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    use md5::Md5;
    let program = argv.first().cloned().unwrap_or_default();
    let names: Vec<String> = operands(argv).cloned().collect();
    let sum = |data: &[u8]| {
        if program.ends_with("md5sum") { hex::encode(Md5::digest(data)) } else { hex::encode(Sha256::digest(data)) }
    };
    if names.is_empty() {
        run.say(format!("{}  -", sum(stdin)));
    }
    let mut status = 0;
    for name in names {
        match run.read_file(&name) {
            Ok(data) => run.say(format!("{}  {name}", sum(&data))),
            Err(error) => status = fault(run, &program, &name, error),
        }
    }
    status
}

pub(super) fn path_part(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let Some(path) = argv.get(1) else { return 1 };
    let (folder, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or((".", path));
    run.say(if argv.first().is_some_and(|n| n.ends_with("dirname")) { folder } else { name });
    0
}

pub(super) fn expr(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let text = argv.iter().skip(1).map(String::as_str).collect::<String>();
    let text = text.replace(['$', '(', ')', '`'], "");
    let value = run.substitute(&format!("echo $(({text}))"));
    run.say(value);
    0
}
