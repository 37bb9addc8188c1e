//! The two languages.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A language of the portal; zh-TW is the source and the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Lang {
    /// Traditional Chinese as written in Taiwan.
    #[default]
    #[serde(rename = "zh-TW")]
    ZhTw,
    /// English.
    #[serde(rename = "en")]
    En,
}

impl Lang {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ZhTw, Self::En];

    /// What settings and cookies hold: `zh-TW`, `en`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ZhTw => "zh-TW",
            Self::En => "en",
        }
    }

    /// What the `lang` attribute of a page holds.
    #[must_use]
    pub const fn html(self) -> &'static str {
        match self {
            Self::ZhTw => "zh-Hant-TW",
            Self::En => "en",
        }
    }

    /// Its own name: `中文`, `English`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ZhTw => "中文",
            Self::En => "English",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::ZhTw => Self::En,
            Self::En => Self::ZhTw,
        }
    }

    /// The better language of an `Accept-Language` head; zh-TW when it says nothing we speak.
    #[must_use]
    pub fn accept(header: &str) -> Self {
        header
            .split(',')
            .filter_map(|range| {
                let mut parts = range.split(';');
                let lang = parts.next()?.trim().parse::<Self>().ok()?;
                let weight =
                    parts.find_map(|part| part.trim().strip_prefix("q=")).and_then(|q| q.trim().parse::<f64>().ok());
                Some((lang, weight.unwrap_or(1.0)))
            })
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map_or(Self::default(), |(lang, _)| lang)
    }

    /// The text of this language.
    #[must_use]
    pub const fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::ZhTw => zh,
            Self::En => en,
        }
    }
}

impl FromStr for Lang {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.split('-').next() {
            Some("zh") => Ok(Self::ZhTw),
            Some("en") => Ok(Self::En),
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_takes_the_heaviest_we_speak() {
        assert_eq!(Lang::accept("en-GB,en;q=0.9"), Lang::En);
        assert_eq!(Lang::accept("de, en;q=0.5, zh-TW;q=0.8"), Lang::ZhTw);
        assert_eq!(Lang::accept("zh-Hant, en"), Lang::ZhTw);
        assert_eq!(Lang::accept(""), Lang::ZhTw);
        assert_eq!(Lang::accept("en;q=nonsense"), Lang::En);
    }

    #[test]
    fn words_round_trip() {
        for lang in Lang::ALL {
            assert_eq!(lang.word().parse::<Lang>(), Ok(lang));
            assert_eq!(lang.other().other(), lang);
        }
    }
}
