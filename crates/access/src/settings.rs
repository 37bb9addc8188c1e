//! The `[access]` branch of the configuration.

use base::Realm;
use serde::{Deserialize, Serialize};

use crate::error::AccessError;
use crate::passkey::Site;

/// Which rules a password has to meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordProfile {
    /// Length and a list of the commonest; no composition, no age (NIST SP 800-63B section 3.1.1).
    #[default]
    Modern,
    /// Also three of four classes, none of the three before, an age limit
    /// (資通系統防護基準: 最低密碼複雜度, 密碼效期, 前三次).
    TwGov,
}

/// One officer at night may approve their own draft; somebody else looks at it afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Where passkeys are offered, as browsers see it: `https://centre.example` or with a port. Made from the names of
    /// the centre and the port it listens on when empty; set it where a port is forwarded.
    pub passkey_origins: Vec<String>,
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
            passkey_origins: Vec::new(),
            sign_in_links: false,
            realm: Realm::Real,
        }
    }
}

impl Settings {
    /// Whether the values make sense together; called where the configuration is read.
    ///
    /// # Errors
    /// [`AccessError::BadField`] with the setting's name.
    pub fn check(&self) -> Result<(), AccessError> {
        let clock = |text: &str| {
            matches!(text.split_once(':'), Some((h, m)) if h.len() == 2 && m.len() == 2
                && h.parse::<u8>().is_ok_and(|h| h < 24) && m.parse::<u8>().is_ok_and(|m| m < 60))
        };
        if !clock(&self.night_shift.from) {
            return Err(AccessError::BadField("access.night_shift.from", "write it like 18:00"));
        }
        if !clock(&self.night_shift.to) {
            return Err(AccessError::BadField("access.night_shift.to", "write it like 08:00"));
        }
        if self.passkey_origins.iter().any(|origin| Site::of(origin).is_none()) {
            return Err(AccessError::BadField("access.passkey_origins", "write it like https://centre.example:8443"));
        }
        if base::Zone::named(&self.zone).is_err() {
            return Err(AccessError::BadField("access.zone", "not an IANA time zone"));
        }
        for (name, value, most) in [
            ("access.password_length", self.password_length, 64),
            ("access.password_days", self.password_days, 3_650),
            ("access.idle_minutes", self.idle_minutes, 1_440),
            ("access.session_hours", self.session_hours, 168),
            ("access.idle_days", self.idle_days, 3_650),
            ("access.lockout_failures", self.lockout_failures, 100),
            ("access.lockout_minutes", self.lockout_minutes, 1_440),
            ("access.invitation_hours", self.invitation_hours, 720),
            ("access.device_days", self.device_days, 365),
            ("access.night_shift.second_within_hours", self.night_shift.second_within_hours, 168),
        ] {
            if value == 0 || value > most {
                return Err(AccessError::BadField(name, "is zero or too large"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_nonsense_is_named() {
        assert!(Settings::default().check().is_ok());
        let name = |settings: Settings| match settings.check() {
            Err(AccessError::BadField(name, _)) => name,
            _ => "",
        };
        assert_eq!(name(Settings { idle_minutes: 0, ..Settings::default() }), "access.idle_minutes");
        assert_eq!(name(Settings { zone: "Mars".into(), ..Settings::default() }), "access.zone");
        let passkey_origins = vec!["https://192.0.2.1:8443".to_owned()];
        assert_eq!(name(Settings { passkey_origins, ..Settings::default() }), "access.passkey_origins");
        for bad in ["8:00", "24:00", "12:60", "noon", "12:0a", "12:00:00"] {
            let night_shift = NightShift { from: bad.into(), ..NightShift::default() };
            assert_eq!(name(Settings { night_shift, ..Settings::default() }), "access.night_shift.from", "{bad}");
        }
    }
}
