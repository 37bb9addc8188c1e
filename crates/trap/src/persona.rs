//! The persona: everything a sensor claims to be, drawn from one seed, so that no two sensors look alike.
//!
//! A sensor shows two hosts: a small server behind SSH and a router behind Telnet, as a forwarding home or office
//! line does. Only software is claimed whose exact algorithm lists and texts this crate can offer.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::config::Account;
use crate::shell::fs::Tree;

mod accounts;
mod algorithms;
mod tree;

pub use algorithms::Algorithms;

/// Random choices from a seed and a label: the same label always draws the same.
#[derive(Debug)]
pub struct Draw(ChaCha12Rng);

impl Draw {
    /// Choices for `label` under `seed`.
    #[must_use]
    pub fn new(seed: &[u8; 32], label: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed);
        hash.update(label.as_bytes());
        Self(ChaCha12Rng::from_seed(hash.finalize().into()))
    }

    /// One of `items`; `default` only if there are none.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T], default: &'a T) -> &'a T {
        if items.is_empty() {
            return default;
        }
        items.get(self.below(items.len())).copied().unwrap_or(default)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// A number from `from` up to and with `to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        self.0.random_range(from..=to.max(from))
    }

    /// The generator itself, for keys.
    pub fn generator(self) -> ChaCha12Rng {
        self.0
    }
}

/// Which shell a host has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// GNU userland and bash.
    Bash,
    /// BusyBox and ash.
    Ash,
}

/// The processor a host shows.
#[derive(Debug, Clone)]
pub struct Cpu {
    /// `uname -m`.
    pub machine: &'static str,
    /// The model's name.
    pub model: &'static str,
    /// Vendor identification, where the architecture has one.
    pub vendor: &'static str,
    /// Clock rate.
    pub mhz: u32,
    /// Cores.
    pub cores: u32,
}

/// One login of a host.
#[derive(Debug, Clone)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User and group number.
    pub uid: u32,
    /// Home folder.
    pub home: String,
}

/// One host as an attacker sees it.
#[derive(Debug)]
pub struct Host {
    /// Its shell.
    pub flavour: Flavour,
    /// Its name.
    pub hostname: String,
    /// `PRETTY_NAME` of the system.
    pub system: &'static str,
    /// The distribution's short name: `debian`, `ubuntu`, `raspbian`, `openwrt`.
    pub distribution: &'static str,
    /// The distribution's version.
    pub version: &'static str,
    /// `uname -r`.
    pub kernel: &'static str,
    /// `uname -v`.
    pub build: &'static str,
    /// The processor.
    pub cpu: Cpu,
    /// Memory.
    pub memory_kib: u64,
    /// Size of the root file system.
    pub disk_kib: u64,
    /// The address on the first interface.
    pub address: Ipv4Addr,
    /// The gateway.
    pub gateway: Ipv4Addr,
    /// Hardware address of the first interface.
    pub mac: [u8; 6],
    /// Logins, root first.
    pub users: Vec<User>,
    /// What the trap lets in.
    pub accounts: Vec<Account>,
    /// The file system every session starts from.
    pub tree: Arc<Tree>,
    boot_period: u64,
    boot_phase: u64,
}

impl Host {
    /// Seconds since the host last booted.
    #[must_use]
    pub fn uptime_secs(&self, now: base::Timestamp) -> u64 {
        let now = u64::try_from(now.as_secs()).unwrap_or(0);
        (now.saturating_add(self.boot_phase)) % self.boot_period.max(1) + 600
    }

    /// Whether this user and password are let in; the same answer every time.
    #[must_use]
    pub fn lets_in(&self, user: &str, password: &str) -> bool {
        self.accounts.iter().any(|a| a.user == user && a.password == password)
    }

    /// The login of that name; root if there is none.
    #[must_use]
    pub fn user(&self, name: &str) -> User {
        let found = self.users.iter().find(|u| u.name == name).or_else(|| self.users.first());
        found.cloned().unwrap_or_else(|| User { name: "root".to_owned(), uid: 0, home: "/root".to_owned() })
    }

    /// Free memory, plausible and steady within a minute.
    #[must_use]
    pub fn memory_free_kib(&self, now: base::Timestamp) -> u64 {
        let minute = u64::try_from(now.as_secs() / 60).unwrap_or(0);
        self.memory_kib / 5 + (minute.wrapping_mul(2_654_435_761) % (self.memory_kib / 20).max(1))
    }

    /// The hardware address as text.
    #[must_use]
    pub fn mac_text(&self) -> String {
        self.mac.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
    }
}

/// What one sensor claims to be.
#[derive(Debug, Clone)]
pub struct Persona {
    seed: [u8; 32],
    /// The version line of the SSH server, without line end.
    pub ssh_version: &'static str,
    /// Its algorithm lists.
    pub algorithms: &'static Algorithms,
    /// The host behind SSH.
    pub server: Arc<Host>,
    /// The host behind Telnet.
    pub router: Arc<Host>,
    /// The line the router prints before its login prompt.
    pub router_issue: &'static str,
}

struct Release {
    ssh_version: &'static str,
    algorithms: &'static Algorithms,
    system: &'static str,
    distribution: &'static str,
    version: &'static str,
    kernel: &'static str,
    build: &'static str,
    arm: bool,
}

/// Servers whose `sshd` we can speak for; the lists are in [`algorithms`].
static RELEASES: [Release; 3] = [
    Release {
        ssh_version: "SSH-2.0-OpenSSH_7.9p1 Debian-10+deb10u2",
        algorithms: &algorithms::OPENSSH_7_9,
        system: "Debian GNU/Linux 10 (buster)",
        distribution: "debian",
        version: "10",
        kernel: "4.19.0-14-amd64",
        build: "#1 SMP Debian 4.19.171-2 (2021-01-30)",
        arm: false,
    },
    Release {
        ssh_version: "SSH-2.0-OpenSSH_7.6p1 Ubuntu-4ubuntu0.3",
        algorithms: &algorithms::OPENSSH_7_6,
        system: "Ubuntu 18.04.5 LTS",
        distribution: "ubuntu",
        version: "18.04",
        kernel: "4.15.0-136-generic",
        build: "#140-Ubuntu SMP Thu Jan 28 05:20:47 UTC 2021",
        arm: false,
    },
    Release {
        ssh_version: "SSH-2.0-OpenSSH_7.9p1 Raspbian-10+deb10u2",
        algorithms: &algorithms::OPENSSH_7_9,
        system: "Raspbian GNU/Linux 10 (buster)",
        distribution: "raspbian",
        version: "10",
        kernel: "5.10.17-v7l+",
        build: "#1414 SMP Fri Apr 30 13:20:47 BST 2021",
        arm: true,
    },
];

static SERVER_CPUS: &[&Cpu] = &[
    &Cpu {
        machine: "x86_64",
        model: "Intel(R) Xeon(R) CPU E5-2670 v3 @ 2.30GHz",
        vendor: "GenuineIntel",
        mhz: 2300,
        cores: 2,
    },
    &Cpu {
        machine: "x86_64",
        model: "Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz",
        vendor: "GenuineIntel",
        mhz: 2200,
        cores: 4,
    },
    &Cpu {
        machine: "x86_64",
        model: "Intel(R) Xeon(R) Gold 6140 CPU @ 2.30GHz",
        vendor: "GenuineIntel",
        mhz: 2294,
        cores: 2,
    },
    &Cpu { machine: "x86_64", model: "AMD EPYC 7501 32-Core Processor", vendor: "AuthenticAMD", mhz: 1996, cores: 4 },
    &Cpu {
        machine: "x86_64",
        model: "Intel(R) Core(TM) i5-6500 CPU @ 3.20GHz",
        vendor: "GenuineIntel",
        mhz: 3192,
        cores: 4,
    },
];

static PI: Cpu = Cpu { machine: "armv7l", model: "ARMv7 Processor rev 3 (v7l)", vendor: "", mhz: 1500, cores: 4 };

struct Router {
    issue: &'static str,
    hostname: &'static str,
    kernel: &'static str,
    build: &'static str,
    cpu: Cpu,
}

static ROUTERS: [Router; 3] = [
    Router {
        issue: "",
        hostname: "TR",
        kernel: "3.10.14",
        build: "#1 Thu Aug 8 15:53:26 CST 2019",
        cpu: Cpu { machine: "mips", model: "MIPS 24KEc V5.5", vendor: "MT7628AN", mhz: 580, cores: 1 },
    },
    Router {
        issue: "",
        hostname: "gw",
        kernel: "2.6.36",
        build: "#14 Tue Mar 13 10:24:02 CST 2018",
        cpu: Cpu { machine: "mips", model: "MIPS 1004Kc V2.15", vendor: "MT7621", mhz: 880, cores: 2 },
    },
    Router {
        issue: "",
        hostname: "dvr",
        kernel: "3.4.35",
        build: "#52 Fri Dec 8 16:33:50 CST 2017",
        cpu: Cpu { machine: "armv7l", model: "ARMv7 Processor rev 5 (v7l)", vendor: "hi3521a", mhz: 1196, cores: 1 },
    },
];

impl Persona {
    /// The persona of `seed`; `accounts` replaces the persona's own weak accounts where it has any.
    #[must_use]
    pub fn new(seed: [u8; 32], accounts: &[Account]) -> Self {
        let mut draw = Draw::new(&seed, "persona");
        let release = RELEASES.get(draw.below(RELEASES.len())).unwrap_or(&RELEASES[0]);
        let server = server(&seed, release, accounts);
        let router = ROUTERS.get(draw.below(ROUTERS.len())).unwrap_or(&ROUTERS[0]);
        Self {
            seed,
            ssh_version: release.ssh_version,
            algorithms: release.algorithms,
            server: Arc::new(server),
            router: Arc::new(self::router(&seed, router, accounts)),
            router_issue: router.issue,
        }
    }

    /// A persona from any text: the seed is its SHA-256.
    #[must_use]
    pub fn from_text(seed: &str, accounts: &[Account]) -> Self {
        Self::new(Sha256::digest(seed.as_bytes()).into(), accounts)
    }

    /// Random choices of this persona for `label`.
    #[must_use]
    pub fn draw(&self, label: &str) -> Draw {
        Draw::new(&self.seed, label)
    }
}

fn server(seed: &[u8; 32], release: &'static Release, accounts: &[Account]) -> Host {
    let mut draw = Draw::new(seed, "server");
    let cpu = if release.arm { &PI } else { draw.pick(SERVER_CPUS, &PI) };
    let kinds = ["srv", "vm", "web", "app", "node", "files", "build", "mon", "lab", "edge"];
    let hostname = if release.arm {
        format!("raspberrypi-{:08x}", draw.between(0, u64::from(u32::MAX)))
    } else {
        format!("{}-{:08x}", draw.pick(&kinds, "srv"), draw.between(0, u64::from(u32::MAX)))
    };
    let memory_kib = if release.arm { 1_917_000 } else { (1 << draw.below(4)) * 1_006_000 } + draw.between(0, 9_000);
    let accounts = accounts::choose(&mut draw, accounts, accounts::SERVER);
    let net = Ipv4Addr::new(10, octet(&mut draw), octet(&mut draw), 0).octets();
    let mut host = Host {
        flavour: Flavour::Bash,
        hostname,
        system: release.system,
        distribution: release.distribution,
        version: release.version,
        kernel: release.kernel,
        build: release.build,
        cpu: cpu.clone(),
        memory_kib,
        disk_kib: (draw.between(2, 8) * 10_000_000) + draw.between(0, 300_000),
        address: Ipv4Addr::new(net[0], net[1], net[2], octet(&mut draw)),
        gateway: Ipv4Addr::new(net[0], net[1], net[2], 254),
        mac: mac(&mut draw, if release.arm { [0xdc, 0xa6, 0x32] } else { [0x52, 0x54, 0x00] }),
        users: accounts::users(&accounts, release.distribution),
        accounts,
        tree: Arc::default(),
        boot_period: draw.between(40, 200) * 86_400 + draw.between(0, 86_399),
        boot_phase: draw.between(0, 100_000_000),
    };
    host.tree = Arc::new(tree::server(&host, release.algorithms));
    host
}

fn router(seed: &[u8; 32], router: &Router, accounts: &[Account]) -> Host {
    let mut draw = Draw::new(seed, "router");
    let accounts = accounts::choose(&mut draw, accounts, accounts::ROUTER);
    let net = octet(&mut draw);
    let mut host = Host {
        flavour: Flavour::Ash,
        hostname: format!("{}{:06X}", router.hostname, draw.between(0, 0xff_ffff)),
        system: "BusyBox v1.22.1",
        distribution: "busybox",
        version: "1.22.1",
        kernel: router.kernel,
        build: router.build,
        cpu: router.cpu.clone(),
        memory_kib: (1 << draw.below(3)) * 61_000 + draw.between(0, 900),
        disk_kib: 7_808 + draw.between(0, 256),
        address: Ipv4Addr::new(192, 168, net, 1),
        gateway: Ipv4Addr::new(100, 64 + octet(&mut draw) / 4, octet(&mut draw), 1),
        mac: mac(&mut draw, [0x00, 0x0c, 0x43]),
        users: accounts::users(&accounts, "busybox"),
        accounts,
        tree: Arc::default(),
        boot_period: draw.between(20, 90) * 86_400 + draw.between(0, 86_399),
        boot_phase: draw.between(0, 100_000_000),
    };
    host.tree = Arc::new(tree::router(&host));
    host
}

/// The applets of the router's BusyBox.
pub(crate) fn applets() -> &'static str {
    tree::APPLETS
}

fn octet(draw: &mut Draw) -> u8 {
    u8::try_from(draw.between(1, 253)).unwrap_or(1)
}

fn mac(draw: &mut Draw, vendor: [u8; 3]) -> [u8; 6] {
    [vendor[0], vendor[1], vendor[2], octet(draw), octet(draw), octet(draw)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_is_steady_and_no_two_are_alike() {
        let (mut servers, mut routers, mut macs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for n in 0..300 {
            let one = Persona::from_text(&format!("sensor {n}"), &[]);
            let same = Persona::from_text(&format!("sensor {n}"), &[]);
            assert_eq!(one.server.hostname, same.server.hostname);
            assert_eq!(one.server.accounts, same.server.accounts);
            assert!(servers.insert(one.server.hostname.clone()), "two sensors share a host name");
            assert!(routers.insert(one.router.hostname.clone()));
            assert!(macs.insert(one.server.mac_text()));
            assert!(one.server.lets_in(&one.server.accounts[0].user, &one.server.accounts[0].password));
            assert!(!one.server.lets_in("root", "a password no trap has"));
        }
    }

    #[test]
    fn every_account_has_a_login_and_configured_ones_replace_the_drawn() {
        let own = [Account { user: "svc".to_owned(), password: "svc1".to_owned() }];
        let persona = Persona::from_text("x", &own);
        assert_eq!(persona.server.accounts, own);
        assert_eq!(persona.server.user("svc").home, "/home/svc");
        assert_eq!(persona.server.user("root").uid, 0);
    }

    #[test]
    fn the_clock_of_boot_runs_on() {
        let host = Persona::from_text("x", &[]).server;
        let at = base::Timestamp::from_micros(1_795_000_000_000_000);
        let (before, after) = (host.uptime_secs(at), host.uptime_secs(at.plus_secs(60)));
        assert!(after == before + 60 || after == 600 + (before + 60 - 600) % host.boot_period);
    }
}
