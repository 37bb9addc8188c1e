//! What the host says about its processor, memory and disks.

use std::fmt::Write as _;

use super::exec::Run;
use super::live::{self, Live};
use crate::persona::Flavour;

pub(super) fn mount(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if argv.len() > 1 {
        return if run.sh.user.uid == 0 { 0 } else { run.complain("mount: only root can do that") };
    }
    let text = live::render(Live::Mounts, &run.sh.host, run.now);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let [device, at, kind, flags, ..] = words.as_slice() {
            run.say(format!("{device} on {at} type {kind} ({flags})"));
        }
    }
    0
}

pub(super) fn df(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let human = argv.iter().any(|a| a.starts_with('-') && a.contains('h'));
    let size = |kib: u64| {
        if !human {
            return kib.to_string();
        }
        match kib {
            0 => "0".to_owned(),
            k if k >= 1 << 20 => format!("{}.{}G", k >> 20, ((k % (1 << 20)) * 10) >> 20),
            k if k >= 1 << 10 => format!("{}M", k >> 10),
            k => format!("{k}K"),
        }
    };
    let used = host.disk_kib / 10 * 3 + host.disk_kib / 97;
    let half = host.memory_kib / 2;
    let rows = match host.flavour {
        Flavour::Bash => vec![
            ("udev", half, 0, "/dev"),
            ("tmpfs", host.memory_kib / 10, 3_120, "/run"),
            (live::root_device(&host), host.disk_kib, used, "/"),
            ("tmpfs", half, 0, "/dev/shm"),
        ],
        Flavour::Ash => {
            vec![(live::root_device(&host), host.disk_kib, host.disk_kib, "/"), ("tmpfs", half, 312, "/tmp")]
        }
    };
    run.say(if human {
        "Filesystem      Size  Used Avail Use% Mounted on"
    } else {
        "Filesystem     1K-blocks    Used Available Use% Mounted on"
    });
    for (device, total, used, at) in rows {
        let percent = (used * 100).div_ceil(total.max(1));
        run.say(format!(
            "{device:<14} {:>9} {:>7} {:>9} {percent:>3}% {at}",
            size(total),
            size(used),
            size(total - used)
        ));
    }
    0
}

pub(super) fn free(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    let host = run.sh.host.clone();
    let unit = argv.iter().skip(1).find_map(|a| match a.as_str() {
        "-m" => Some(1 << 10),
        "-g" => Some(1 << 20),
        _ => None,
    });
    let show = |kib: u64| (kib / unit.unwrap_or(1)).to_string();
    let (free, cached) = (host.memory_free_kib(run.now), host.memory_kib / 2);
    let used = host.memory_kib.saturating_sub(free + cached);
    run.say("              total        used        free      shared  buff/cache   available");
    run.say(format!(
        "Mem:    {:>11} {:>11} {:>11} {:>11} {:>11} {:>11}",
        show(host.memory_kib),
        show(used),
        show(free),
        show(3_120),
        show(cached),
        show(free + cached * 4 / 5)
    ));
    let swap = live::swap_kib(&host);
    run.say(format!("Swap:   {:>11} {:>11} {:>11}", show(swap), 0, show(swap)));
    0
}

pub(super) fn nproc(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    run.say(run.sh.host.cpu.cores.to_string());
    0
}

pub(super) fn lscpu(run: &mut Run<'_>, _: &[String], _: &[u8]) -> i32 {
    let cpu = run.sh.host.cpu.clone();
    let mut out = String::new();
    let rows = [
        ("Architecture", cpu.machine.to_owned()),
        ("CPU op-mode(s)", if cpu.machine == "x86_64" { "32-bit, 64-bit" } else { "32-bit" }.to_owned()),
        ("Byte Order", "Little Endian".to_owned()),
        ("CPU(s)", cpu.cores.to_string()),
        ("On-line CPU(s) list", format!("0-{}", cpu.cores.saturating_sub(1))),
        ("Thread(s) per core", "1".to_owned()),
        ("Core(s) per socket", cpu.cores.to_string()),
        ("Socket(s)", "1".to_owned()),
        ("Vendor ID", if cpu.vendor.is_empty() { "ARM" } else { cpu.vendor }.to_owned()),
        ("Model name", cpu.model.to_owned()),
        ("CPU MHz", format!("{}.000", cpu.mhz)),
    ];
    for (name, value) in rows {
        let _ = writeln!(out, "{:<20} {value}", format!("{name}:"));
    }
    run.put(out);
    0
}

pub(super) fn lists(run: &mut Run<'_>, argv: &[String], _: &[u8]) -> i32 {
    if argv.first().is_some_and(|n| n.ends_with("lsmod")) {
        run.say("Module                  Size  Used by\nip_tables              28672  0\nx_tables               45056  1 ip_tables");
        return 0;
    }
    let gib = run.sh.host.disk_kib >> 20;
    let disk = if run.sh.host.distribution == "raspbian" { ("mmcblk0", "mmcblk0p2") } else { ("vda", "vda1") };
    run.say(format!(
        "NAME   MAJ:MIN RM SIZE RO TYPE MOUNTPOINT\n{}    254:0    0  {}G  0 disk\n└─{} 254:1    0  {gib}G  0 part /",
        disk.0,
        gib + 1,
        disk.1
    ));
    0
}

/// `Feb  3 09:47`, as a long listing shows a time.
pub(super) fn month_day(secs: i64) -> String {
    let text = base::Timestamp::from_micros(secs.saturating_mul(1_000_000)).rfc3339();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = part(5, 7).parse::<usize>().ok().and_then(|m| months.get(m.wrapping_sub(1))).copied().unwrap_or("Jan");
    format!("{month} {:>2} {}", part(8, 10).trim_start_matches('0'), part(11, 16))
}
