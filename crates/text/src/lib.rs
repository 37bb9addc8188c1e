//! The catalogue: every word a person reads, in zh-TW (the source) and English.
//!
//! One table holds both languages side by side, so a word without its translation does not compile. Words with
//! numbers or names in them are functions ([`say`]); names of stored things (roles, states, classes) are in [`names`].
//!
//! **Enters:** a [`Lang`]. **Leaves:** [`Words`], whose fields templates read: `t.nav.home`.

pub mod lang;
pub mod lint;
pub mod names;
pub mod say;

mod acts;
mod admin;
mod attack;
mod door;
mod edge;
mod frame;
mod intel;
mod wall;
mod work;

pub use acts::{Auto, Back, Bulk, Count, Jobs, Night, Quiet, Saved, Waste};
pub use admin::{Admin, Audit, Orgs, People, Sensors};
pub use attack::Attack;
pub use door::{Door, Me, Passkey, Setup};
pub use edge::Edge;
pub use frame::{Frame, Keys, List, Nav};
pub use intel::Intel;
pub use lang::Lang;
pub use wall::Wall;
pub use work::{Duty, Work};

/// Declares a group of words: `key: "zh-TW", "English";`. Both languages or no program.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($key:ident: $zh:literal, $en:literal;)* }) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[non_exhaustive]
        pub struct $name { $(#[doc = $en] pub $key: &'static str,)* }

        impl $name {
            pub(crate) const ZH_TW: Self = Self { $($key: $zh,)* };
            pub(crate) const EN: Self = Self { $($key: $en,)* };
            pub(crate) const ALL: &'static [crate::Entry] =
                &[$(crate::Entry { key: stringify!($key), zh: $zh, en: $en },)*];
        }
    };
}
pub(crate) use words;

/// One line of the catalogue, for lints and lists.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The field's name.
    pub key: &'static str,
    /// zh-TW.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $group:ident: $ty:ty;)*) => {
        /// Every word of one language.
        #[derive(Debug)]
        pub struct Words {
            /// The language these words are in.
            pub lang: Lang,
            $($(#[$doc])* pub $group: $ty,)*
        }

        static ZH_TW: Words = Words { lang: Lang::ZhTw, $($group: <$ty>::ZH_TW,)* };
        static EN: Words = Words { lang: Lang::En, $($group: <$ty>::EN,)* };

        /// Every group with its entries, for lints.
        pub static CATALOGUE: &[(&str, &[Entry])] = &[$((stringify!($group), <$ty>::ALL),)*];
    };
}

catalogue! {
    /// Names of the rooms in the rail.
    nav: Nav;
    /// The frame around every page.
    frame: Frame;
    /// What every list shares.
    list: List;
    /// The keyboard help.
    keys: Keys;
    /// Signing in, invitations, one-time links.
    door: Door;
    /// First run.
    setup: Setup;
    /// The own profile.
    me: Me;
    /// Passkeys.
    passkey: Passkey;
    /// The duty dashboard.
    duty: Duty;
    /// Findings.
    work: Work;
    /// Attacks, sessions, campaigns.
    attack: Attack;
    /// Indicators and their review.
    intel: Intel;
    /// Enforcement points.
    edge: Edge;
    /// Sensors.
    sensors: Sensors;
    /// Organisations.
    orgs: Orgs;
    /// People, invitations, tokens.
    people: People;
    /// The audit tree.
    audit: Audit;
    /// Words the administration pages share.
    admin: Admin;
    /// The TV wall.
    wall: Wall;
    /// Silences and their preview.
    quiet: Quiet;
    /// Taking a block back.
    back: Back;
    /// Second looks at what was approved alone at night.
    night: Night;
    /// The automatic path.
    auto: Auto;
    /// Lines that could not be used.
    waste: Waste;
    /// Long work.
    jobs: Jobs;
    /// Acts on several rows at once.
    bulk: Bulk;
    /// Saved searches.
    saved: Saved;
    /// Counts per value.
    count: Count;
}

impl Words {
    /// The words of a language.
    #[must_use]
    pub fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::ZhTw => &ZH_TW,
            Lang::En => &EN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_taiwanese_and_translated() {
        let mut seen = 0;
        for (group, entries) in CATALOGUE {
            for entry in *entries {
                seen += 1;
                let place = format!("{group}.{}", entry.key);
                assert_eq!(lint::mainland(entry.zh), [], "{place}: {}", entry.zh);
                assert!(!entry.zh.trim().is_empty() && !entry.en.trim().is_empty(), "{place} is empty");
                assert!(!entry.en.chars().any(lint::is_cjk), "{place}: English holds Chinese: {}", entry.en);
            }
        }
        assert!(seen > 300, "the catalogue lost its words: {seen}");
    }

    #[test]
    fn keys_are_unique_in_their_group() {
        for (group, entries) in CATALOGUE {
            let mut keys: Vec<_> = entries.iter().map(|entry| entry.key).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), entries.len(), "{group}");
        }
    }
}
