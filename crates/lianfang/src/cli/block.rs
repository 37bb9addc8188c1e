//! `lianfang block ...` and `lianfang api ...`, as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lianfang_node::cli::Switch;

use super::Remote;

/// `lianfang block ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Block {
    /// Blocks and exceptions of one state, newest first
    List {
        #[command(flatten)]
        remote: Remote,
        /// held, active or ended
        #[arg(long, default_value = "active")]
        state: String,
    },
    /// One of them, and where it is in force
    Show {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Ask for a block or an exception; there is none without an end
    Add(BlockAdd),
    /// Approve one that is held; never one's own (a person's session)
    Approve {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Decline one that is held (a person's session)
    Decline {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// End one before its time
    Withdraw {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// Why; kept in the audit tree
        #[arg(long)]
        reason: Option<String>,
    },
    /// Stop denying everywhere or at one point, or go on
    Kill {
        #[command(flatten)]
        remote: Remote,
        /// on or off
        state: Switch,
        /// Only this enforcement point, by id
        #[arg(long)]
        point: Option<String>,
    },
}

/// `lianfang block add`
#[derive(Debug, Args)]
pub(crate) struct BlockAdd {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// An address or a network
    pub(crate) value: String,
    /// Hours until it ends
    #[arg(long)]
    pub(crate) hours: i64,
    /// Why; people read it later
    #[arg(long)]
    pub(crate) reason: String,
    /// An exception: never deny it
    #[arg(long)]
    pub(crate) allow: bool,
    /// Code name of the organisation whose points enforce it; everybody when left out
    #[arg(long)]
    pub(crate) org: Option<String>,
    /// Marking; green when left out
    #[arg(long)]
    pub(crate) tlp: Option<String>,
}

/// `lianfang api`
#[derive(Debug, Args)]
pub(crate) struct ApiCall {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// GET, POST, PATCH, PUT or DELETE
    pub(crate) method: String,
    /// A path with its query, for example /api/v1/findings?which=all; all routes are in /api/v1/openapi.json
    pub(crate) path: String,
    /// The request's body (JSON), or @FILE
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// The version that is changed, as an earlier answer's ETag says, for example v3
    #[arg(long)]
    pub(crate) if_match: Option<String>,
    /// Every row of a list, page by page, as JSON lines
    #[arg(long)]
    pub(crate) all: bool,
    /// Write the answer into this file (mode 0600)
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}
