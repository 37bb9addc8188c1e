//! Proof by packet: a pair of namespaces beside the filter, from which real packets run through its hooks.
//!
//! Each generation of the filter denies canary addresses that no earlier generation denied, so that a dropped canary
//! proves that very generation. Packets from a denied host, from a denied network and from a free address are sent
//! to the filter's own namespace (hook input) and through it (hook forward). Two counters of the table, one before
//! the first rule and one behind the last, say exactly how many packets came and how many passed; so the proof takes
//! about a millisecond and never waits for a packet not to come.
//!
//! ```text
//! PREFIX-prb (sources) -- PREFIXp1 | PREFIXp0 -- the filter's namespace -- PREFIXs0 | PREFIXs1 -- PREFIX-snk
//! ```
//!
//! Addresses are from the networks reserved for benchmarks (RFC 2544, RFC 5180); they are never routed.

use base::AddrSpec;
use edge::wire::{CanaryResult, Collection, Intent, Probe};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::netns::{self, Place};

/// Rounds after which the canary addresses begin again.
const ROUNDS: u64 = 60;
/// How long the counters have to reach the number of packets sent.
const PATIENCE: Duration = Duration::from_millis(150);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_micros(100);
/// How often packets are sent before a path counts as broken.
const TRIES: usize = 3;

/// How many canary packets the filter has seen and let through since it was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) seen: u64,
    pub(crate) passed: u64,
}

/// A canary of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Canary {
    /// Where it is denied.
    pub(crate) collection: Collection,
    /// What is denied.
    pub(crate) key: AddrSpec,
    /// The address that packets come from.
    source: IpAddr,
}

/// A way through the filter.
#[derive(Debug)]
struct Path {
    name: &'static str,
    target: SocketAddr,
    socket: UdpSocket,
}

/// The namespaces and sockets; dropped, they are removed.
#[derive(Debug)]
pub(crate) struct Prober {
    prefix: String,
    place: Place,
    paths: Vec<Path>,
}

/// The interface on which canary packets arrive.
pub(crate) fn interface(prefix: &str) -> String {
    format!("{prefix}p0")
}

/// The canaries of a round.
pub(crate) fn canaries(round: u64) -> Vec<Canary> {
    let r = u8::try_from(round % ROUNDS).unwrap_or(0);
    let wide = u16::from(r);
    let source_in = |collection, net: IpNet, source: IpAddr| {
        let key = net.to_string().parse().unwrap_or_else(|_| AddrSpec::host(source));
        Canary { collection, key, source }
    };
    let host4 = Ipv4Addr::new(198, 18, 251, r + 1);
    let net4 = Ipv4Addr::new(198, 18, 252, r * 4);
    let host6 = Ipv6Addr::new(0x2001, 2, 0, 0x251, 0, 0, 0, wide + 1);
    let net6 = Ipv6Addr::new(0x2001, 2, 0, 0x252, wide, 0, 0, 0);
    let mut out = vec![host4.into(), host6.into()]
        .into_iter()
        .map(|source: IpAddr| {
            let key = AddrSpec::host(source);
            Canary { collection: Collection::of(key, Intent::Deny), key, source }
        })
        .collect::<Vec<_>>();
    if let (Ok(v4), Ok(v6)) = (IpNet::new(net4.into(), 30), IpNet::new(net6.into(), 80)) {
        out.push(source_in(Collection::Ip4Net, v4, Ipv4Addr::new(198, 18, 252, r * 4 + 1).into()));
        out.push(source_in(Collection::Ip6Net, v6, Ipv6Addr::new(0x2001, 2, 0, 0x252, wide, 0, 0, 1).into()));
    }
    out
}

/// Whether an address belongs to canaries of any round, or is the first one behind a canary network.
pub(crate) fn is_canary(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [198, 18, 251 | 252, _]),
        IpAddr::V6(v6) => matches!(v6.segments(), [0x2001, 2, 0, 0x251 | 0x252, ..]),
    }
}

/// The free address packets come from: the probe's own end of the link.
const fn free_source(v4: bool) -> IpAddr {
    if v4 {
        IpAddr::V4(Ipv4Addr::new(198, 18, 250, 2))
    } else {
        IpAddr::V6(Ipv6Addr::new(0x2001, 2, 0, 0x250, 0, 0, 0, 2))
    }
}

impl Prober {
    /// Builds the namespaces and finds out which ways packets can go; `counts` reads the filter's counters.
    ///
    /// # Errors
    /// Namespaces cannot be made, or no packet comes through at all.
    pub(crate) fn build(
        prefix: &str,
        place: &Place,
        counts: &mut dyn FnMut() -> Result<Counts, Error>,
    ) -> Result<Self, Error> {
        netns::check_prefix(prefix)?;
        let mut prober = Self { prefix: prefix.to_owned(), place: place.clone(), paths: Vec::new() };
        prober.remove();
        let forwards = place.get("net/ipv4/ip_forward").as_deref() == Some("1");
        let v6 = place.get("net/ipv6/conf/all/disable_ipv6").as_deref() == Some("0");
        let forwards6 = forwards && v6 && place.get("net/ipv6/conf/all/forwarding").as_deref() == Some("1");
        prober.link(v6)?;
        for (name, wanted, at, address) in [
            ("input", true, place, "198.18.250.1"),
            ("input6", v6, place, "2001:2:0:250::1"),
            ("forward", forwards, &prober.sink(), "198.18.253.2"),
            ("forward6", forwards6, &prober.sink(), "2001:2:0:253::2"),
        ] {
            if wanted {
                prober.paths.extend(open_path(name, at, address)?);
            }
        }
        prober.keep_working_paths(counts)?;
        Ok(prober)
    }

    /// The names of the ways packets go: `input`, `forward6`.
    pub(crate) fn ways(&self) -> Vec<&'static str> {
        self.paths.iter().map(|path| path.name).collect()
    }

    /// Sends the packets of a round and judges them.
    pub(crate) fn probe(&self, round: u64, counts: &mut dyn FnMut() -> Result<Counts, Error>) -> Probe {
        let canaries = canaries(round);
        match self.flights(&canaries, round, counts) {
            Ok(outcome) => outcome,
            Err(error) => Probe::Failed { why: error.to_string() },
        }
    }

    fn flights(
        &self,
        canaries: &[Canary],
        round: u64,
        counts: &mut dyn FnMut() -> Result<Counts, Error>,
    ) -> Result<Probe, Error> {
        let started = Instant::now();
        let before = counts()?;
        let mut packets: Vec<(IpAddr, SocketAddr)> = Vec::new();
        for path in &self.paths {
            let family = canaries.iter().filter(|canary| canary.source.is_ipv4() == path.target.is_ipv4());
            packets.extend(family.map(|canary| (canary.source, path.target)));
            packets.push((free_source(path.target.is_ipv4()), path.target));
        }
        let token = nonce(round, before);
        self.send(&packets, &token)?;
        let expected = Counts { seen: packets.len() as u64, passed: self.paths.len() as u64 };
        let exact = settle(before, expected, counts)? == expected;
        let arrivals: Vec<Vec<IpAddr>> = self.paths.iter().map(|path| path.collect(&token)).collect();
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (mut blocked, mut passed) = (Vec::new(), Vec::new());
        for (path, arrived) in self.paths.iter().zip(arrivals) {
            let mut judge = |source: IpAddr, must_pass: bool| {
                let ok = if must_pass { arrived.contains(&source) } else { exact && !arrived.contains(&source) };
                let list = if must_pass { &mut passed } else { &mut blocked };
                list.push(CanaryResult { address: source, ok, took_us });
            };
            canaries
                .iter()
                .filter(|c| c.source.is_ipv4() == path.target.is_ipv4())
                .for_each(|c| judge(c.source, false));
            judge(free_source(path.target.is_ipv4()), true);
        }
        Ok(Probe::Probed { blocked, passed })
    }

    fn send(&self, packets: &[(IpAddr, SocketAddr)], token: &[u8]) -> Result<(), Error> {
        let sent = self.sources().run(|| {
            packets
                .iter()
                .try_for_each(|(source, target)| UdpSocket::bind((*source, 0))?.send_to(token, target).map(|_| ()))
        })?;
        sent.map_err(|error| Error::Namespace(format!("sending a canary: {error}")))
    }

    /// Another firewall of the machine may drop even free packets on a way; such a way proves nothing and is left out.
    fn keep_working_paths(&mut self, counts: &mut dyn FnMut() -> Result<Counts, Error>) -> Result<(), Error> {
        let paths = std::mem::take(&mut self.paths);
        for path in paths {
            let mut works = false;
            for attempt in 0..TRIES as u64 {
                let before = counts()?;
                let token = nonce(u64::MAX - attempt, before);
                self.send(&[(free_source(path.target.is_ipv4()), path.target)], &token)?;
                let one = Counts { seen: 1, passed: 1 };
                works = settle(before, one, counts)? == one && !path.collect(&token).is_empty();
                if works {
                    break;
                }
            }
            if works {
                self.paths.push(path);
            } else {
                tracing::warn!(way = path.name, "canary packets do not come through: this way is not probed");
            }
        }
        if self.paths.is_empty() {
            return Err(Error::Namespace("no canary packet comes through".to_owned()));
        }
        Ok(())
    }

    fn sources(&self) -> Place {
        Place::named(&format!("{}-prb", self.prefix))
    }

    fn sink(&self) -> Place {
        Place::named(&format!("{}-snk", self.prefix))
    }

    /// Two links; neighbours are written down, so that no packet waits for a lookup.
    fn link(&self, v6: bool) -> Result<(), Error> {
        let p = &self.prefix;
        netns::create(&[&format!("{p}-prb"), &format!("{p}-snk")])?;
        let (m0, m1, m2, m3) = ("02:6c:66:00:00:01", "02:6c:66:00:00:02", "02:6c:66:00:00:03", "02:6c:66:00:00:04");
        // The far ends are made inside their namespaces, by a process that stands in the filter's.
        self.place.ip(&[
            format!("link add {p}p0 address {m0} type veth peer name {p}p1 address {m1} netns {p}-prb"),
            format!("link add {p}s0 address {m2} type veth peer name {p}s1 address {m3} netns {p}-snk"),
            format!("addr add 198.18.250.1/30 dev {p}p0"),
            format!("addr add 198.18.253.1/30 dev {p}s0"),
            format!("link set {p}p0 up"),
            format!("link set {p}s0 up"),
            format!("neigh replace 198.18.250.2 lladdr {m1} dev {p}p0 nud permanent"),
            format!("neigh replace 198.18.253.2 lladdr {m3} dev {p}s0 nud permanent"),
            // Reverse-path filters want a way back.
            format!("route add 198.18.251.0/24 dev {p}p0"),
            format!("route add 198.18.252.0/24 dev {p}p0"),
        ])?;
        self.sources().ip(&[
            format!("addr add 198.18.250.2/30 dev {p}p1"),
            format!("link set {p}p1 up"),
            format!("neigh replace 198.18.250.1 lladdr {m0} dev {p}p1 nud permanent"),
            "route add default via 198.18.250.1".to_owned(),
            "route add local 198.18.251.0/24 dev lo".to_owned(),
            "route add local 198.18.252.0/24 dev lo".to_owned(),
        ])?;
        self.sink().ip(&[
            format!("addr add 198.18.253.2/30 dev {p}s1"),
            format!("link set {p}s1 up"),
            "route add default via 198.18.253.1".to_owned(),
        ])?;
        if v6 { self.link_v6([m0, m1, m2, m3]) } else { Ok(()) }
    }

    fn link_v6(&self, [m0, m1, m2, m3]: [&str; 4]) -> Result<(), Error> {
        let p = &self.prefix;
        self.place.ip(&[
            format!("addr add 2001:2:0:250::1/64 dev {p}p0 nodad"),
            format!("addr add 2001:2:0:253::1/64 dev {p}s0 nodad"),
            format!("neigh replace 2001:2:0:250::2 lladdr {m1} dev {p}p0 nud permanent"),
            format!("neigh replace 2001:2:0:253::2 lladdr {m3} dev {p}s0 nud permanent"),
            format!("route add 2001:2:0:251::/64 dev {p}p0"),
            format!("route add 2001:2:0:252::/64 dev {p}p0"),
        ])?;
        self.sources().ip(&[
            format!("addr add 2001:2:0:250::2/64 dev {p}p1 nodad"),
            format!("neigh replace 2001:2:0:250::1 lladdr {m0} dev {p}p1 nud permanent"),
            "route add default via 2001:2:0:250::1".to_owned(),
            "route add local 2001:2:0:251::/64 dev lo".to_owned(),
            "route add local 2001:2:0:252::/64 dev lo".to_owned(),
        ])?;
        self.sources().set("net/ipv6/ip_nonlocal_bind", "1")?;
        self.sink().ip(&[
            format!("addr add 2001:2:0:253::2/64 dev {p}s1 nodad"),
            format!("neigh replace 2001:2:0:253::1 lladdr {m2} dev {p}s1 nud permanent"),
            "route add default via 2001:2:0:253::1".to_owned(),
        ])?;
        self.place.await_v6(&[Ipv6Addr::new(0x2001, 2, 0, 0x250, 0, 0, 0, 1)])?;
        self.sink().await_v6(&[Ipv6Addr::new(0x2001, 2, 0, 0x253, 0, 0, 0, 2)])
    }

    fn remove(&self) {
        for role in ["prb", "snk"] {
            if let Err(error) = netns::remove(&format!("{}-{role}", self.prefix)) {
                tracing::warn!(%error, "a probe namespace was left behind");
            }
        }
        // The kernel tears namespaces down a moment later; the near ends of the links are taken at once.
        for end in ["p0", "s0"] {
            let _not_there = self.place.ip(&[format!("link delete {}{end}", self.prefix)]);
        }
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.remove();
    }
}

impl Path {
    /// The sources of packets with this token, until the free one has come; what was dropped is not waited for.
    fn collect(&self, token: &[u8]) -> Vec<IpAddr> {
        let free = free_source(self.target.is_ipv4());
        let deadline = Instant::now() + PATIENCE;
        let mut arrived = Vec::new();
        let mut buffer = [0_u8; 64];
        while !arrived.contains(&free) && Instant::now() < deadline {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if buffer.get(..length) == Some(token) => arrived.push(from.ip()),
                Ok(_) => {}
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        arrived
    }
}

fn open_path(name: &'static str, place: &Place, address: &str) -> Result<Option<Path>, Error> {
    let failed = |error: std::io::Error| Error::Namespace(format!("probe socket: {error}"));
    let Ok(address) = address.parse::<IpAddr>() else {
        return Ok(None);
    };
    let socket = place.run(|| UdpSocket::bind((address, 0)))?.map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    let target = socket.local_addr().map_err(failed)?;
    Ok(Some(Path { name, target, socket }))
}

/// What packets of one flight carry: different for every flight, since the counters never stand still between two.
fn nonce(round: u64, before: Counts) -> Vec<u8> {
    [round.to_be_bytes(), before.seen.to_be_bytes()].concat()
}

/// Waits until the filter has seen and passed as many packets as it must, and says how many it really did. That it
/// takes longer than a moment means that something else ate them, or that the filter dropped what it must not.
fn settle(
    before: Counts,
    expected: Counts,
    counts: &mut dyn FnMut() -> Result<Counts, Error>,
) -> Result<Counts, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = counts()?;
        let grown =
            Counts { seen: now.seen.saturating_sub(before.seen), passed: now.passed.saturating_sub(before.passed) };
        if (grown.seen >= expected.seen && grown.passed >= expected.passed) || Instant::now() >= deadline {
            return Ok(grown);
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_rounds_share_no_canary_and_sources_lie_in_their_keys() {
        for round in 0..ROUNDS * 2 {
            let now = canaries(round);
            let next = canaries(round + 1);
            assert_eq!(now.len(), 4);
            for canary in &now {
                assert!(canary.key.net().contains(&canary.source), "{canary:?}");
                assert!(is_canary(canary.source) && is_canary(crate::nft::end_of(canary.key.net()).unwrap()));
                assert_eq!(Collection::of(canary.key, Intent::Deny), canary.collection);
                assert!(next.iter().all(|other| !other.key.overlaps(canary.key)));
                assert!(!canary.key.net().contains(&free_source(canary.source.is_ipv4())));
            }
        }
    }
}
