//! The whole of `lianfang sensor`: listeners, spool, uplink, heartbeat and self-probe under one cancel token.

use base::Env;
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use link::{Identity, Kind, Line};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::TrapError;
use crate::config::ListenerKind;
pub use crate::config::NodeConfig;
pub use crate::enrol::enrol;
use crate::heartbeat::Pulse;
use crate::listen::Door;
use crate::persona::Persona;
use crate::probe::Probed;
use crate::spool::Store;
use crate::ssh;
use crate::uplink::Uplink;
use crate::visit::{Census, Gate, OwnProbes, Trap};

/// How long open sessions have to end at stop.
const GRACE: Duration = Duration::from_secs(2);
/// How long the rest has at stop: the last block on disk, the last batch to the centre.
const LAST: Duration = Duration::from_secs(5);

/// A socket that is bound, with what it is for.
struct Socket {
    kind: ListenerKind,
    listener: TcpListener,
    port: u16,
    probed: Option<Probed>,
}

/// Runs the sensor until `cancel` is cancelled. Callers may install rustls' ring provider; it is not needed here.
///
/// # Errors
/// Before anything listens: no identity, root without `allow_root`, a setting out of range, a port that is taken.
///
/// Afterwards: `LF-TRP-0010` when events cannot be made durable any more, `LF-TRP-0011` when a part ends by a fault. A
/// sensor that sees nothing must not look like one that has nothing to see.
pub async fn run(mut config: NodeConfig, env: Env, cancel: CancellationToken) -> Result<(), TrapError> {
    config.check()?;
    // An own fault stops what was started here, not what the caller runs beside it.
    let cancel = cancel.child_token();
    if rustix::process::geteuid().is_root() && !config.allow_root {
        return Err(TrapError::Root);
    }
    let identity = Identity::read(&config.dir)?;
    let line = Line::open(&config.dir, identity, Kind::Sensor, env.clone())?;
    let persona = persona(&config, &env)?;
    let sockets = sockets(&mut config)?;
    let library_keys = host_keys(&persona, &config, &sockets).await?;
    let store = Store::open(&config.dir.join("spool"), config.spool, &env).await?;
    let poison = store.poison();
    let stop_writing = CancellationToken::new();
    let (spool, writer) = store.writer(config.spool, stop_writing.clone());
    let mut writer = tokio::spawn(writer);
    let trap = Arc::new(Trap {
        persona,
        env: env.clone(),
        spool: spool.clone(),
        auth_delay: Duration::from_millis(config.auth_delay_ms),
        session_life: Duration::from_secs(config.session_seconds),
        idle: Duration::from_secs(config.idle_seconds),
    });
    let (sessions, census, own) = (TaskTracker::new(), Arc::new(Census::default()), Arc::<OwnProbes>::default());
    let probed = sockets.iter().filter_map(|s| s.probed).collect();
    let ssh = library_keys.map(|keys| ssh::library_config(&trap, keys));
    for Socket { kind, listener, port, .. } in sockets {
        let door = Door {
            kind,
            port,
            trap: Arc::clone(&trap),
            gate: Gate::new(config.max_sessions, config.max_per_address, Arc::clone(&census)),
            own: Arc::clone(&own),
            ssh: ssh.clone(),
            cancel: cancel.clone(),
            tasks: sessions.clone(),
        };
        let address = listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        tracing::info!(protocol = kind.protocol(), address, port, "a trap is open");
        sessions.spawn(door.run(listener));
    }
    let stop_sending = CancellationToken::new();
    let uplink = Uplink::new(line.clone(), store.clone(), env.clone());
    let mut uplink = tokio::spawn(uplink.run(stop_sending.clone()));
    let pulse = Pulse {
        line: line.clone(),
        env,
        config_hash: config.hash(),
        store,
        spool,
        census,
        persona: trap.persona.clone(),
        own,
        probed,
        every: Duration::from_secs(config.heartbeat_seconds),
    };
    let mut pulse = tokio::spawn(pulse.run(cancel.clone()));
    let renewal = tokio::spawn(line.keep_renewed(config.looks, cancel.clone()));
    let parts = [("writer", &mut writer), ("uplink", &mut uplink), ("heartbeat", &mut pulse)];
    let end = until_end(&cancel, poison.clone(), parts).await;
    cancel.cancel();
    // Sessions first, so that their last events are written; then the disk; then what the centre still takes.
    sessions.close();
    let _ = tokio::time::timeout(GRACE, sessions.wait()).await;
    stop_writing.cancel();
    finish(writer).await;
    stop_sending.cancel();
    finish(uplink).await;
    pulse.abort();
    renewal.abort();
    let failed = poison.borrow().clone();
    end.and(failed.map_or(Ok(()), |why| Err(TrapError::Spool(why))))
}

/// Waits for the end that was asked for, or for a fault: the spool's journal is poisoned, or a part is gone.
async fn until_end<const N: usize>(
    cancel: &CancellationToken,
    mut poison: watch::Receiver<Option<String>>,
    parts: [(&'static str, &mut JoinHandle<()>); N],
) -> Result<(), TrapError> {
    let mut parts: FuturesUnordered<_> =
        parts.into_iter().map(|(name, part)| part.map(move |end| (name, end))).collect();
    tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(()),
        poisoned = poison.wait_for(Option::is_some) => {
            Err(TrapError::Spool(poisoned.ok().and_then(|why| why.clone()).unwrap_or_default()))
        }
        Some((name, outcome)) = parts.next() => {
            let fault = outcome.err().map(|fault| fault.to_string());
            tracing::error!(part = name, ?fault, "a part of the sensor ended before its time");
            Err(TrapError::Ended(name))
        }
    }
}

/// Gives a task its last moments; one that has ended was seen already.
async fn finish(task: JoinHandle<()>) {
    if !task.is_finished() {
        let _ = tokio::time::timeout(LAST, task).await;
    }
}

/// The persona of the settings' seed, or of a random one that is made once and kept.
fn persona(config: &NodeConfig, env: &Env) -> Result<Persona, TrapError> {
    if let Some(seed) = &config.persona_seed {
        return Ok(Persona::from_text(seed, &config.accounts));
    }
    let path = config.dir.join("persona.seed");
    let seed = match link::read(&path)? {
        Some(text) => text.trim().to_owned(),
        None => {
            let fresh = hex::encode(env.bytes::<32>());
            link::replace(&path, fresh.as_bytes())?;
            fresh
        }
    };
    Ok(Persona::from_text(&seed, &config.accounts))
}

async fn host_keys(
    persona: &Persona,
    config: &NodeConfig,
    sockets: &[Socket],
) -> Result<Option<Vec<russh::keys::PrivateKey>>, TrapError> {
    if !sockets.iter().any(|s| s.kind == ListenerKind::Ssh) {
        return Ok(None);
    }
    let (persona, dir) = (persona.clone(), config.dir.clone());
    let made = tokio::task::spawn_blocking(move || ssh::keys::host_keys(&persona, &dir)).await;
    made.map_err(|e| TrapError::Key(e.to_string()))?.map(Some)
}

fn sockets(config: &mut NodeConfig) -> Result<Vec<Socket>, TrapError> {
    let mut out = Vec::new();
    for listen in &config.listen {
        let failed = |source| TrapError::Listen { address: listen.address, source };
        let bound = StdListener::bind(listen.address).map_err(failed)?;
        out.push(socket(listen.kind, bound, listen.advertised_port, true, listen.address)?);
    }
    for bound in std::mem::take(&mut config.bound) {
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        out.push(socket(bound.kind, bound.listener, bound.advertised_port, bound.self_probe, address)?);
    }
    Ok(out)
}

fn socket(
    kind: ListenerKind,
    bound: StdListener,
    advertised: Option<u16>,
    probe: bool,
    wanted: SocketAddr,
) -> Result<Socket, TrapError> {
    let failed = |source| TrapError::Listen { address: wanted, source };
    bound.set_nonblocking(true).map_err(failed)?;
    let address = bound.local_addr().map_err(failed)?;
    let listener = TcpListener::from_std(bound).map_err(failed)?;
    let probed = probe.then_some(Probed { kind, address });
    Ok(Socket { kind, listener, port: advertised.unwrap_or(address.port()), probed })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part that runs until it is aborted.
    fn lasting() -> JoinHandle<()> {
        tokio::spawn(std::future::pending())
    }

    #[tokio::test]
    async fn the_sensor_ends_when_it_is_told_to() {
        let (cancel, (_sender, poison)) = (CancellationToken::new(), watch::channel(None));
        let mut writer = lasting();
        let mut end = Box::pin(until_end(&cancel, poison, [("writer", &mut writer)]));
        assert!(futures::poll!(&mut end).is_pending());
        cancel.cancel();
        end.await.unwrap();
    }

    #[tokio::test]
    async fn a_disk_that_fails_ends_the_sensor_with_a_code() {
        let (sender, poison) = watch::channel(None);
        let mut writer = lasting();
        let cancel = CancellationToken::new();
        let mut end = Box::pin(until_end(&cancel, poison, [("writer", &mut writer)]));
        assert!(futures::poll!(&mut end).is_pending());
        sender.send_replace(Some("EIO".to_owned()));
        let fault = end.await.unwrap_err();
        assert!(matches!(&fault, TrapError::Spool(why) if why == "EIO"));
        assert_eq!(base::Coded::problem(&fault).code.id, "LF-TRP-0010");
    }

    #[tokio::test]
    async fn a_part_that_panics_ends_the_sensor_with_a_code() {
        let (_sender, poison) = watch::channel(None);
        let mut parts = [lasting(), tokio::spawn(async { panic!("a fault of ours") })];
        let [writer, uplink] = &mut parts;
        let cancel = CancellationToken::new();
        let fault = until_end(&cancel, poison, [("writer", writer), ("uplink", uplink)]).await.unwrap_err();
        assert!(matches!(fault, TrapError::Ended("uplink")));
        assert_eq!(base::Coded::problem(&fault).code.id, "LF-TRP-0011");
        let [_, uplink] = parts;
        finish(uplink).await;
    }
}
