//! What the sensor room asks about organisations, answered from the register.

use std::net::IpAddr;

use base::{Env, OrgId};
use registry::{OrgKind, Whose};
use sensor::landscape::Landscape;

/// The register as the sensor room sees it.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    whose: Whose,
    settings: sensor::Settings,
    env: Env,
}

impl Register {
    /// Over the index that follows every change, and the list of known benign scanners.
    pub(crate) const fn new(whose: Whose, settings: sensor::Settings, env: Env) -> Self {
        Self { whose, settings, env }
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
        // Honeypots are not spread over members' address plans in a known way; without a share only a single organisation can be the target.
        None
    }

    fn benign(&self, address: IpAddr) -> Option<String> {
        self.settings.benign(address).map(str::to_owned)
    }

    fn words(&self, org: OrgId) -> Vec<String> {
        let Some(card) = self.whose.card(org) else { return Vec::new() };
        let domains = self.whose.domains_of(org, self.env.now());
        let names = [card.code.to_string(), card.name_zh, card.name_en];
        sensor::aim::words_of(names.iter().map(String::as_str).chain(domains.iter().map(|domain| domain.as_str())))
    }
}
