//! Signing in as it is typed.

use std::path::PathBuf;

use clap::Args;

/// `lianfang sign-in`
///
/// The password is never an argument: other users of a host read the arguments of its programs.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Address of the centre, for example https://127.0.0.1:8443
    #[arg(long, env = "LIANFANG_URL", default_value = "https://127.0.0.1:8443")]
    pub(crate) url: String,
    /// Certificate authority of the centre (DATA/tls/ca.pem)
    #[arg(long, env = "LIANFANG_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// Sign-in name
    #[arg(long)]
    pub(crate) name: String,
    /// File whose first line is the password; asked for on the terminal when left out
    #[arg(long)]
    pub(crate) password_file: Option<PathBuf>,
    /// The authenticator's code, or - to read it from standard input; asked for on the terminal when left out
    ///
    /// A recovery code belongs on standard input or the terminal: as an argument other users of the host read it, and
    /// until it is spent it stands for the authenticator.
    #[arg(long)]
    pub(crate) code: Option<String>,
    /// The code is a recovery code; it is spent. Give it with --code - or on the terminal
    #[arg(long)]
    pub(crate) recovery: bool,
    /// The session file to write (mode 0600)
    #[arg(long, default_value = "lianfang-session")]
    pub(crate) out: PathBuf,
    /// JSON instead of words
    #[arg(long)]
    pub(crate) json: bool,
}
