//! A sensor or an enforcement point on its machine: enrol with a code, run until a signal, the local break-glass.

use std::path::{Path, PathBuf};

use base::Env;
use runtime::{CancellationToken, process};

use crate::cli::{Driver, Join, Switch};
use crate::exit::{Failure, program};
use crate::output;

/// Folder of a sensor where none is named.
pub const SENSOR: &str = "lianfang-sensor";
/// Folder of an agent where none is named.
pub const EDGE: &str = "lianfang-edge";
/// The settings file inside an agent's folder.
const SETTINGS: &str = "agent.toml";
/// The settings file inside a sensor's folder.
const SENSOR_SETTINGS: &str = trap::SETTINGS;

/// Enrols this machine as a sensor.
///
/// # Errors
/// No authority was given, or the centre refuses.
pub async fn enrol_sensor(join: &Join) -> Result<(), Failure> {
    let dir = join.data.clone().unwrap_or_else(|| PathBuf::from(SENSOR));
    let trust = trap::EnrolTrust::parse(&authority(join)?).map_err(trap::TrapError::from)?;
    let name = join.name.clone().unwrap_or_else(host_name);
    let enrolled = trap::enrol(&join.url, &join.code, &name, &trust, &dir).await?;
    let settings = dir.join(SENSOR_SETTINGS);
    joined(join, "sensor", "sensor", &enrolled.id.to_string(), &dir, &settings);
    if !join.json {
        output::line(&format!(
            "settings: {} (a service of the package reads /etc/lianfang/sensor.toml); without them it listens on the loopback address only",
            settings.display()
        ));
    }
    Ok(())
}

/// Enrols this machine as an enforcement point.
///
/// # Errors
/// No authority was given, the centre refuses, or the settings cannot be written.
pub async fn enrol_edge(join: &Join, driver: Driver) -> Result<(), Failure> {
    let dir = join.data.clone().unwrap_or_else(|| PathBuf::from(EDGE));
    let (word, engine) = match driver {
        Driver::Nft => ("nft", "[engine]\nkind = \"nft\"\n".to_owned()),
        Driver::File => ("file", format!("[engine]\nkind = \"file\"\nfolder = {:?}\n", dir.join("lists"))),
    };
    let trust = agent::EnrolTrust::CaPem(authority(join)?);
    let identity = agent::enrol(&join.url, &join.code, word, &trust, &dir).await?;
    let settings = dir.join(SETTINGS);
    if !settings.exists() {
        std::fs::write(&settings, engine)
            .map_err(|error| Failure::refused(format!("{}: {error}", settings.display())))?;
    }
    joined(join, "enforcement point", "edge", &identity.id.to_string(), &dir, &settings);
    Ok(())
}

/// Says that a machine joined and how it is run.
fn joined(join: &Join, what: &str, verb: &str, id: &str, dir: &Path, settings: &Path) {
    let command = format!("{} {verb} --data {}", program(), dir.display());
    if join.json {
        output::line(&serde_json::json!({"id": id, "data": dir, "settings": settings, "command": command}).to_string());
    } else {
        output::line(&format!("{what} {id} enrolled; run it with: {command}"));
    }
}

/// Settings of an agent: its engine.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EdgeSettings {
    engine: agent::EngineConfig,
}

/// The settings of a machine: the file that was named, or the folder's own, or the defaults.
fn settings<T>(data: &Path, own: &str, config: Option<&Path>) -> Result<T, Failure>
where
    T: Default + serde::de::DeserializeOwned,
{
    let own = data.join(own);
    let file = config.or_else(|| own.exists().then_some(own.as_path()));
    runtime::load_config(file, [], &[]).map_err(|error| Failure::config(&error))
}

/// The settings of the agent of this folder: the file that was named, or the folder's own.
fn edge_settings(data: &Path, config: Option<&Path>) -> Result<agent::AgentConfig, Failure> {
    let settings: EdgeSettings = settings(data, SETTINGS, config)?;
    Ok(agent::AgentConfig::new(data.to_owned(), settings.engine))
}

/// Runs the sensor until a signal.
///
/// # Errors
/// The settings are not valid, or the sensor cannot run.
pub async fn run_sensor(data: &Path, config: Option<&Path>) -> Result<(), Failure> {
    let mut settings: trap::NodeConfig = settings(data, SENSOR_SETTINGS, config)?;
    data.clone_into(&mut settings.dir);
    logs()?;
    let cancel = until_signal();
    trap::run(settings, Env::system(), cancel).await?;
    Ok(())
}

/// Runs the agent until a signal.
///
/// # Errors
/// The settings are not valid, or the agent cannot run.
pub async fn run_edge(data: &Path, config: Option<&Path>) -> Result<(), Failure> {
    let settings = edge_settings(data, config)?;
    logs()?;
    let cancel = until_signal();
    agent::run(settings, Env::system(), cancel).await?;
    Ok(())
}

/// The local break-glass: needs no centre.
///
/// # Errors
/// The settings are not valid, or the switch cannot be written.
pub fn kill(state: Switch, data: &Path) -> Result<(), Failure> {
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

fn authority(join: &Join) -> Result<String, Failure> {
    let path = join.ca.as_ref().ok_or_else(|| {
        Failure::usage("--ca is needed: the centre's authority (its DATA/tls/ca.pem), so that no stranger can answer")
    })?;
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("--ca {}: {error}", path.display())))
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_own_settings_count_and_a_named_file_more() {
        let dir = tempfile::tempdir().unwrap();
        let read = |config: Option<&Path>| edge_settings(dir.path(), config).map(|settings| settings.engine.word());
        assert_eq!(read(None).unwrap(), "nft");
        std::fs::write(dir.path().join(SETTINGS), "[engine]\nkind = \"file\"\nfolder = \"lists\"\n").unwrap();
        assert_eq!(read(None).unwrap(), "file");
        let other = dir.path().join("other.toml");
        std::fs::write(&other, "[engine]\nkind = \"nft\"\n").unwrap();
        assert_eq!(read(Some(&other)).unwrap(), "nft");
        std::fs::write(&other, "engines = 1\n").unwrap();
        assert!(read(Some(&other)).is_err());
    }

    #[test]
    fn a_sensor_opens_what_its_folder_says() {
        let dir = tempfile::tempdir().unwrap();
        let first = |config: Option<&Path>| {
            let read: trap::NodeConfig = settings(dir.path(), SENSOR_SETTINGS, config).unwrap();
            read.listen.first().unwrap().address
        };
        assert!(first(None).ip().is_loopback());
        let text = "[[listen]]\nkind = \"ssh\"\naddress = \"0.0.0.0:2022\"\n";
        std::fs::write(dir.path().join(SENSOR_SETTINGS), text).unwrap();
        assert_eq!(first(None), "0.0.0.0:2022".parse().unwrap());
        let other = dir.path().join("other.toml");
        std::fs::write(&other, "").unwrap();
        assert!(first(Some(&other)).ip().is_loopback());
    }

    #[test]
    fn nobody_enrols_without_an_authority() {
        let join = Join { url: String::new(), ca: None, code: "x".to_owned(), name: None, data: None, json: false };
        assert!(format!("{:?}", authority(&join).unwrap_err()).contains("--ca is needed"));
    }
}
