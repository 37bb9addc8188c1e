//! Files of `/proc` and the figures behind `free`, `uptime` and `df`: made from the host, so that they agree.

use base::Timestamp;
use std::fmt::Write as _;

use crate::persona::{Flavour, Host};

/// Which file of `/proc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// `/proc/cpuinfo`.
    CpuInfo,
    /// `/proc/meminfo`.
    MemInfo,
    /// `/proc/uptime`.
    Uptime,
    /// `/proc/loadavg`.
    LoadAvg,
    /// `/proc/version`.
    Version,
    /// `/proc/mounts`.
    Mounts,
    /// `/proc/stat`.
    Stat,
    /// `/proc/net/route`.
    Route,
    /// `/proc/self/cmdline`.
    CmdLine,
}

/// One process of the host.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its owner.
    pub user: &'static str,
    /// Resident memory, KiB.
    pub rss: u32,
    /// What `ps` shows.
    pub command: &'static str,
}

const fn process(pid: u32, user: &'static str, rss: u32, command: &'static str) -> Process {
    Process { pid, user, rss, command }
}

static SERVER: &[Process] = &[
    process(1, "root", 9872, "/sbin/init"),
    process(2, "root", 0, "[kthreadd]"),
    process(3, "root", 0, "[rcu_gp]"),
    process(6, "root", 0, "[kworker/0:0H-kblockd]"),
    process(9, "root", 0, "[ksoftirqd/0]"),
    process(10, "root", 0, "[rcu_sched]"),
    process(229, "root", 8120, "/lib/systemd/systemd-journald"),
    process(250, "root", 4916, "/lib/systemd/systemd-udevd"),
    process(398, "root", 2780, "/usr/sbin/cron -f"),
    process(
        401,
        "message+",
        4360,
        "/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only",
    ),
    process(407, "root", 7240, "/lib/systemd/systemd-logind"),
    process(412, "root", 4592, "/usr/sbin/rsyslogd -n -iNONE"),
    process(466, "root", 6820, "/usr/sbin/sshd -D"),
    process(471, "root", 1948, "/sbin/agetty -o -p -- \\u --noclear tty1 linux"),
];

static ROUTER: &[Process] = &[
    process(1, "root", 1216, "init"),
    process(2, "root", 0, "[kthreadd]"),
    process(3, "root", 0, "[ksoftirqd/0]"),
    process(5, "root", 0, "[kworker/u:0]"),
    process(88, "root", 612, "/sbin/klogd"),
    process(91, "root", 704, "telnetd"),
    process(133, "root", 2180, "httpd -h /www -p 80"),
    process(160, "root", 948, "udhcpd /etc/udhcpd.conf"),
    process(171, "root", 1012, "dnsmasq -C /etc/dnsmasq.conf"),
];

/// The processes of a host.
#[must_use]
pub fn processes(host: &Host) -> &'static [Process] {
    match host.flavour {
        Flavour::Bash => SERVER,
        Flavour::Ash => ROUTER,
    }
}

/// The three load figures, small and steady within a minute.
#[must_use]
pub fn load(host: &Host, now: Timestamp) -> [String; 3] {
    let minute = u64::try_from(now.as_secs() / 60).unwrap_or(0) ^ host.memory_kib;
    let one = |shift: u64| format!("0.{:02}", (minute >> shift).wrapping_mul(2_654_435_761) % 29);
    [one(0), one(2), one(4)]
}

/// The text of one file of `/proc`.
#[must_use]
pub fn render(live: Live, host: &Host, now: Timestamp) -> String {
    match live {
        Live::CpuInfo => cpuinfo(host),
        Live::MemInfo => meminfo(host, now),
        Live::Uptime => {
            let up = host.uptime_secs(now);
            format!(
                "{up}.{:02} {}.{:02}\n",
                now.as_micros().rem_euclid(100),
                up * u64::from(host.cpu.cores) * 97 / 100,
                up % 100
            )
        }
        Live::LoadAvg => {
            let [one, five, fifteen] = load(host, now);
            format!("{one} {five} {fifteen} 1/{} {}\n", 80 + host.cpu.cores * 9, 1200 + host.uptime_secs(now) % 28_000)
        }
        Live::Version => format!("{}\n", kernel_line(host)),
        Live::Mounts => mounts(host),
        Live::Stat => {
            let up = host.uptime_secs(now);
            let boot = now.as_secs() - i64::try_from(up).unwrap_or(0);
            format!(
                "cpu  {} 1204 {} {} 9120 0 820 0 0 0\nctxt {}\nbtime {boot}\nprocesses {}\nprocs_running 1\nprocs_blocked 0\n",
                up * 3,
                up * 2,
                up * 97 * u64::from(host.cpu.cores),
                up * 120,
                1200 + up % 28_000
            )
        }
        Live::Route => {
            let gateway = u32::from_le_bytes(host.gateway.octets());
            format!(
                "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n{}\t00000000\t{gateway:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
                interface(host)
            )
        }
        Live::CmdLine => "-bash\0".to_owned(),
    }
}

/// The first interface's name.
#[must_use]
pub fn interface(host: &Host) -> &'static str {
    match host.distribution {
        "busybox" => "br0",
        "ubuntu" => "ens3",
        _ => "eth0",
    }
}

fn kernel_line(host: &Host) -> String {
    let builder = match host.distribution {
        "debian" => "(debian-kernel@lists.debian.org) (gcc version 8.3.0 (Debian 8.3.0-6))",
        "ubuntu" => "(buildd@lcy01-amd64-013) (gcc version 7.5.0 (Ubuntu 7.5.0-3ubuntu1~18.04))",
        "raspbian" => {
            "(dom@buildbot) (arm-linux-gnueabihf-gcc-8 (Ubuntu/Linaro 8.4.0-3ubuntu1) 8.4.0, GNU ld (GNU Binutils for Ubuntu) 2.34)"
        }
        _ => "(root@build) (gcc version 4.6.3 (Buildroot 2012.11.1))",
    };
    format!("Linux version {} {builder} {}", host.kernel, host.build)
}

fn cpuinfo(host: &Host) -> String {
    let cpu = &host.cpu;
    let mut out = String::new();
    if cpu.machine == "mips" {
        let _ = writeln!(out, "system type\t\t: {}\nmachine\t\t\t: {}", cpu.vendor, host.hostname);
    }
    for core in 0..cpu.cores {
        let _ = match cpu.machine {
            "x86_64" => writeln!(
                out,
                "processor\t: {core}\nvendor_id\t: {}\ncpu family\t: 6\nmodel\t\t: 63\nmodel name\t: {}\nstepping\t: 2\nmicrocode\t: 0x1\ncpu MHz\t\t: {}.{:03}\ncache size\t: 16384 KB\nphysical id\t: 0\nsiblings\t: {cores}\ncore id\t\t: {core}\ncpu cores\t: {cores}\napicid\t\t: {core}\ninitial apicid\t: {core}\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: 13\nwp\t\t: yes\nflags\t\t: fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss ht syscall nx pdpe1gb rdtscp lm constant_tsc arch_perfmon rep_good nopl xtopology cpuid tsc_known_freq pni pclmulqdq ssse3 fma cx16 pcid sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor lahf_lm abm\nbogomips\t: {}.{:02}\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: 46 bits physical, 48 bits virtual\npower management:\n",
                cpu.vendor,
                cpu.model,
                cpu.mhz,
                (cpu.mhz * 7) % 1000,
                cpu.mhz * 2,
                cpu.mhz % 100,
                cores = cpu.cores
            ),
            "mips" => writeln!(
                out,
                "processor\t\t: {core}\ncpu model\t\t: {}\nBogoMIPS\t\t: {}.{:02}\nwait instruction\t: yes\nmicrosecond timers\t: yes\ntlb_entries\t\t: 32\nextra interrupt vector\t: yes\nhardware watchpoint\t: yes, count: 4, address/irw mask: [0x0ffc, 0x0ffc, 0x0ffb, 0x0ffb]\nASEs implemented\t: mips16 dsp\nshadow register sets\t: 1\nkscratch registers\t: 0\ncore\t\t\t: {core}\nVCED exceptions\t\t: not available\nVCEI exceptions\t\t: not available\n",
                cpu.model,
                cpu.mhz * 2 / 3,
                cpu.mhz % 100
            ),
            _ => writeln!(
                out,
                "processor\t: {core}\nmodel name\t: {}\nBogoMIPS\t: 108.00\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32\nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n",
                cpu.model
            ),
        };
    }
    if cpu.machine == "armv7l" {
        let hardware = if cpu.vendor.is_empty() { "BCM2711" } else { cpu.vendor };
        let _ = writeln!(
            out,
            "Hardware\t: {hardware}\nRevision\t: b03112\nSerial\t\t: 10000000{:08x}",
            host.memory_kib ^ 0x5a5a_5a5a
        );
    }
    out
}

fn meminfo(host: &Host, now: Timestamp) -> String {
    let free = host.memory_free_kib(now);
    let cached = host.memory_kib / 2;
    let rows = [
        ("MemTotal", host.memory_kib),
        ("MemFree", free),
        ("MemAvailable", free + cached * 4 / 5),
        ("Buffers", host.memory_kib / 40),
        ("Cached", cached),
        ("SwapCached", 0),
        ("Active", host.memory_kib / 4),
        ("Inactive", host.memory_kib / 3),
        ("SwapTotal", swap_kib(host)),
        ("SwapFree", swap_kib(host)),
        ("Dirty", 24),
        ("Slab", host.memory_kib / 22),
    ];
    rows.iter().fold(String::new(), |mut out, (name, kib)| {
        let _ = writeln!(out, "{:<15} {kib:>8} kB", format!("{name}:"));
        out
    })
}

/// Swap of the host.
#[must_use]
pub const fn swap_kib(host: &Host) -> u64 {
    match host.flavour {
        Flavour::Bash => 998_396,
        Flavour::Ash => 0,
    }
}

/// The device of the root file system.
#[must_use]
pub fn root_device(host: &Host) -> &'static str {
    match host.distribution {
        "busybox" => "/dev/root",
        "raspbian" => "/dev/root",
        _ => "/dev/vda1",
    }
}

fn mounts(host: &Host) -> String {
    match host.flavour {
        Flavour::Bash => format!(
            "sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\nudev /dev devtmpfs rw,nosuid,relatime,size={half}k,mode=755 0 0\ndevpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=000 0 0\ntmpfs /run tmpfs rw,nosuid,noexec,relatime,size={tenth}k,mode=755 0 0\n{root} / ext4 rw,relatime,errors=remount-ro 0 0\ntmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0\ntmpfs /run/lock tmpfs rw,nosuid,nodev,noexec,relatime,size=5120k 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n",
            half = host.memory_kib / 2, tenth = host.memory_kib / 10, root = root_device(host)
        ),
        Flavour::Ash => "rootfs / rootfs rw 0 0\n/dev/root / squashfs ro,relatime 0 0\nproc /proc proc rw,relatime 0 0\nsysfs /sys sysfs rw,relatime 0 0\ntmpfs /dev tmpfs rw,relatime,size=512k,mode=755 0 0\ndevpts /dev/pts devpts rw,relatime,mode=600 0 0\ntmpfs /tmp tmpfs rw,relatime 0 0\ntmpfs /var tmpfs rw,relatime 0 0\n".to_owned(),
    }
}
