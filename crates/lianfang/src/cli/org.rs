//! `lianfang org ...` as it is typed.

use clap::{Args, Subcommand, ValueEnum};

use super::Remote;

/// `lianfang org ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Org {
    /// Every organisation you may see
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Add an organisation
    Add(OrgAdd),
    /// One organisation with its networks, domains, AS numbers, circuits and contacts
    Show {
        #[command(flatten)]
        remote: Remote,
        /// Code name
        name: String,
    },
    /// Register a network, a domain or an AS number
    #[command(group = clap::ArgGroup::new("part").required(true))]
    AddPart {
        #[command(flatten)]
        remote: Remote,
        /// Code name of the organisation
        name: String,
        /// A network in CIDR form
        #[arg(long, group = "part")]
        network: Option<String>,
        /// A domain name
        #[arg(long, group = "part")]
        domain: Option<String>,
        /// An AS number
        #[arg(long, group = "part")]
        asn: Option<String>,
    },
    /// Change names or standing, one of them at a time; what is left out stays
    Set(OrgSet),
    /// End a network, domain, AS number, circuit or contact
    EndPart {
        #[command(flatten)]
        remote: Remote,
        /// Code name of the organisation
        name: String,
        /// What it is
        kind: PartKind,
        /// Its id
        id: String,
    },
    /// Add a contact
    AddContact {
        #[command(flatten)]
        remote: Remote,
        /// Code name of the organisation
        name: String,
        /// Name, family name first, with title
        #[arg(long)]
        who: String,
        /// security, network, duty or management
        #[arg(long)]
        role: String,
        /// Mail address
        #[arg(long, default_value = "")]
        mail: String,
        /// Telephone
        #[arg(long, default_value = "")]
        telephone: String,
    },
    /// Whose address is this?
    Whose {
        #[command(flatten)]
        remote: Remote,
        /// An IP address
        address: String,
    },
    /// End an organisation
    End {
        #[command(flatten)]
        remote: Remote,
        /// Code name
        name: String,
    },
}

/// `lianfang org add`
#[derive(Debug, Args)]
pub(crate) struct OrgAdd {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Code name: lower-case letters, digits and dashes
    pub(crate) name: String,
    /// Name in zh-TW (the code name when left out)
    #[arg(long)]
    pub(crate) zh: Option<String>,
    /// Name in English (the code name when left out)
    #[arg(long)]
    pub(crate) en: Option<String>,
    /// national, sector, operator, isp or public
    #[arg(long, default_value = "operator")]
    pub(crate) kind: String,
    /// Code name of the organisation above; the centre itself when left out
    #[arg(long)]
    pub(crate) parent: Option<String>,
    /// Networks in CIDR form; may be given more than once
    #[arg(long = "network")]
    pub(crate) networks: Vec<String>,
}

/// `lianfang org set`
#[derive(Debug, Args)]
pub(crate) struct OrgSet {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Code name
    pub(crate) name: String,
    /// Name in zh-TW
    #[arg(long)]
    pub(crate) zh: Option<String>,
    /// Name in English
    #[arg(long)]
    pub(crate) en: Option<String>,
    /// national, sector, operator, isp or public
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Sector; empty for none
    #[arg(long)]
    pub(crate) sector: Option<String>,
    /// none, important or critical
    #[arg(long)]
    pub(crate) criticality: Option<String>,
    /// Responsibility level, A to E; empty for none
    #[arg(long)]
    pub(crate) level: Option<String>,
}

/// A part of an organisation.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PartKind {
    /// A network
    Network,
    /// A domain
    Domain,
    /// An AS number
    Asn,
    /// A circuit
    Circuit,
    /// A contact
    Contact,
}
