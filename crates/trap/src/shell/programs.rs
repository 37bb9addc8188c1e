//! Which name does what: the shell's builtins and the programs that show something.
//!
//! A program that is in the file system but not here runs silently. A name that is in neither is not found.

use super::exec::Run;
use super::{Shell, builtins, downloads, files, hardware, network, system, text};

/// A command: the run, its words, its standard input; gives the status.
pub(super) type Program = fn(&mut Run<'_>, &[String], &[u8]) -> i32;

/// The shell's own commands.
pub(super) fn builtin(name: &str) -> Option<Program> {
    Some(match name {
        ":" | "true" | "trap" | "umask" | "ulimit" | "wait" | "jobs" | "bg" | "fg" | "disown" | "shopt" | "alias"
        | "unalias" | "local" | "declare" | "readonly" | "hash" | "complete" => builtins::nothing,
        "false" | "read" => builtins::fails,
        "cd" => builtins::cd,
        "pwd" => builtins::pwd,
        "echo" => builtins::echo,
        "printf" => builtins::printf,
        "export" | "set" => builtins::export,
        "unset" => builtins::unset,
        "exit" | "logout" | "return" => builtins::exit,
        "break" => builtins::leave_loop,
        "continue" => builtins::next_round,
        "test" | "[" | "[[" => builtins::test,
        "type" | "command" => builtins::kind,
        "eval" => builtins::eval,
        "exec" => builtins::exec,
        "source" | "." => builtins::source,
        "history" => builtins::history,
        "kill" => builtins::nothing,
        "enable" | "shell" | "system" | "linuxshell" | "config" | "development" => builtins::menu,
        _ => return None,
    })
}

/// Programs of the system by their last name.
pub(super) fn program(name: &str) -> Option<Program> {
    Some(match name {
        "ls" | "dir" => files::ls,
        "cat" => files::cat,
        "rm" => files::rm,
        "rmdir" => files::rmdir,
        "mkdir" => files::mkdir,
        "touch" => files::touch,
        "cp" => files::cp,
        "mv" => files::mv,
        "chmod" => files::chmod,
        "chown" | "chgrp" | "chattr" | "lsattr" | "ln" | "sync" => builtins::nothing,
        "dd" => files::dd,
        "find" => files::find,
        "stat" | "file" => files::describe,
        "tee" => files::tee,
        "which" => builtins::which,
        "head" | "tail" | "more" | "less" => text::head,
        "grep" | "egrep" | "fgrep" => text::grep,
        "wc" => text::wc,
        "sort" | "uniq" => text::sort,
        "cut" => text::cut,
        "tr" => text::tr,
        "sed" => text::sed,
        "awk" => text::awk,
        "xargs" => text::xargs,
        "base64" => text::base64,
        "md5sum" | "sha1sum" | "sha256sum" => text::digest,
        "basename" | "dirname" => text::path_part,
        "expr" => text::expr,
        "uname" => system::uname,
        "hostname" => system::hostname,
        "id" => system::id,
        "whoami" => system::whoami,
        "w" | "who" | "users" => system::who,
        "last" => system::last,
        "uptime" => system::uptime,
        "date" => system::date,
        "env" => system::env,
        "ps" | "top" | "htop" => system::ps,
        "pgrep" | "pkill" | "killall" => system::by_name,
        "crontab" => system::crontab,
        "systemctl" | "service" => system::systemctl,
        "passwd" | "chpasswd" => system::passwd,
        "useradd" | "adduser" | "usermod" | "userdel" | "groupadd" => system::accounts,
        "sudo" => system::sudo,
        "su" => system::su,
        "sh" | "bash" | "ash" | "dash" => system::shell,
        "busybox" => system::busybox,
        "nohup" | "timeout" | "time" | "nice" | "chroot" => system::prefix,
        "sleep" | "usleep" => system::sleep,
        "lsb_release" | "hostnamectl" => system::release,
        "dmesg" | "journalctl" => system::denied_log,
        "mount" => hardware::mount,
        "df" => hardware::df,
        "free" => hardware::free,
        "nproc" => hardware::nproc,
        "lscpu" => hardware::lscpu,
        "lsblk" | "lsmod" => hardware::lists,
        "ifconfig" => network::ifconfig,
        "ip" => network::ip,
        "netstat" | "ss" => network::sockets,
        "route" => network::route,
        "arp" => network::arp,
        "ping" => network::ping,
        "iptables" => network::iptables,
        "nc" | "telnet" | "ssh" | "ftp" => network::dial,
        "wget" => downloads::wget,
        "curl" => downloads::curl,
        "tftp" => downloads::tftp,
        "ftpget" => downloads::ftpget,
        "scp" | "rsync" | "perl" | "python3" | "apt" | "apt-get" => downloads::mention,
        _ => return None,
    })
}

impl Shell {
    /// The full path of a program on the search path.
    pub(super) fn on_path(&self, name: &str) -> Option<String> {
        ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            .into_iter()
            .map(|folder| format!("{folder}/{name}"))
            .find(|path| {
                let node = self.fs.get(path);
                node.is_some_and(|n| n.mode & 0o111 != 0 && !matches!(n.kind, super::fs::Kind::Dir))
            })
    }
}
