//! The guard that intelligence asks: protected networks and forms from enforcement, names from the registry.

use base::{AddrSpec, AddressScope, Env, Realm};
use edge::Edge;
use edge::EdgeError;
use edge::guard::{Ruling, form};
use events::sensor::ValueKind;
use intel::{ValueGuard, Verdict};
use registry::Registry;
use store::StoreError;

use crate::owner;

/// The centre's guard of values.
#[derive(Debug, Clone)]
pub struct CentreGuard {
    edge: Edge,
    registry: Registry,
    env: Env,
}

impl CentreGuard {
    /// The guard over these rooms.
    #[must_use]
    pub fn new(edge: Edge, registry: Registry, env: Env) -> Self {
        Self { edge, registry, env }
    }

    async fn network(&self, realm: Realm, spec: AddrSpec) -> Result<Option<String>, StoreError> {
        if let Some(reason) = form(spec).filter(|reason| reason.ruling() == Ruling::Reject) {
            return Ok(Some(reason.en()));
        }
        let guards = self.edge.guards(realm).await.map_err(|error| match error {
            EdgeError::Store(error) => error,
            other => StoreError::Refused(other.to_string()),
        })?;
        Ok(guards.protected(spec).map(|(net, why)| format!("{net}: {why}")))
    }

    /// A name of one of our own organisations.
    fn name(&self, name: &str) -> Option<String> {
        let holder = owner::of(&self.registry, ValueKind::Domain, name, AddressScope::Global, self.env.now())?;
        let card = self.registry.whose().card(holder.org).filter(|_| !holder.carrier)?;
        Some(format!("{name} belongs to {}", card.name_en))
    }
}

impl ValueGuard for CentreGuard {
    fn protected<'a>(&'a self, realm: Realm, kind: ValueKind, value: &'a str) -> Verdict<'a> {
        Box::pin(async move {
            match (kind, value.parse::<AddrSpec>()) {
                (ValueKind::Ipv4 | ValueKind::Ipv6, Ok(spec)) => self.network(realm, spec).await,
                (ValueKind::Domain, _) => Ok(self.name(value)),
                _ => Ok(None),
            }
        })
    }
}
