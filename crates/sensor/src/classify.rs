//! From a session's summary to its class, with the reason. Pure: the first rule that matches decides.

use events::sensor::AttackClass;
use serde::{Deserialize, Serialize};

use crate::summary::Summary;

/// Why a session has its class.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's stable name.
    pub rule: String,
    /// The facts it matched on: name and value.
    pub facts: Vec<(String, String)>,
}

/// A source that opens so many sessions without content at one sensor within one minute floods it.
pub const FLOOD_PER_MINUTE: i64 = 60;

/// Distinct passwords per user from which trying is guessing at somebody rather than spraying.
const PASSWORDS_PER_USER: u64 = 3;

/// The class of a session by itself; whether it is part of a flood depends on its neighbours, see [`as_flood`].
#[must_use]
pub fn classify(summary: &Summary) -> (AttackClass, Reason) {
    let first = |texts: &mut dyn Iterator<Item = &str>| texts.next().unwrap_or_default().to_owned();
    if summary.udp {
        return (AttackClass::UdpProbe, reason("udp", vec![("events", summary.events.to_string())]));
    }
    if !summary.controls.is_empty() {
        return (
            AttackClass::IcsControl,
            reason("control-function", vec![("function", first(&mut summary.controls.iter()))]),
        );
    }
    if !summary.hashes.is_empty() || !summary.urls.is_empty() {
        let facts = vec![
            ("files", summary.hashes.len().to_string()),
            ("urls", summary.urls.len().to_string()),
            ("first", first(&mut summary.urls.iter().chain(summary.hashes.iter()))),
        ];
        return (AttackClass::Download, reason("file", facts));
    }
    if !summary.exploits.is_empty() {
        return (
            AttackClass::ExploitAttempt,
            reason("technique", vec![("technique", first(&mut summary.exploits.iter()))]),
        );
    }
    if summary.commands > 0 {
        let facts = vec![("commands", summary.commands.to_string()), ("first", first(&mut summary.lines.texts()))];
        return (AttackClass::CommandExecution, reason("command", facts));
    }
    if !summary.forwards.is_empty() {
        let facts =
            vec![("targets", summary.forwards.len().to_string()), ("first", first(&mut summary.forwards.iter()))];
        return (AttackClass::ProxyAbuse, reason("forward", facts));
    }
    if summary.attempts > 0 {
        return credentials(summary);
    }
    if summary.requests > 0 {
        let facts = vec![("requests", summary.requests.to_string()), ("first", first(&mut summary.targets.texts()))];
        return (AttackClass::BannerGrab, reason("request", facts));
    }
    if summary.spoke {
        let client = summary.client.first().or_else(|| summary.hassh.first()).unwrap_or_default().to_owned();
        return (AttackClass::BannerGrab, reason("hello", vec![("client", client)]));
    }
    (AttackClass::Scan, reason("no-byte", Vec::new()))
}

fn credentials(summary: &Summary) -> (AttackClass, Reason) {
    let (users, passwords) = (summary.users.count(), summary.passwords.count());
    let facts = vec![
        ("attempts", summary.attempts.to_string()),
        ("users", users.to_string()),
        ("passwords", passwords.to_string()),
    ];
    let class = credential_class(users, passwords);
    let rule =
        if class == AttackClass::CredentialGuessing { "many-passwords-per-user" } else { "few-passwords-per-user" };
    (class, reason(rule, facts))
}

/// Guessing at somebody or spraying, by what was tried: within a session, or within the window of its source.
#[must_use]
pub const fn credential_class(users: u64, passwords: u64) -> AttackClass {
    let users = if users == 0 { 1 } else { users };
    if passwords >= PASSWORDS_PER_USER * users { AttackClass::CredentialGuessing } else { AttackClass::CredentialSpray }
}

/// Whether a session of this class is about credentials and nothing else.
#[must_use]
pub const fn is_credential_class(class: AttackClass) -> bool {
    matches!(class, AttackClass::CredentialGuessing | AttackClass::CredentialSpray)
}

/// The reason where the other sessions of the source at the organisation turned the class.
#[must_use]
pub fn across_sessions(alone: AttackClass, shown: AttackClass, own: Reason) -> Reason {
    if alone == shown || !is_credential_class(alone) || !is_credential_class(shown) {
        return own;
    }
    let guessing = shown == AttackClass::CredentialGuessing;
    let rule = if guessing { "many-passwords-across-sessions" } else { "many-users-across-sessions" };
    Reason { rule: rule.to_owned(), facts: own.facts }
}

/// Whether a session of this class counts towards a flood: one without content.
#[must_use]
pub const fn is_empty_class(class: AttackClass) -> bool {
    matches!(class, AttackClass::Scan | AttackClass::BannerGrab)
}

/// The class and reason as shown: a session without content among [`FLOOD_PER_MINUTE`] others of its minute is part of a flood.
#[must_use]
pub fn as_flood(base: AttackClass, neighbours: i64) -> Option<(AttackClass, Reason)> {
    (is_empty_class(base) && neighbours >= FLOOD_PER_MINUTE).then(|| {
        let facts = vec![("sessions-per-minute", format!("{FLOOD_PER_MINUTE}+"))];
        (AttackClass::Flood, reason("many-empty-sessions", facts))
    })
}

fn reason(rule: &str, facts: Vec<(&str, String)>) -> Reason {
    Reason { rule: rule.to_owned(), facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

#[cfg(test)]
mod tests;
