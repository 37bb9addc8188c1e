//! The `[access]` branch of the configuration.

use base::Realm;
use serde::Deserialize;

/// Which rules a password has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordProfile {
    /// Length and a list of the commonest; no composition, no age (NIST SP 800-63B section 3.1.1).
    #[default]
    Modern,
    /// Also three of four classes, not one of the last three, an age limit
    /// (資通系統防護基準: 最低密碼複雜度, 密碼效期, 前三次).
    TwGov,
}

/// One officer at night may approve their own draft; somebody else looks at it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NightShift {
    /// Off by default.
    pub enabled: bool,
    /// First minute of the night, `HH:MM` in the centre's zone.
    pub from: String,
    /// First minute of the day, `HH:MM`.
    pub to: String,
    /// The second look is due within so many hours.
    pub second_within_hours: u32,
}

impl Default for NightShift {
    fn default() -> Self {
        Self { enabled: false, from: "18:00".into(), to: "08:00".into(), second_within_hours: 12 }
    }
}

/// Rules of sign-in, sessions and links.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Password rules.
    pub password_profile: PasswordProfile,
    /// Shortest password; less than 12 is raised to 12.
    pub password_length: u32,
    /// With `tw-gov`: a password lives so many days.
    pub password_days: u32,
    /// A session ends after so many minutes without a request.
    pub idle_minutes: u32,
    /// A session ends after so many hours in any case.
    pub session_hours: u32,
    /// An account that nobody used for so many days is disabled.
    pub idle_days: u32,
    /// Failures before an account is held.
    pub lockout_failures: u32,
    /// For how many minutes; less than 15 is raised to 15 (資通系統防護基準: 至少十五分鐘).
    pub lockout_minutes: u32,
    /// An invitation lives so many hours.
    pub invitation_hours: u32,
    /// A known device stays known so many days.
    pub device_days: u32,
    /// The centre's zone, for hours of the night shift and as the default of new people.
    pub zone: String,
    /// The night-shift policy.
    pub night_shift: NightShift,
    /// Name shown in authenticators.
    pub issuer: String,
    /// Whether one-time sign-in links may be made (the demo only; never read from a file).
    #[serde(skip)]
    pub sign_in_links: bool,
    /// The realm of this centre (never read from a file).
    #[serde(skip)]
    pub realm: Realm,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            password_profile: PasswordProfile::Modern,
            password_length: 12,
            password_days: 90,
            idle_minutes: 30,
            session_hours: 12,
            idle_days: 90,
            lockout_failures: 5,
            lockout_minutes: 15,
            invitation_hours: 168,
            device_days: 90,
            zone: "Asia/Taipei".into(),
            night_shift: NightShift::default(),
            issuer: "Lianfang".into(),
            sign_in_links: false,
            realm: Realm::Real,
        }
    }
}
