//! A running agent in a test.

use agent::{AgentConfig, EngineConfig, EnrolTrust, Rhythm};
use base::{Env, ManualClock, Timestamp};
use edge::wire::Config;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::centre::{Centre, point};
use crate::hub::Hub;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_240_800_000_000);

/// The configuration of a demonstration: documentation networks may be denied.
pub(crate) fn demonstration() -> Config {
    Config { allow_documentation: true, ..Config::default() }
}

/// A centre whose hub has sent the demonstration's configuration.
pub(crate) async fn centre() -> Centre {
    let mut hub = Hub::new(point(), NOW);
    hub.configure(demonstration());
    Centre::start(hub, true).await
}

/// An agent, its clock and its folders.
pub(crate) struct Running {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) config: AgentConfig,
    env: Env,
    folder: tempfile::TempDir,
    task: Option<(JoinHandle<Result<(), agent::AgentError>>, CancellationToken)>,
}

impl Running {
    /// Enrols a point at the centre and starts its agent, with the driver `file`.
    pub(crate) async fn start(centre: &Centre) -> Self {
        let mut running = Self::enrolled(centre).await;
        running.resume();
        running
    }

    /// Enrolled, not started.
    pub(crate) async fn enrolled(centre: &Centre) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Enrolment goes to a listener that wants no certificate; here it is a second one of the same authority.
        let (env, clock) = Env::fixed(NOW, 5);
        let engine = EngineConfig::File { folder: folder.path().join("lists") };
        let rhythm = Rhythm {
            tick: Duration::from_millis(10),
            sample: Duration::from_millis(200),
            full: Duration::from_secs(1),
            heartbeat: Duration::from_millis(50),
            longest_pause: Duration::from_millis(200),
            grace_secs: 900,
            looks: link::Looks::default(),
        };
        let config = AgentConfig { folder: folder.path().join("point"), engine, rhythm };
        crate::enrolment::write_identity(centre, &config.folder);
        Self { clock, config, env, folder, task: None }
    }

    pub(crate) fn resume(&mut self) {
        let cancel = CancellationToken::new();
        let task = tokio::spawn(agent::run(self.config.clone(), self.env.clone(), cancel.clone()));
        self.task = Some((task, cancel));
    }

    pub(crate) async fn stop(&mut self) {
        if let Some((task, cancel)) = self.task.take() {
            cancel.cancel();
            task.await.unwrap().unwrap();
        }
    }

    /// As a crash: nothing is said or written any more.
    pub(crate) async fn crash(&mut self) {
        if let Some((task, _)) = self.task.take() {
            task.abort();
            let _aborted = task.await;
        }
    }

    pub(crate) fn list(&self) -> PathBuf {
        self.folder.path().join("lists/block-ip.txt")
    }

    /// Denied keys as the engine holds them now.
    pub(crate) fn denied(&self) -> Vec<String> {
        denied(&self.list())
    }
}

pub(crate) fn denied(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

pub(crate) fn trust(centre: &Centre) -> EnrolTrust {
    EnrolTrust::CaPem(centre.ca_pem.clone())
}
