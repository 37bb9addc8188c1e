//! What gives a honeypot away: claims that do not fit together, and sensors that look alike.

use crate::bed;
use crate::telnet::Client;
use base::Env;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use trap::persona::Persona;
use trap::shell::{Shell, fs::Vfs};

/// The name lists of the server's KEXINIT (RFC 4253 clause 7.1), read off the wire.
async fn lists(to: std::net::SocketAddr) -> (String, Vec<Vec<String>>) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let mut version = Vec::new();
    while !version.ends_with(b"\r\n") {
        version.push(stream.read_u8().await.unwrap());
    }
    stream.write_all(b"SSH-2.0-test\r\n").await.unwrap();
    let length = stream.read_u32().await.unwrap();
    let mut packet = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut packet).await.unwrap();
    assert_eq!(packet[1], 20);
    let mut rest = &packet[18..];
    let mut lists = Vec::new();
    for _ in 0..8 {
        let length = usize::try_from(u32::from_be_bytes(rest[..4].try_into().unwrap())).unwrap();
        let text = std::str::from_utf8(&rest[4..4 + length]).unwrap();
        lists.push(text.split(',').map(str::to_owned).collect());
        rest = &rest[4 + length..];
    }
    (String::from_utf8(version).unwrap().trim_end().to_owned(), lists)
}

/// The defaults of OpenSSH 7.6 and 7.9 (servconf.c and myproposal.h of those releases), in order.
const KEX: &str = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256,diffie-hellman-group14-sha1";
const CIPHERS: &str =
    "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com";
const MACS: &str = "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1";

/// A default list less what a line `Key -pattern,pattern` of `sshd_config` takes away.
fn configured(default: &str, config: &str, key: &str) -> Vec<String> {
    let line = config.lines().find_map(|l| l.strip_prefix(&format!("{key} -"))).unwrap_or_default();
    let taken: Vec<&str> = line.split(',').filter_map(|p| p.strip_suffix('*')).collect();
    default.split(',').filter(|name| !taken.iter().any(|t| name.starts_with(t))).map(str::to_owned).collect()
}

#[tokio::test]
async fn version_lists_and_configuration_file_agree() {
    let (_centre, sensor, _dir) = bed::pair().await;
    let (version, lists) = lists(sensor.ssh).await;
    let host = Persona::from_text("bed", &[]).server;
    let mut shell = Shell::new(Vfs::new(host.clone()), host, "root", false, Env::system());
    let config = String::from_utf8(shell.exec("cat /etc/ssh/sshd_config", b"").text).unwrap();
    assert!(
        version.starts_with("SSH-2.0-OpenSSH_7.6p1 ") || version.starts_with("SSH-2.0-OpenSSH_7.9p1 "),
        "{version}"
    );
    assert_eq!(lists[0], configured(KEX, &config, "KexAlgorithms"));
    assert_eq!(lists[2], configured(CIPHERS, &config, "Ciphers"));
    assert_eq!(lists[4], configured(MACS, &config, "MACs"));
    assert!(config.contains("Compression no") && lists[6] == ["none"]);
    let newer = version.contains("7.9");
    let keys =
        if newer { ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] } else { ["ssh-rsa", "rsa-sha2-512", "rsa-sha2-256"] };
    assert_eq!(lists[1][..3], keys);
    assert_eq!(lists[1][3..], ["ecdsa-sha2-nistp256", "ssh-ed25519"]);
    let release = String::from_utf8(shell.exec("cat /etc/os-release", b"").text).unwrap();
    let system = if version.contains("Ubuntu") {
        "Ubuntu"
    } else if version.contains("Raspbian") {
        "Raspbian"
    } else {
        "Debian"
    };
    assert!(release.contains(system), "{version} on {release}");
    sensor.stop().await;
}

#[tokio::test]
async fn two_sensors_share_nothing_and_one_stays_itself() {
    let centre = crate::centre::Centre::prepare().await;
    centre.serve().await;
    let mut keys = BTreeSet::new();
    let mut names = BTreeSet::new();
    for _ in 0..2 {
        let dir = bed::enrolled(&centre).await;
        for _restart in 0..2 {
            let sensor = bed::start(trap::NodeConfig { persona_seed: None, ..bed::settings(dir.path()) });
            let prompt = Client::connect(sensor.telnet).await.until("login: ").await;
            names.insert(prompt.split_whitespace().rev().nth(1).unwrap().to_owned());
            sensor.stop().await;
            for kind in ["rsa", "ecdsa", "ed25519"] {
                keys.insert(std::fs::read_to_string(dir.path().join(format!("ssh_host_{kind}_key"))).unwrap());
            }
        }
    }
    assert_eq!((keys.len(), names.len()), (6, 2));
}

#[test]
fn behaviour_that_honeypot_detectors_look_for() {
    for n in 0..12 {
        let persona = Persona::from_text(&format!("gate {n}"), &[]);
        for host in [persona.server, persona.router] {
            let mut shell = Shell::new(Vfs::new(Arc::clone(&host)), Arc::clone(&host), "root", true, Env::system());
            let mut run = |line: &str| String::from_utf8(shell.line(line).text).unwrap();
            let passwd = run("cat /etc/passwd");
            assert!(!passwd.contains("richard") && !passwd.contains("phil"), "users of well-known honeypots");
            assert_eq!(run("uname -n").trim(), host.hostname);
            assert!(!host.hostname.contains("svr04"));
            assert_eq!(run("touch /dev/shm/a && ls /dev/shm"), "a\n", "shared memory is writable");
            assert_eq!(run("echo $((6*7))"), "42\n");
            let (one, two) = (run("cat /proc/uptime"), run("cat /proc/uptime"));
            let seconds = |t: &str| t.split('.').next().unwrap().parse::<u64>().unwrap();
            assert!(seconds(&two) - seconds(&one) <= 2 && seconds(&one) >= 600);
            for user in &host.users {
                assert!(
                    passwd.contains(&format!("{}:x:", user.name))
                        && run(&format!("ls -d {}", user.home)).contains(&user.home)
                );
            }
            assert!(run("ping -c1 8.8.8.8").contains("100% packet loss") || host.distribution == "busybox");
        }
    }
}
