//! A listener: accepts, holds to the caps, and hands each connection to its protocol.

use russh::server::Config;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::ListenerKind;
use crate::visit::{Gate, OwnProbes, Trap, Visit};
use crate::{ssh, telnet};

/// What one listener needs.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) kind: ListenerKind,
    /// The port attackers connect to.
    pub(crate) port: u16,
    pub(crate) trap: Arc<Trap>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) own: Arc<OwnProbes>,
    /// Settings of the SSH library; only an SSH door has them.
    pub(crate) ssh: Option<Arc<Config>>,
    pub(crate) cancel: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Door {
    /// Accepts until cancelled.
    pub(crate) async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.cancel.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    // Out of descriptors, or a client that was gone already: neither ends the listener.
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: std::net::SocketAddr) {
        let permit = if self.own.contains(peer) {
            None
        } else {
            // Above a cap the connection is closed at once; the gate has counted it.
            let Some(permit) = self.gate.enter(peer.ip()) else { return };
            Some(permit)
        };
        let local = stream.local_addr().ok().map(|a| a.ip());
        let visit = Visit::open(Arc::clone(&self.trap), self.kind, peer, local, self.port, permit);
        let door = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = door.serve(stream, visit).await {
                tracing::trace!(%error, "a session ended");
            }
        });
    }

    async fn serve(&self, stream: TcpStream, visit: Arc<Visit>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let life = visit.trap.session_life;
        match (self.kind, &self.ssh) {
            (ListenerKind::Ssh, Some(config)) => {
                // The stream under the library ends by itself; this is the second net.
                let life = life + Duration::from_secs(5);
                tokio::time::timeout(life, ssh::serve(stream, visit, Arc::clone(config), self.cancel.clone())).await?
            }
            (ListenerKind::Ssh, None) => Ok(()),
            (ListenerKind::Telnet, _) => tokio::select! {
                () = self.cancel.cancelled() => Ok(()),
                ended = tokio::time::timeout(life, telnet::serve(stream, visit)) => ended?,
            },
        }
    }
}
