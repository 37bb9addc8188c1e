//! A small world in namespaces: attackers with documentation addresses, a gateway that forwards and filters, and a
//! network of sensors behind it; on request a link from the gateway to the centre's own namespace.
//!
//! ```text
//! PREFIX-atk  192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 (all local)
//!     | 10.213.1.2 - 10.213.1.1
//! PREFIX-gw   forwards; the enforcement agent runs here
//!     | 10.213.2.1 - 10.213.2.2 ... 10.213.2.33   (fd00:d5:2::1 - ::2)
//! PREFIX-sen  sensors listen here
//!     PREFIX-gw 10.213.0.2 - 10.213.0.1 the centre (only with `uplink`)
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::Error;
use crate::netns::{self, Place};
use crate::run::{Program, Run, Running};

/// Addresses of the sensor namespace.
const SENSORS: u8 = 32;
/// The documentation networks (RFC 5737, RFC 3849): every address in them belongs to the attackers.
const ATTACKERS_V4: [&str; 3] = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"];
const ATTACKERS_V6: &str = "2001:db8::/32";
/// Hardware addresses: gateway to attackers, attackers, gateway to sensors, sensors.
const MACS: [&str; 4] = ["02:6c:66:01:00:01", "02:6c:66:01:00:02", "02:6c:66:01:00:03", "02:6c:66:01:00:04"];
/// The centre's address on the uplink.
const CENTRE: Ipv4Addr = Ipv4Addr::new(10, 213, 0, 1);

/// The world; dropped, it is removed.
#[derive(Debug)]
pub struct Lab {
    prefix: String,
}

impl Lab {
    /// Builds the world; leftovers under the same prefix are removed first.
    ///
    /// # Errors
    /// Namespaces cannot be made; whatever was made is removed again.
    pub fn build(prefix: &str, uplink: bool) -> Result<Self, Error> {
        Self::remove(prefix)?;
        let lab = Self { prefix: prefix.to_owned() };
        let (attackers, gateway, sensors) = (lab.name("atk"), lab.name("gw"), lab.name("sen"));
        netns::create(&[&attackers, &gateway, &sensors])?;
        for place in [lab.attackers(), lab.gateway(), lab.sensors()] {
            // The wait for duplicate addresses would keep IPv6 silent for a second; a kernel without IPv6 has no such key.
            let _no_ipv6 = place.set("net/ipv6/conf/default/accept_dad", "0");
        }
        Place::Here.ip(&[
            format!(
                "link add {prefix}ag address {} netns {gateway} type veth peer name {prefix}ga address {} netns {attackers}",
                MACS[0], MACS[1]
            ),
            format!(
                "link add {prefix}sg address {} netns {gateway} type veth peer name {prefix}gs address {} netns {sensors}",
                MACS[2], MACS[3]
            ),
        ])?;
        lab.gateway().ip(&lab.gateway_commands())?;
        lab.gateway().set("net/ipv4/ip_forward", "1")?;
        let v6 = lab.gateway().set("net/ipv6/conf/all/forwarding", "1").is_ok();
        lab.attackers().ip(&lab.attacker_commands())?;
        lab.sensors().ip(&lab.sensor_commands())?;
        if v6 {
            lab.join_v6()?;
        }
        if uplink {
            lab.join_centre()?;
        }
        Ok(lab)
    }

    /// Removes everything under a prefix, also what a crashed process left behind.
    ///
    /// # Errors
    /// The prefix is not one of ours, or `ip` refuses.
    pub fn remove(prefix: &str) -> Result<(), Error> {
        netns::check_prefix(prefix)?;
        for role in ["atk", "gw", "sen"] {
            netns::remove(&format!("{prefix}-{role}"))?;
        }
        // The uplink goes with the gateway, but the kernel tears namespaces down a moment later.
        let uplink = format!("{prefix}up");
        if std::path::Path::new("/sys/class/net").join(&uplink).exists() {
            let _gone_meanwhile = Place::Here.ip(&[format!("link delete {uplink}")]);
        }
        Ok(())
    }

    /// Where attackers are.
    #[must_use]
    pub fn attackers(&self) -> Place {
        Place::named(&self.name("atk"))
    }

    /// Where the packet filter is.
    #[must_use]
    pub fn gateway(&self) -> Place {
        Place::named(&self.name("gw"))
    }

    /// Where sensors listen.
    #[must_use]
    pub fn sensors(&self) -> Place {
        Place::named(&self.name("sen"))
    }

    /// The addresses sensors may listen on.
    #[must_use]
    pub fn sensor_addresses(&self) -> Vec<IpAddr> {
        (2..2 + SENSORS).map(|host| Ipv4Addr::new(10, 213, 2, host).into()).collect()
    }

    /// The centre's address as seen from the gateway and the sensors; there only with an uplink.
    #[must_use]
    pub const fn centre_address(&self) -> IpAddr {
        IpAddr::V4(CENTRE)
    }

    /// Starts a program in one of the places; it ends when the handle is dropped.
    ///
    /// # Errors
    /// It is missing or cannot be started.
    pub fn spawn_in<A: AsRef<std::ffi::OsStr>>(
        &self,
        place: &Place,
        program: Program,
        args: impl IntoIterator<Item = A>,
        log: Option<std::fs::File>,
    ) -> Result<Running, Error> {
        Run::new(program).args(args).within(place).spawn(log)
    }

    fn name(&self, role: &str) -> String {
        format!("{}-{role}", self.prefix)
    }

    fn gateway_commands(&self) -> Vec<String> {
        let p = &self.prefix;
        let mut commands = vec![
            format!("addr add 10.213.1.1/30 dev {p}ag"),
            format!("addr add 10.213.2.1/24 dev {p}sg"),
            format!("link set {p}ag up"),
            format!("link set {p}sg up"),
        ];
        commands.extend(ATTACKERS_V4.map(|net| format!("route add {net} via 10.213.1.2")));
        commands
    }

    /// A local route makes every address of a network the namespace's own.
    fn attacker_commands(&self) -> Vec<String> {
        let p = &self.prefix;
        let mut commands = vec![
            format!("addr add 10.213.1.2/30 dev {p}ga"),
            format!("link set {p}ga up"),
            "route add default via 10.213.1.1".to_owned(),
        ];
        commands.extend(ATTACKERS_V4.map(|net| format!("route add local {net} dev lo")));
        commands
    }

    fn sensor_commands(&self) -> Vec<String> {
        let p = &self.prefix;
        let mut commands: Vec<String> =
            self.sensor_addresses().iter().map(|address| format!("addr add {address}/24 dev {p}gs")).collect();
        commands.extend([format!("link set {p}gs up"), "route add default via 10.213.2.1".to_owned()]);
        commands
    }

    /// Neighbours are written down, so that no first packet waits for discovery.
    fn join_v6(&self) -> Result<(), Error> {
        let p = &self.prefix;
        self.gateway().ip(&[
            format!("addr add fd00:d5:1::1/64 dev {p}ag nodad"),
            format!("addr add fd00:d5:2::1/64 dev {p}sg nodad"),
            format!("neigh replace fd00:d5:1::2 lladdr {} dev {p}ag nud permanent", MACS[1]),
            format!("neigh replace fd00:d5:2::2 lladdr {} dev {p}sg nud permanent", MACS[3]),
            format!("route add {ATTACKERS_V6} via fd00:d5:1::2"),
        ])?;
        self.attackers().ip(&[
            format!("addr add fd00:d5:1::2/64 dev {p}ga nodad"),
            format!("neigh replace fd00:d5:1::1 lladdr {} dev {p}ga nud permanent", MACS[0]),
            "route add default via fd00:d5:1::1".to_owned(),
            format!("route add local {ATTACKERS_V6} dev lo"),
        ])?;
        // Unlike IPv4, a local route alone does not let a socket take such an address.
        self.attackers().set("net/ipv6/ip_nonlocal_bind", "1")?;
        self.sensors().ip(&[
            format!("addr add fd00:d5:2::2/64 dev {p}gs nodad"),
            format!("neigh replace fd00:d5:2::1 lladdr {} dev {p}gs nud permanent", MACS[2]),
            "route add default via fd00:d5:2::1".to_owned(),
        ])?;
        let own = |net: u16, host: u16| Ipv6Addr::new(0xfd00, 0xd5, net, 0, 0, 0, 0, host);
        self.gateway().await_v6(&[own(1, 1), own(2, 1)])?;
        self.attackers().await_v6(&[own(1, 2)])?;
        self.sensors().await_v6(&[own(2, 2)])
    }

    fn join_centre(&self) -> Result<(), Error> {
        let p = &self.prefix;
        let gateway = self.name("gw");
        Place::Here.ip(&[
            format!("link add {p}up type veth peer name {p}dn netns {gateway}"),
            format!("addr add {CENTRE}/30 dev {p}up"),
            format!("link set {p}up up"),
        ])?;
        self.gateway().ip(&[format!("addr add 10.213.0.2/30 dev {p}dn"), format!("link set {p}dn up")])?;
        Place::Here.ip(&["route add 10.213.2.0/24 via 10.213.0.2"])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = Self::remove(&self.prefix) {
            tracing::warn!(%error, prefix = %self.prefix, "namespaces were left behind");
        }
    }
}
