//! Passwords: what is acceptable, and Argon2id with bounded memory.

use argon2::password_hash::{Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base::Env;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::error::AccessError;
use crate::settings::{PasswordProfile, Settings};

/// Memory in KiB, passes and lanes: the second choice of RFC 9106 scaled to 19 MiB, as OWASP recommends.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A password longer than this is refused: more bytes add nothing.
pub const LONGEST: usize = 256;

/// Why a password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Shorter than the policy allows; the shortest allowed.
    Short(u32),
    /// Longer than 256 bytes.
    Long,
    /// Among the commonest, or made of one of them.
    Common,
    /// Holds the sign-in name.
    Name,
    /// One short piece or run of the keyboard, repeated.
    Pattern,
    /// Fewer than three of: lower case, upper case, digits, others (profile `tw-gov`).
    Classes,
    /// The current one or one of the three before (profile `tw-gov`: 前三次使用過之密碼).
    Reused,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(least) => write!(f, "at least {least} characters"),
            Self::Long => f.write_str("at most 256 bytes"),
            Self::Common => f.write_str("too common"),
            Self::Name => f.write_str("holds the sign-in name"),
            Self::Pattern => f.write_str("a repeated piece or a run of keys"),
            Self::Classes => f.write_str("three of lower case, upper case, digits, others"),
            Self::Reused => f.write_str("the current one or one of the three before"),
        }
    }
}

/// Stems of the commonest passwords, in their plain spelling: digits and signs around them do not make them better.
const COMMON: &[&str] = &[
    "password",
    "passwort",
    "passw",
    "letmein",
    "letmeinnow",
    "welcome",
    "welcometo",
    "iloveyou",
    "iloveyouforever",
    "princess",
    "sunshine",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "dragon",
    "monkey",
    "shadow",
    "master",
    "michael",
    "jennifer",
    "jordan",
    "hunter",
    "trustno",
    "starwars",
    "computer",
    "internet",
    "whatever",
    "freedom",
    "qwerty",
    "qwertyuiop",
    "qwertyqwerty",
    "asdfghjkl",
    "zxcvbnm",
    "qazwsx",
    "qazwsxedc",
    "admin",
    "administrator",
    "adminadmin",
    "root",
    "rootroot",
    "toor",
    "guest",
    "user",
    "username",
    "test",
    "testtest",
    "testing",
    "default",
    "changeme",
    "changemenow",
    "changeit",
    "secret",
    "topsecret",
    "security",
    "cisco",
    "ubnt",
    "raspberry",
    "oracle",
    "mysql",
    "postgres",
    "server",
    "system",
    "support",
    "manager",
    "login",
    "pass",
    "passpass",
    "passwordpassword",
    "mypassword",
    "thisismypassword",
    "newpassword",
    "yourpassword",
    "nopassword",
    "correcthorsebatterystaple",
    "abcdefghijkl",
    "abcabcabcabc",
    "abc",
    "lianfang",
    "taiwan",
    "taipei",
    "twnic",
    "nics",
    "woaini",
    "woainiwoaini",
    "woainima",
    "zhang",
    "wang",
    "chen",
    "ji",
    "ji394su",
    "google",
    "facebook",
    "microsoft",
    "windows",
    "samsung",
    "android",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "december",
    "monday",
];

/// Rows and runs that fingers find by themselves.
const RUNS: &[&str] = &[
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv",
];

/// Checks a new password against the policy; reuse is checked where the old hashes are.
///
/// # Errors
/// The first [`Weakness`] found.
pub fn check(password: &str, login: &str, settings: &Settings) -> Result<(), Weakness> {
    let least = settings.password_length.max(12);
    if password.chars().count() < least as usize {
        return Err(Weakness::Short(least));
    }
    if password.len() > LONGEST {
        return Err(Weakness::Long);
    }
    let lower = password.to_lowercase();
    if login.chars().count() >= 4 && lower.contains(&login.to_lowercase()) {
        return Err(Weakness::Name);
    }
    if repeats(&lower) || runs(&lower) {
        return Err(Weakness::Pattern);
    }
    if is_common(&lower) {
        return Err(Weakness::Common);
    }
    if settings.password_profile == PasswordProfile::TwGov && classes(password) < 3 {
        return Err(Weakness::Classes);
    }
    Ok(())
}

/// The spelling without tricks: `P@ssw0rd` is `password`.
fn plain(lower: &str) -> String {
    lower
        .chars()
        .map(|c| match c {
            '@' | '4' => 'a',
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

fn is_common(lower: &str) -> bool {
    let stem = |text: &str| text.chars().filter(char::is_ascii_alphabetic).collect::<String>();
    let edges = lower.trim_matches(|c: char| !c.is_alphabetic());
    [edges.to_owned(), stem(lower), stem(edges), stem(&plain(edges)), stem(&plain(lower))]
        .iter()
        .any(|stem| !stem.is_empty() && COMMON.contains(&stem.as_str()))
}

/// Whether a piece of at most four characters, repeated, makes the whole.
fn repeats(lower: &str) -> bool {
    let all: Vec<char> = lower.chars().collect();
    (1..=4).any(|size| all.len() > size && all.iter().zip(all.iter().skip(size)).all(|(a, b)| a == b))
}

/// Whether runs of the keyboard, forwards or backwards, make almost the whole: fewer than four other characters.
fn runs(lower: &str) -> bool {
    let all: Vec<char> = lower.chars().collect();
    let follows = |a: char, b: char| {
        RUNS.iter().any(|run| {
            let pair = [String::from_iter([a, b]), String::from_iter([b, a])];
            run.contains(&pair[0]) || run.contains(&pair[1])
        }) || a == b
    };
    let breaks = all.iter().zip(all.iter().skip(1)).filter(|(a, b)| !follows(**a, **b)).count();
    breaks < 3
}

fn classes(password: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_lowercase() && !c.is_uppercase() && !c.is_ascii_digit(),
    ];
    kinds.iter().filter(|kind| password.chars().any(*kind)).count()
}

/// Hashes and verifies on threads of their own, so many at a time that memory stays bounded.
#[derive(Debug, Clone)]
pub(crate) struct Stretcher {
    strangers: Arc<Semaphore>,
    known: Arc<Semaphore>,
}

impl Stretcher {
    pub(crate) fn new() -> Self {
        let threads = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 8));
        // A lane of its own for known devices: a flood of strangers cannot make the duty officer wait.
        Self { strangers: Arc::new(Semaphore::new(threads)), known: Arc::new(Semaphore::new(2)) }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, env: &Env, password: &str) -> Result<String, AccessError> {
        let salt = env.bytes::<16>();
        let password = Zeroizing::new(password.to_owned());
        self.run(true, move || {
            let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
            let hash = argon().hash_password(password.as_bytes(), &salt).map_err(|error| error.to_string())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one behind the PHC string; without one, the same work is done for nothing.
    pub(crate) async fn verify(
        &self,
        password: &str,
        phc: Option<String>,
        known_device: bool,
    ) -> Result<bool, AccessError> {
        let password = Zeroizing::new(password.to_owned());
        self.run(known_device, move || {
            let argon = argon();
            match &phc {
                Some(phc) => {
                    let hash = PasswordHash::new(phc).map_err(|error| error.to_string())?;
                    Ok(argon.verify_password(password.as_bytes(), &hash).is_ok())
                }
                None => {
                    let hash = nobodys();
                    let _same_work = hash.map(|hash| argon.verify_password(password.as_bytes(), &hash).is_ok());
                    Ok(false)
                }
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        known_device: bool,
        work: impl FnOnce() -> Result<T, String> + Send + 'static,
    ) -> Result<T, AccessError> {
        let lane = if known_device { &self.known } else { &self.strangers };
        // The semaphores are never closed; a closed one would refuse, not let through.
        let turn = Arc::clone(lane).acquire_owned().await.map_err(|_| AccessError::Key("password lane".into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let out = work();
            drop(turn);
            out
        });
        done.await.map_err(|error| AccessError::Key(error.to_string()))?.map_err(AccessError::Key)
    }
}

fn argon() -> Argon2<'static> {
    let params = Params::new(MEMORY, PASSES, LANES, Some(32)).unwrap_or(Params::DEFAULT);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A hash no password has, with the work of a real one: a wrong name takes as long as a wrong password.
fn nobodys() -> Option<PasswordHash<'static>> {
    Some(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon().params()).ok()?,
        salt: Salt::from_b64("bm9ib2R5bm9ib2R5bm9ibw").ok(),
        hash: Output::new(&[0; 32]).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Timestamp;
    use proptest::prelude::*;

    fn tw_gov() -> Settings {
        Settings { password_profile: PasswordProfile::TwGov, ..Settings::default() }
    }

    #[test]
    fn modern_profile() {
        let modern = Settings::default();
        for (password, weakness) in [
            ("short", Weakness::Short(12)),
            ("P@ssw0rd1234!", Weakness::Common),
            ("administrator2026", Weakness::Common),
            ("LetMeIn!!!!!!", Weakness::Common),
            ("ji394su000000", Weakness::Common),
            ("aaaaaaaaaaaaaaa", Weakness::Pattern),
            ("abcabcabcabcabc", Weakness::Pattern),
            ("1234567890123", Weakness::Pattern),
            ("qwertyuiopasdf", Weakness::Pattern),
            ("zzz-wangxiaoming-zzz", Weakness::Name),
        ] {
            assert_eq!(check(password, "wangxiaoming", &modern), Err(weakness), "{password}");
        }
        assert_eq!(check(&"長".repeat(86), "x", &modern), Err(Weakness::Long));
        for good in ["turtle piano cloud seven", "雲海日出山路很長晚風吹過", "Xk29-fhqw-Lp31"] {
            assert_eq!(check(good, "wangxiaoming", &modern), Ok(()), "{good}");
        }
    }

    #[test]
    fn tw_gov_wants_three_classes() {
        assert_eq!(check("turtlepianocloudseven", "x", &tw_gov()), Err(Weakness::Classes));
        assert_eq!(check("Turtlepianocloudseven", "x", &tw_gov()), Err(Weakness::Classes));
        assert_eq!(check("Turtle piano cloud", "x", &tw_gov()), Ok(()));
        assert_eq!(check("turtle7piano-cloud", "x", &tw_gov()), Ok(()));
    }

    #[test]
    fn a_configured_length_below_twelve_is_raised() {
        let lax = Settings { password_length: 4, ..Settings::default() };
        assert_eq!(check("Xk29-fhqw", "x", &lax), Err(Weakness::Short(12)));
        let strict = Settings { password_length: 20, ..Settings::default() };
        assert_eq!(check("Xk29-fhqw-Lp31", "x", &strict), Err(Weakness::Short(20)));
    }

    #[tokio::test]
    async fn hashes_are_argon2id_of_record_and_verify() {
        let (env, _) = Env::fixed(Timestamp::EPOCH, 3);
        let stretcher = Stretcher::new();
        let phc = stretcher.hash(&env, "turtle piano cloud").await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_ne!(phc, stretcher.hash(&env, "turtle piano cloud").await.unwrap(), "salted");
        assert!(stretcher.verify("turtle piano cloud", Some(phc.clone()), false).await.unwrap());
        assert!(!stretcher.verify("turtle piano clouds", Some(phc), true).await.unwrap());
        assert!(!stretcher.verify("anything", None, false).await.unwrap());
        assert_eq!(nobodys().unwrap().to_string().len(), "$argon2id$v=19$m=19456,t=2,p=1$$".len() + 22 + 43);
    }

    proptest! {
        #[test]
        fn checking_never_panics_and_short_is_never_fine(text in "\\PC{0,40}", login in "[a-z]{0,8}") {
            let verdict = check(&text, &login, &Settings::default());
            prop_assert!(verdict.is_err() || text.chars().count() >= 12);
        }

        #[test]
        fn a_common_stem_with_digits_around_it_stays_common(
            stem in proptest::sample::select(COMMON), digits in "[0-9]{12,16}",
        ) {
            let text = format!("{stem}{digits}");
            prop_assert!(check(&text, "someone", &Settings::default()).is_err(), "{}", text);
        }
    }
}
