//! How a sensor is doing: its rhythm learned, its silence judged. Pure.

use base::Timestamp;

use crate::model::SensorState;
use crate::wire::Heartbeat;

/// A sensor without a heartbeat for so long is missing: three heartbeats.
pub const HEARTBEAT_MISSING_SECS: i64 = 90;
/// A clock farther off than this impairs what the sensor says.
const CLOCK_OFF_MICROS: i64 = 30_000_000;
/// How long the rhythm remembers.
const MEMORY_SECS: f64 = 86_400.0;
/// The rhythm is measured again after so long.
const MEASURE_SECS: i64 = 60;
/// No silence alarm before so long, however busy the sensor; and always one after the other.
const WINDOW_SECS: std::ops::RangeInclusive<f64> = 300.0..=86_400.0;
/// `-ln(1e-6)`: silence that a Poisson process shows once in a million windows.
const IMPROBABLE: f64 = 13.815_510_557_964_274;

/// What is known about a sensor's rhythm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Whether it sends heartbeats; importers do not.
    pub beats: bool,
    /// When it joined.
    pub enrolled_at: Timestamp,
    /// Its last heartbeat.
    pub last_heard: Option<Timestamp>,
    /// Its last event.
    pub last_event: Option<Timestamp>,
    /// Sessions it saw so far.
    pub sessions: i64,
    /// Learned rate, sessions per second.
    pub rate: f64,
    /// When the rate was measured.
    pub rate_at: Timestamp,
    /// Sessions at that time.
    pub rate_sessions: i64,
    /// Since when it is silent.
    pub silent_since: Option<Timestamp>,
    /// Since when its heartbeat is missing.
    pub missing_since: Option<Timestamp>,
}

/// After how many seconds of silence at this rate the alarm goes: `e^(-rate * window) < 1e-6`, within bounds.
#[must_use]
pub fn silence_window(rate: f64) -> f64 {
    let window = if rate > 0.0 { IMPROBABLE / rate } else { f64::INFINITY };
    window.clamp(*WINDOW_SECS.start(), *WINDOW_SECS.end())
}

/// The rate after a measurement: an exponential average that remembers a day, and the plain mean of a sensor younger than that.
#[must_use]
pub fn learn(rate: f64, sessions: i64, seconds: f64, age: f64) -> f64 {
    if seconds <= 0.0 {
        return rate;
    }
    let measured = sessions.max(0) as f64 / seconds;
    let weight = (1.0 - (-seconds / MEMORY_SECS).exp()).max((seconds / age.max(seconds)).min(1.0));
    rate + weight * (measured - rate)
}

impl Pulse {
    /// The pulse at a later time.
    #[must_use]
    pub fn beat(&self, now: Timestamp) -> Self {
        let mut after = *self;
        let quiet_since = self.last_event.unwrap_or(self.enrolled_at);
        let quiet = now.since(quiet_since) as f64 / 1e6;
        // A sensor that never saw anything has no rhythm to break; importers speak when somebody sends a file.
        let silent = self.beats && self.sessions > 0 && quiet > silence_window(self.rate);
        after.silent_since = silent.then_some(self.silent_since.unwrap_or(quiet_since));
        let heard = self.last_heard.unwrap_or(self.enrolled_at);
        let missing = self.beats && now.since(heard) > HEARTBEAT_MISSING_SECS * 1_000_000;
        after.missing_since = missing.then_some(self.missing_since.unwrap_or(heard));
        let elapsed = now.since(self.rate_at);
        // While it is silent nothing is learned: otherwise silence would become its rhythm.
        if !silent && !missing && elapsed >= MEASURE_SECS * 1_000_000 {
            let age = now.since(self.enrolled_at) as f64 / 1e6;
            after.rate = learn(self.rate, self.sessions - self.rate_sessions, elapsed as f64 / 1e6, age);
            after.rate_at = now;
            after.rate_sessions = self.sessions;
        }
        after
    }
}

/// The state people see.
#[must_use]
pub fn state_of(
    pulse: &Pulse,
    revoked: bool,
    health: Option<&Heartbeat>,
    clock_offset: Option<i64>,
    now: Timestamp,
) -> SensorState {
    let now = pulse.beat(now);
    if revoked {
        return SensorState::Revoked;
    }
    if !pulse.beats {
        return if pulse.last_event.is_some() { SensorState::Healthy } else { SensorState::Enrolled };
    }
    if pulse.last_heard.is_none() && pulse.last_event.is_none() {
        return SensorState::Enrolled;
    }
    if now.missing_since.is_some() {
        return SensorState::Missing;
    }
    if now.silent_since.is_some() {
        return SensorState::Silent;
    }
    let clock_off = clock_offset.is_some_and(|offset| offset.saturating_abs() > CLOCK_OFF_MICROS);
    let impaired = health.is_some_and(|beat| beat.spool_dropped > 0 || beat.probes.iter().any(|probe| !probe.ok));
    if clock_off || impaired { SensorState::Impaired } else { SensorState::Healthy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_micros(secs * 1_000_000)
    }

    fn busy() -> Pulse {
        Pulse {
            beats: true,
            enrolled_at: at(0),
            last_heard: Some(at(100_000)),
            last_event: Some(at(100_000)),
            sessions: 2_100,
            rate: 0.021,
            rate_at: at(100_000),
            rate_sessions: 2_100,
            silent_since: None,
            missing_since: None,
        }
    }

    #[test]
    fn the_window_follows_the_rhythm() {
        // 1,834 events a day: eleven minutes of silence, as measured on a public log of 2018.
        assert!((silence_window(1_834.0 / 86_400.0) / 60.0 - 10.85).abs() < 0.01);
        assert_eq!(silence_window(1_000.0), 300.0);
        assert_eq!(silence_window(0.0), 86_400.0);
    }

    #[test]
    fn silence_is_told_from_a_dead_sensor() {
        let mut pulse = busy();
        let now = at(100_000 + 800);
        pulse.last_heard = Some(now);
        assert_eq!(state_of(&pulse, false, None, None, now), SensorState::Silent);
        assert_eq!(pulse.beat(now).silent_since, Some(at(100_000)));
        pulse.last_heard = Some(at(100_000));
        assert_eq!(state_of(&pulse, false, None, None, at(100_080)), SensorState::Healthy);
        assert_eq!(state_of(&pulse, false, None, None, at(100_091)), SensorState::Missing);
        assert_eq!(state_of(&pulse, true, None, None, at(100_091)), SensorState::Revoked);
    }

    #[test]
    fn nothing_is_learned_from_silence_and_speaking_again_ends_it() {
        let mut pulse = busy();
        pulse.last_heard = Some(at(110_000));
        let silent = pulse.beat(at(110_000));
        assert_eq!(silent.rate, pulse.rate);
        assert!(silent.silent_since.is_some());
        let mut back = silent;
        back.last_event = Some(at(110_000));
        back.sessions += 1;
        assert_eq!(back.beat(at(110_001)).silent_since, None);
    }

    #[test]
    fn impairments() {
        let pulse = busy();
        let now = at(100_010);
        let bad = Heartbeat { spool_dropped: 1, ..Heartbeat::default() };
        assert_eq!(state_of(&pulse, false, Some(&bad), Some(0), now), SensorState::Impaired);
        assert_eq!(state_of(&pulse, false, None, Some(-31_000_000), now), SensorState::Impaired);
        let importer = Pulse { beats: false, ..pulse };
        assert_eq!(state_of(&importer, false, None, None, at(10_000_000)), SensorState::Healthy);
    }

    #[test]
    fn the_rate_converges_and_a_young_sensor_uses_its_mean() {
        assert!((learn(0.0, 30, 60.0, 60.0) - 0.5).abs() < 1e-9);
        let mut rate = 0.0;
        for _ in 0..20_000 {
            rate = learn(rate, 6, 60.0, 1e9);
        }
        assert!((rate - 0.1).abs() < 1e-4);
    }
}
