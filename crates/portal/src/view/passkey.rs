//! The form that carries what an authenticator answers: the script fills it in, the server checks every byte.

use access::passkey::Ask;
use access::passkey::wire::ALGORITHMS;
use askama::Template;
use text::Words;

use crate::view::cell::ui;
use crate::view::component;

/// A passkey is made or shown.
#[derive(Debug, Clone, Template)]
#[template(path = "part/passkey.html")]
pub(crate) struct Passkey {
    t: &'static Words,
    /// `create` or `get`, as the browser's interface calls it.
    ceremony: &'static str,
    action: &'static str,
    csrf: String,
    next: String,
    ask: Ask,
    /// Ids of credentials, divided by blanks.
    credentials: String,
    algorithms: String,
}

impl Passkey {
    /// Fields of the answer.
    pub(crate) const PARTS: [&'static str; 6] =
        ["credential", "client_data", "object", "authenticator_data", "signature", "user"];

    /// A form that makes a passkey.
    pub(crate) fn create(t: &'static Words, action: &'static str, csrf: String, next: &str, ask: Ask) -> Self {
        let (credentials, next) = (ask.credentials.join(" "), next.to_owned());
        let algorithms = ALGORITHMS.map(|algorithm| algorithm.to_string()).join(" ");
        Self { t, ceremony: "create", action, csrf, next, ask, credentials, algorithms }
    }

    /// A form that shows one.
    pub(crate) fn get(t: &'static Words, action: &'static str, csrf: String, next: &str, ask: Ask) -> Self {
        Self { ceremony: "get", ..Self::create(t, action, csrf, next, ask) }
    }
}

component!(Passkey);
