//! Measures the rows of the table of targets against the real program, from outside, and writes docs/performance.md.
//!
//! `bench` runs every row; `bench --only T22` one of them; `bench --quick` all with less data. A row that could not
//! be run says why. Everything that is started is stopped, and all files are in target/bench or temporary folders.
#![allow(clippy::print_stdout, reason = "a bench speaks to the person who runs it")]
#![allow(clippy::disallowed_methods, reason = "a bench starts the program that it measures")]

mod centre;
mod crash;
mod enforce;
mod growth;
mod hpfeeds;
mod ingest;
mod machine;
mod person;
mod report;
mod ssh;
mod trap;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use machine::Load;
use report::{Book, Row};

/// The table of targets, measured.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Cli {
    /// Only this row, for example T22; may be given more than once
    #[arg(long)]
    only: Vec<String>,
    /// Less data, fewer rounds
    #[arg(long)]
    quick: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The load of row T21, in a process of its own so that it can be pinned to a core
    #[command(hide = true)]
    SshLoad {
        #[arg(long)]
        target: SocketAddr,
        #[arg(long)]
        seconds: u64,
    },
}

/// What rows share.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The release build of the program.
    pub(crate) program: PathBuf,
    /// Less data, fewer rounds.
    pub(crate) quick: bool,
}

impl Bench {
    /// The long or the short form of a number.
    pub(crate) const fn pick(&self, long: usize, short: usize) -> usize {
        if self.quick { short } else { long }
    }

    /// A folder that goes away with the value, inside target/bench.
    pub(crate) fn folder(&self) -> Result<tempfile::TempDir> {
        let parent = self.root.join("target/bench");
        std::fs::create_dir_all(&parent)?;
        tempfile::Builder::new().prefix("row-").tempdir_in(parent).context("a folder for the row")
    }
}

const ROWS: [&str; 8] = ["T16", "T18", "T20", "T21", "T22", "T23", "T24", "T25"];

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(Part::SshLoad { target, seconds }) = cli.part {
        println!("{}", ssh::load(target, Duration::from_secs(seconds)).await?);
        return Ok(());
    }
    let _already = rustls::crypto::ring::default_provider().install_default();
    let root = std::env::current_dir()?;
    let program = root.join("target/release/lianfang");
    anyhow::ensure!(program.exists(), "{} is missing: run house/bench", program.display());
    let bench = Bench { root, program, quick: cli.quick };
    let mut book = Book::open(&bench.root, machine::describe(&bench)?)?;
    for id in ROWS.into_iter().filter(|id| cli.only.is_empty() || cli.only.iter().any(|only| only == id)) {
        println!("{id} ...");
        let load = Load::begin()?;
        let mut row = match run(&bench, id).await {
            Ok(row) => row,
            Err(error) => Row::not_run(id, &format!("it failed: {error:#}")),
        };
        row.taken(load.others()?, bench.quick);
        println!("{}", row.line());
        book.put(row)?;
    }
    println!("docs/performance.md is written");
    Ok(())
}

async fn run(bench: &Bench, id: &str) -> Result<Row> {
    match id {
        "T16" => enforce::directive_to_proof(bench).await,
        "T18" => enforce::large_delta(bench),
        "T20" => ingest::batch_to_finding(bench).await,
        "T21" => trap::attempts(bench).await,
        "T22" => ingest::throughput(bench).await,
        "T23" => growth::idle(bench).await,
        "T24" => growth::lists(bench).await,
        _ => crash::kills(bench),
    }
}
