//! Enrolment: a one-time code becomes an identity, with settings to start from beside it.

use link::{Join, Kind};
use std::path::Path;

use crate::TrapError;

pub use link::EnrolTrust;

/// The settings file inside a sensor's folder.
pub const SETTINGS: &str = "sensor.toml";

/// The outcome of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The sensor's id at the centre.
    pub id: String,
    /// Where the sensor's uplink dials.
    pub machine_url: String,
}

/// Enrols this node: makes a key, asks `centre_url` for a certificate with the one-time `code`, and writes identity and
/// settings into `dir`. The key never leaves the folder.
///
/// # Errors
/// `LF-TRP-0005` when the centre cannot be reached, `LF-TRP-0006` when it refuses, `LF-TRP-0004` when the folder
/// cannot be written.
pub async fn enrol(
    centre_url: &str,
    code: &str,
    name: &str,
    trust: &EnrolTrust,
    dir: &Path,
) -> Result<Enrolled, TrapError> {
    link::private_folder(dir)?;
    let join = Join { kind: Kind::Sensor, code, name, driver: None };
    let identity = link::enrol(centre_url, &join, trust, dir, |_| Ok(())).await?;
    write_settings(dir)?;
    Ok(Enrolled { id: identity.about.id, machine_url: identity.about.machine_url })
}

/// Settings to start from, unless there are some already.
fn write_settings(dir: &Path) -> Result<(), TrapError> {
    let path = dir.join(SETTINGS);
    if link::read(&path)?.is_some() {
        return Ok(());
    }
    let mut text =
        "# Settings of this sensor; every key has a default. Read at the start, unless --config names another file.\n\
                    # On 127.0.0.1 only this machine reaches it; 0.0.0.0 or [::] open it.\n"
            .to_owned();
    for listen in crate::NodeConfig::default().listen {
        let (kind, port) = (listen.kind.protocol(), listen.kind.well_known_port());
        text.push_str(&format!(
            "\n[[listen]]\nkind = \"{kind}\"\naddress = \"{}\"\n# The port attackers see when it is redirected to the one above:\n# advertised_port = {port}\n",
            listen.address
        ));
    }
    Ok(link::replace(&path, text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_settings_are_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        write_settings(dir.path()).unwrap();
        let read: crate::NodeConfig =
            toml::from_str(&std::fs::read_to_string(dir.path().join(SETTINGS)).unwrap()).unwrap();
        assert_eq!(read.listen, crate::NodeConfig::default().listen);
    }
}
