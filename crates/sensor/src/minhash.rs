//! MinHash over command sequences (Broder 1997): how alike two sessions are by what they typed, and which ones to compare.

use crate::sketch::{hash64, mix};

/// Number of minima.
pub const SLOTS: usize = 128;
/// Bands of four: two sessions with similarity 0.7 share one with probability 1 - (1 - 0.7^4)^32 = 0.9998.
pub const BANDS: usize = 32;
/// From this similarity on, two sequences are one.
pub const ALIKE: f64 = 0.7;
/// Words per shingle.
const SHINGLE: usize = 3;
/// Sequences with fewer distinct shingles say too little: everybody types `uname -a`.
pub const FEWEST_SHINGLES: usize = 4;

/// The signature of a sequence of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature([u32; SLOTS]);

impl Signature {
    /// The signature; none for a sequence that says too little.
    #[must_use]
    pub fn of(words: &[String]) -> Option<Self> {
        let mut shingles: Vec<u64> = words
            .windows(SHINGLE)
            .map(|shingle| hash64(&shingle.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        shingles.sort_unstable();
        shingles.dedup();
        if shingles.len() < FEWEST_SHINGLES {
            return None;
        }
        let mut slots = [u32::MAX; SLOTS];
        for (number, slot) in slots.iter_mut().enumerate() {
            // One independent hash function per slot: the finaliser over the shingle and the slot's own constant.
            let salt = mix(number as u64 + 1);
            *slot = shingles.iter().map(|shingle| (mix(shingle ^ salt) >> 32) as u32).min().unwrap_or(u32::MAX);
        }
        Some(Self(slots))
    }

    /// The estimated Jaccard similarity: the share of equal minima.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> f64 {
        let equal = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        equal as f64 / SLOTS as f64
    }

    /// One hash per band.
    pub fn bands(&self) -> impl Iterator<Item = u64> + '_ {
        self.0
            .chunks(SLOTS / BANDS)
            .enumerate()
            .map(|(number, rows)| rows.iter().fold(mix(number as u64 + 1), |hash, row| mix(hash ^ u64::from(*row))))
    }

    /// As bytes, for a column.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|slot| slot.to_be_bytes()).collect()
    }

    /// From the bytes of a column.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut slots = [0_u32; SLOTS];
        let (chunks, rest) = bytes.as_chunks::<4>();
        if chunks.len() != SLOTS || !rest.is_empty() {
            return None;
        }
        for (slot, chunk) in slots.iter_mut().zip(chunks) {
            *slot = u32::from_be_bytes(*chunk);
        }
        Some(Self(slots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(range: std::ops::Range<u32>) -> Vec<String> {
        range.map(|n| format!("word{n}")).collect()
    }

    #[test]
    fn estimates_the_jaccard_similarity() {
        // 98 shingles each, 84 shared of 112 in all: J = 0.75.
        let (one, two) = (Signature::of(&words(0..100)).unwrap(), Signature::of(&words(14..114)).unwrap());
        let similarity = one.similarity(&two);
        // The standard error of 128 slots is sqrt(J(1-J)/128) = 0.038; three of them.
        assert!((similarity - 0.75).abs() < 0.115, "{similarity}");
        assert!(one.bands().zip(two.bands()).any(|(a, b)| a == b));
        assert_eq!(one.bands().count(), BANDS);
    }

    #[test]
    fn strangers_share_nothing_and_short_ones_have_none() {
        let (one, two) = (Signature::of(&words(0..50)).unwrap(), Signature::of(&words(100..150)).unwrap());
        assert!(one.similarity(&two) < 0.1);
        assert_eq!(Signature::of(&words(0..5)), None);
        assert_eq!(Signature::from_bytes(&one.to_bytes()), Some(one));
        assert_eq!(Signature::from_bytes(&[0; 3]), None);
    }
}
