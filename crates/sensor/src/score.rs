//! One scoring function for every observable, with its factors. Formulas and sources: docs/attack-history.md.
//!
//! `c = 1 - prod over evidence k of (1 - w_k e^(-dt_k / tau))^m_k`, then corroboration, noise and benign lists.
//! A piece of evidence is one class seen by one sensor: its repetition counts by its logarithm, so that one loud source at one
//! sensor never looks like ten sensors.

use base::{OrgId, SensorId, Timestamp};
use events::sensor::{AttackClass, Factor, ValueKind};

/// One class seen by one sensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The sensor.
    pub sensor: SensorId,
    /// Its organisation.
    pub org: OrgId,
    /// The class.
    pub class: AttackClass,
    /// How many sessions.
    pub sessions: u64,
    /// The last of them.
    pub last_at: Timestamp,
}

/// A score and what it is made of; the parts sum to the score.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Score {
    /// 0 to 1.
    pub value: f64,
    /// Its parts, in the order they apply; penalties are negative.
    pub factors: Vec<Factor>,
}

/// The edges of the bands.
pub const BANDS: [f64; 3] = [0.4, 0.6, 0.8];

/// The band of a score: how many edges it reached.
#[must_use]
pub fn band(score: f64) -> u8 {
    BANDS.iter().map(|edge| u8::from(score >= *edge)).sum()
}

/// What one fresh session of the class at one sensor is worth. Classes without an application byte, or with a source that may
/// be forged, are worth nothing.
#[must_use]
pub const fn weight(class: AttackClass) -> f64 {
    match class {
        AttackClass::IcsControl => 0.70,
        AttackClass::Download => 0.65,
        AttackClass::ExploitAttempt => 0.60,
        AttackClass::CommandExecution => 0.50,
        AttackClass::ProxyAbuse | AttackClass::CredentialGuessing => 0.40,
        AttackClass::CredentialSpray => 0.35,
        AttackClass::BannerGrab => 0.05,
        AttackClass::Flood | AttackClass::Scan | AttackClass::UdpProbe => 0.0,
    }
}

/// After how many seconds evidence has faded to 1/e: addresses 3 days, URLs and domains 10, SSH keys 30; a file never changes.
#[must_use]
pub const fn fade_secs(kind: ValueKind) -> Option<f64> {
    const DAY: f64 = 86_400.0;
    match kind {
        ValueKind::Ipv4 | ValueKind::Ipv6 => Some(3.0 * DAY),
        ValueKind::Url | ValueKind::Domain => Some(10.0 * DAY),
        ValueKind::SshKey => Some(30.0 * DAY),
        ValueKind::Sha256 => None,
    }
}

/// Most that repetition at one sensor counts: 32 sessions and more are six times the evidence of one.
const MOST_REPETITION: f64 = 6.0;
/// What each further organisation adds, of what is left to certainty, and for how many it does.
const CORROBORATION: f64 = 0.15;
const MOST_CORROBORATION: usize = 3;
/// What remains of the score of background noise that did nothing but knock and guess.
const NOISE_LEFT: f64 = 0.7;
/// What remains of the score of an address on a benign list.
const BENIGN_LEFT: f64 = 0.1;

/// What else is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// Background noise of the network.
    pub noise: bool,
    /// Stands on a list of benign scanners.
    pub benign: bool,
}

/// The score at a time.
#[must_use]
pub fn score(kind: ValueKind, evidence: &[Evidence], context: Context, now: Timestamp) -> Score {
    let strongest = evidence.iter().map(|item| weight(item.class)).fold(0.0, f64::max);
    let mut out = Score { value: strongest, factors: vec![factor("class", strongest, strongest)] };
    // The same product, told in steps: fading of the strongest, repetition at its sensor, then the other evidence.
    let fade = |item: &Evidence| {
        let age = now.since(item.last_at).max(0) as f64 / 1e6;
        fade_secs(kind).map_or(1.0, |tau| (-age / tau).exp())
    };
    let missing = |item: &Evidence| 1.0 - weight(item.class) * fade(item);
    let lead = evidence.iter().min_by(|a, b| {
        let left = |item: &Evidence| missing(item).powf(repetition(item));
        left(a).total_cmp(&left(b)).then_with(|| (a.sensor, a.class).cmp(&(b.sensor, b.class)))
    });
    let Some(lead) = lead else { return out };
    out.step("recency", now.since(lead.last_at).max(0) as f64 / 3.6e9, 1.0 - missing(lead));
    out.step("repetition", lead.sessions as f64, 1.0 - missing(lead).powf(repetition(lead)));
    let mut sorted: Vec<&Evidence> = evidence.iter().collect();
    // Floating-point products depend on their order; a fixed one keeps the score reproducible.
    sorted.sort_unstable_by_key(|item| (item.sensor, item.class));
    let all: f64 = sorted.iter().map(|item| missing(item).powf(repetition(item))).product();
    out.step("sensors", count(evidence.iter().map(|item| item.sensor.0)) as f64, 1.0 - all);
    let telling = evidence.iter().filter(|item| weight(item.class) > 0.0);
    let orgs = count(telling.map(|item| item.org.0));
    let further = i32::try_from(orgs.saturating_sub(1).min(MOST_CORROBORATION)).unwrap_or(0);
    out.step("organisations", orgs as f64, 1.0 - (1.0 - out.value) * (1.0 - CORROBORATION).powi(further));
    let harmless = evidence.iter().all(|item| weight(item.class) <= weight(AttackClass::CredentialGuessing));
    if context.noise && harmless {
        out.step("noise", 1.0, out.value * NOISE_LEFT);
    }
    if context.benign {
        out.step("benign", 1.0, out.value * BENIGN_LEFT);
    }
    out
}

/// When the score will have fallen below the band it is in, to the second, if nothing new is seen; none where it never does.
#[must_use]
pub fn fades_at(kind: ValueKind, evidence: &[Evidence], context: Context, now: Timestamp) -> Option<Timestamp> {
    let value = |at: Timestamp| score(kind, evidence, context, at).value;
    let band = band(value(now));
    let edge = *BANDS.get(usize::from(band.checked_sub(1)?))?;
    // After forty times its own time nothing is left of any evidence.
    let (mut low, mut high) = (0_i64, (fade_secs(kind)? * 40.0) as i64);
    if value(now.plus_secs(high)) >= edge {
        return None;
    }
    while high - low > 1 {
        let middle = i64::midpoint(low, high);
        if value(now.plus_secs(middle)) < edge { high = middle } else { low = middle }
    }
    Some(now.plus_secs(high))
}

/// How often a piece of evidence counts: 1 + log2 of its sessions, bounded.
fn repetition(item: &Evidence) -> f64 {
    (1.0 + (item.sessions.max(1) as f64).log2()).min(MOST_REPETITION)
}

fn count(ids: impl Iterator<Item = uuid::Uuid>) -> usize {
    let mut ids: Vec<uuid::Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

fn factor(name: &str, input: f64, part: f64) -> Factor {
    Factor { name: name.to_owned(), input, part }
}

impl Score {
    fn step(&mut self, name: &str, input: f64, value: f64) {
        let value = value.clamp(0.0, 1.0);
        self.factors.push(factor(name, input, value - self.value));
        self.value = value;
    }
}

/// Background noise: the source was seen by at least five sensors within a day, and these are a fifth of all active ones or
/// stand in two sectors.
#[must_use]
pub const fn is_noise(sensors_hit: usize, sensors_active: usize, sectors: usize) -> bool {
    sensors_hit >= 5 && (sensors_hit * 5 >= sensors_active || sectors >= 2)
}

/// Targetedness of `n` independent contacts that all fell on a share `q` of what could have been hit: `T = -n log10 q`, the
/// improbability of chance in powers of ten. 6 and more is worth a look.
#[must_use]
pub fn targetedness(contacts: u64, share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 { 0.0 } else { -(contacts as f64) * share.log10() }
}

#[cfg(test)]
mod tests;
