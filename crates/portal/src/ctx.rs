//! What the portal needs from the house: the services, time and randomness, and who this centre is.

use std::sync::Arc;

use base::{Code, Env};

/// Who this centre is, as every page shows it.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The centre's name, as its own organisation is called.
    pub name: String,
    /// A demonstration centre: every page carries the ribbon.
    pub demo: bool,
    /// `https://host:port` as the house announces it, for commands to paste.
    pub address: String,
    /// The certificate authority that sensors and points trust, PEM; public.
    pub ca_pem: String,
}

/// The services behind the pages. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who this centre is.
    pub identity: Arc<Identity>,
    /// People, roles, sessions.
    pub access: access::Access,
    /// Organisations.
    pub registry: registry::Registry,
    /// Sensors.
    pub fleet: sensor::Fleet,
    /// Attack history.
    pub attacks: sensor::Reads,
    /// Findings.
    pub detect: detect::Detect,
    /// Indicators.
    pub intel: intel::Intel,
    /// Enforcement.
    pub edge: edge::Edge,
    /// Signs the audit tree; exports name its key.
    pub signer: store::audit::Signer,
    /// The store, for the audit tree and for what changed.
    pub db: store::Db,
    /// Time and randomness.
    pub env: Env,
    /// The key of form tokens: random, the same on every node that answers for this centre.
    pub form_key: Arc<[u8; 32]>,
    /// Every room's codes, for the page of error codes.
    pub codes: &'static [&'static [&'static [&'static Code]]],
}

/// The address of the client, put into the request's extensions by the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub std::net::IpAddr);
