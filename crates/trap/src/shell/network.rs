//! What the host says about its network, and connections an attacker wants from here.

use logwire::attack::What;

use super::exec::Run;
use super::files::operands;
use super::live;
use crate::persona::Flavour;

pub(super) fn ifconfig(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let name = live::interface(&host);
    let [a, b, c, _] = host.address.octets();
    run.say(format!(
        "{name}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet {}  netmask 255.255.255.0  broadcast {a}.{b}.{c}.255\n        ether {}  txqueuelen 1000  (Ethernet)\n        RX packets {}  bytes {}\n        TX packets {}  bytes {}\n\nlo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n        inet 127.0.0.1  netmask 255.0.0.0\n        loop  txqueuelen 1000  (Local Loopback)\n",
        host.address, host.mac_text(), packets(run, 7), packets(run, 4321), packets(run, 5), packets(run, 1234)
    ));
    0
}

fn packets(run: &Run<'_>, per_second: u64) -> u64 {
    run.sh.host.uptime_secs(run.now).saturating_mul(per_second)
}

pub(super) fn ip(run: &mut Run<'_>, argv: &[String], stdin: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let name = live::interface(&host);
    let word = operands(argv).next().map_or("", String::as_str);
    if word.starts_with('r') {
        run.say(format!("default via {} dev {name}", host.gateway));
        let [a, b, c, _] = host.address.octets();
        run.say(format!("{a}.{b}.{c}.0/24 dev {name} proto kernel scope link src {}", host.address));
        return 0;
    }
    if word.starts_with('n') {
        return arp(run, argv, stdin);
    }
    let [a, b, c, _] = host.address.octets();
    run.say(format!(
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n2: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc pfifo_fast state UP group default qlen 1000\n    link/ether {} brd ff:ff:ff:ff:ff:ff\n    inet {}/24 brd {a}.{b}.{c}.255 scope global {name}\n       valid_lft forever preferred_lft forever",
        host.mac_text(), host.address
    ));
    0
}

pub(super) fn sockets(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let (port, program) = match host.flavour {
        Flavour::Bash => (22, "466/sshd"),
        Flavour::Ash => (23, "91/telnetd"),
    };
    let peer = format!("{}:{}", host.gateway, 40_000 + host.memory_kib % 20_000);
    if argv.first().is_some_and(|n| n.ends_with("ss")) {
        run.say("State   Recv-Q  Send-Q   Local Address:Port   Peer Address:Port");
        run.say(format!("LISTEN  0       128      0.0.0.0:{port}           0.0.0.0:*"));
        run.say(format!("ESTAB   0       0        {}:{port}      {peer}", host.address));
        return 0;
    }
    run.say("Active Internet connections (servers and established)");
    run.say("Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name");
    run.say(format!("tcp        0      0 0.0.0.0:{port:<15} 0.0.0.0:*               LISTEN      {program}"));
    run.say(format!("tcp        0      0 {:<23} {peer:<23} ESTABLISHED {program}", format!("{}:{port}", host.address)));
    0
}

pub(super) fn route(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let name = live::interface(&host);
    run.say("Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface");
    run.say(format!("0.0.0.0         {:<15} 0.0.0.0         UG    0      0        0 {name}", host.gateway));
    0
}

pub(super) fn arp(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    run.say(format!("_gateway ({}) at fe:54:00:0a:1b:2c [ether] on {}", host.gateway, live::interface(&host)));
    0
}

/// `ping`: nothing is ever sent, so nothing ever answers.
pub(super) fn ping(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let Some(target) = operands(argv).last().cloned() else {
        return run.complain("ping: usage error: Destination address required");
    };
    if target.parse::<std::net::IpAddr>().is_err() {
        run.wait(1_500);
        run.complain(format!("ping: {target}: Temporary failure in name resolution"));
        return 2;
    }
    run.wait(3_000);
    run.say(format!("PING {target} ({target}) 56(84) bytes of data.\n\n--- {target} ping statistics ---\n3 packets transmitted, 0 received, 100% packet loss, time 2031ms\n"));
    1
}

pub(super) fn iptables(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if run.sh.user.uid != 0 {
        return run.complain(
            "iptables v1.8.2 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)",
        );
    }
    if argv.iter().any(|a| a.starts_with("-L") || a.starts_with("-nL")) {
        run.say("Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\n\nChain FORWARD (policy ACCEPT)\ntarget     prot opt source               destination\n\nChain OUTPUT (policy ACCEPT)\ntarget     prot opt source               destination");
    }
    0
}

/// `nc`, `telnet`, `ssh`, `ftp`: the wanted connection is recorded and times out.
pub(super) fn dial(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let program = argv.first().and_then(|n| n.rsplit('/').next()).unwrap_or_default().to_owned();
    let mut target = None;
    let mut port = None;
    let mut words = argv.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-p" | "-w" if program == "ssh" || word == "-w" => {
                port = words.next().and_then(|p| p.parse::<u16>().ok()).filter(|_| word == "-p").or(port)
            }
            "-i" | "-o" | "-l" | "-e" | "-c" => {
                words.next();
            }
            flag if flag.starts_with('-') => {}
            _ if target.is_none() => target = Some(word.rsplit('@').next().unwrap_or(word).to_owned()),
            number => port = number.parse::<u16>().ok().or(port),
        }
    }
    let Some(host) = target.filter(|h| !h.is_empty()) else { return 1 };
    let known = match program.as_str() {
        "ssh" => 22,
        "ftp" => 21,
        _ => 23,
    };
    let port = port.unwrap_or(known);
    let mut name = host.clone();
    super::expand::truncate(&mut name, 255);
    run.note(Some(What::Forward { host: name, port }));
    run.wait(3_000);
    match program.as_str() {
        "ssh" => run.complain(format!("ssh: connect to host {host} port {port}: Connection timed out")),
        "telnet" => {
            run.say(format!("Trying {host}..."));
            run.complain("telnet: Unable to connect to remote host: Connection timed out")
        }
        _ => run.complain(format!("({host}) [{host}] {port} : Connection timed out")),
    }
}
