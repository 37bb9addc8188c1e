//! The line to the centre's machine listener: a client that always shows the newest certificate.

use base::Env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::LinkError;
use crate::identity::Identity;
use crate::tls::{self, Kind};

/// The most bytes of an answer.
const ANSWER: usize = 1 << 20;

/// The line of an enrolled machine; cheap to clone.
#[derive(Debug, Clone)]
pub struct Line(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) kind: Kind,
    pub(crate) dir: PathBuf,
    pub(crate) env: Env,
    url: String,
    held: RwLock<Held>,
}

#[derive(Debug)]
struct Held {
    identity: Identity,
    client: reqwest::Client,
}

impl Line {
    /// The line of the identity in a folder.
    ///
    /// # Errors
    /// [`LinkError::Key`] when key and certificate cannot be used.
    pub fn open(dir: &Path, identity: Identity, kind: Kind, env: Env) -> Result<Self, LinkError> {
        let client = tls::enrolled(&identity, kind, &env)?;
        let url = identity.about.machine_url.trim_end_matches('/').to_owned();
        let held = RwLock::new(Held { identity, client });
        Ok(Self(Arc::new(Inner { kind, dir: dir.to_owned(), env, url, held })))
    }

    /// The client for the next request: new connections show the newest certificate.
    #[must_use]
    pub fn client(&self) -> reqwest::Client {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).client.clone()
    }

    /// The address of one of the machine's doors at the centre, for example `heartbeat`.
    #[must_use]
    pub fn door(&self, name: &str) -> String {
        format!("{}/{}/v1/{name}", self.0.url, self.0.kind.word())
    }

    pub(crate) fn identity(&self) -> Identity {
        self.0.held.read().unwrap_or_else(PoisonError::into_inner).identity.clone()
    }

    /// Keeps another key and certificate, then uses them; whatever fails, the present ones stay.
    pub(crate) fn take(&self, identity: Identity) -> Result<(), LinkError> {
        let client = tls::enrolled(&identity, self.0.kind, &self.0.env)?;
        identity.keep_pair(&self.0.dir)?;
        *self.0.held.write().unwrap_or_else(PoisonError::into_inner) = Held { identity, client };
        Ok(())
    }
}

/// The error with its whole chain: reqwest's own text says too little.
#[allow(clippy::needless_pass_by_value, reason = "used as map_err(unreachable)")]
pub(crate) fn unreachable(error: reqwest::Error) -> LinkError {
    let why = causes(&error.without_url());
    // HTTP/2 keeps of the centre's last word in TLS (RFC 8446 section 6.2) the text only. It may be lost when the line
    // breaks; the next look hears it.
    if why.contains("fatal alert: CertificateExpired") { LinkError::Ended(why) } else { LinkError::Centre(why) }
}

/// The body of an answer, within bounds.
///
/// # Errors
/// [`LinkError::Centre`] when it breaks off or is too long.
pub async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, LinkError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER {
            return Err(LinkError::Centre("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes in one line.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
