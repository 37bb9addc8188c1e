//! `lianfang serve`: open, listen, print where, run until a signal, stop cleanly.

use std::net::SocketAddr;
use std::path::Path;

use access::Caller;
use api::context::CentreKind;
use base::{Env, Realm, Timestamp};
use runtime::{logs, notify, process};
use store::SystemKey;
use tokio::net::TcpListener;

use crate::centre::{Running, Services};
use crate::cli::Serve;
use crate::config::{self, Tree};
use crate::exit::Failure;
use crate::folder::Folder;
use crate::output;

/// Runs a centre until a signal.
pub(crate) async fn run(args: Serve) -> Result<(), Failure> {
    let started = tokio::time::Instant::now();
    let mut flags = Vec::new();
    if let Some(listen) = &args.listen {
        flags.push(("listen".to_owned(), listen.clone()));
        // Another port for the portal means another port for machines, so that two centres can live on one host.
        if args.listen_machines.is_none() && args.config.is_none() {
            flags.push(("listen_machines".to_owned(), next_port(listen)));
        }
    }
    if let Some(listen) = &args.listen_machines {
        flags.push(("listen_machines".to_owned(), listen.clone()));
    }
    let mut tree = config::load(args.config.as_deref(), &flags)?;
    logs::init(&tree.log).map_err(Failure::refused)?;
    let mut folder = Folder::real(&args.data)?;
    let (portal, machines) = bind(&mut tree).await?;
    let fresh = folder.fresh;
    let services = Services::open(&folder, &tree, CentreKind::Real, &Env::system()).await?;
    let bootstrap = match &args.bootstrap_token_file {
        Some(path) => Some((path.as_path(), bootstrap_token(&services, path).await?)),
        None => None,
    };
    let setup = services.ctx.access.setup_link().await?;
    let running = Running::start(services, &tree, portal, machines).await?;
    let address = format!("https://{}", reachable(running.portal, &tree.names));
    folder.announce(&address)?;
    banner(&args.data, fresh, &running, &address, setup.as_ref().map(|link| link.token.as_str()), started.elapsed());
    if let Some((path, Some(end))) = bootstrap {
        output::line(&format!(
            "  Token  {} administers this centre until {}; revoke it when you have your own",
            path.display(),
            end
        ));
    }
    notify::systemd("READY=1");
    let failed = tokio::select! {
        signal = process::stop_signal() => {
            tracing::info!(signal, "stopping");
            None
        }
        // Only a replay at the next start is safe then.
        why = running.broken() => Some(why),
    };
    notify::systemd("STOPPING=1");
    let report = running.stop(&tree).await;
    if let Some(why) = failed {
        return Err(Failure::refused(format!("{why}; start again after checking the disk and the log")));
    }
    if report.graceful() {
        tracing::info!("stopped cleanly");
    } else {
        tracing::warn!(tasks = ?report.aborted, "tasks did not end in time");
    }
    Ok(())
}

/// Binds both listeners; a port of 0 becomes the one that was given.
pub(crate) async fn bind(tree: &mut Tree) -> Result<(TcpListener, TcpListener), Failure> {
    let mut sockets = Vec::new();
    for address in [&mut tree.listen, &mut tree.listen_machines] {
        let socket = TcpListener::bind(address.as_str())
            .await
            .map_err(|error| Failure::refused(format!("cannot listen on {address}: {error}")))?;
        if let Ok(bound) = socket.local_addr() {
            *address = bound.to_string();
        }
        sockets.push(socket);
    }
    match <[TcpListener; 2]>::try_from(sockets) {
        Ok([portal, machines]) => Ok((portal, machines)),
        Err(_) => Err(Failure::refused("two listeners were expected")),
    }
}

/// `host:port` with the next port; port 0 stays 0.
fn next_port(address: &str) -> String {
    match address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?))) {
        Some((host, 0)) => format!("{host}:0"),
        Some((host, port)) => format!("{host}:{}", port.saturating_add(1)),
        None => address.to_owned(),
    }
}

/// Writes an administrator token for automation; the one of an earlier start dies.
async fn bootstrap_token(services: &Services, path: &Path) -> Result<Option<Timestamp>, Failure> {
    let access = &services.ctx.access;
    let caller = Caller::system(SystemKey::of("bootstrap"), access.centre(), Realm::Real);
    let followed = match std::fs::read_to_string(path) {
        Ok(secret) => access.bootstrap_of(secret.trim()).await?,
        Err(_) => None,
    };
    let made = access.bootstrap_token(&caller).await?;
    api::pki::write_secret(path, &made.secret)?;
    // Not before the new one can be read: a start that fails in between leaves a working token in the file.
    access.bootstrap_only(&caller, made.id, followed).await?;
    Ok(made.expires_at)
}

/// An address people can open: where the listener takes every address, the first name that was given to the centre,
/// else the host's.
fn reachable(bound: SocketAddr, names: &[String]) -> String {
    if !bound.ip().is_unspecified() {
        return bound.to_string();
    }
    let name =
        names.first().cloned().unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned());
    let name = if name.parse::<std::net::Ipv6Addr>().is_ok() { format!("[{name}]") } else { name };
    format!("{name}:{}", bound.port())
}

fn banner(data: &Path, fresh: bool, running: &Running, portal: &str, setup: Option<&str>, took: std::time::Duration) {
    output::line(&format!(
        "Lianfang {}   data {} ({})",
        env!("CARGO_PKG_VERSION"),
        data.display(),
        if fresh { "new" } else { "existing" }
    ));
    output::line(&format!(
        "  certificate authority: {}/tls/ca.pem   machines report to {}",
        data.display(),
        running.services.ctx.identity.machine_url
    ));
    output::line(&format!("  ready in {:.1} s", took.as_secs_f64()));
    output::line("");
    match setup {
        Some(token) => output::line(&format!("  Open   {portal}/setup?t={token}      (once, within 24 h)")),
        None => output::line(&format!("  Open   {portal}/")),
    }
    output::line("  Demo   lianfang demo          Stop   Ctrl-C");
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_setup_link_bears_the_name_that_was_given() {
        let every = "0.0.0.0:8443".parse().unwrap();
        assert_eq!(super::reachable(every, &["centre.example".to_owned(), "b".to_owned()]), "centre.example:8443");
        assert_eq!(super::reachable(every, &["2001:db8::1".to_owned()]), "[2001:db8::1]:8443");
        assert!(super::reachable(every, &[]).ends_with(":8443"));
        assert_eq!(super::reachable("127.0.0.1:1".parse().unwrap(), &["x".to_owned()]), "127.0.0.1:1");
    }

    #[test]
    fn the_machine_port_follows_the_portals() {
        assert_eq!(super::next_port("127.0.0.1:9000"), "127.0.0.1:9001");
        assert_eq!(super::next_port("[::1]:0"), "[::1]:0");
    }
}
