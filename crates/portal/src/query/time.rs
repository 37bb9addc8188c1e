//! Ends of ranges: numbers, and times as people write them.

use base::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Bound;
use super::eval::Context;

/// A number; a length of time back from now (`15m`, `6h`, `1d`, `2w`); an RFC 3339 time; a day of the common calendar
/// (`2026-11-20`) or of the Republic (`115/11/20`: a three-digit year), taken at its beginning in the reader's zone.
pub(super) fn bound(text: &str, context: &Context<'_>) -> Option<Bound> {
    if let Ok(number) = text.parse::<f64>() {
        return number.is_finite().then_some(Bound::Number(number));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Bound::Time(at));
    }
    back(text, context.now).or_else(|| day(text, context)).map(Bound::Time)
}

fn back(text: &str, now: Timestamp) -> Option<Timestamp> {
    let unit = text.chars().last()?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|n| *n >= 0)?;
    Some(now.plus_secs(-count.checked_mul(seconds)?))
}

fn day(text: &str, context: &Context<'_>) -> Option<Timestamp> {
    let mut parts = text.split(['-', '/']);
    let year = parts.next()?;
    let (month, day) = (parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let offset = if year.len() == 3 { 1_911 } else { 0 };
    let date =
        Date::new(year.parse::<i16>().ok()?.checked_add(offset)?, month.parse().ok()?, day.parse().ok()?).ok()?;
    let zone = TimeZone::get(context.zone).ok()?;
    let start = date.to_zoned(zone).ok()?;
    Some(Timestamp::from_micros(start.timestamp().as_microsecond()))
}
