//! The second factor: RFC 6238 codes, each good once, and ten recovery codes.

use base::{PersonId, Timestamp};
use qrcode::QrCode;
use qrcode::render::svg;
use store::{StoreError, Unit, params};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::access::{Access, KEY};
use crate::account::Account;
use crate::audit;
use crate::caller::{Caller, Stage};
use crate::codes;
use crate::error::AccessError;
use crate::login::{Live, LoginKind};
use crate::permit::Refusal;
use crate::sign_in::{SignedIn, Visit};
use crate::throttle::Attempt;

/// How many recovery codes a person has.
const RECOVERY_CODES: usize = 10;

/// What a person needs to set up their authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpEnrolment {
    /// The secret in base32, for typing.
    pub secret: Zeroizing<String>,
    /// The `otpauth://` address.
    pub uri: Zeroizing<String>,
    /// The same as a QR code: an `<svg>` element for the page.
    pub svg: Zeroizing<String>,
}

/// The second factor is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TotpEnrolled {
    /// Ten recovery codes, shown once.
    pub recovery_codes: Vec<Zeroizing<String>>,
    /// The raised session.
    pub signed_in: SignedIn,
}

fn place(person: PersonId) -> Vec<u8> {
    [b"totp:".as_slice(), person.0.as_bytes()].concat()
}

/// Six digits, thirty seconds, SHA-1: what every authenticator speaks; one step of drift either way (RFC 6238 section 5.2).
fn totp(secret: &[u8], issuer: &str, login: &str) -> Result<Totp, AccessError> {
    // A colon separates issuer and account in the address.
    let issuer: String = issuer.chars().filter(|c| *c != ':').collect();
    Builder::new()
        .with_secret(secret)
        .with_issuer(Some(issuer.as_str()))
        .with_account_name(login)
        .build()
        .map_err(|error| AccessError::Key(error.to_string()))
}

/// The step of a right code; the digits may be typed in two groups.
fn step(totp: &Totp, code: &str, now: Timestamp) -> Option<u64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).take(9).collect();
    if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    totp.check(&digits, u64::try_from(now.as_secs()).ok()?)
}

/// Spends a step: no code of this or an earlier step is taken again (RFC 6238 section 5.2).
pub(crate) fn spend(unit: Unit, person: PersonId, step: u64) -> Unit {
    unit.exec_one(
        "UPDATE credential_totp SET last_step = $2 WHERE person_id = $1 AND confirmed = 1 AND last_step < $2",
        params![person, step],
    )
}

/// Spends a recovery code.
pub(crate) fn spend_recovery(unit: Unit, person: PersonId, code: &str) -> Unit {
    let at = unit.at;
    unit.exec_one(
        "UPDATE credential_recovery SET used_at = $3 WHERE person_id = $1 AND hash = $2 AND used_at IS NULL",
        params![person, codes::hash(person.0.as_bytes(), code), at],
    )
}

/// The picture as an element for the page: no XML head, no fixed size.
fn picture(uri: &str) -> Result<Zeroizing<String>, AccessError> {
    let code = QrCode::new(uri.as_bytes()).map_err(|error| AccessError::Key(error.to_string()))?;
    let text = Zeroizing::new(code.render::<svg::Color<'_>>().min_dimensions(220, 220).build());
    let from = text.find("<svg").ok_or_else(|| AccessError::Key("the picture has no element".into()))?;
    Ok(Zeroizing::new(text.get(from..).unwrap_or_default().to_owned()))
}

impl Access {
    /// Starts setting up an authenticator: a new secret that waits for its first code.
    ///
    /// # Errors
    /// [`AccessError::Enrolled`] while one is in use and this session has not shown it.
    pub async fn enrol_totp_begin(&self, caller: &Caller) -> Result<TotpEnrolment, AccessError> {
        let account = self.enrolling(caller).await?;
        let (env, settings) = (&self.inner.env, &self.inner.settings);
        // 160 bits, as RFC 4226 section 4 recommends.
        let secret = Zeroizing::new(env.bytes::<20>());
        let totp = totp(secret.as_slice(), &settings.issuer, &account.login)?;
        let sealed = self.inner.keys.seal(env, &place(account.id), secret.as_slice())?;
        let leaf = audit::done(
            "access.enrol_totp_begin",
            format!("person:{}", account.id),
            account.org,
            account.realm,
            serde_json::json!({}),
        );
        let unit = Unit::new(caller.actor(), env.now())
            .exec("DELETE FROM credential_totp WHERE person_id = $1 AND confirmed = 0", params![account.id])
            .exec_one(
                "INSERT INTO credential_totp (person_id, confirmed, sealed, last_step, created_at) \
                 VALUES ($1, 0, $2, 0, $3)",
                params![account.id, sealed, env.now()],
            )
            .audit(leaf);
        self.commit(unit).await?;
        let uri = Zeroizing::new(totp.to_url().map_err(|error| AccessError::Key(error.to_string()))?);
        Ok(TotpEnrolment { secret: Zeroizing::new(totp.secret().to_base32()), svg: picture(&uri)?, uri })
    }

    /// Confirms the authenticator with its first code: recovery codes, and a raised session.
    ///
    /// # Errors
    /// [`AccessError::BadCode`], [`AccessError::Throttled`].
    pub async fn enrol_totp_finish(
        &self,
        caller: &Caller,
        code: &str,
        visit: &Visit,
    ) -> Result<TotpEnrolled, AccessError> {
        let account = self.enrolling(caller).await?;
        let live = Live {
            id: caller.login().ok_or(AccessError::SignIn)?,
            kind: LoginKind::Browser,
            person: account.id,
            last_seen: self.inner.env.now(),
            second_factor_at: None,
        };
        let (counters, _) = self.counters(Attempt::Code, &account.login, Some(&account), visit);
        self.count(&counters).await?;
        let now = self.inner.env.now();
        let step = match self.sealed(&account, false).await? {
            Some(totp) => step(&totp, code, now),
            None => None,
        };
        let Some(step) = step else {
            self.stranger("access.enrol_totp_finish", Some(&account)).await?;
            return Err(AccessError::BadCode);
        };
        let unit = Self::uncount(Unit::new(caller.actor(), now), &counters)
            .exec("DELETE FROM credential_totp WHERE person_id = $1 AND confirmed = 1", params![account.id])
            .exec_one(
                "UPDATE credential_totp SET confirmed = 1, last_step = $2 WHERE person_id = $1 AND confirmed = 0",
                params![account.id, step],
            );
        let (recovery_codes, unit) = self.new_recovery_codes(unit, account.id);
        let account = Account { totp: true, ..account };
        let (signed_in, unit) = self.raise(unit, &live, &account, visit);
        // A changed second factor ends what was opened with the old one.
        let unit = Self::end_sessions(unit, account.id, Some(signed_in.login));
        let leaf = audit::done(
            "access.enrol_totp",
            format!("person:{}", account.id),
            account.org,
            account.realm,
            serde_json::json!({"login": signed_in.login}),
        );
        match self.inner.db.commit(unit.audit(leaf)).await {
            Ok(_) => {
                self.doubt();
                Ok(TotpEnrolled { recovery_codes, signed_in })
            }
            Err(StoreError::Conflict(_)) => Err(AccessError::BadCode),
            Err(error) => Err(error.into()),
        }
    }

    /// Ten new recovery codes; the old ones die.
    ///
    /// # Errors
    /// [`crate::Refusal::SecondFactorDue`] before the second factor.
    pub async fn renew_recovery_codes(&self, caller: &Caller) -> Result<Vec<Zeroizing<String>>, AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        if self.shown(caller).await?.is_none() {
            return Err(Refusal::SecondFactorDue.into());
        }
        let unit = Unit::new(caller.actor(), self.inner.env.now());
        let (codes, unit) = self.new_recovery_codes(unit, id);
        let leaf = audit::done(
            "access.renew_recovery_codes",
            format!("person:{id}"),
            caller.org(),
            caller.realm(),
            serde_json::json!({}),
        );
        self.commit(unit.audit(leaf)).await?;
        Ok(codes)
    }

    /// How many recovery codes are left to the caller.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] for a caller that is no person.
    pub async fn recovery_codes_left(&self, caller: &Caller) -> Result<u32, AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        let sql = "SELECT COUNT(*) AS codes FROM credential_recovery WHERE person_id = $1 AND used_at IS NULL";
        let rows = self.inner.db.system_read(KEY, sql, params![id]).await?;
        Ok(rows.first().map(|row| row.get("codes")).transpose()?.unwrap_or(0))
    }

    /// The step of a right code of the confirmed authenticator.
    pub(crate) async fn totp_step(
        &self,
        account: &Account,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, AccessError> {
        Ok(self.sealed(account, true).await?.and_then(|totp| step(&totp, code, now)))
    }

    async fn sealed(&self, account: &Account, confirmed: bool) -> Result<Option<Totp>, AccessError> {
        let sql = "SELECT sealed FROM credential_totp WHERE person_id = $1 AND confirmed = $2";
        let rows = self.inner.db.system_read(KEY, sql, params![account.id, confirmed]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let secret = self.inner.keys.unseal(&place(account.id), &row.get::<Vec<u8>>("sealed")?)?;
        totp(&secret, &self.inner.settings.issuer, &account.login).map(Some)
    }

    pub(crate) fn new_recovery_codes(&self, unit: Unit, person: PersonId) -> (Vec<Zeroizing<String>>, Unit) {
        let mut unit = unit.exec("DELETE FROM credential_recovery WHERE person_id = $1", params![person]);
        // 80 random bits each: one plain hash is enough.
        let list: Vec<_> = (0..RECOVERY_CODES).map(|_| codes::fresh(&self.inner.env, 16, 4)).collect();
        for code in &list {
            unit = unit.exec_one(
                "INSERT INTO credential_recovery (person_id, hash) VALUES ($1, $2)",
                params![person, codes::hash(person.0.as_bytes(), code)],
            );
        }
        (list, unit)
    }

    /// Whoever may change the second factors: a session that needs its first one, or that showed the one in use.
    pub(crate) async fn enrolling(&self, caller: &Caller) -> Result<Account, AccessError> {
        let id = caller.person().ok_or(AccessError::SignIn)?;
        let account = self.account_by_id(id).await?.ok_or(AccessError::SignIn)?;
        let shown = self.shown(caller).await?.is_some();
        if caller.stage() == Stage::SecondFactor || (account.has_second() && !shown) {
            return Err(AccessError::Enrolled);
        }
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_6238() {
        // Appendix B prints eight digits; an authenticator of six shows the last six.
        let totp = totp(b"12345678901234567890", "Lianfang", "wang").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::EPOCH.plus_secs(seconds);
            let step_of = u64::try_from(seconds).unwrap() / 30;
            assert_eq!(step(&totp, code, now), Some(step_of), "{seconds}");
            assert_eq!(step(&totp, &format!("{} {}", code.split_at(3).0, code.split_at(3).1), now), Some(step_of));
            assert_eq!(step(&totp, code, now.plus_secs(30)), Some(step_of), "one step late");
            assert_eq!(step(&totp, code, now.plus_secs(-30)), Some(step_of), "one step early");
            assert_eq!(step(&totp, code, now.plus_secs(60)), None, "two steps late");
        }
        for junk in ["", "28708", "2870822", "28708a", "２８７０８２", "-87082", "+87082"] {
            assert_eq!(step(&totp, junk, Timestamp::EPOCH.plus_secs(59)), None, "{junk}");
        }
    }

    #[test]
    fn the_address_and_its_picture() {
        let totp = totp(&[1; 20], "Joint: Centre", "wang").unwrap();
        let uri = totp.to_url().unwrap();
        assert!(uri.starts_with("otpauth://totp/Joint%20%20Centre:wang?") || uri.contains("wang?secret="), "{uri}");
        assert!(uri.contains("issuer=Joint"), "{uri}");
        let svg = picture(&uri).unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{}", *svg);
        assert!(!svg.contains("<script") && !svg.contains("style="), "nothing the content policy forbids");
    }
}
