//! The guard chain: a bad feed cannot block a protected network, whatever its score.
//!
//! Pure, and compiled into centre and point alike: the centre asks [`Guards::chain`] before a directive becomes
//! active, the point asks [`Guards::admit`] again for every entry of every frame. Order of the chain: form,
//! expiry, protected networks. The rate of change is watched by [`ChangeMeter`], the precedence of allow by
//! [`NetIndex`] over the allowing entries.

pub mod change;
pub mod overlap;
pub mod reason;
pub mod special;

use base::{AddrSpec, Timestamp};

use crate::wire::{Config, Entry, Intent, ProtectedNet};

pub use change::ChangeMeter;
pub use overlap::NetIndex;
pub use reason::{GuardName, Reason, Ruling, Verdict};

/// A denial may last so long at most: seven days for addresses.
pub const MAX_DENY_SECS: i64 = 7 * 86_400;
/// An exception may last so long at most, then somebody must look at it again.
pub const MAX_ALLOW_SECS: i64 = 90 * 86_400;

/// What differs between centres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuardProfile {
    /// Unprotects exactly 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32: for the demonstration only.
    pub allow_documentation: bool,
    /// The longest life of a denial, in seconds.
    pub max_deny_secs: i64,
    /// The longest life of an exception, in seconds.
    pub max_allow_secs: i64,
}

impl Default for GuardProfile {
    fn default() -> Self {
        Self { allow_documentation: false, max_deny_secs: MAX_DENY_SECS, max_allow_secs: MAX_ALLOW_SECS }
    }
}

/// The guards of a centre or point, ready to be asked: each question costs O(log n) of the protected networks.
#[derive(Debug, Clone)]
pub struct Guards {
    profile: GuardProfile,
    protected: NetIndex<String>,
}

impl Guards {
    /// Guards with the networks compiled in and these further ones.
    #[must_use]
    pub fn new(profile: GuardProfile, further: &[ProtectedNet]) -> Self {
        let compiled = special::networks(profile.allow_documentation).map(|net| (net.spec, net.why()));
        let configured = further.iter().map(|net| (net.net, net.why.clone()));
        Self { profile, protected: NetIndex::new(compiled.chain(configured)) }
    }

    /// The guards of a point under this configuration.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let profile = GuardProfile { allow_documentation: config.allow_documentation, ..GuardProfile::default() };
        Self::new(profile, &config.protected)
    }

    /// The profile it was made with.
    #[must_use]
    pub const fn profile(&self) -> GuardProfile {
        self.profile
    }

    /// The protected network that shares an address with `key`, and why it is protected.
    #[must_use]
    pub fn protected(&self, key: AddrSpec) -> Option<(AddrSpec, &str)> {
        self.protected.overlapping(key).map(|(net, why)| (net, why.as_str()))
    }

    /// What every guard says about a directive, in the order of the chain.
    #[must_use]
    pub fn chain(&self, key: AddrSpec, intent: Intent, expires: Timestamp, now: Timestamp) -> Vec<Verdict> {
        vec![
            Verdict::of(GuardName::Form, form(key)),
            Verdict::of(GuardName::Expiry, self.expiry(intent, expires, now, 0)),
            Verdict::of(GuardName::Protected, self.protection(key, intent)),
        ]
    }

    /// What a point asks for each entry. Wide networks that a person approved pass; everything rejected does not.
    ///
    /// # Errors
    /// Why the entry must not reach the engine. [`Reason::Ended`] is ordinary: its time has just run out.
    pub fn admit(&self, entry: &Entry, now: Timestamp) -> Result<(), Reason> {
        let reasons = [
            form(entry.key),
            self.expiry(entry.intent, entry.expires, now, crate::wire::frame::CLOCK_SKEW_SECS),
            self.protection(entry.key, entry.intent),
        ];
        reasons.into_iter().flatten().find(|reason| reason.ruling() == Ruling::Reject).map_or(Ok(()), Err)
    }

    fn expiry(&self, intent: Intent, expires: Timestamp, now: Timestamp, skew: i64) -> Option<Reason> {
        let most = match intent {
            Intent::Deny => self.profile.max_deny_secs,
            Intent::Allow => self.profile.max_allow_secs,
        };
        if expires <= now {
            Some(Reason::Ended { expires })
        } else if expires > now.plus_secs(most.saturating_add(skew)) {
            Some(Reason::TooLong { most_secs: most })
        } else {
            None
        }
    }

    fn protection(&self, key: AddrSpec, intent: Intent) -> Option<Reason> {
        let (net, why) = self.protected(key).filter(|_| intent == Intent::Deny)?;
        Some(Reason::Protected { net, why: why.to_owned() })
    }
}

/// Networks wider than /24 (IPv4) or /48 (IPv6) wait for a person; wider than /16 or /32 they are never taken.
#[must_use]
pub fn form(key: AddrSpec) -> Option<Reason> {
    let prefix = key.net().prefix_len();
    let (hold_below, reject_below) = if key.is_v4() { (24, 16) } else { (48, 32) };
    if prefix < reject_below {
        Some(Reason::FarTooWide { prefix, least: reject_below })
    } else if prefix < hold_below {
        Some(Reason::Wide { prefix, least: hold_below })
    } else {
        None
    }
}

/// The ruling of a whole chain: the strictest one.
#[must_use]
pub fn ruling(verdicts: &[Verdict]) -> Ruling {
    verdicts.iter().map(|verdict| verdict.ruling).max().unwrap_or(Ruling::Pass)
}
