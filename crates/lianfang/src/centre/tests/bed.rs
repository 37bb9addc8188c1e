//! The centre of these tests and its machines.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::{Caller, MachineKind};
use api::context::CentreKind;
use api::listen::Listener;
use base::papers::{More, Paper, Papers};
use base::{AddressScope, Env, ManualClock, Realm, SystemEntropy, Timestamp, Tlp};
use edge::desk::directive::Ask;
use edge::wire::Intent;
use link::{Identity, Kind, Line, Looks};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use store::{Row, SystemKey, params};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trap::{Bound, ListenerKind, NodeConfig};
use uuid::Uuid;

use super::gate::Gate;
use crate::centre::{Running, Services};
use crate::command::serve;
use crate::config::Tree;
use crate::folder::Folder;

pub(super) const DAY: i64 = 86_400;
/// Long for a machine that is busy with other tests; waiting ends with what is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Certificates are looked after as often as a test has patience for.
pub(super) const LOOKS: Looks = Looks { every: Duration::from_millis(100), again: Duration::from_millis(100) };
const KEY: SystemKey = SystemKey::of("test");

/// A centre; what machines say goes through a gate.
pub(super) struct Centre {
    pub(super) folder: TempDir,
    pub(super) env: Env,
    pub(super) clock: Arc<ManualClock>,
    pub(super) gate: Gate,
    tree: Tree,
    running: Option<Running>,
}

impl Centre {
    /// Starts a centre whose clock stands at `now`.
    pub(super) async fn start(store: Option<&str>, now: Timestamp) -> Self {
        let _already = rustls::crypto::ring::default_provider().install_default();
        let clock = ManualClock::at(now);
        let env = Env::new(clock.clone(), Arc::new(SystemEntropy));
        let mut tree = Tree { listen: "127.0.0.1:0".into(), listen_machines: "127.0.0.1:0".into(), ..Tree::default() };
        tree.store.url = store.unwrap_or_default().to_owned();
        tree.stop_seconds = 1;
        tree.journal.keep_free_megabytes = 1;
        let machines = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tree.machine_url = format!("https://{}", machines.local_addr().unwrap());
        let mut centre = Self { folder: testkit::folder(), env, clock, gate: Gate::default(), tree, running: None };
        centre.run(machines).await;
        centre
    }

    async fn run(&mut self, machines: TcpListener) {
        let folder = Folder::take(&self.data()).unwrap();
        let (portal, unused) = serve::bind(&mut self.tree).await.unwrap();
        let services = Services::open(&folder, &self.tree, CentreKind::Real, &self.env).await.unwrap();
        let (ctx, gate) = (services.ctx.clone(), self.gate.clone());
        let running = Running::start(services, &self.tree, portal, unused).await.unwrap();
        let gate = axum::middleware::from_fn(move |request, next| gate.clone().pass(request, next));
        let listener = Listener {
            name: "machines",
            tls: ctx.pki.machine_tls(&self.env).unwrap(),
            router: api::machine_router(ctx.clone()).layer(gate),
            grace: Duration::from_secs(1),
            metrics: ctx.metrics.clone(),
        };
        running.supervisor.spawn("listener.tests", listener.run(machines, running.supervisor.cancel_token()));
        self.running = Some(running);
    }

    /// Stops it, does something to its folder, and starts it again at the same addresses.
    pub(super) async fn stopped(&mut self, meanwhile: impl FnOnce(&Path)) {
        self.stop().await;
        meanwhile(&self.data());
        let address = self.tree.machine_url.trim_start_matches("https://").to_owned();
        self.run(TcpListener::bind(address).await.unwrap()).await;
    }

    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(&self.tree).await;
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(super) fn services(&self) -> &Services {
        &self.running.as_ref().unwrap().services
    }

    fn url(&self) -> String {
        format!("https://{}", self.running.as_ref().unwrap().portal)
    }

    /// Enrols a machine into a folder; gives its id.
    pub(super) async fn enrol(&self, kind: Kind, name: &str, dir: &Path) -> Uuid {
        let access = &self.services().ctx.access;
        let caller = Caller::system(KEY, access.centre(), Realm::Real);
        let word = match kind {
            Kind::Sensor => MachineKind::Sensor,
            Kind::Edge => MachineKind::Edge,
        };
        let code = access.enrol_code_create(&caller, word, access.centre(), name).await.unwrap().code;
        let ca = self.services().ctx.pki.ca_pem().to_owned();
        let id = match kind {
            Kind::Sensor => {
                let trust = trap::EnrolTrust::CaPem(ca);
                trap::enrol(&self.url(), &code, name, &trust, dir).await.unwrap().id
            }
            Kind::Edge => {
                let trust = agent::EnrolTrust::CaPem(ca);
                agent::enrol(&self.url(), &code, "file", &trust, dir).await.unwrap().id.to_string()
            }
        };
        id.parse().unwrap()
    }

    async fn rows(&self, sql: &'static str, params: Vec<store::Value>) -> Vec<Row> {
        self.services().ctx.db.system_read(KEY, sql, params).await.unwrap()
    }

    /// Sessions and events that the sensor's rows hold.
    pub(super) async fn seen(&self, sensor: Uuid) -> (u64, u64) {
        const SEEN: &str = "SELECT COUNT(*) AS sessions, COALESCE(SUM(events), 0) AS events FROM attack_session \
                            WHERE sensor_id = $1";
        let rows = self.rows(SEEN, params![sensor]).await;
        (rows[0].get("sessions").unwrap(), rows[0].get("events").unwrap())
    }

    /// The same, once there are at least so many events and a moment has brought no more: what would come twice comes
    /// with them.
    pub(super) async fn settled(&self, sensor: Uuid, events: u64) -> (u64, u64) {
        testkit::wait_until(PATIENCE, async || self.seen(sensor).await.1 >= events).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.seen(sensor).await
    }

    /// The machine's certificates as its row holds them.
    pub(super) async fn papers(&self, kind: Kind, id: Uuid) -> Papers {
        let sql = match kind {
            Kind::Sensor => "SELECT cert_serial AS serial, cert_expires, cert_more FROM sensor WHERE id = $1",
            Kind::Edge => "SELECT serial, cert_expires, cert_more FROM edge_point WHERE id = $1",
        };
        let rows = self.rows(sql, params![id]).await;
        let more: Option<String> = rows[0].get("cert_more").unwrap();
        let more: More = more.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default();
        let present = Paper { serial: rows[0].get("serial").unwrap(), until: rows[0].get("cert_expires").unwrap() };
        Papers { present, more }
    }

    /// Blocks an address for a day.
    pub(super) async fn block(&self, address: &str) {
        let ctx = &self.services().ctx;
        let ask = Ask {
            org: ctx.access.centre(),
            realm: Realm::Real,
            tlp: Tlp::Green,
            scope: AddressScope::Global,
            key: address.parse().unwrap(),
            intent: Intent::Deny,
            expires: self.env.now().plus_secs(DAY),
            reason: "test".into(),
            indicator: None,
            provenance: serde_json::json!({}),
        };
        ctx.edge.issue_automatic(ask).await.unwrap();
    }
}

/// A machine's folder, and the whole machine while it runs.
pub(super) struct Machine {
    pub(super) kind: Kind,
    pub(super) dir: PathBuf,
    env: Env,
    /// The sensor's trap.
    pub(super) telnet: Option<SocketAddr>,
    task: Option<(JoinHandle<()>, CancellationToken)>,
}

impl Machine {
    pub(super) fn new(kind: Kind, dir: PathBuf, env: Env) -> Self {
        Self { kind, dir, env, telnet: None, task: None }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.env.now()
    }

    pub(super) fn start(&mut self) {
        let cancel = CancellationToken::new();
        let (env, stop) = (self.env.clone(), cancel.clone());
        let task = match self.kind {
            Kind::Sensor => {
                let (config, telnet) = sensor_settings(&self.dir);
                self.telnet = Some(telnet);
                tokio::spawn(async move { trap::run(config, env, stop).await.unwrap() })
            }
            Kind::Edge => {
                let config = edge_settings(&self.dir);
                tokio::spawn(async move { agent::run(config, env, stop).await.unwrap() })
            }
        };
        self.task = Some((task, cancel));
    }

    pub(super) async fn stop(&mut self) {
        let (task, cancel) = self.task.take().unwrap();
        cancel.cancel();
        task.await.unwrap();
    }

    /// Key and certificate on its disk.
    pub(super) fn pair(&self) -> String {
        std::fs::read_to_string(self.dir.join("machine.pem")).unwrap()
    }

    /// A line of its own with what is on the disk, or with another pair.
    pub(super) fn line(&self, pair: Option<&str>) -> (Line, TempDir) {
        let copy = testkit::folder();
        for name in ["ca.pem", "identity.json", "machine.pem"] {
            std::fs::copy(self.dir.join(name), copy.path().join(name)).unwrap();
        }
        if let Some(pair) = pair {
            std::fs::write(copy.path().join("machine.pem"), pair).unwrap();
        }
        let identity = Identity::read(copy.path()).unwrap();
        (Line::open(copy.path(), identity, self.kind, self.env.clone()).unwrap(), copy)
    }

    /// Somebody tries a password; the trap answers.
    pub(super) async fn attacked(&self) {
        let mut stream = tokio::net::TcpStream::connect(self.telnet.unwrap()).await.unwrap();
        let mut banner = [0; 64];
        assert!(stream.read(&mut banner).await.unwrap() > 0, "the trap speaks");
        stream.write_all(b"root\r\nguess\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // However the trap ends it: the session is over when nothing comes any more.
        let _ended = stream.read_to_end(&mut rest).await;
    }

    /// The number of the last event that the centre has acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        let text = std::fs::read_to_string(self.dir.join("spool/uplink.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["done"].as_u64().unwrap()
    }

    /// What the point's list holds.
    pub(super) fn denied(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join("lists/block-ip.txt")).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }
}

/// Serial number and end of the certificate in a pair.
pub(super) fn certificate(pair: &str) -> String {
    let der = CertificateDer::from_pem_slice(pair.as_bytes()).unwrap();
    api::pki::peer_name(&der).unwrap().1
}

pub(super) fn sensor_settings(dir: &Path) -> (NodeConfig, SocketAddr) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = NodeConfig {
        dir: dir.to_owned(),
        listen: Vec::new(),
        persona_seed: Some("bed".to_owned()),
        auth_delay_ms: 5,
        heartbeat_seconds: 1,
        spool: trap::SpoolConfig { fsync_ms: 20, ..Default::default() },
        allow_root: true,
        looks: LOOKS,
        bound: vec![Bound::from((ListenerKind::Telnet, listener))],
        ..NodeConfig::default()
    };
    (config, address)
}

pub(super) fn edge_settings(dir: &Path) -> agent::AgentConfig {
    let engine = agent::EngineConfig::File { folder: dir.join("lists") };
    let rhythm = agent::Rhythm {
        tick: Duration::from_millis(20),
        heartbeat: Duration::from_millis(100),
        longest_pause: Duration::from_millis(200),
        looks: LOOKS,
        ..agent::Rhythm::default()
    };
    agent::AgentConfig { folder: dir.to_owned(), engine, rhythm }
}

/// What this thread logs while the value lives: tests that ask for it run on one thread, with all of their centre and
/// machines, so that no other test of the same process is heard.
pub(super) struct Log {
    lines: Lines,
    _heard: tracing::subscriber::DefaultGuard,
}

/// Log lines, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn keep() -> Self {
        let flavor = tokio::runtime::Handle::current().runtime_flavor();
        assert_eq!(flavor, tokio::runtime::RuntimeFlavor::CurrentThread, "other threads are not heard");
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { lines, _heard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
