//! Where the centre listens, by its settings, and how it reaches its database.

use std::net::SocketAddr;

use crate::Installation;
use crate::checks::{Check, Word};
use crate::say::say;

pub(super) fn check(at: &Installation<'_>) -> Vec<Check> {
    vec![door("door.portal", "listen", at.listen), door("door.machines", "listen_machines", at.listen_machines)]
}

/// How far an address is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// This host only.
    Loopback,
    /// One address of this host.
    One,
    /// Every address of this host.
    Every,
    /// A name: it depends on what it resolves to.
    Name,
}

/// How far a listener is open, by its setting.
pub(crate) fn width(listen: &str) -> Width {
    match listen.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Width::Loopback,
        Ok(address) if address.ip().is_unspecified() => Width::Every,
        Ok(_) => Width::One,
        Err(_) if listen.starts_with("localhost:") => Width::Loopback,
        Err(_) => Width::Name,
    }
}

fn door(id: &'static str, key: &str, listen: &str) -> Check {
    let seen = |zh: &str, en: &str| say!("{key} = {listen}：{zh}", "{key} = {listen}: {en}");
    match width(listen) {
        Width::Loopback => Check::ok(id, seen("僅本機", "this host only")),
        Width::One => Check::ok(id, seen("一個位址，TLS", "one address, TLS")),
        Width::Every => {
            let act = say!(
                "請改為單一位址，或以防火牆限制可連線的來源。",
                "Name one address, or let a firewall decide who may connect."
            );
            Check::of(id, Word::Warn, seen("本機所有位址，TLS", "every address of this host, TLS"), act)
        }
        Width::Name => {
            let act = say!("請改寫為位址與連接埠。", "Write an address and a port.");
            Check::of(id, Word::Unknown, seen("無法由名稱判斷", "a name does not tell"), act)
        }
    }
}
