//! Where time and randomness come in: an [`Env`] is handed to whoever needs them, so that tests and the demo can fix both.

use rand::{RngCore, SeedableRng, TryRngCore};
use rand_chacha::ChaCha12Rng;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::id::Id;
use crate::time::Timestamp;

/// A source of the present time.
pub trait Clock: Send + Sync {
    /// Now, UTC, microseconds.
    fn now(&self) -> Timestamp;
}

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills the slice.
    fn fill(&self, into: &mut [u8]);
}

/// The clock of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// A clock moved by hand, for tests and replays.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(start.as_micros())))
    }

    /// Sets the time, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Moves the time by whole seconds, forwards or back.
    pub fn advance_secs(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// The random device of the machine.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, into: &mut [u8]) {
        // The thread generator is seeded from the operating system; the device itself is the second choice.
        if rand::rngs::OsRng.try_fill_bytes(into).is_err() {
            rand::rng().fill_bytes(into);
        }
    }
}

/// Random bytes from a seed: the same seed gives the same bytes.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<ChaCha12Rng>);

impl SeededEntropy {
    /// A source that starts from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self(Mutex::new(ChaCha12Rng::seed_from_u64(seed))))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, into: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(into);
    }
}

/// Time and randomness, cheap to clone.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Env").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Env {
    /// The machine's clock and random device.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
    }

    /// Sources of the caller's choice.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy }
    }

    /// A clock moved by hand and a seeded source, for tests.
    #[must_use]
    pub fn fixed(start: Timestamp, seed: u64) -> (Self, Arc<ManualClock>) {
        let clock = ManualClock::at(start);
        (Self { clock: clock.clone(), entropy: SeededEntropy::new(seed) }, clock)
    }

    /// Now, UTC, microseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut out = [0_u8; N];
        self.entropy.fill(&mut out);
        out
    }

    /// A fresh identifier: a UUIDv7 of now.
    #[must_use]
    pub fn id<I: Id>(&self) -> I {
        let millis = u64::try_from(self.now().as_micros() / 1000).unwrap_or(0);
        I::from(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OrgId;

    #[test]
    fn same_seed_same_ids_and_time_moves_by_hand() {
        let start = Timestamp::from_micros(1_763_000_000_000_000);
        let (one, clock) = Env::fixed(start, 7);
        let (two, _) = Env::fixed(start, 7);
        assert_eq!(one.id::<OrgId>(), two.id::<OrgId>());
        let before = one.id::<OrgId>();
        clock.advance_secs(1);
        assert!(one.id::<OrgId>() > before, "ids sort by time");
    }
}
