//! `lianfang user ...` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Remote;

/// `lianfang user ...`
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// The names of all roles
    Roles,
    /// Everybody you may see
    List {
        #[command(flatten)]
        remote: Remote,
        /// invited, active or disabled
        #[arg(long)]
        state: Option<String>,
    },
    /// Invite a person; the link is shown once
    Invite(Invite),
    /// Replace a person's roles
    SetRoles {
        #[command(flatten)]
        remote: Remote,
        /// Sign-in name
        name: String,
        /// ROLE or ROLE@ORG; may be given more than once, none takes every role away
        #[arg(long = "role")]
        roles: Vec<String>,
    },
    /// Disable an account and end its sessions
    Disable {
        #[command(flatten)]
        remote: Remote,
        /// Sign-in name
        name: String,
    },
    /// Enable an account; its link is shown once
    Enable {
        #[command(flatten)]
        remote: Remote,
        /// Sign-in name
        name: String,
    },
    /// A person's open sessions
    Sessions {
        #[command(flatten)]
        remote: Remote,
        /// Sign-in name
        name: String,
        /// End every one of them
        #[arg(long)]
        end: bool,
    },
    /// A new one-time link for somebody who is locked out; on the centre's host
    Recover {
        /// Sign-in name
        name: String,
        /// Data folder of the centre (which must be stopped)
        #[arg(long, default_value = "lianfang-data")]
        data: PathBuf,
        /// The configuration file it is served with
        #[arg(long)]
        config: Option<PathBuf>,
    },
}

/// `lianfang user invite`
#[derive(Debug, Args)]
pub(crate) struct Invite {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Sign-in name
    pub(crate) name: String,
    /// Name to show (the sign-in name when left out)
    #[arg(long)]
    pub(crate) display: Option<String>,
    /// Mail address
    #[arg(long, default_value = "")]
    pub(crate) mail: String,
    /// Code name of the home organisation; the centre itself when left out
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// ROLE or ROLE@ORG; may be given more than once
    #[arg(long = "role")]
    pub(crate) roles: Vec<String>,
}
