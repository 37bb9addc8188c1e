//! A sensor in a scratch folder with listeners on free ports, and how tests meet it.

use crate::centre::{CODE, Centre};
use base::Env;
use logwire::attack::{AttackEvent, What};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use trap::{Account, Bound, EnrolTrust, ListenerKind, NodeConfig, TrapError};

pub(crate) const USER: &str = "root";
pub(crate) const PASSWORD: &str = "admin-1234";

pub(crate) struct Sensor {
    pub(crate) ssh: SocketAddr,
    pub(crate) telnet: SocketAddr,
    cancel: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), TrapError>>,
}

impl Sensor {
    /// Waits until it ends by a fault.
    pub(crate) async fn ended(self) -> TrapError {
        self.task.await.unwrap().unwrap_err()
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Quick settings: known account, short delays.
pub(crate) fn settings(dir: &Path) -> NodeConfig {
    NodeConfig {
        dir: dir.to_owned(),
        listen: Vec::new(),
        persona_seed: Some("bed".to_owned()),
        accounts: vec![Account { user: USER.to_owned(), password: PASSWORD.to_owned() }],
        auth_delay_ms: 5,
        heartbeat_seconds: 1,
        spool: trap::SpoolConfig { fsync_ms: 20, ..Default::default() },
        allow_root: true,
        ..NodeConfig::default()
    }
}

/// Starts a sensor on free ports of the loopback network.
pub(crate) fn start(mut config: NodeConfig) -> Sensor {
    let mut open = |kind| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        config.bound.push(Bound { self_probe: true, ..Bound::from((kind, listener)) });
        address
    };
    let (ssh, telnet) = (open(ListenerKind::Ssh), open(ListenerKind::Telnet));
    let cancel = CancellationToken::new();
    let task = tokio::spawn(trap::run(config, Env::system(), cancel.clone()));
    Sensor { ssh, telnet, cancel, task }
}

/// A folder that is enrolled at the centre, which must be serving.
pub(crate) async fn enrolled(centre: &Centre) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    enrol(centre, dir.path()).await;
    dir
}

/// Enrols a folder at the centre, which must be serving.
pub(crate) async fn enrol(centre: &Centre, dir: &Path) {
    trap::enrol(&centre.url(), CODE, "bed", &EnrolTrust::CaPem(centre.ca_pem.clone()), dir).await.unwrap();
}

/// A centre and a sensor with the usual settings.
pub(crate) async fn pair() -> (Centre, Sensor, TempDir) {
    let centre = Centre::prepare().await;
    centre.serve().await;
    let dir = enrolled(&centre).await;
    let sensor = start(settings(dir.path()));
    (centre, sensor, dir)
}

pub(crate) fn kinds(events: &[AttackEvent]) -> Vec<&'static str> {
    events.iter().map(|e| e.what.kind()).collect()
}

pub(crate) fn has(events: &[AttackEvent], fits: impl Fn(&What) -> bool) -> bool {
    events.iter().any(|e| fits(&e.what))
}

pub(crate) fn closed(events: &[AttackEvent]) -> usize {
    events.iter().filter(|e| matches!(e.what, What::ConnClose { .. })).count()
}

/// Whether a program of the machine is there; a test without it is counted as skipped, or fails under `STRICT=1`.
pub(crate) fn have(program: &str) -> bool {
    let found =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|p| p.join(program).is_file()));
    if !found {
        testkit::skip(program);
    }
    found
}
