//! Telling systemd (sd_notify(3)): READY, STOPPING and the watchdog, over the datagram socket it names.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends one state line such as `READY=1`; without `NOTIFY_SOCKET` nothing happens.
pub fn systemd(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let path = path.to_string_lossy().into_owned();
    let address = path
        .strip_prefix('@')
        .map_or_else(|| SocketAddr::from_pathname(&path), |name| SocketAddr::from_abstract_name(name.as_bytes()));
    let sent = UnixDatagram::unbound()
        .and_then(|socket| address.and_then(|address| socket.send_to_addr(state.as_bytes(), &address)));
    if let Err(error) = sent {
        tracing::warn!(%error, "could not tell systemd {state}");
    }
}
