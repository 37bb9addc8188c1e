//! The machine: what it is, how fast its disk keeps a promise, and what else ran on it.

use std::fs;
use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::Bench;
use crate::report::Times;

/// Linux counts CPU time for user space in hundredths of a second on every architecture.
const TICKS: f64 = 100.0;

/// Cores, memory, kernel and the median of fdatasync.
pub(crate) fn describe(bench: &Bench) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory = value("/proc/meminfo", "MemTotal:")? / (1024.0 * 1024.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut times = Times::default();
    let folder = bench.folder()?;
    let mut file = fs::File::create(folder.path().join("sync"))?;
    for _ in 0..100 {
        file.write_all(&[7; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    let sync = times.at(50);
    Ok(format!("{cores} cores, {memory:.0} GiB, Linux {}, median fdatasync of 4 KiB {sync:.2} ms", kernel.trim()))
}

/// The number behind a word at a line's beginning.
fn value(path: &str, word: &str) -> Result<f64> {
    let text = fs::read_to_string(path).with_context(|| path.to_owned())?;
    let line = text.lines().find_map(|line| line.strip_prefix(word)).with_context(|| format!("{word} in {path}"))?;
    line.split_whitespace().next().context("a number")?.parse().context("a number")
}

/// Resident memory of a process in MB, now.
pub(crate) fn rss_mb(pid: u32) -> Result<f64> {
    Ok(value(&format!("/proc/{pid}/status"), "VmRSS:")? / 1024.0)
}

/// Numbers of /proc/PID/stat from the state on; the name in brackets may hold blanks.
fn stat(pid: &str) -> Result<Vec<f64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = text.rsplit_once(')').context("a name in brackets")?;
    Ok(rest.split_whitespace().skip(1).map(|word| word.parse().unwrap_or(0.0)).collect())
}

/// CPU-seconds a process has used, user and system.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    let numbers = stat(&pid.to_string())?;
    Ok(numbers.iter().skip(10).take(2).sum::<f64>() / TICKS)
}

/// CPU-seconds of this process and of its children that ended.
pub(crate) fn own_cpu() -> Result<f64> {
    Ok(stat("self")?.iter().skip(10).take(4).sum::<f64>() / TICKS)
}

/// CPU-seconds all cores were busy since the machine started.
fn busy() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat")?;
    let numbers: Vec<f64> =
        text.lines().next().unwrap_or_default().split_whitespace().skip(1).flat_map(str::parse).collect();
    // user nice system idle iowait irq softirq steal: everything but idle and iowait.
    let busy = numbers.iter().take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4)).map(|(_, ticks)| ticks);
    Ok(busy.sum::<f64>() / TICKS)
}

/// What else the machine did while a row ran.
#[derive(Debug)]
pub(crate) struct Load {
    start: Instant,
    busy: f64,
    own: f64,
}

impl Load {
    /// From now on.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self { start: Instant::now(), busy: busy()?, own: own_cpu()? })
    }

    /// The share of the machine that work of others used. All that the row started has ended by now.
    pub(crate) fn others(&self) -> Result<f64> {
        let cores = std::thread::available_parallelism()?.get();
        let whole = self.start.elapsed().as_secs_f64() * f64::from(u32::try_from(cores)?);
        let others = (busy()? - self.busy) - (own_cpu()? - self.own);
        Ok((others / whole.max(0.01)).clamp(0.0, 1.0))
    }
}
