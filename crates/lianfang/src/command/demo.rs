//! `lianfang demo`: a separate centre with a sector, six members, sensors, an enforcement point and genuine attackers.
//!
//! Where namespaces can be made, attackers, sensors and the packet filter live in namespaces of their own and blocks
//! are proved by packets; an unprivileged user gets them inside a user namespace. Where neither works the file driver
//! shows the lists only, and says so.

mod attacker;
mod people;
mod script;
mod story;
mod world;

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use drivers::netns::{self, Available, Lab};
use runtime::{CancellationToken, process};
use tokio::net::{TcpListener, UnixListener};

use crate::cli::Demo;
use crate::exit::Failure;
use crate::output;

/// Prefix of everything the demo makes on the host.
pub(crate) const PREFIX: &str = "lfdemo";

/// Runs or removes the demo.
pub(crate) async fn run(args: Demo) -> Result<(), Failure> {
    if args.remove {
        return remove(&args.data);
    }
    if args.inside {
        netns::prepare_rootless()?;
        let cancel = CancellationToken::new();
        let _ended = cancel.clone().drop_guard();
        inside(&args, cancel)?;
        return world::run(&args, world::Ground::Lab).await;
    }
    match netns::available() {
        Available::Root => world::run(&args, world::Ground::Lab).await,
        Available::UserNamespace => rootless(&args).await,
        Available::None(why) => {
            output::error_line(&format!("no namespaces here ({why}): the demo shows plain lists instead of packets"));
            world::run(&args, world::Ground::Lists).await
        }
    }
}

/// The demo inside a user namespace; its portal is carried to the host through a socket file.
async fn rootless(args: &Demo) -> Result<(), Failure> {
    let data = absolute(&args.data)?;
    let cancel = CancellationToken::new();
    let _ended = cancel.clone().drop_guard();
    let listener = TcpListener::bind(&args.listen)
        .await
        .map_err(|error| Failure::refused(format!("cannot listen on {}: {error}", args.listen)))?;
    tokio::spawn(netns::relay::outside(listener, socket_file(&data), cancel));
    let seed = args.seed.to_string();
    let shown = data.display().to_string();
    let mut words = vec!["demo", "--inside", "--listen", &args.listen, "--seed", &seed, "--data", &shown];
    let seconds = args.seconds.map(|seconds| seconds.to_string());
    if let Some(seconds) = &seconds {
        words.extend(["--seconds", seconds]);
    }
    let shared = std::io::stdout().as_fd().try_clone_to_owned().map_err(|error| Failure::refused(error.to_string()))?;
    let mut child = netns::rootless(words)?.spawn(Some(std::fs::File::from(shared)))?;
    let ended = tokio::task::spawn_blocking(move || child.wait(Duration::from_secs(366 * 86_400)));
    tokio::select! {
        signal = process::stop_signal() => {
            tracing::debug!(signal, "stopping the demo");
            Ok(())
        }
        status = ended => match status {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Failure::refused(format!("the demo ended with {status}"))),
            Ok(Err(error)) => Err(Failure::coded(&error)),
            Err(error) => Err(Failure::refused(error.to_string())),
        }
    }
}

/// Where the two ends of the portal's relay meet; a socket file belongs to no network namespace.
fn socket_file(data: &Path) -> PathBuf {
    data.join("portal.sock")
}

/// Inside the user namespace: what arrives at the socket file goes to the portal.
fn inside(args: &Demo, cancel: CancellationToken) -> Result<(), Failure> {
    let file = socket_file(&args.data);
    let failed = |error: std::io::Error| Failure::refused(format!("{}: {error}", file.display()));
    std::fs::create_dir_all(&args.data).map_err(failed)?;
    if file.exists() {
        std::fs::remove_file(&file).map_err(failed)?;
    }
    let listener = UnixListener::bind(&file).map_err(failed)?;
    let portal = args.listen.parse().map_err(|_| Failure::usage(format!("--listen {} is no address", args.listen)))?;
    tokio::spawn(netns::relay::inside(listener, portal, cancel));
    Ok(())
}

/// The child starts in another folder, so its words must not depend on ours.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
}

/// Removes namespaces and the folder; nothing is left.
fn remove(data: &Path) -> Result<(), Failure> {
    if let Err(error) = Lab::remove(PREFIX) {
        output::error_line(&format!("namespaces: {error}"));
    }
    if data.exists() {
        let marked = data.join("demo").exists();
        if !marked {
            return Err(Failure::refused(format!("{} is not a demo's folder; nothing was removed", data.display())));
        }
        drop(crate::folder::Folder::take(data)?);
        std::fs::remove_dir_all(data).map_err(|error| Failure::refused(format!("{}: {error}", data.display())))?;
    }
    output::line("the demo is removed");
    Ok(())
}
