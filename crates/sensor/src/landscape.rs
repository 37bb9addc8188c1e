//! What the sensor room asks about the world around it; answered by the register through the house's wiring.

use base::OrgId;
use std::net::IpAddr;

/// Questions about sectors and known-good scanners.
pub trait Landscape: Send + Sync + std::fmt::Debug {
    /// The sector an organisation belongs to.
    fn sector(&self, org: OrgId) -> Option<OrgId>;
    /// The share of the watched address space that a sector holds, 0 to 1.
    fn address_share(&self, sector: OrgId) -> Option<f64>;
    /// The name of the scanner on the list of known benign ones whose networks hold the address.
    fn benign(&self, address: IpAddr) -> Option<String>;
    /// The words by which the organisation is recognised in what attackers type, see [`crate::aim::words_of`].
    fn words(&self, org: OrgId) -> Vec<String>;
}

/// A landscape that knows nothing: every organisation is its own sector.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flat;

impl Landscape for Flat {
    fn sector(&self, _org: OrgId) -> Option<OrgId> {
        None
    }

    fn address_share(&self, _sector: OrgId) -> Option<f64> {
        None
    }

    fn benign(&self, _address: IpAddr) -> Option<String> {
        None
    }

    fn words(&self, _org: OrgId) -> Vec<String> {
        Vec::new()
    }
}
