//! Starting programs: a fixed list, absolute paths, argument vectors only, no inherited environment, a time limit,
//! bounded output, and never a child that outlives its handle.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::netns::Place;

/// Where programs are looked for, in this order; `PATH` is never read.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
/// How long a program may run unless the caller says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How much a program may write to each of its outputs.
const OUTPUT_LIMIT: u64 = 1_048_576;

/// A program that may be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// nftables' command.
    Nft,
    /// iproute2's command.
    Ip,
    /// Makes a user namespace.
    Unshare,
    /// OpenSSH's client, an attacker of the demo.
    Ssh,
    /// This very executable, with another verb.
    This,
}

impl Program {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nft => "nft",
            Self::Ip => "ip",
            Self::Unshare => "unshare",
            Self::Ssh => "ssh",
            Self::This => "lianfang",
        }
    }

    /// Its absolute path.
    ///
    /// # Errors
    /// `LF-AGT-0001` when it is not installed.
    pub fn path(self) -> Result<PathBuf, Error> {
        if self == Self::This {
            return std::env::current_exe().map_err(|_| Error::ProgramMissing(self.name()));
        }
        FOLDERS
            .iter()
            .map(|folder| Path::new(folder).join(self.name()))
            .find(|path| path.is_file())
            .ok_or(Error::ProgramMissing(self.name()))
    }
}

/// What a program that ended well wrote.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A program about to be started.
#[derive(Debug)]
pub struct Run {
    program: Program,
    place: Place,
    args: Vec<OsString>,
    input: Vec<u8>,
    limit: Duration,
}

impl Run {
    /// The program without arguments, in the caller's network namespace.
    #[must_use]
    pub const fn new(program: Program) -> Self {
        Self { program, place: Place::Here, args: Vec::new(), input: Vec::new(), limit: TIME_LIMIT }
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// What it reads from standard input.
    #[must_use]
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Another time limit.
    #[must_use]
    pub const fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The network namespace it runs in.
    #[must_use]
    pub fn within(mut self, place: &Place) -> Self {
        self.place = place.clone();
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// Missing, failed (status and message), or stopped at a limit.
    pub fn output(self) -> Result<Output, Error> {
        let program = self.program.name();
        let mut command = self.command()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running { child: self.start(command)?, program };
        let mut stdin = running.child.stdin.take();
        let input = self.input;
        // A child that closes its input early is judged by its exit status, not by our broken pipe.
        let writer = thread::spawn(move || stdin.take().map(|mut pipe| pipe.write_all(&input)));
        let stdout = collect(running.child.stdout.take());
        let stderr = collect(running.child.stderr.take());
        let status = running.wait(self.limit)?;
        let _broken_pipe = writer.join();
        let (stdout, stderr) = (gather(stdout, program)?, gather(stderr, program)?);
        if status.success() {
            Ok(Output { stdout, stderr })
        } else {
            Err(Error::ProgramFailed { program, status: status.to_string(), message: stderr.trim().to_owned() })
        }
    }

    /// Starts it and returns at once; standard output and error go to `log`, or nowhere.
    ///
    /// # Errors
    /// Missing, or the system refuses to start it.
    pub fn spawn(self, log: Option<std::fs::File>) -> Result<Running, Error> {
        let mut command = self.command()?;
        let copy = log.as_ref().and_then(|file| file.try_clone().ok());
        command.stdin(Stdio::null());
        command.stdout(log.map_or_else(Stdio::null, Stdio::from));
        command.stderr(copy.map_or_else(Stdio::null, Stdio::from));
        Ok(Running { child: self.start(command)?, program: self.program.name() })
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
    fn command(&self) -> Result<Command, Error> {
        let mut command = Command::new(self.program.path()?);
        command.args(&self.args).env_clear().env("PATH", FOLDERS.join(":")).env("LC_ALL", "C").current_dir("/");
        Ok(command)
    }

    /// A child inherits the network namespace of the thread that forks it.
    fn start(&self, mut command: Command) -> Result<Child, Error> {
        let program = self.program.name();
        self.place.run(move || command.spawn())?.map_err(|source| Error::ProgramFailed {
            program,
            status: "no start".to_owned(),
            message: source.to_string(),
        })
    }
}

/// A started program; dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    program: &'static str,
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, at most `limit`; then it is killed.
    ///
    /// # Errors
    /// `LF-AGT-0003` when it had to be killed.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        let lost = |error: std::io::Error| Error::ProgramFailed {
            program: self.program,
            status: "lost".to_owned(),
            message: error.to_string(),
        };
        if let Some(status) = self.child.try_wait().map_err(lost)? {
            return Ok(status);
        }
        let pidfd = pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty()).map_err(|e| lost(e.into()))?;
        let time = rustix::event::Timespec::try_from(limit).ok();
        let ready = loop {
            match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], time.as_ref()) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.map_err(|e| lost(e.into()))?,
            }
        };
        if ready == 0 {
            self.kill();
            return Err(Error::ProgramRunaway { program: self.program, limit: "time" });
        }
        self.child.wait().map_err(lost)
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

type Collector = Option<thread::JoinHandle<Option<Vec<u8>>>>;

/// Reads a pipe on its own thread; `None` from the thread means past the limit.
fn collect(pipe: Option<impl Read + Send + 'static>) -> Collector {
    pipe.map(|pipe| {
        thread::spawn(move || {
            let mut out = Vec::new();
            let _partial = pipe.take(OUTPUT_LIMIT + 1).read_to_end(&mut out);
            (out.len() as u64 <= OUTPUT_LIMIT).then_some(out)
        })
    })
}

fn gather(collector: Collector, program: &'static str) -> Result<String, Error> {
    let bytes = collector.and_then(|handle| handle.join().ok()).flatten();
    let bytes = bytes.ok_or(Error::ProgramRunaway { program, limit: "output" })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_to_the_end_and_reports_failure() {
        let help = Run::new(Program::Unshare).args(["--version"]).output().unwrap();
        assert!(help.stdout.contains("unshare"), "{help:?}");
        let error = Run::new(Program::Unshare).args(["--no-such-flag"]).output().unwrap_err();
        assert!(matches!(&error, Error::ProgramFailed { message, .. } if message.contains("no-such-flag")), "{error}");
    }

    #[test]
    fn time_and_output_are_limited_and_the_environment_is_empty() {
        let slow = Run::new(Program::Unshare).args(["--", "/bin/sleep", "30"]).limit(Duration::from_millis(80));
        assert!(matches!(slow.output(), Err(Error::ProgramRunaway { limit: "time", .. })));
        let loud = Run::new(Program::Unshare).args(["--", "/usr/bin/head", "-c", "3000000", "/dev/zero"]).output();
        assert!(matches!(loud, Err(Error::ProgramRunaway { limit: "output", .. })), "{loud:?}");
        let env = Run::new(Program::Unshare).args(["--", "/usr/bin/env"]).output().unwrap();
        let mut names: Vec<&str> = env.stdout.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn dropped_means_killed() {
        let running = Run::new(Program::Unshare).args(["--", "/bin/sleep", "30"]).spawn(None).unwrap();
        let process = PathBuf::from(format!("/proc/{}", running.id()));
        assert!(process.exists());
        drop(running);
        assert!(!process.exists());
    }
}
