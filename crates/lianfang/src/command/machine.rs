//! `lianfang sensor` and `lianfang edge` on their machines: enrol with a code, then run.

use std::path::{Path, PathBuf};

use base::Env;
use runtime::{CancellationToken, process};

use crate::cli::{EdgeEnrol, Enrol, Switch};
use crate::exit::Failure;
use crate::output;

/// Enrols this machine as a sensor.
pub(crate) async fn enrol_sensor(args: &Enrol) -> Result<(), Failure> {
    let dir = args.data.clone().unwrap_or_else(|| PathBuf::from("lianfang-sensor"));
    let trust = trap::EnrolTrust::parse(&authority(args)?)?;
    let code = args.code.as_deref().unwrap_or_default();
    let name = args.name.clone().unwrap_or_else(host_name);
    let enrolled = trap::enrol(&args.remote.url, code, &name, &trust, &dir).await?;
    output::line(&format!("sensor {} enrolled; run it with: lianfang sensor --data {}", enrolled.id, dir.display()));
    Ok(())
}

/// Enrols this machine as an enforcement point.
pub(crate) async fn enrol_edge(args: &EdgeEnrol) -> Result<(), Failure> {
    let machine = &args.machine;
    let dir = machine.data.clone().unwrap_or_else(|| PathBuf::from("lianfang-edge"));
    let (word, engine) = match args.driver {
        crate::cli::Driver::Nft => ("nft", "[engine]\nkind = \"nft\"\n".to_owned()),
        crate::cli::Driver::File => ("file", format!("[engine]\nkind = \"file\"\nfolder = {:?}\n", dir.join("lists"))),
    };
    let code = machine.code.as_deref().unwrap_or_default();
    let trust = agent::EnrolTrust::CaPem(authority(machine)?);
    let identity = agent::enrol(&machine.remote.url, code, word, &trust, &dir).await?;
    let settings = dir.join(SETTINGS);
    if !settings.exists() {
        std::fs::write(&settings, engine).map_err(|error| Failure::refused(format!("{}: {error}", settings.display())))?;
    }
    let id = identity.id;
    output::line(&format!("enforcement point {id} enrolled; run it with: lianfang edge --data {}", dir.display()));
    Ok(())
}

/// Settings of an agent: its engine.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EdgeSettings {
    engine: agent::EngineConfig,
}

/// The settings file inside an agent's folder.
const SETTINGS: &str = "agent.toml";

/// The settings of the agent of this folder: the file that was named, or the folder's own.
fn edge_settings(data: &Path, config: Option<&Path>) -> Result<agent::AgentConfig, Failure> {
    let own = data.join(SETTINGS);
    let file = config.or_else(|| own.exists().then_some(own.as_path()));
    let settings: EdgeSettings = runtime::load_config(file, [], &[]).map_err(|error| Failure::config(&error))?;
    Ok(agent::AgentConfig::new(data.to_owned(), settings.engine))
}

/// Runs the sensor until a signal.
pub(crate) async fn run_sensor(data: &Path, config: Option<&Path>) -> Result<(), Failure> {
    let mut settings: trap::NodeConfig = runtime::load_config(config, [], &[]).map_err(|error| Failure::config(&error))?;
    data.clone_into(&mut settings.dir);
    logs()?;
    let cancel = until_signal();
    trap::run(settings, Env::system(), cancel).await?;
    Ok(())
}

/// Runs the agent until a signal.
pub(crate) async fn run_edge(data: &Path, config: Option<&Path>) -> Result<(), Failure> {
    let settings = edge_settings(data, config)?;
    logs()?;
    let cancel = until_signal();
    agent::run(settings, Env::system(), cancel).await?;
    Ok(())
}

/// The local break-glass: needs no centre.
pub(crate) fn kill(state: Switch, data: &Path) -> Result<(), Failure> {
    agent::kill::break_glass(&edge_settings(data, None)?, state == Switch::On)?;
    output::line(if state == Switch::On { "the agent stops denying" } else { "the agent enforces again" });
    Ok(())
}

fn logs() -> Result<(), Failure> {
    runtime::logs::init(&runtime::logs::LogConfig::default()).map_err(Failure::refused)
}

fn until_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        let signal = process::stop_signal().await;
        tracing::info!(signal, "stopping");
        token.cancel();
    });
    cancel
}

fn authority(args: &Enrol) -> Result<String, Failure> {
    let path = args.remote.ca.as_ref().ok_or_else(|| {
        Failure::usage("--ca is needed: the centre's authority (its DATA/tls/ca.pem), so that no stranger can answer")
    })?;
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("--ca {}: {error}", path.display())))
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
