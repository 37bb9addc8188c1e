//! Noise, targeted, or undecided: one function for sources and campaigns, with its factors. Formula and sources:
//! docs/attack-history.md. Pure; what is not known speaks for neither side.

use events::sensor::{Aim, Factor};

use crate::score::is_noise;
use crate::summary::Summary;

/// What is known about a source or a campaign.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Signs {
    /// Sensors hit: of a source within a day, of a campaign ever.
    pub sensors: usize,
    /// Active sensors of the centre.
    pub active: usize,
    /// Organisations of the sensors hit.
    pub orgs: usize,
    /// Their sectors.
    pub sectors: usize,
    /// Addresses that show the same lists, commands or client: those of the campaign.
    pub sources: u64,
    /// Organisations that the campaign hit.
    pub shared_orgs: u64,
    /// Targetedness T = -n log10 q.
    pub targetedness: f64,
    /// Sessions that used a name of the organisation they attacked.
    pub named: u64,
    /// Sessions typed at human pace.
    pub human: u64,
    /// Stands on a list of known benign scanners.
    pub benign: bool,
}

/// From this sum on it is targeted; from its negative on down it is noise.
pub const DECIDED: f64 = 1.0;

/// The answer and what it is made of; the parts sum to what was compared with [`DECIDED`].
#[must_use]
pub fn aim(signs: &Signs) -> (Aim, Vec<Factor>) {
    let mut factors = Vec::new();
    let mut add = |name: &str, input: f64, part: f64| {
        if part != 0.0 {
            factors.push(Factor { name: name.to_owned(), input, part });
        }
    };
    let further = signs.orgs.saturating_sub(1) as f64;
    let broad = is_noise(signs.sensors, signs.active, signs.sectors);
    add("breadth", signs.sensors as f64, if broad { -1.5 } else { -0.1 * further.min(3.0) });
    add("sectors", signs.sectors as f64, -0.25 * (signs.sectors.saturating_sub(1) as f64).min(2.0));
    let public_list = signs.sources >= 3 && signs.shared_orgs >= 2;
    add("shared", signs.sources as f64, if public_list { -1.0 } else { 0.0 });
    add("focus", signs.targetedness, (signs.targetedness / 6.0).clamp(0.0, 2.0));
    add("names", signs.named as f64, if signs.named > 0 { 1.5 } else { 0.0 });
    add("pace", signs.human as f64, if signs.human > 0 { 0.5 } else { 0.0 });
    add("benign", 1.0, if signs.benign { -2.0 } else { 0.0 });
    let sum: f64 = factors.iter().map(|factor| factor.part).sum();
    let answer = if sum >= DECIDED {
        Aim::Targeted
    } else if sum <= -DECIDED {
        Aim::Noise
    } else {
        Aim::Undecided
    };
    (answer, factors)
}

/// Commands from which a pace can be told.
const COMMANDS: usize = 4;
/// The median gap of somebody who reads and types, milliseconds.
const GAP_MILLIS: std::ops::RangeInclusive<i64> = 1_500..=300_000;

/// Whether a person typed: the median gap between commands is that of one, and the gaps are not a script's even sleep
/// (their mean absolute deviation is at least three tenths of their mean).
#[must_use]
pub fn typed_by_hand(summary: &Summary) -> bool {
    let times: Vec<i64> = summary.lines.times().map(|at| at.as_micros() / 1_000).collect();
    if times.len() < COMMANDS {
        return false;
    }
    let mut gaps: Vec<i64> = times.iter().zip(times.iter().skip(1)).map(|(a, b)| b - a).collect();
    gaps.sort_unstable();
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
    let mean = gaps.iter().sum::<i64>() as f64 / gaps.len() as f64;
    let spread = gaps.iter().map(|gap| (*gap as f64 - mean).abs()).sum::<f64>() / gaps.len() as f64;
    GAP_MILLIS.contains(&median) && spread >= 0.3 * mean
}

/// Words that name nobody: an organisation called so is not recognised by them.
const COMMON: [&str; 12] = [
    "admin",
    "administrator",
    "center",
    "centre",
    "company",
    "default",
    "internet",
    "network",
    "public",
    "server",
    "service",
    "support",
];

/// The words by which an organisation is recognised in what attackers type: its code and names without spaces, its domains
/// and their first labels; lower case, at least five bytes, none that is common.
#[must_use]
pub fn words_of<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = names
        .flat_map(|name| {
            let name = name.trim().to_lowercase();
            let label = name.split_once('.').map(|(label, _)| label.to_owned());
            let joined = name.replace([' ', '-', '_'], "");
            [Some(name), label, Some(joined)].into_iter().flatten()
        })
        .filter(|word| word.len() >= 5 && !COMMON.contains(&word.as_str()))
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;

    fn answer(signs: &Signs) -> Aim {
        aim(signs).0
    }

    #[test]
    fn three_answers() {
        let one = Signs { sensors: 1, active: 30, orgs: 1, sectors: 1, ..Signs::default() };
        assert_eq!(answer(&one), Aim::Undecided, "little is known");
        let broad = Signs { sensors: 6, orgs: 3, sectors: 2, ..one };
        assert_eq!(answer(&broad), Aim::Noise);
        assert_eq!(answer(&Signs { named: 1, ..one }), Aim::Targeted);
        assert_eq!(answer(&Signs { named: 1, ..broad }), Aim::Undecided, "one sign against the other");
        assert_eq!(answer(&Signs { targetedness: 6.0, ..one }), Aim::Targeted);
        assert_eq!(answer(&Signs { targetedness: 3.0, ..one }), Aim::Undecided);
        assert_eq!(answer(&Signs { targetedness: 3.0, human: 1, ..one }), Aim::Targeted);
        assert_eq!(answer(&Signs { sources: 9, shared_orgs: 2, ..one }), Aim::Noise, "a public list");
        assert_eq!(answer(&Signs { benign: true, ..one }), Aim::Noise);
    }

    #[test]
    fn the_parts_tell_the_answer() {
        let signs = Signs { sensors: 6, active: 30, orgs: 4, sectors: 2, named: 2, human: 1, ..Signs::default() };
        let (aim, factors) = aim(&signs);
        let names: Vec<&str> = factors.iter().map(|factor| factor.name.as_str()).collect();
        assert_eq!((aim, names), (Aim::Undecided, vec!["breadth", "sectors", "names", "pace"]));
    }

    #[test]
    fn hands_and_scripts() {
        let typed = |gaps: &[i64]| {
            let mut summary = Summary::default();
            let mut at = 0;
            for (n, gap) in gaps.iter().enumerate() {
                at += gap;
                summary.lines.add(Timestamp::from_micros(at * 1_000), &format!("c{n}"), 10);
            }
            typed_by_hand(&summary)
        };
        assert!(typed(&[0, 2_000, 7_000, 3_100, 1_200]));
        assert!(!typed(&[0, 5_000, 5_001, 5_000, 5_002]), "an even sleep");
        assert!(!typed(&[0, 12, 9, 40, 3]), "a script");
        assert!(!typed(&[0, 2_000, 7_000]), "too few");
    }

    #[test]
    fn words_name_somebody() {
        let words = words_of(["North-Power", "admin", "北區電力", "north-power.example", "np"].into_iter());
        assert_eq!(words, ["north-power", "north-power.example", "northpower", "northpower.example", "北區電力"]);
    }
}
