//! The file system of a persona's hosts, written from what the host claims to be.

use std::fmt::Write as _;

use super::{Algorithms, Draw, Flavour, Host};
use crate::shell::fs::{Kind, Tree};
use crate::shell::live::Live;

/// Programs of a server: folder, names.
static SERVER_PROGRAMS: &[(&str, &str)] = &[
    (
        "/bin",
        "bash cat chgrp chmod chown cp date dd df dir dmesg echo egrep false fgrep findmnt grep gunzip gzip hostname ip journalctl kill ln login ls lsblk mkdir mktemp more mount mv nano netstat ping ps pwd readlink rm rmdir sed sh sleep ss stty su sync systemctl tar touch true umount uname which zcat",
    ),
    (
        "/sbin",
        "agetty blkid fdisk getty halt ifconfig init insmod iptables lsmod mkfs modprobe poweroff reboot route runlevel shutdown swapon sysctl",
    ),
    (
        "/usr/bin",
        "apt apt-get awk base64 basename bc chattr clear crontab curl cut diff dirname dpkg du env expr file find free ftp getent groups head hostnamectl htop id install last less locale logger lsattr lsb_release lscpu man md5sum nc nohup nproc openssl passwd perl pgrep pkill printf python3 rsync scp screen sha1sum sha256sum sort split ssh ssh-keygen stat strings sudo tail tee telnet test tftp time timeout top tr uniq unzip uptime users vi vim vmstat w wc wget who whoami xargs xxd yes",
    ),
    ("/usr/sbin", "adduser chpasswd chroot cron groupadd service sshd useradd userdel usermod visudo"),
];

/// Applets of a router.
pub(super) static APPLETS: &str = "[ [[ arp ash awk basename brctl cat chmod chown clear cp cut date dd df dirname dmesg du echo egrep env expr false fgrep find free ftpget ftpput grep gunzip gzip halt head hostname id ifconfig init insmod ip kill killall klogd ln login ls lsmod md5sum mkdir mknod more mount mv netstat nslookup ping printf ps pwd reboot rm rmdir route sed sh sleep sort stty sync tail tar telnet telnetd test tftp top touch tr true udhcpd umount uname uptime vi wc wget which xargs yes";

/// When the system was installed.
const INSTALLED: i64 = 1_612_345_678;

fn file(tree: &mut Tree, path: &str, text: impl AsRef<str>) {
    tree.put(path, Kind::File(text.as_ref().as_bytes().into()), 0o644, INSTALLED);
}

/// The tree of a server.
pub(super) fn server(host: &Host, algorithms: &Algorithms) -> Tree {
    let mut tree = Tree::default();
    let mut draw = Draw::new(&[host.mac[5]; 32], &host.hostname);
    folders(
        &mut tree,
        "/boot /dev/pts /home /lib /media /mnt /opt /proc /root /run/lock /sbin /srv /sys /tmp /usr/lib /usr/local/bin /usr/local/sbin /usr/share /var/backups /var/cache /var/lib /var/log/apt /var/mail /var/spool/cron/crontabs /var/tmp /var/www/html /dev/shm /run/shm",
    );
    for (folder, names) in SERVER_PROGRAMS {
        for name in names.split(' ') {
            let size = u32::try_from(draw.between(14_000, 220_000)).unwrap_or(40_000);
            tree.put(&format!("{folder}/{name}"), Kind::Program(size), 0o755, INSTALLED - 40_000_000);
        }
    }
    tree.put("/usr/bin/python", Kind::Link("python3"), 0o777, INSTALLED);
    accounts_files(&mut tree, host);
    system_files(&mut tree, host);
    let config = format!(
        "# This is the sshd server system-wide configuration file.\n\nPermitRootLogin yes\nPasswordAuthentication yes\nChallengeResponseAuthentication yes\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\n{}AcceptEnv LANG LC_*\nSubsystem\tsftp\t/usr/lib/openssh/sftp-server\n",
        algorithms.config
    );
    file(&mut tree, "/etc/ssh/sshd_config", config);
    common_live(&mut tree);
    homes(&mut tree, host);
    tree
}

fn folders(tree: &mut Tree, list: &str) {
    for folder in list.split(' ') {
        let mode = match folder {
            "/tmp" | "/var/tmp" | "/dev/shm" | "/run/shm" => 0o1777,
            "/root" => 0o700,
            _ => 0o755,
        };
        tree.put(folder, Kind::Dir, mode, INSTALLED);
    }
}

fn accounts_files(tree: &mut Tree, host: &Host) {
    let shell = if host.flavour == Flavour::Bash { "/bin/bash" } else { "/bin/sh" };
    let mut passwd = String::new();
    let mut shadow = String::new();
    let mut group =
        String::from("root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nsudo:x:27:\n");
    let _ = writeln!(passwd, "root:x:0:0:root:/root:{shell}");
    if host.flavour == Flavour::Bash {
        passwd.push_str("daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\nsys:x:3:3:sys:/dev:/usr/sbin/nologin\nsync:x:4:65534:sync:/bin:/bin/sync\nman:x:6:12:man:/var/cache/man:/usr/sbin/nologin\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\nbackup:x:34:34:backup:/var/backups:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n_apt:x:100:65534::/nonexistent:/usr/sbin/nologin\nsystemd-network:x:102:103:systemd Network Management,,,:/run/systemd:/usr/sbin/nologin\nmessagebus:x:104:110::/nonexistent:/usr/sbin/nologin\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n");
    }
    for user in host.users.iter().filter(|u| u.name != "root") {
        let _ = writeln!(passwd, "{0}:x:{1}:{1}:{0},,,:{2}:{shell}", user.name, user.uid, user.home);
        let _ = writeln!(group, "{0}:x:{1}:", user.name, user.uid);
    }
    let mut draw = Draw::new(&[host.mac[4]; 32], &host.hostname);
    for user in &host.users {
        let _ = writeln!(
            shadow,
            "{}:$6${}${}:18660:0:99999:7:::",
            user.name,
            crypt_text(&mut draw, 8),
            crypt_text(&mut draw, 86)
        );
    }
    file(tree, "/etc/passwd", passwd);
    file(tree, "/etc/group", group);
    tree.put("/etc/shadow", Kind::File(shadow.into_bytes().into()), 0o640, INSTALLED);
}

fn crypt_text(draw: &mut Draw, length: usize) -> String {
    const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..length).map(|_| char::from(DIGITS.get(draw.below(64)).copied().unwrap_or(b'.'))).collect()
}

fn system_files(tree: &mut Tree, host: &Host) {
    file(tree, "/etc/hostname", format!("{}\n", host.hostname));
    file(
        tree,
        "/etc/hosts",
        format!("127.0.0.1\tlocalhost\n127.0.1.1\t{}\n\n::1\tlocalhost ip6-localhost ip6-loopback\n", host.hostname),
    );
    file(tree, "/etc/resolv.conf", format!("nameserver {}\n", host.gateway));
    file(tree, "/etc/issue", format!("{} \\n \\l\n\n", host.system));
    file(
        tree,
        "/etc/os-release",
        format!(
            "PRETTY_NAME=\"{0}\"\nNAME=\"{1}\"\nVERSION_ID=\"{2}\"\nID={3}\n",
            host.system,
            host.system.split(' ').next().unwrap_or_default(),
            host.version,
            host.distribution
        ),
    );
    if host.distribution != "ubuntu" {
        file(tree, "/etc/debian_version", "10.8\n");
    }
    file(
        tree,
        "/etc/fstab",
        "# <file system> <mount point>   <type>  <options>       <dump>  <pass>\nUUID=4c1b2c0e-6e43-4f0e-9a53-9a2f0d3a7a10 /               ext4    errors=remount-ro 0       1\n",
    );
    file(
        tree,
        "/etc/crontab",
        "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n\n17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n25 6\t* * *\troot\ttest -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )\n",
    );
    file(
        tree,
        "/etc/motd",
        "\nThe programs included with this system are free software;\nthe exact distribution terms for each program are described in the\nindividual files in /usr/share/doc/*/copyright.\n",
    );
    file(tree, "/etc/profile", "# /etc/profile: system-wide .profile file for the Bourne shell (sh(1))\n");
    file(tree, "/etc/shells", "# /etc/shells: valid login shells\n/bin/sh\n/bin/bash\n/bin/rbash\n/bin/dash\n");
    for log in ["auth.log", "syslog", "messages", "dpkg.log", "wtmp", "lastlog", "btmp"] {
        tree.put(&format!("/var/log/{log}"), Kind::File(Vec::new().into()), 0o640, INSTALLED);
    }
    for cron in ["hourly", "daily", "weekly", "monthly", "d"] {
        tree.put(&format!("/etc/cron.{cron}"), Kind::Dir, 0o755, INSTALLED);
    }
    tree.put("/usr/lib/openssh/sftp-server", Kind::Program(112_712), 0o755, INSTALLED);
    tree.put(&format!("/boot/vmlinuz-{}", host.kernel), Kind::Program(5_274_864), 0o644, INSTALLED);
}

fn common_live(tree: &mut Tree) {
    let live = [
        ("cpuinfo", Live::CpuInfo),
        ("meminfo", Live::MemInfo),
        ("uptime", Live::Uptime),
        ("loadavg", Live::LoadAvg),
        ("version", Live::Version),
        ("mounts", Live::Mounts),
        ("stat", Live::Stat),
        ("net/route", Live::Route),
        ("self/cmdline", Live::CmdLine),
        ("self/mounts", Live::Mounts),
    ];
    for (name, live) in live {
        tree.put(&format!("/proc/{name}"), Kind::Live(live), 0o444, INSTALLED);
    }
    tree.put("/proc/self/exe", Kind::Link("/bin/sh"), 0o777, INSTALLED);
    tree.put("/etc/mtab", Kind::Link("/proc/mounts"), 0o777, INSTALLED);
    for device in ["null", "zero", "random", "urandom", "tty", "console", "ptmx", "watchdog"] {
        tree.put(&format!("/dev/{device}"), Kind::Device, 0o666, INSTALLED);
    }
}

fn homes(tree: &mut Tree, host: &Host) {
    for user in &host.users {
        let mode = if user.uid == 0 { 0o700 } else { 0o755 };
        tree.put(&user.home, Kind::Dir, mode, INSTALLED);
        tree.own(&user.home, user.uid);
        for (name, text) in [
            (".bashrc", "# ~/.bashrc: executed by bash(1) for non-login shells.\n"),
            (".profile", "# ~/.profile: executed by Bourne-compatible login shells.\n"),
        ] {
            let path = format!("{}/{name}", user.home);
            file(tree, &path, text);
            tree.own(&path, user.uid);
        }
    }
}

/// The tree of a router: BusyBox and little else.
pub(super) fn router(host: &Host) -> Tree {
    let mut tree = Tree::default();
    folders(
        &mut tree,
        "/dev/pts /home /lib /mnt /proc /root /sys /tmp /usr/lib /var/run /var/tmp /var/log /www /dev/shm",
    );
    tree.put("/bin/busybox", Kind::Program(613_268), 0o755, INSTALLED);
    for name in APPLETS.split(' ') {
        let folder = match name {
            "ifconfig" | "init" | "insmod" | "ip" | "klogd" | "lsmod" | "reboot" | "halt" | "route" => "/sbin",
            "awk" | "basename" | "clear" | "cut" | "dirname" | "du" | "env" | "expr" | "find" | "free" | "ftpget"
            | "ftpput" | "head" | "id" | "killall" | "md5sum" | "nslookup" | "printf" | "sort" | "tail" | "telnet"
            | "test" | "tftp" | "top" | "tr" | "uptime" | "wc" | "wget" | "which" | "xargs" | "yes" | "[" | "[[" => {
                "/usr/bin"
            }
            "brctl" | "telnetd" | "udhcpd" => "/usr/sbin",
            _ => "/bin",
        };
        tree.put(&format!("{folder}/{name}"), Kind::Link("/bin/busybox"), 0o777, INSTALLED);
    }
    accounts_files(&mut tree, host);
    file(&mut tree, "/etc/hostname", format!("{}\n", host.hostname));
    file(&mut tree, "/etc/hosts", "127.0.0.1\tlocalhost\n");
    file(&mut tree, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
    file(&mut tree, "/etc/inittab", "::sysinit:/etc/init.d/rcS\n::respawn:-/bin/sh\n");
    file(&mut tree, "/etc/init.d/rcS", "#!/bin/sh\nmount -a\ntelnetd\nhttpd -h /www -p 80\n");
    file(
        &mut tree,
        "/www/index.html",
        "<html><head><meta http-equiv=\"refresh\" content=\"0;url=/login.htm\"></head></html>\n",
    );
    common_live(&mut tree);
    tree
}
