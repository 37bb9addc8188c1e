//! Network namespaces: where a socket is opened or a program runs, and whether such places can be made here.
//!
//! A thread enters a namespace, opens a socket or forks a child, and ends; the socket and the child stay there. So
//! the agent, its probes and the demonstration need no helper process. An unprivileged user first gets a user
//! namespace with [`rootless`]; inside it everything works as for root.

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::net::Ipv6Addr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::run::{Program, Run};

pub mod lab;
pub mod relay;

pub use lab::Lab;

/// Where iproute2 keeps its named namespaces.
const FOLDER: &str = "/run/netns";
/// Interface names have at most fifteen bytes; a prefix leaves room for its ending.
const PREFIX_MOST: usize = 9;

/// A network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Place {
    /// The one of this process.
    #[default]
    Here,
    /// Another one, by the file that stands for it.
    Namespace(PathBuf),
}

impl Place {
    /// The namespace that `ip netns add NAME` made.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Namespace(Path::new(FOLDER).join(name))
    }

    /// Runs `f` in the namespace: here directly, elsewhere on a thread of its own that ends with it.
    ///
    /// # Errors
    /// `LF-AGT-0008` when the namespace cannot be entered.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let Self::Namespace(path) = self else {
            return Ok(f());
        };
        let enter = || -> Result<T, Error> {
            let failed = |errno: rustix::io::Errno| Error::Namespace(format!("{}: {errno}", path.display()));
            let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).map_err(failed)?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(failed)?;
            Ok(f())
        };
        thread::scope(|scope| {
            let thread = thread::Builder::new().name("namespace".to_owned()).spawn_scoped(scope, enter);
            let thread = thread.map_err(|error| Error::Namespace(error.to_string()))?;
            thread.join().unwrap_or_else(|_| Err(Error::Namespace("the thread ended early".to_owned())))
        })
    }

    /// Writes a kernel setting of the namespace, for example `net/ipv4/ip_forward`.
    ///
    /// # Errors
    /// The setting is unknown or may not be written.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        let path = Path::new("/proc/sys").join(key);
        let file = |source| Error::File { what: "writing a kernel setting", path: path.clone(), source };
        self.run(|| std::fs::write(&path, value))?.map_err(file)
    }

    /// Reads a kernel setting of the namespace.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<String> {
        let path = Path::new("/proc/sys").join(key);
        self.run(|| std::fs::read_to_string(path).ok()).ok().flatten().map(|text| text.trim().to_owned())
    }

    /// Waits until the namespace answers on its own IPv6 addresses: the kernel takes them into use a moment after
    /// they were given, and drops what comes before.
    ///
    /// # Errors
    /// It still does not after two seconds.
    pub fn await_v6(&self, addresses: &[Ipv6Addr]) -> Result<(), Error> {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let routes = self.run(|| std::fs::read_to_string("/proc/thread-self/net/ipv6_route"))?.unwrap_or_default();
            let local: Vec<Ipv6Addr> = routes.lines().filter_map(local_route).collect();
            if addresses.iter().all(|address| local.contains(address)) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Error::Namespace(format!("{addresses:?} are not in use")));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs `ip -batch` with these commands inside the namespace; the first failing one ends it.
    ///
    /// # Errors
    /// `ip` is missing or refuses a command.
    pub fn ip<S: AsRef<str>>(&self, commands: &[S]) -> Result<(), Error> {
        let lines: Vec<&str> = commands.iter().map(AsRef::as_ref).collect();
        Run::new(Program::Ip).args(["-batch", "-"]).input(lines.join("\n") + "\n").within(self).output().map(|_| ())
    }
}

/// The address of a line of `ipv6_route` that is a local route (flag RTF_LOCAL) of full length.
fn local_route(line: &str) -> Option<Ipv6Addr> {
    const RTF_LOCAL: u32 = 0x8000_0000;
    let mut columns = line.split_whitespace();
    let address = u128::from_str_radix(columns.next()?, 16).ok()?;
    let full = columns.next()? == "80";
    let flags = u32::from_str_radix(columns.nth(6)?, 16).ok()?;
    (full && flags & RTF_LOCAL != 0).then(|| address.into())
}

/// How namespaces can be made on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Available {
    /// Directly.
    Root,
    /// Inside an unprivileged user namespace: start again with [`rootless`].
    UserNamespace,
    /// Not at all, and why.
    None(String),
}

/// Tries out how namespaces can be made: a short-lived one is really made.
#[must_use]
pub fn available() -> Available {
    if let Err(error) = Program::Ip.path() {
        return Available::None(error.to_string());
    }
    let try_out = |flags: &[&str]| Run::new(Program::Unshare).args(flags).args(["--", "/bin/true"]).output();
    if rustix::process::geteuid().is_root() && try_out(&["--net", "--mount"]).is_ok() {
        return Available::Root;
    }
    match try_out(&["--user", "--map-root-user", "--net", "--mount"]) {
        Ok(_) => Available::UserNamespace,
        Err(error) => Available::None(error.to_string()),
    }
}

/// This executable with these arguments as root of a new user namespace with its own network and mounts.
/// It ends with the caller and must call [`prepare_rootless`] first.
///
/// # Errors
/// The executable's own path is unknown.
pub fn rootless<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Result<Run, Error> {
    let this = Program::This.path()?;
    let flags = ["--user", "--map-root-user", "--net", "--mount", "--fork", "--kill-child=SIGKILL", "--"];
    Ok(Run::new(Program::Unshare).args(flags).args([this]).args(args))
}

/// Makes a fresh user namespace ready: an own `/run` so that `ip netns` can write there, and the loopback.
///
/// # Errors
/// The kernel refuses the mount.
pub fn prepare_rootless() -> Result<(), Error> {
    let none: Option<&std::ffi::CStr> = None;
    let flags = rustix::mount::MountFlags::NOSUID | rustix::mount::MountFlags::NODEV;
    rustix::mount::mount("tmpfs", "/run", "tmpfs", flags, none)
        .map_err(|errno| Error::Namespace(format!("mounting /run: {errno}")))?;
    Place::Here.ip(&["link set lo up"])
}

/// Makes named namespaces, each with its loopback up.
///
/// # Errors
/// One exists already, or they cannot be made.
pub fn create(names: &[&str]) -> Result<(), Error> {
    let commands: Vec<String> = names.iter().map(|name| format!("netns add {name}")).collect();
    Place::Here.ip(&commands)?;
    names.iter().try_for_each(|name| Place::named(name).ip(&["link set lo up"]))
}

/// The named namespaces that there are.
///
/// # Errors
/// `ip` is missing or fails.
pub fn list() -> Result<Vec<String>, Error> {
    let output = Run::new(Program::Ip).args(["netns", "list"]).output()?;
    Ok(output.stdout.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect())
}

/// Removes a named namespace and ends what still runs in it; one that is not there is fine.
///
/// # Errors
/// `ip` is missing or refuses.
pub fn remove(name: &str) -> Result<(), Error> {
    if !Path::new(FOLDER).join(name).exists() {
        return Ok(());
    }
    let pids = Run::new(Program::Ip).args(["netns", "pids", name]).output().unwrap_or_default();
    for pid in pids.stdout.lines().filter_map(|line| line.trim().parse().ok()) {
        let own = i32::try_from(std::process::id()).ok();
        if let Some(pid) = rustix::process::Pid::from_raw(pid).filter(|_| own != Some(pid)) {
            let _already_gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    Run::new(Program::Ip).args(["netns", "delete", name]).output().map(|_| ())
}

/// Checks a prefix of names that this crate gives to namespaces and interfaces.
///
/// # Errors
/// It is empty, too long, or more than lower-case letters and digits.
pub fn check_prefix(prefix: &str) -> Result<(), Error> {
    let fits = !prefix.is_empty() && prefix.len() <= PREFIX_MOST;
    if fits && prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Ok(());
    }
    Err(Error::Namespace(format!(
        "prefix {:?}: 1 to {PREFIX_MOST} lower-case letters and digits",
        base::code::excerpt(prefix)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_routes_are_told_from_others() {
        let line = |flags| {
            format!(
                "20010db8000000000000000000000001 80 {0} 00 {0} 00000000 00000002 00000000 {flags}       lo",
                "0".repeat(32)
            )
        };
        assert_eq!(local_route(&line("80200001")), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(local_route(&line("00000001")), None);
        assert_eq!(local_route(&line("80200001").replacen(" 80 ", " 40 ", 1)), None);
        assert_eq!(local_route(""), None);
    }

    #[test]
    fn prefixes_leave_room_and_carry_nothing_else() {
        for good in ["a", "lianfang", "lf1234567"] {
            assert!(check_prefix(good).is_ok(), "{good}");
        }
        for bad in ["", "lf12345678", "Lf", "lf-1", "lf 1", "../x", "誘捕"] {
            assert!(check_prefix(bad).is_err(), "{bad}");
        }
    }
}
