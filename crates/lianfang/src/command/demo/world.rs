//! The demo's world: the centre, its sensors behind the gateway, the agent at the gateway, the attackers outside.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use access::MachineKind;
use api::context::CentreKind;
use base::{Env, OrgId};
use drivers::netns::{Lab, Place};
use runtime::{logs, process};
use tokio::time::Instant;
use trap::{Account, Bound, ListenerKind, NodeConfig};

use super::attacker::{self, Outcome};
use super::people::{self, Cast};
use super::script::{self, ACCOUNT};
use super::{PREFIX, story};
use crate::centre::{Running, Services};
use crate::cli::Demo;
use crate::command::serve;
use crate::config::Tree;
use crate::exit::Failure;
use crate::folder::Folder;
use crate::output;

/// Sensors of the demo: one for each of the first members.
const SENSORS: usize = 4;
/// Stands in the folder of a machine that has joined.
const ENROLLED: &str = "enrolled";
/// Minutes of script; afterwards the demo stays as it is.
const MINUTES: u64 = 240;

/// What the demo stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Namespaces: packets prove the blocks.
    Lab,
    /// No namespaces: attackers come over loopback, the agent writes lists.
    Lists,
}

/// Where a sensor can be attacked.
#[derive(Debug, Clone, Copy)]
struct Target {
    ssh: SocketAddr,
    telnet: SocketAddr,
}

/// Runs the demo until a signal or until its time is over.
pub(crate) async fn run(args: &Demo, ground: Ground) -> Result<(), Failure> {
    let started = Instant::now();
    let mut folder = claim(&args.data)?;
    let mut tree = Tree { listen: args.listen.clone(), listen_machines: "127.0.0.1:0".to_owned(), ..Tree::default() };
    tree.log.level = "warn,trap::uplink=error".to_owned();
    logs::init(&tree.log).map_err(Failure::refused)?;
    let (portal, machines) = serve::bind(&mut tree).await?;
    let services = Services::open(&folder, &tree, CentreKind::Demo, &Env::system()).await?;
    let running = Running::start(services, &tree, portal, machines).await?;
    let address = format!("https://{}", running.portal);
    folder.announce(&address)?;
    let lab = match ground {
        Ground::Lab => Some(Lab::build(PREFIX, false)?),
        Ground::Lists => None,
    };
    let cast = people::organisations(&running.services).await?;
    let targets = sensors(&running, &folder, lab.as_ref(), &cast, &address).await?;
    edge_agent(&running, &folder, lab.as_ref(), &cast, &address).await?;
    let links = people::links(&running.services, &cast).await?;
    story::opening(&address, folder.path(), ground, &links, started.elapsed());
    attackers(&running, args.seed, lab.as_ref(), targets, started);
    story::follow(&running, started);
    let seconds = args.seconds.unwrap_or(u64::from(u32::MAX));
    tokio::select! {
        _ = process::stop_signal() => {}
        () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        why = running.broken() => output::error_line(&why),
    }
    output::line("stopping the demo ...");
    running.stop(&tree).await;
    drop(lab);
    output::line(&format!("stopped; `lianfang demo --data {} --remove` leaves nothing", args.data.display()));
    Ok(())
}

/// A folder that is new or a demo's; a real centre's is refused.
fn claim(data: &Path) -> Result<Folder, Failure> {
    let mark = data.join("demo");
    if data.join("tls").exists() && !mark.exists() {
        return Err(Failure::refused(format!(
            "{} is the folder of a real centre; the demo needs its own",
            data.display()
        )));
    }
    let folder = Folder::take(data)?;
    std::fs::write(&mark, "a demo of Lianfang; lianfang demo --remove removes it\n")
        .map_err(|error| Failure::refused(format!("{}: {error}", mark.display())))?;
    Ok(folder)
}

/// Enrols and starts the sensors; each listens on its own address behind the gateway.
async fn sensors(
    running: &Running,
    folder: &Folder,
    lab: Option<&Lab>,
    cast: &Cast,
    address: &str,
) -> Result<Vec<Target>, Failure> {
    let place = lab.map_or(Place::Here, Lab::sensors);
    let hosts = lab.map_or_else(Vec::new, Lab::sensor_addresses);
    let mut targets = Vec::new();
    for (index, org) in cast.members.iter().take(SENSORS).enumerate() {
        let name = format!("trap-{}", index + 1);
        let dir = folder.path().join("sensors").join(&name);
        if !dir.join(ENROLLED).exists() {
            let code = enrol_code(running, MachineKind::Sensor, *org, &name).await?;
            let trust = trap::EnrolTrust::CaPem(running.services.ctx.pki.ca_pem().to_owned());
            trap::enrol(address, &code, &name, &trust, &dir).await?;
            mark(&dir)?;
        }
        let host = hosts.get(index).copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let ports = if lab.is_some() { (22, 23) } else { (0, 0) };
        let ssh = listener(&place, SocketAddr::new(host, ports.0))?;
        let telnet = listener(&place, SocketAddr::new(host, ports.1))?;
        let local = |socket: &TcpListener| socket.local_addr().map_err(|error| Failure::refused(error.to_string()));
        targets.push(Target { ssh: local(&ssh)?, telnet: local(&telnet)? });
        let config = NodeConfig {
            dir,
            listen: Vec::new(),
            persona_seed: Some(format!("demo-{index}")),
            accounts: vec![Account { user: ACCOUNT.0.to_owned(), password: ACCOUNT.1.to_owned() }],
            auth_delay_ms: 150,
            allow_root: true,
            heartbeat_seconds: 10,
            bound: vec![Bound::from((ListenerKind::Ssh, ssh)), Bound::from((ListenerKind::Telnet, telnet))],
            ..NodeConfig::default()
        };
        let (cancel, env) = (running.supervisor.cancel_token(), Env::system());
        running.supervisor.spawn(format!("demo.{name}"), async move {
            if let Err(error) = trap::run(config, env, cancel).await {
                tracing::error!(%error, "a demo sensor ended");
            }
        });
    }
    Ok(targets)
}

/// Says that the machine of this folder has joined.
fn mark(dir: &Path) -> Result<(), Failure> {
    std::fs::write(dir.join(ENROLLED), "").map_err(|error| Failure::refused(format!("{}: {error}", dir.display())))
}

fn listener(place: &Place, address: SocketAddr) -> Result<TcpListener, Failure> {
    place
        .run(|| TcpListener::bind(address))?
        .map_err(|error| Failure::refused(format!("cannot listen on {address}: {error}")))
}

/// Enrols and starts the agent at the gateway (or with plain lists).
async fn edge_agent(
    running: &Running,
    folder: &Folder,
    lab: Option<&Lab>,
    cast: &Cast,
    address: &str,
) -> Result<(), Failure> {
    let dir: PathBuf = folder.path().join("edge");
    let engine = match lab {
        Some(_) => agent::EngineConfig::Nft {
            table: "lianfang".to_owned(),
            prefix: PREFIX.to_owned(),
            namespace: Some(format!("{PREFIX}-gw")),
            prove: true,
        },
        None => agent::EngineConfig::File { folder: folder.path().join("lists") },
    };
    if !dir.join(ENROLLED).exists() {
        let org = cast.members.first().copied().unwrap_or(running.services.ctx.access.centre());
        let code = enrol_code(running, MachineKind::Edge, org, "gateway-1").await?;
        let trust = agent::EnrolTrust::CaPem(running.services.ctx.pki.ca_pem().to_owned());
        agent::enrol(address, &code, engine.word(), &trust, &dir).await?;
        mark(&dir)?;
    }
    let (cancel, env) = (running.supervisor.cancel_token(), Env::system());
    let config = agent::AgentConfig::new(dir, engine);
    running.supervisor.spawn("demo.agent", async move {
        if let Err(error) = agent::run(config, env, cancel).await {
            tracing::error!(%error, "the demo's agent ended");
        }
    });
    Ok(())
}

async fn enrol_code(running: &Running, kind: MachineKind, org: OrgId, name: &str) -> Result<String, Failure> {
    let caller = people::director(&running.services);
    let made = running.services.ctx.access.enrol_code_create(&caller, kind, org, name).await?;
    Ok(made.code.to_string())
}

/// Starts the script: each attack at its time, from its own address.
fn attackers(running: &Running, seed: u64, lab: Option<&Lab>, targets: Vec<Target>, started: Instant) {
    let place = lab.map_or(Place::Here, Lab::attackers);
    let loopback = lab.is_none();
    let cancel = running.supervisor.cancel_token();
    let first = Instant::now();
    running.supervisor.spawn("demo.attackers", async move {
        for mut attack in script::script(seed, targets.len(), MINUTES) {
            let due = first + Duration::from_millis(attack.at_ms);
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep_until(due) => {}
            }
            let Some(target) = targets.get(attack.sensor).copied() else { continue };
            if loopback {
                attack.source = loopback_source(attack.source);
            }
            let (place, cancel) = (place.clone(), cancel.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    outcome = attacker::attack(&place, &attack, target.ssh, target.telnet) => {
                        if outcome == Outcome::NoAnswer {
                            story::blocked(&attack, started.elapsed());
                        }
                    }
                }
            });
        }
    });
}

/// Without namespaces every attacker is a loopback address; those never become blocks.
fn loopback_source(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(v4) => {
            let [_, _, third, last] = v4.octets();
            IpAddr::V4(Ipv4Addr::new(127, 77, third, last))
        }
        IpAddr::V6(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// The services of a running demo, for the story.
pub(crate) fn services(running: &Running) -> &Services {
    &running.services
}
