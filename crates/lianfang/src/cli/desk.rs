//! What people at the desk decide, as it is typed: findings, silences, the automatic path, second looks.

use clap::{Args, Subcommand};

use super::Remote;

/// `lianfang finding ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Finding {
    /// What waits for a person
    List {
        #[command(flatten)]
        remote: Remote,
        /// Closed ones too
        #[arg(long)]
        all: bool,
        /// Only this rule
        #[arg(long)]
        rule: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// One finding with its reasons
    Show {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Take it (a person's session)
    Take {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Close it
    Resolve {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// true_positive, false_positive, benign or duplicate
        #[arg(long)]
        outcome: String,
        /// Why; people read it later
        #[arg(long)]
        reason: String,
    },
    /// Undo the last step
    Undo {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
    /// Silence this rule about this subject
    Silence {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// Hours until the silence ends
        #[arg(long)]
        hours: i64,
        /// Why; people read it later
        #[arg(long)]
        reason: String,
    },
}

/// `lianfang silence ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Silence {
    /// Silences that hide something now
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Silence a noise until an end
    Add(SilenceAdd),
    /// End a silence early
    End {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
    },
}

/// `lianfang silence add`
#[derive(Debug, Args)]
pub(crate) struct SilenceAdd {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Code name of the organisation
    #[arg(long)]
    pub(crate) org: String,
    /// The rule
    #[arg(long)]
    pub(crate) rule: String,
    /// Kind of the subject, with --subject; every subject when left out
    #[arg(long, requires = "subject")]
    pub(crate) kind: Option<String>,
    /// The subject
    #[arg(long, requires = "kind")]
    pub(crate) subject: Option<String>,
    /// Hours until it ends
    #[arg(long)]
    pub(crate) hours: i64,
    /// Why; people read it later
    #[arg(long)]
    pub(crate) reason: String,
    /// Only say what it would have hidden
    #[arg(long)]
    pub(crate) preview: bool,
}

/// `lianfang automatic ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Automatic {
    /// Class by class
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Open or close the path of a class, or change its proof; what is left out stays
    Set(AutomaticSet),
}

/// `lianfang automatic set`
#[derive(Debug, Args)]
pub(crate) struct AutomaticSet {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// The attack class
    pub(crate) class: String,
    /// Open the path
    #[arg(long, conflicts_with = "close")]
    pub(crate) open: bool,
    /// Close the path: a person decides again
    #[arg(long)]
    pub(crate) close: bool,
    /// From this score on, 0.6 to 1
    #[arg(long)]
    pub(crate) min_score: Option<f64>,
    /// Seen by at least so many sensors
    #[arg(long)]
    pub(crate) min_sensors: Option<u64>,
    /// In force for so many hours
    #[arg(long)]
    pub(crate) hours: Option<i64>,
}

/// `lianfang night ...`
#[derive(Debug, Subcommand)]
pub(crate) enum Night {
    /// Decisions that wait for a second look
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Confirm or object; never one's own (a person's session)
    Close {
        #[command(flatten)]
        remote: Remote,
        /// Its id
        id: String,
        /// confirmed or objected
        #[arg(long)]
        outcome: String,
        /// Why; an objection needs it
        #[arg(long, default_value = "")]
        note: String,
    },
}
