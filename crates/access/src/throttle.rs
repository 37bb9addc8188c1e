//! Throttling of sign-in: per account and per address for strangers, on its own counter for a known device.
//!
//! An attempt is counted before it is checked, in one statement that touches no row while the counter is held: however
//! many attempts run at once, no more than the limit are checked. Success takes its own count back.
//!
//! Strangers can hold an account for strangers. A device that showed a second factor for the account before carries a
//! signed cookie and is counted alone, so the duty officer at the usual desk is never held by somebody else.

use base::{Env, PersonId, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use store::{StoreError, SystemKey, Unit, params};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::Access;
use crate::error::AccessError;
use crate::keys::KeyFile;
use crate::settings::Settings;

const KEY: SystemKey = SystemKey::of("access");

/// Failures of one address before it has to wait; more than an account has, for offices behind one address.
const ADDRESS_FREE: u32 = 10;
/// The first wait of an address; each further failure doubles it.
const ADDRESS_FIRST: i64 = 1_000_000;
/// The longest wait of an address.
const ADDRESS_MOST: i64 = 300_000_000;
/// An address is forgotten after an hour without an attempt.
const ADDRESS_MEMORY: i64 = 3_600;

/// What is attempted: each has its own counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Password,
    Code,
}

/// The counters of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Of the account, or of its known device.
    account: String,
    /// Of the address, for strangers.
    address: Option<String>,
}

impl Counters {
    /// The counters of a stranger who names an account that may or may not exist.
    pub(crate) fn stranger(attempt: Attempt, login: &str, address: IpAddr) -> Self {
        let name = hex::encode(Sha256::digest(login.as_bytes()));
        Self { account: format!("{}:{name}", attempt.word()), address: Some(format!("address:{}", prefix(address))) }
    }

    /// The counter of a known device.
    pub(crate) fn device(attempt: Attempt, person: PersonId, device: Uuid) -> Self {
        Self { account: format!("{}:device:{person}:{device}", attempt.word()), address: None }
    }

    #[cfg(test)]
    fn keys(&self) -> (&str, Option<&str>) {
        (&self.account, self.address.as_deref())
    }
}

impl Attempt {
    const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }
}

/// One person's network: an IPv4 address, or the /64 an IPv6 host moves in freely.
fn prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(addr) => addr.to_string(),
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

const COUNT_ACCOUNT: &str = "INSERT INTO sign_in_throttle (counter, failures, held_until, last_at) \
    VALUES ($1, 1, 0, $2) ON CONFLICT (counter) DO UPDATE SET \
    held_until = CASE WHEN sign_in_throttle.held_until > 0 OR sign_in_throttle.last_at < $3 THEN 0 \
        WHEN sign_in_throttle.failures + 1 >= $4 THEN CAST($5 AS BIGINT) ELSE 0 END, \
    failures = CASE WHEN sign_in_throttle.held_until > 0 OR sign_in_throttle.last_at < $3 THEN 1 \
        ELSE sign_in_throttle.failures + 1 END, \
    last_at = $2 WHERE sign_in_throttle.held_until <= $2";

const COUNT_ADDRESS: &str = "INSERT INTO sign_in_throttle (counter, failures, held_until, last_at) \
    VALUES ($1, 1, 0, $2) ON CONFLICT (counter) DO UPDATE SET \
    held_until = CASE WHEN sign_in_throttle.last_at < $3 OR sign_in_throttle.failures + 1 < $4 THEN 0 \
        WHEN sign_in_throttle.held_until = 0 THEN $2 + $5 \
        WHEN 2 * (sign_in_throttle.held_until - sign_in_throttle.last_at) > $6 THEN $2 + $6 \
        ELSE $2 + 2 * (sign_in_throttle.held_until - sign_in_throttle.last_at) END, \
    failures = CASE WHEN sign_in_throttle.last_at < $3 THEN 1 ELSE sign_in_throttle.failures + 1 END, \
    last_at = $2 WHERE sign_in_throttle.held_until <= $2";

impl Access {
    /// Counts an attempt that is about to be checked.
    pub(crate) async fn count(&self, counters: &Counters) -> Result<(), AccessError> {
        let (now, settings) = (self.inner.env.now(), &self.inner.settings);
        let hold = i64::from(settings.lockout_minutes.max(15)) * 60;
        let mut unit = crate::audit::system(now).exec_one(
            COUNT_ACCOUNT,
            params![
                &counters.account,
                now,
                now.plus_secs(-hold),
                settings.lockout_failures.max(1),
                now.plus_secs(hold)
            ],
        );
        if let Some(address) = &counters.address {
            unit = unit.exec_one(
                COUNT_ADDRESS,
                params![address, now, now.plus_secs(-ADDRESS_MEMORY), ADDRESS_FREE, ADDRESS_FIRST, ADDRESS_MOST],
            );
        }
        match self.inner.db.commit(unit).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict(_)) => {
                self.inner.strangers.refused("access.throttled");
                Err(AccessError::Throttled(self.wait(counters, now).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the count of a successful attempt back: the account starts anew, the address gets its one back.
    pub(crate) fn uncount(unit: Unit, counters: &Counters) -> Unit {
        let unit = unit.exec("DELETE FROM sign_in_throttle WHERE counter = $1", params![&counters.account]);
        match &counters.address {
            Some(address) => unit.exec(
                "UPDATE sign_in_throttle SET failures = failures - 1, \
                 held_until = CASE WHEN failures <= $2 THEN 0 ELSE held_until END WHERE counter = $1",
                params![address, ADDRESS_FREE],
            ),
            None => unit,
        }
    }

    /// Seconds until the later of the two counters lets go.
    async fn wait(&self, counters: &Counters, now: Timestamp) -> Result<u32, AccessError> {
        let sql = "SELECT held_until FROM sign_in_throttle WHERE counter IN ($1, $2)";
        let address = counters.address.as_deref().unwrap_or(&counters.account);
        let mut until = now;
        for row in self.inner.db.system_read(KEY, sql, params![&counters.account, address]).await? {
            until = until.max(row.get("held_until")?);
        }
        // At least a second, so that nobody is told to try again at once.
        Ok(u32::try_from(until.since(now).max(0) / 1_000_000 + 1).unwrap_or(u32::MAX))
    }
}

/// What a known-device cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) person: PersonId,
    pub(crate) device: Uuid,
    pub(crate) epoch: u32,
    pub(crate) issued: Timestamp,
}

const DEVICE_BYTES: usize = 16 + 16 + 4 + 8;

impl Device {
    /// A fresh device of a person.
    pub(crate) fn fresh(env: &Env, person: PersonId, epoch: u32) -> Self {
        Self { person, device: Uuid::from_bytes(env.bytes()), epoch, issued: env.now() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(DEVICE_BYTES + 32);
        out.extend_from_slice(self.person.0.as_bytes());
        out.extend_from_slice(self.device.as_bytes());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.issued.as_micros().to_be_bytes());
        out
    }

    /// The signed cookie.
    pub(crate) fn cookie(&self, keys: &KeyFile) -> Zeroizing<String> {
        let mut bytes = self.bytes();
        let signature = keys.sign(&bytes);
        bytes.extend_from_slice(&signature);
        Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The device of a cookie that this centre signed and that is not too old.
    pub(crate) fn read(cookie: &str, keys: &KeyFile, settings: &Settings, now: Timestamp) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (said, signature) = bytes.split_at_checked(DEVICE_BYTES)?;
        if !keys.verify(said, signature) {
            return None;
        }
        let (person, rest) = said.split_at_checked(16)?;
        let (device, rest) = rest.split_at_checked(16)?;
        let (epoch, issued) = rest.split_at_checked(4)?;
        let device = Self {
            person: PersonId(Uuid::from_slice(person).ok()?),
            device: Uuid::from_slice(device).ok()?,
            epoch: u32::from_be_bytes(epoch.try_into().ok()?),
            issued: Timestamp::from_micros(i64::from_be_bytes(issued.try_into().ok()?)),
        };
        let ends = device.issued.plus_secs(i64::from(settings.device_days) * 86_400);
        (now < ends).then_some(device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_cookie_is_bound_to_account_age_and_key() {
        let start = Timestamp::from_micros(1_795_240_800_000_000);
        let (env, clock) = Env::fixed(start, 5);
        let (keys, settings) = (KeyFile::of(&[1; 32]).unwrap(), Settings::default());
        let device = Device::fresh(&env, PersonId(Uuid::from_u128(7)), 3);
        let cookie = device.cookie(&keys);
        assert_eq!(Device::read(&cookie, &keys, &settings, env.now()), Some(device));
        assert_eq!(Device::read(&cookie, &KeyFile::of(&[2; 32]).unwrap(), &settings, env.now()), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(cookie.as_bytes()).unwrap();
        for index in 0..bytes.len() {
            bytes[index] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(Device::read(&forged, &keys, &settings, env.now()), None, "byte {index}");
            bytes[index] ^= 1;
        }
        for junk in ["", "!", "AAAA"] {
            assert_eq!(Device::read(junk, &keys, &settings, env.now()), None);
        }
        clock.advance_secs(90 * 86_400);
        assert_eq!(Device::read(&cookie, &keys, &settings, env.now()), None, "too old");
    }

    #[test]
    fn an_ipv6_host_cannot_hop_within_its_network() {
        let of = |text: &str| Counters::stranger(Attempt::Password, "a", text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn passwords_codes_and_devices_count_apart() {
        let person = PersonId(Uuid::from_u128(1));
        let address = "192.0.2.1".parse().unwrap();
        let (password, code) =
            (Counters::stranger(Attempt::Password, "a", address), Counters::stranger(Attempt::Code, "a", address));
        assert_ne!(password.keys().0, code.keys().0);
        assert_eq!(Counters::device(Attempt::Code, person, Uuid::nil()).keys().1, None);
    }
}
