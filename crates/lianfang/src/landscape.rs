//! What the sensor room asks about organisations, answered from the register.

use std::net::IpAddr;

use base::OrgId;
use registry::{OrgKind, Whose};
use sensor::landscape::Landscape;

/// The register as the sensor room sees it.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    whose: Whose,
}

impl Register {
    /// Over the index that follows every change.
    pub(crate) const fn new(whose: Whose) -> Self {
        Self { whose }
    }
}

/// How many organisations stand above another at most; a longer chain is a mistake in the register.
const DEPTH: usize = 16;

impl Landscape for Register {
    fn sector(&self, org: OrgId) -> Option<OrgId> {
        let mut here = self.whose.card(org)?;
        for _ in 0..DEPTH {
            if here.kind == OrgKind::Sector {
                return Some(here.id);
            }
            here = self.whose.card(here.parent?)?;
        }
        None
    }

    fn address_share(&self, _sector: OrgId) -> Option<f64> {
        // Honeypots are not spread over members' address plans in a known way; without a share nothing is called targeted.
        None
    }

    fn benign(&self, _address: IpAddr) -> Option<String> {
        None
    }
}
