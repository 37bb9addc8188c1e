//! One connection of a stranger: who it is, what it may still cost, and the events it leads to.

use base::limits::{self, Limit};
use base::{Env, Timestamp};
use logwire::attack::{AttackEvent, AuthMethod, Transport, What};
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::ListenerKind;
use crate::persona::Persona;
use crate::spool::Spool;

/// Events of one session; what an attacker does beyond them is no longer written down.
const EVENTS: u32 = 2_000;
/// Bytes a session may send us.
pub(crate) const BYTES_IN: u64 = 4 << 20;
/// Bytes a session may make us send.
pub(crate) const BYTES_OUT: u64 = 4 << 20;

/// Numbers shared by all sessions of the node.
#[derive(Debug, Default)]
pub(crate) struct Census {
    open: AtomicU32,
    refused: AtomicU64,
}

impl Census {
    /// Open sessions of attackers.
    pub(crate) fn open(&self) -> u32 {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections closed at the door because a cap was reached.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// The caps of one listener.
#[derive(Debug)]
pub(crate) struct Gate {
    most: usize,
    most_per_address: u32,
    census: Arc<Census>,
    open: Mutex<(usize, HashMap<IpAddr, u32>)>,
}

/// A place inside; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    address: IpAddr,
}

impl Gate {
    pub(crate) fn new(most: usize, most_per_address: usize, census: Arc<Census>) -> Arc<Self> {
        let most_per_address = u32::try_from(most_per_address).unwrap_or(u32::MAX);
        Arc::new(Self { most, most_per_address, census, open: Mutex::default() })
    }

    /// A place for this address, unless the listener or the address has its share already.
    pub(crate) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let address = share(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *open;
        let own = by_address.get(&address).copied().unwrap_or(0);
        if *all >= self.most || own >= self.most_per_address {
            self.census.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        *all += 1;
        by_address.insert(address, own + 1);
        self.census.open.fetch_add(1, Ordering::Relaxed);
        Some(Permit { gate: Arc::clone(self), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.gate.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, by_address) = &mut *open;
        *all = all.saturating_sub(1);
        if let Some(own) = by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                by_address.remove(&self.address);
            }
        }
        self.gate.census.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whose share an address counts to: an IPv6 host has a whole /64 to itself.
fn share(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .map_or_else(|| IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))), IpAddr::V4),
    }
}

/// Addresses from which the sensor itself is connecting right now.
#[derive(Debug, Default)]
pub(crate) struct OwnProbes(Mutex<HashSet<SocketAddr>>);

impl OwnProbes {
    pub(crate) fn add(&self, from: SocketAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(from);
    }

    pub(crate) fn remove(&self, from: SocketAddr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&from);
    }

    pub(crate) fn contains(&self, from: SocketAddr) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&from)
    }
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Trap {
    pub(crate) persona: Persona,
    pub(crate) env: Env,
    pub(crate) spool: Spool,
    pub(crate) auth_delay: Duration,
    pub(crate) session_life: Duration,
    pub(crate) idle: Duration,
}

impl Trap {
    /// Waits as long as a failed login takes: three to five quarters of the setting, as PAM varies it.
    pub(crate) async fn refuse_slowly(&self) {
        let [byte] = self.env.bytes::<1>();
        tokio::time::sleep(self.auth_delay * (384 + u32::from(byte)) / 512).await;
    }
}

/// One session of one stranger. Its end is an event of its own.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) trap: Arc<Trap>,
    id: String,
    peer: SocketAddr,
    local: Option<IpAddr>,
    port: u16,
    kind: ListenerKind,
    opened: Timestamp,
    left: AtomicU32,
    /// A self-probe leaves no events.
    quiet: bool,
    _permit: Option<Permit>,
}

impl Visit {
    pub(crate) fn open(
        trap: Arc<Trap>,
        kind: ListenerKind,
        peer: SocketAddr,
        local: Option<IpAddr>,
        port: u16,
        permit: Option<Permit>,
    ) -> Arc<Self> {
        let opened = trap.env.now();
        let visit = Self {
            id: trap.env.id::<base::SessionId>().to_string(),
            trap,
            peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
            local: local.map(|a| a.to_canonical()),
            port,
            kind,
            opened,
            left: AtomicU32::new(EVENTS),
            quiet: permit.is_none(),
            _permit: permit,
        };
        visit.emit(What::ConnOpen);
        Arc::new(visit)
    }

    /// Writes an event of this session.
    pub(crate) fn emit(&self, what: What) {
        let last = matches!(what, What::ConnClose { .. });
        let spent = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
        if self.quiet || (spent && !last) {
            return;
        }
        self.trap.spool.push(AttackEvent {
            at: self.trap.env.now(),
            session: self.id.clone(),
            src_ip: self.peer.ip(),
            src_port: self.peer.port(),
            dst_ip: self.local,
            dst_port: self.port,
            protocol: self.kind.protocol().to_owned(),
            transport: Transport::Tcp,
            what,
        });
    }

    /// Writes an event of this session where there is one.
    pub(crate) fn emit_some(&self, what: Option<What>) {
        if let Some(what) = what {
            self.emit(what);
        }
    }

    /// Writes an authentication event.
    pub(crate) fn attempt(&self, user: &str, password: &str, method: AuthMethod, key: Option<String>, success: bool) {
        self.emit(What::Auth {
            user: cut(user, limits::TRAP_CREDENTIAL),
            password: cut(password, limits::TRAP_CREDENTIAL),
            method,
            key,
            success,
        });
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let micros = self.trap.env.now().since(self.opened).max(0);
        self.emit(What::ConnClose { duration_ms: u64::try_from(micros / 1000).unwrap_or(0) });
    }
}

/// At most `limit` bytes of a text, cut at a character's edge.
pub(crate) fn cut(text: &str, limit: Limit) -> String {
    let most = usize::try_from(limit.most).unwrap_or(usize::MAX).min(text.len());
    let end = (0..=most).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_counts_gives_back_and_knows_networks() {
        let census = Arc::new(Census::default());
        let gate = Gate::new(3, 2, census.clone());
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let (a, _b) = (gate.enter(one).unwrap(), gate.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap());
        assert!(gate.enter(one).is_none(), "the address has its share");
        let _c = gate.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(gate.enter("198.51.100.1".parse().unwrap()).is_none(), "the listener is full");
        assert_eq!((census.open(), census.refused()), (3, 2));
        drop(a);
        assert!(gate.enter("2001:db8::2".parse().unwrap()).is_some(), "one place is free, the network has one of two");
    }

    #[test]
    fn cutting_respects_characters() {
        let limit = Limit { what: "t", most: 4, unit: "bytes" };
        assert_eq!(cut("ab測", limit), "ab");
        assert_eq!(cut("測a測", limit), "測a");
    }
}
