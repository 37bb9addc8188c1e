//! Commands on files.

use super::exec::Run;
use super::fs::{FsError, Kind, Node, Vfs};
use super::hardware::month_day;
use crate::persona::Flavour;

/// Words that are not options.
pub(super) fn operands(argv: &[String]) -> impl Iterator<Item = &String> {
    argv.iter().skip(1).filter(|a| !a.starts_with('-') || a.len() == 1)
}

/// Whether one of the short options is given, also bundled.
pub(super) fn option(argv: &[String], letter: char) -> bool {
    argv.iter().skip(1).any(|a| a.starts_with('-') && !a.starts_with("--") && a.contains(letter))
}

pub(super) fn ls(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let long = option(argv, 'l');
    let mut targets: Vec<String> = operands(argv).cloned().collect();
    if targets.is_empty() {
        targets.push(".".to_owned());
    }
    let many = targets.len() > 1;
    let mut status = 0;
    for typed in targets {
        let path = run.path(&typed);
        let Some(node) = run.sh.fs.get(&path).cloned() else {
            let quote = if run.sh.host.flavour == Flavour::Bash { "cannot access '" } else { "" };
            let end = if quote.is_empty() { "" } else { "'" };
            run.complain(format!("ls: {quote}{typed}{end}: No such file or directory"));
            status = 2;
            continue;
        };
        if !matches!(node.kind, Kind::Dir) || option(argv, 'd') {
            show(run, &[(typed, node)], long);
            continue;
        }
        if run.sh.user.uid != 0 && node.uid != run.sh.user.uid && node.mode & 0o004 == 0 {
            run.complain(format!("ls: cannot open directory '{typed}': Permission denied"));
            status = 2;
            continue;
        }
        if many {
            run.say(format!("{typed}:"));
        }
        let mut entries = run.sh.fs.list(&path).unwrap_or_default();
        if option(argv, 'a') || option(argv, 'A') {
            if option(argv, 'a') {
                entries.splice(0..0, [(".".to_owned(), node.clone()), ("..".to_owned(), node)]);
            }
        } else {
            entries.retain(|(name, _)| !name.starts_with('.'));
        }
        if long {
            let blocks: u64 = entries.iter().map(|(_, n)| Vfs::size(n).div_ceil(4096) * 4).sum();
            run.say(format!("total {blocks}"));
        }
        show(run, &entries, long);
    }
    status
}

fn show(run: &mut Run<'_>, entries: &[(String, Node)], long: bool) {
    if !long {
        if !entries.is_empty() {
            let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
            run.say(names.join("  "));
        }
        return;
    }
    for (name, node) in entries {
        let owner = run.sh.host.users.iter().find(|u| u.uid == node.uid).map_or("root", |u| u.name.as_str()).to_owned();
        let (sign, tail) = match &node.kind {
            Kind::Dir => ('d', String::new()),
            Kind::Link(target) => ('l', format!(" -> {target}")),
            Kind::Device => ('c', String::new()),
            _ => ('-', String::new()),
        };
        let links = if sign == 'd' { 2 } else { 1 };
        run.say(format!(
            "{sign}{} {links} {owner} {owner} {:>8} {} {name}{tail}",
            rights(node.mode),
            Vfs::size(node),
            month_day(node.mtime)
        ));
    }
}

fn rights(mode: u16) -> String {
    let mut out: String =
        "rwxrwxrwx".chars().enumerate().map(|(bit, c)| if mode & (0o400 >> bit) == 0 { '-' } else { c }).collect();
    if mode & 0o1000 != 0 {
        out.pop();
        out.push('t');
    }
    out
}

pub(super) fn cat(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let names: Vec<String> = operands(argv).cloned().collect();
    if names.is_empty() {
        run.put(stdin);
        return 0;
    }
    let mut status = 0;
    for name in names {
        if name == "-" {
            run.put(stdin);
            continue;
        }
        match run.read_file(&name) {
            Ok(data) => run.put(data),
            Err(error) => status = fault(run, "cat", &name, error),
        }
    }
    status
}

/// The usual message of a program about a file.
pub(super) fn fault(run: &mut Run<'_>, program: &str, name: &str, error: FsError) -> i32 {
    if run.sh.host.flavour == Flavour::Ash && error == FsError::Missing {
        return run.complain(format!("{program}: can't open '{name}': No such file or directory"));
    }
    run.complain(format!("{program}: {name}: {}", error.text()))
}

pub(super) fn rm(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let tree = option(argv, 'r') || option(argv, 'R') || argv.iter().any(|a| a == "--recursive");
    let force = option(argv, 'f');
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        if !run.spend(4096) {
            return 1;
        }
        if path == "/" {
            status = run.complain("rm: it is dangerous to operate recursively on '/'");
            run.complain("rm: use --no-preserve-root to override this failsafe");
            continue;
        }
        match run.sh.fs.remove(&path, tree, run.sh.user.uid) {
            Ok(()) => {}
            Err(FsError::Missing) if force => {}
            Err(error) => status = run.complain(format!("rm: cannot remove '{name}': {}", error.text())),
        }
    }
    status
}

pub(super) fn rmdir(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        if let Err(error) = run.sh.fs.rmdir(&path, run.sh.user.uid) {
            status = run.complain(format!("rmdir: failed to remove '{name}': {}", error.text()));
        }
    }
    status
}

pub(super) fn mkdir(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let parents = option(argv, 'p');
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        let (uid, now) = (run.sh.user.uid, run.now);
        if parents {
            let ends: Vec<usize> = path.match_indices('/').map(|(i, _)| i).skip(1).collect();
            for end in ends {
                let above = path.get(..end).unwrap_or_default().to_owned();
                if run.sh.fs.get(&above).is_none() && run.sh.fs.mkdir(&above, uid, now).is_err() {
                    break;
                }
            }
        }
        match run.sh.fs.mkdir(&path, uid, now) {
            Ok(()) => {}
            Err(FsError::Exists) if parents => {}
            Err(error) => status = run.complain(format!("mkdir: cannot create directory '{name}': {}", error.text())),
        }
    }
    status
}

pub(super) fn touch(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        if run.sh.fs.get(&path).is_some() {
            continue;
        }
        if let Err(error) = run.sh.fs.write(&path, b"", true, run.sh.user.uid, run.now) {
            status = run.complain(format!("touch: cannot touch '{name}': {}", error.text()));
        }
    }
    status
}

pub(super) fn cp(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    transfer(run, argv, false)
}

pub(super) fn mv(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    transfer(run, argv, true)
}

fn transfer(run: &mut Run<'_>, argv: &[String], away: bool) -> i32 {
    let program = if away { "mv" } else { "cp" };
    let mut names: Vec<String> = operands(argv).cloned().collect();
    let Some(target) = names.pop().filter(|_| !names.is_empty()) else {
        return run.complain(format!("{program}: missing file operand"));
    };
    let into = run.path(&target);
    let mut status = 0;
    for name in names {
        let from = run.path(&name);
        let Some(node) = run.sh.fs.get(&from).cloned() else {
            status = run.complain(format!("{program}: cannot stat '{name}': No such file or directory"));
            continue;
        };
        let to = if run.sh.fs.is_dir(&into) {
            format!("{}/{}", into.trim_end_matches('/'), from.rsplit('/').next().unwrap_or_default())
        } else {
            into.clone()
        };
        let uid = run.sh.user.uid;
        let result = run
            .sh
            .fs
            .place(&to, node, uid)
            .and_then(|()| if away { run.sh.fs.remove(&from, true, uid) } else { Ok(()) });
        if let Err(error) = result {
            status = run.complain(format!("{program}: cannot create regular file '{target}': {}", error.text()));
        }
    }
    status
}

pub(super) fn chmod(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let mut words = argv.iter().skip(1).filter(|a| *a != "-R" && *a != "-f" && *a != "-v").cloned();
    let Some(mode) = words.next() else { return run.complain("chmod: missing operand") };
    let mut status = 0;
    for name in words {
        let path = run.path(&name);
        let old = run.sh.fs.get(&path).map_or(0o644, |n| n.mode);
        let bits = u16::from_str_radix(&mode, 8).ok().filter(|m| *m <= 0o7777).unwrap_or_else(|| {
            if mode.contains("+x") || mode.contains("+rwx") {
                old | 0o111
            } else if mode.contains("-x") {
                old & !0o111
            } else {
                old
            }
        });
        match run.sh.fs.chmod(&path, bits, run.sh.user.uid) {
            Ok(()) => {}
            Err(FsError::Missing) if run.sh.host.flavour == Flavour::Bash => {
                status = run.complain(format!("chmod: cannot access '{name}': No such file or directory"));
            }
            Err(error) => status = run.complain(format!("chmod: {name}: {}", error.text())),
        }
    }
    status
}

/// `dd`: copies within the fake file system; bots read the head of a program with it.
pub(super) fn dd(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let value = |key: &str| argv.iter().find_map(|a| a.strip_prefix(key)).map(str::to_owned);
    let number = |key: &str, default: usize| value(key).and_then(|v| v.parse::<usize>().ok()).unwrap_or(default);
    let (block, count) = (number("bs=", 512).clamp(1, 65_536), number("count=", usize::MAX));
    let data = match value("if=") {
        None => stdin.to_vec(),
        Some(name) => match run.read_file(&name) {
            Ok(data) => data,
            Err(error) => {
                return run.complain(format!("dd: failed to open '{name}': {}", error.text()));
            }
        },
    };
    let taken = data.len().min(block.saturating_mul(count));
    let data = data.get(..taken).unwrap_or_default();
    match value("of=") {
        None => run.put(data),
        Some(name) => {
            let path = run.path(&name);
            if let Err(error) = run.sh.fs.write(&path, data, false, run.sh.user.uid, run.now) {
                return run.complain(format!("dd: failed to open '{name}': {}", error.text()));
            }
        }
    }
    let (whole, part) = (taken / block, usize::from(!taken.is_multiple_of(block)));
    run.complain(format!("{whole}+{part} records in\n{whole}+{part} records out"));
    if run.sh.host.flavour == Flavour::Bash {
        run.complain(format!("{taken} bytes copied, 0.000{} s, 1.{} MB/s", 11 + taken % 88, taken % 10));
    }
    0
}

pub(super) fn find(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let root = argv.get(1).filter(|a| !a.starts_with('-')).cloned().unwrap_or_else(|| ".".to_owned());
    let pattern = argv.windows(2).find_map(|w| match w {
        [flag, value] if flag == "-name" || flag == "-iname" => Some(value.clone()),
        _ => None,
    });
    let mut queue = vec![(root.clone(), run.path(&root))];
    while let Some((shown, path)) = queue.pop() {
        if !run.spend(256) {
            break;
        }
        let name = path.rsplit('/').next().unwrap_or_default();
        if pattern.as_deref().is_none_or(|p| super::expand::matches(p, name)) {
            run.say(&shown);
        }
        if matches!(run.sh.fs.peek(&path), Some(Node { kind: Kind::Dir, .. })) {
            for (name, _) in run.sh.fs.list(&path).unwrap_or_default().into_iter().rev() {
                queue.push((
                    format!("{}/{name}", shown.trim_end_matches('/')),
                    format!("{}/{name}", path.trim_end_matches('/')),
                ));
            }
        }
    }
    0
}

pub(super) fn describe(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let program = argv.first().map_or("file", String::as_str).to_owned();
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        let Some(node) = run.sh.fs.get(&path).cloned() else {
            status = run.complain(format!("{program}: cannot stat '{name}': No such file or directory"));
            continue;
        };
        if program.ends_with("stat") {
            run.say(format!(
                "  File: {name}\n  Size: {}\tBlocks: {}\tIO Block: 4096\nAccess: ({:04o})\tUid: ({:>5})",
                Vfs::size(&node),
                Vfs::size(&node).div_ceil(512),
                node.mode,
                node.uid
            ));
            continue;
        }
        let kind = match node.kind {
            Kind::Dir => "directory",
            Kind::Program(_) => match run.sh.host.cpu.machine {
                "x86_64" => "ELF 64-bit LSB pie executable, x86-64, version 1 (SYSV), dynamically linked, stripped",
                "mips" => "ELF 32-bit MSB executable, MIPS, MIPS32 rel2 version 1 (SYSV), dynamically linked, stripped",
                _ => "ELF 32-bit LSB executable, ARM, EABI5 version 1 (SYSV), dynamically linked, stripped",
            },
            Kind::File(ref data) if data.is_empty() => "empty",
            Kind::File(ref data) if std::str::from_utf8(data).is_ok() => "ASCII text",
            _ => "data",
        };
        run.say(format!("{name}: {kind}"));
    }
    status
}

pub(super) fn tee(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let append = option(argv, 'a');
    run.put(stdin);
    let mut status = 0;
    for name in operands(argv).cloned().collect::<Vec<_>>() {
        let path = run.path(&name);
        if let Err(error) = run.sh.fs.write(&path, stdin, append, run.sh.user.uid, run.now) {
            status = run.complain(format!("tee: {name}: {}", error.text()));
        }
    }
    status
}
