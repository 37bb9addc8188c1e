//! Times: microseconds since the Unix epoch, UTC, shown with a zone.

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

use crate::code::Problem;

crate::codes! {
    /// A time is not RFC 3339.
    pub BAD_TIME = "LF-BAS-0002", 400,
        en "The time is not an RFC 3339 time with a zone.", zh "時間不是帶時區的 RFC 3339 格式。",
        act_en "Write it like 2026-11-21T14:05:00+08:00.", act_zh "請寫成 2026-11-21T14:05:00+08:00。";
    /// A time zone name is unknown.
    pub BAD_ZONE = "LF-BAS-0003", 400,
        en "The time zone is unknown.", zh "沒有這個時區。",
        act_en "Use an IANA name, for example Asia/Taipei.", act_zh "請使用 IANA 名稱，例如 Asia/Taipei。";
}

/// A point in time, microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The beginning of the scale.
    pub const EPOCH: Self = Self(0);

    /// From microseconds since the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time plus (or minus) whole seconds; stays at the end of the scale.
    #[must_use]
    pub const fn plus_secs(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Microseconds from `earlier` to here; negative if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with microseconds, for machines: `2026-11-21T06:05:00.000000Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0).map_or_else(|_| self.0.to_string(), |t| format!("{t:.6}"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl FromStr for Timestamp {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        text.trim()
            .parse::<jiff::Timestamp>()
            .map(|t| Self(t.as_microsecond()))
            .map_err(|_| Problem::new(&BAD_TIME, crate::code::excerpt(text)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A zone in which times are shown to a person.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Default for Zone {
    fn default() -> Self {
        Self::named("Asia/Taipei").unwrap_or(Self(TimeZone::UTC))
    }
}

impl Zone {
    /// The zone of an IANA name.
    ///
    /// # Errors
    /// `LF-BAS-0003` when the name is unknown.
    pub fn named(name: &str) -> Result<Self, Problem> {
        TimeZone::get(name).map(Self).map_err(|_| Problem::new(&BAD_ZONE, crate::code::excerpt(name)))
    }

    /// The IANA name, or `UTC`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// `2026-11-21 14:05:09 +08:00`: what every page shows.
    #[must_use]
    pub fn long(&self, at: Timestamp) -> String {
        self.format(at, "%Y-%m-%d %H:%M:%S %:z")
    }

    /// `14:05:09`: only beside a full time or within one day's list whose head names the zone.
    #[must_use]
    pub fn clock(&self, at: Timestamp) -> String {
        self.format(at, "%H:%M:%S")
    }

    /// `115年11月21日`: the date in the calendar of the Republic of China, for public pages.
    #[must_use]
    pub fn roc_date(&self, at: Timestamp) -> String {
        self.zoned(at)
            .map_or_else(String::new, |z| format!("{}年{}月{}日", i32::from(z.year()) - 1911, z.month(), z.day()))
    }

    fn zoned(&self, at: Timestamp) -> Option<jiff::Zoned> {
        jiff::Timestamp::from_microsecond(at.as_micros()).ok().map(|t| t.to_zoned(self.0.clone()))
    }

    fn format(&self, at: Timestamp, pattern: &str) -> String {
        self.zoned(at).map_or_else(|| at.rfc3339(), |z| z.strftime(pattern).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_zone_and_the_republic_year() {
        let at: Timestamp = "2026-11-21T06:05:09Z".parse().unwrap();
        assert_eq!(Zone::default().long(at), "2026-11-21 14:05:09 +08:00");
        assert_eq!(Zone::default().roc_date(at), "115年11月21日");
        assert_eq!(at.rfc3339(), "2026-11-21T06:05:09.000000Z");
        assert_eq!("2026-11-21T14:05:09+08:00".parse::<Timestamp>().unwrap(), at);
        assert!("2026-11-21 14:05".parse::<Timestamp>().is_err());
    }
}
