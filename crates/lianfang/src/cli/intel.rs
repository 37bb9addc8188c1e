//! `lianfang intel ...` as it is typed.

use clap::Subcommand;

use super::Remote;

/// `lianfang intel ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Intel {
    /// Search indicators: a value, or field:value words
    Search {
        #[command(flatten)]
        remote: Remote,
        /// What to look for; everything when left out
        #[arg(default_value = "")]
        query: Vec<String>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Draft an indicator
    Draft {
        #[command(flatten)]
        remote: Remote,
        /// The value, as people paste it
        value: String,
        /// Code name of the organisation it belongs to; the centre itself when left out
        #[arg(long)]
        org: Option<String>,
        /// Its marking; amber when left out
        #[arg(long)]
        tlp: Option<String>,
        /// What it is about
        #[arg(long, default_value = "")]
        description: String,
        /// Hours it should count
        #[arg(long)]
        hours: Option<i64>,
    },
    /// Submit a draft for review
    Submit {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// One indicator with its history and provenance
    Show {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// What waits for a reviewer or an approver
    Waiting {
        #[command(flatten)]
        remote: Remote,
    },
    /// Take back for good what was not published yet
    Withdraw {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Accept in review (a person's session)
    Accept {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Send back to the author (a person's session)
    SendBack {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// Why; people read it later
        #[arg(long)]
        reason: String,
    },
    /// Reject for good (a person's session)
    Reject {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// Why; people read it later
        #[arg(long)]
        reason: String,
    },
    /// Approve and publish; never one's own (a person's session)
    Publish {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Add a note
    Note {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// The note
        text: String,
    },
    /// Revoke a published indicator; its blocks end
    Revoke {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// Why; people read it later
        #[arg(long)]
        reason: String,
    },
}
