//! Foreign JSON fields whose type drifted over the years, and bounded text.

use base::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Text that some release wrote as a number, a flag or null; lists and objects count as absent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Loose(pub(crate) Option<String>);

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_str<E>(self, v: &str) -> Result<Loose, E> {
        Ok(Loose(Some(v.to_owned())))
    }
    fn visit_string<E>(self, v: String) -> Result<Loose, E> {
        Ok(Loose(Some(v)))
    }
    fn visit_bool<E>(self, v: bool) -> Result<Loose, E> {
        Ok(Loose(Some(v.to_string())))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Loose, E> {
        Ok(Loose(Some(v.to_string())))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Loose, E> {
        Ok(Loose(Some(v.to_string())))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Loose, E> {
        Ok(Loose(Some(v.to_string())))
    }
    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Loose, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose(None))
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

/// A list of names, or one text with commas; anything else counts as absent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Names(pub(crate) Option<Vec<String>>);

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names")
    }
    fn visit_str<E>(self, v: &str) -> Result<Names, E> {
        Ok(Names(Some(v.split(',').map(str::to_owned).collect())))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Names, E> {
        Ok(Names(None))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Names, E> {
        Ok(Names(None))
    }
    fn visit_u64<E>(self, _: u64) -> Result<Names, E> {
        Ok(Names(None))
    }
    fn visit_f64<E>(self, _: f64) -> Result<Names, E> {
        Ok(Names(None))
    }
    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names(None))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(Loose(name)) = seq.next_element::<Loose>()? {
            names.extend(name.map(|name| unquote(&name).to_owned()));
        }
        Ok(Names(Some(names)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Names(None))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

/// Python's text of a byte string, `b'x'` or `'x'`, without its quotes: releases of 2018 logged version lines so.
pub(crate) fn unquote(text: &str) -> &str {
    let inner = text.strip_prefix('b').filter(|rest| rest.starts_with(['\'', '"'])).unwrap_or(text);
    for quote in ['\'', '"'] {
        if let Some(bare) = inner.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return bare;
        }
    }
    text
}

/// At most `most` bytes of the text, cut at a character.
pub(crate) fn cut(mut text: String, most: u64) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// A time as logs write it: RFC 3339, an offset without a colon, or no zone at all, which is UTC.
pub(crate) fn loose_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let at = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_micros(at.as_microsecond()))
}

/// A number of seconds such as `12.5`, in milliseconds; nothing for nonsense.
pub(crate) fn seconds_to_millis(text: &str) -> Option<u64> {
    let seconds: f64 = text.trim().parse().ok()?;
    // Ten years: longer is a broken clock, not a session.
    (0.0..=315_360_000.0).contains(&seconds).then_some((seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_quotes_go() {
        assert_eq!(unquote("b'SSH-2.0-x'"), "SSH-2.0-x");
        assert_eq!(unquote("'SSH-2.0-x'"), "SSH-2.0-x");
        assert_eq!(unquote("\"a'b\""), "a'b");
        for same in ["b", "b'", "'", "SSH-2.0-b'x'", "banana", ""] {
            assert_eq!(unquote(same), same);
        }
    }

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("台北".to_owned(), 4), "台");
        assert_eq!(cut("台北".to_owned(), 6), "台北");
        assert_eq!(cut("台".to_owned(), 0), "");
    }

    #[test]
    fn times_of_every_release() {
        let want: Timestamp = "2018-05-06T04:00:07.123456Z".parse().unwrap();
        for text in [
            "2018-05-06T04:00:07.123456Z",
            "2018-05-06T12:00:07.123456+08:00",
            "2018-05-06T12:00:07.123456+0800",
            "2018-05-06T04:00:07.123456",
            "2018-05-06 04:00:07.123456",
        ] {
            assert_eq!(loose_time(text), Some(want), "{text}");
        }
        for bad in ["", "yesterday", "1525579207", "2018-13-01T00:00:00Z"] {
            assert_eq!(loose_time(bad), None, "{bad}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(seconds_to_millis("12.5"), Some(12_500));
        for bad in ["-1", "NaN", "inf", "1e30", "x"] {
            assert_eq!(seconds_to_millis(bad), None, "{bad}");
        }
    }
}
