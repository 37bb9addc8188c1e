//! What the host says about itself and its users, and the commands that run commands.

use base::Timestamp;

use super::exec::Run;
use super::files::operands;
use super::hardware::month_day;
use super::{Shell, live, programs};
use crate::persona::{Flavour, User};

pub(super) fn uname(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let flags: String = argv.iter().skip(1).filter_map(|a| a.strip_prefix('-')).collect();
    let flags = match flags.as_str() {
        "" => "s".to_owned(),
        f if f.contains('a') => "snrvmo".to_owned(),
        f => f.to_owned(),
    };
    let mut out = Vec::new();
    for (flag, value) in [
        ('s', "Linux"),
        ('n', host.hostname.as_str()),
        ('r', host.kernel),
        ('v', host.build),
        ('m', host.cpu.machine),
        ('p', "unknown"),
        ('i', "unknown"),
        ('o', "GNU/Linux"),
    ] {
        if flags.contains(flag) {
            out.push(value);
        }
    }
    run.say(out.join(" "));
    0
}

pub(super) fn hostname(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let address = argv.iter().any(|a| a == "-I" || a == "-i");
    run.say(if address { run.sh.host.address.to_string() } else { run.sh.host.hostname.clone() });
    0
}

pub(super) fn id(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let user = operands(argv).next().map_or_else(|| run.sh.user.clone(), |name| run.sh.host.user(name));
    let User { name, uid, .. } = user;
    match argv.get(1).map(String::as_str) {
        Some("-u" | "-g") => run.say(uid.to_string()),
        Some("-un" | "-gn" | "-nu") => run.say(name),
        _ => {
            let name = if uid == 0 { "root".to_owned() } else { name };
            run.say(format!("uid={uid}({name}) gid={uid}({name}) groups={uid}({name})"));
        }
    }
    0
}

pub(super) fn whoami(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    run.say(if run.sh.user.uid == 0 { "root".to_owned() } else { run.sh.user.name.clone() });
    0
}

pub(super) fn who(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let name = run.sh.user.name.clone();
    let at = run.now.rfc3339();
    let clock = at.get(11..16).unwrap_or_default();
    if argv.first().is_some_and(|n| n == "w") {
        uptime(run, argv, stdin);
        run.say("USER     TTY      FROM             LOGIN@   IDLE   JCPU   PCPU WHAT");
        run.say(format!("{name:<8} pts/0    {:<16} {clock}    0.00s  0.02s  0.00s w", run.sh.host.gateway));
    } else {
        run.say(format!(
            "{name:<8} pts/0        {} {clock} ({})",
            at.get(..10).unwrap_or_default(),
            run.sh.host.gateway
        ));
    }
    0
}

pub(super) fn last(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let name = run.sh.user.name.clone();
    let at = month_day(run.now.as_secs());
    run.say(format!("{name:<8} pts/0        {:<16} {at}   still logged in", run.sh.host.gateway));
    let boot = run.now.as_secs() - i64::try_from(run.sh.host.uptime_secs(run.now)).unwrap_or(0);
    run.say(format!(
        "reboot   system boot  {:<16} {}   still running\n\nwtmp begins {}",
        run.sh.host.kernel,
        month_day(boot),
        month_day(boot)
    ));
    0
}

pub(super) fn uptime(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let up = run.sh.host.uptime_secs(run.now);
    let at = run.now.rfc3339();
    let [one, five, fifteen] = live::load(&run.sh.host, run.now);
    let days = match up / 86_400 {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        n => format!("{n} days, "),
    };
    let users = if run.sh.host.flavour == Flavour::Bash { "  1 user," } else { "" };
    run.say(format!(
        " {} up {days}{:>2}:{:02},{users}  load average: {one}, {five}, {fifteen}",
        at.get(11..19).unwrap_or_default(),
        up / 3600 % 24,
        up / 60 % 60
    ));
    0
}

pub(super) fn date(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    match argv.get(1).map(String::as_str) {
        Some("+%s") => run.say(run.now.as_secs().to_string()),
        Some(format) if format.starts_with('+') => run.say(run.now.rfc3339().get(..10).unwrap_or_default()),
        _ => {
            let text = run.now.rfc3339();
            run.say(format!("{} {}", long_date(run.now), text.get(..4).unwrap_or_default()));
        }
    }
    0
}

fn long_date(now: Timestamp) -> String {
    // 1970-01-01 was a Thursday.
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = usize::try_from(now.as_secs().div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let (date, clock) = (month_day(now.as_secs()), now.rfc3339());
    format!(
        "{} {} {} UTC",
        days.get(day).copied().unwrap_or("Thu"),
        date.get(..6).unwrap_or_default(),
        clock.get(11..19).unwrap_or_default()
    )
}

pub(super) fn env(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let rest: Vec<String> =
        argv.iter().skip(1).skip_while(|a| a.contains('=') || a.starts_with('-')).cloned().collect();
    if !rest.is_empty() {
        return run.command(&rest, stdin);
    }
    for (name, value) in run.sh.variables.clone() {
        run.say(format!("{name}={value}"));
    }
    0
}

pub(super) fn ps(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let all = argv.iter().skip(1).any(|a| a.contains(['a', 'e', 'x', 'A'])) || host.flavour == Flavour::Ash;
    let own = run.sh.user.name.clone();
    let shell = run.sh.name();
    if host.flavour == Flavour::Ash {
        run.say("  PID USER       VSZ STAT COMMAND");
        for p in live::processes(&host) {
            run.say(format!("{:>5} {:<8} {:>5} S    {}", p.pid, p.user, p.rss, p.command));
        }
        run.say(format!(" 1412 {own:<8}   708 S    {shell}\n 1420 {own:<8}   612 R    ps"));
        return 0;
    }
    if !all {
        run.say("  PID TTY          TIME CMD");
        run.say(" 2143 pts/0    00:00:00 bash\n 2190 pts/0    00:00:00 ps");
        return 0;
    }
    run.say("USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND");
    for p in live::processes(&host) {
        let share = u64::from(p.rss) * 1000 / host.memory_kib.max(1);
        run.say(format!(
            "{:<8} {:>5}  0.0 {:>2}.{} {:>6} {:>5} ?        Ss   Feb03   0:0{} {}",
            p.user,
            p.pid,
            share / 10,
            share % 10,
            p.rss * 4,
            p.rss,
            p.pid % 9,
            p.command
        ));
    }
    run.say(format!("{own:<8}  2143  0.0  0.2   8316  5080 pts/0    Ss   00:00   0:00 {shell}\n{own:<8}  2190  0.0  0.1  11320  3140 pts/0    R+   00:00   0:00 ps"));
    0
}

pub(super) fn by_name(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let Some(name) = operands(argv).last().cloned() else { return 1 };
    let host = run.sh.host.clone();
    let found = live::processes(&host).iter().find(|p| p.command.contains(name.as_str()));
    match (argv.first().map(String::as_str), found) {
        (Some("pgrep"), Some(p)) => run.say(p.pid.to_string()),
        (Some("killall"), None) => {
            return run.complain(format!("{name}: no process found"));
        }
        (_, None) => return 1,
        _ => {}
    }
    0
}

pub(super) fn crontab(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let user = run.sh.user.clone();
    let path = format!("/var/spool/cron/crontabs/{}", user.name);
    let now = run.now;
    match argv.get(1).map(String::as_str) {
        Some("-l") => match run.sh.fs.read(&path, 0, now) {
            Ok(data) => {
                run.put(data);
                0
            }
            Err(_) => run.complain(format!("no crontab for {}", user.name)),
        },
        Some("-r") => i32::from(run.sh.fs.remove(&path, false, 0).is_err()),
        Some("-e") | None => 0,
        Some("-") => i32::from(run.sh.fs.write(&path, stdin, false, 0, now).is_err()),
        Some(name) => {
            let name = name.to_owned();
            match run.read_file(&name) {
                Ok(data) => i32::from(run.sh.fs.write(&path, &data, false, 0, now).is_err()),
                Err(error) => run.complain(format!("{name}: {}", error.text())),
            }
        }
    }
}

pub(super) fn systemctl(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let words: Vec<&String> = operands(argv).collect();
    let service = argv.first().is_some_and(|n| n.ends_with("service"));
    let (verb, unit) = match (words.as_slice(), service) {
        ([unit, verb, ..], true) | ([verb, unit, ..], false) => (verb.as_str(), unit.as_str()),
        _ => return 0,
    };
    let unit = unit.trim_end_matches(".service").to_owned();
    let known = ["ssh", "sshd", "cron", "rsyslog", "systemd-journald", "dbus"].contains(&unit.as_str());
    match (verb, known) {
        (_, false) if service => run.complain(format!("{unit}: unrecognized service")),
        ("status", true) => {
            run.say(format!("● {unit}.service\n   Loaded: loaded (/lib/systemd/system/{unit}.service; enabled; vendor preset: enabled)\n   Active: active (running)"));
            0
        }
        ("status", false) => {
            run.complain(format!("Unit {unit}.service could not be found."));
            4
        }
        (_, false) => {
            run.complain(format!("Failed to {verb} {unit}.service: Unit {unit}.service not found."));
            5
        }
        _ => 0,
    }
}

/// `passwd` and `chpasswd`: they "work", and what they were given stands in the recorded line.
pub(super) fn passwd(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if argv.first().is_some_and(|n| n.ends_with("chpasswd")) {
        return 0;
    }
    let name = argv.get(1).cloned().unwrap_or_else(|| run.sh.user.name.clone());
    run.wait(400);
    run.mutter(format!("Changing password for {name}.\n"));
    run.complain("passwd: password updated successfully");
    0
}

pub(super) fn accounts(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if run.sh.user.uid != 0 {
        let program = argv.first().cloned().unwrap_or_default();
        return run
            .complain(format!("{program}: Permission denied.\n{program}: cannot lock /etc/passwd; try again later."));
    }
    0
}

impl Shell {
    /// Goes on as another user, as `su` does.
    pub(super) fn become_user(&mut self, user: User) {
        self.user = user;
        self.login_variables();
    }

    fn nested_user(&mut self, user: User) {
        if self.stack.len() < 8 {
            let before = std::mem::replace(&mut self.user, user.clone());
            self.stack.push(before);
            self.become_user(user);
        }
    }
}

pub(super) fn sudo(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let mut words = argv.iter().skip(1).peekable();
    let mut login = false;
    while let Some(flag) = words.next_if(|a| a.starts_with('-')) {
        login = login || flag == "-i" || flag == "-s" || flag == "su";
        if flag == "-u" {
            words.next();
        }
    }
    let rest: Vec<String> = words.cloned().collect();
    let root = run.sh.host.user("root");
    if rest.is_empty() {
        if login {
            run.sh.nested_user(root);
        }
        return 0;
    }
    let before = run.sh.user.clone();
    let depth = run.sh.stack.len();
    run.sh.user = root;
    let status = run.command(&rest, stdin);
    match run.sh.stack.get_mut(depth) {
        // `sudo su`: leaving the new shell comes back to the user who called sudo.
        Some(below) => *below = before,
        None => run.sh.user = before,
    }
    status
}

pub(super) fn su(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let name = operands(argv).find(|a| *a != "-").cloned().unwrap_or_else(|| "root".to_owned());
    if let Some(at) = argv.iter().position(|a| a == "-c") {
        let text = argv.get(at + 1).cloned().unwrap_or_default();
        return run.script(&text, stdin);
    }
    if run.sh.user.uid != 0 {
        run.wait(1_500);
        return run.complain("su: Authentication failure");
    }
    let user = run.sh.host.user(&name);
    run.sh.nested_user(user);
    0
}

pub(super) fn shell(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    if let Some(at) = argv.iter().position(|a| a.starts_with('-') && a.ends_with('c')) {
        let text = argv.get(at + 1).cloned().unwrap_or_default();
        return run.script(&text, stdin);
    }
    if let Some(name) = operands(argv).next().cloned() {
        return match run.read_file(&name) {
            Ok(data) => {
                let path = run.path(&name);
                run.run_file(&path, &data, stdin)
            }
            Err(error) => {
                let program = argv.first().cloned().unwrap_or_default();
                run.complain(format!("{program}: {name}: {}", error.text()));
                127
            }
        };
    }
    if stdin.is_empty() {
        let same = run.sh.user.clone();
        run.sh.nested_user(same);
        return 0;
    }
    let text = String::from_utf8_lossy(stdin).into_owned();
    run.script(&text, &[])
}

pub(super) fn busybox(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let invoked = argv.first().and_then(|n| n.rsplit('/').next()).unwrap_or_default();
    let rest: Vec<String> = if invoked == "busybox" { argv.iter().skip(1).cloned().collect() } else { argv.to_vec() };
    let Some(applet) = rest.first().cloned() else {
        run.say("BusyBox v1.22.1 (2019-08-08 15:48:41 CST) multi-call binary.\nUsage: busybox [function] [arguments]...\n   or: busybox --list\n\nCurrently defined functions:");
        run.say(format!("\t{}", crate::persona::applets().replace(' ', ", ")));
        return 0;
    };
    let known = crate::persona::applets().split(' ').any(|a| a == applet);
    match programs::builtin(&applet).or_else(|| programs::program(&applet)) {
        Some(program) if known => program(run, &rest, stdin),
        None if known => 0,
        _ => {
            run.complain(format!("{applet}: applet not found"));
            127
        }
    }
}

/// `nohup`, `timeout`, `nice`: the command behind the options runs.
pub(super) fn prefix(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let timed = argv.first().is_some_and(|n| n.ends_with("timeout") || n.ends_with("chroot"));
    let rest: Vec<String> =
        argv.iter().skip(1).skip_while(|a| a.starts_with('-')).skip(usize::from(timed)).cloned().collect();
    run.command(&rest, stdin)
}

pub(super) fn sleep(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let seconds = argv.get(1).and_then(|a| a.trim_end_matches('s').parse::<f32>().ok()).unwrap_or(0.0);
    // Clamped before the conversion: a huge or negative number waits no longer than the line may.
    run.wait(if seconds >= 60.0 {
        60_000
    } else if seconds > 0.0 {
        (seconds * 1000.0) as u32
    } else {
        0
    });
    0
}

pub(super) fn release(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    if argv.first().is_some_and(|n| n.ends_with("hostnamectl")) {
        run.say(format!(
            "   Static hostname: {}\n         Icon name: computer-vm\n  Operating System: {}\n            Kernel: Linux {}\n      Architecture: {}",
            host.hostname, host.system, host.kernel, if host.cpu.machine == "x86_64" { "x86-64" } else { "arm" }
        ));
        return 0;
    }
    let name = host.system.split(' ').next().unwrap_or_default();
    run.say(format!("Distributor ID:\t{name}\nDescription:\t{}\nRelease:\t{}", host.system, host.version));
    0
}

pub(super) fn denied_log(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if run.sh.user.uid != 0 {
        let program = argv.first().cloned().unwrap_or_default();
        return run.complain(format!("{program}: read kernel buffer failed: Operation not permitted"));
    }
    let version = live::render(live::Live::Version, &run.sh.host, run.now);
    run.say(format!("[    0.000000] {}", version.trim_end()));
    0
}
