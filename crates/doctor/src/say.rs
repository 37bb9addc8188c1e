//! A sentence in both languages.

use text::Lang;

/// The same in zh-TW and in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    zh: String,
    en: String,
}

impl Say {
    /// From its two forms.
    #[must_use]
    pub fn of(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The form of a language.
    #[must_use]
    pub fn pick(&self, lang: Lang) -> &str {
        match lang {
            Lang::ZhTw => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A sentence from two format strings over the same names.
macro_rules! say {
    ($zh:literal, $en:literal) => {
        $crate::say::Say::of(format!($zh), format!($en))
    };
}
pub(crate) use say;
