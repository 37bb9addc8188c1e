//! Accounts and their roles: what they are, and reading them. Changes are in [`crate::staff`] and [`crate::profile`].

use base::{OrgId, PersonId, Role, Timestamp, Tlp};
use store::page::{Page, Paged};
use store::{Row, ScopedSql, StoreError, params};

use crate::access::{Access, KEY};
use crate::account::{role, state};
use crate::action::{Action, act};
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::HoldingId;
use crate::permit::{Facts, Refusal};

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonState {
    /// Invited; has no password yet.
    Invited,
    /// May sign in.
    Active,
    /// May not.
    Disabled,
}

impl PersonState {
    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The state of a stable name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Invited, Self::Active, Self::Disabled].into_iter().find(|state| state.word() == word)
    }
}

/// A role to hold in an organisation, for good or for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewHolding {
    /// The role.
    pub role: Role,
    /// Where.
    pub org: OrgId,
    /// The person it is held for, where it is a deputy's.
    pub deputy_for: Option<PersonId>,
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub to: Option<Timestamp>,
}

impl NewHolding {
    /// A role for good.
    #[must_use]
    pub const fn of(role: Role, org: OrgId) -> Self {
        Self { role, org, deputy_for: None, from: None, to: None }
    }
}

/// A role that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub id: HoldingId,
    /// What is held, where, for whom and when.
    pub what: NewHolding,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// The sign-in name.
    pub login: String,
    /// The name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
    /// Home organisation.
    pub org: OrgId,
    /// Where it stands.
    pub state: PersonState,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub last_sign_in: Option<Timestamp>,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// Its roles.
    pub holdings: Vec<Holding>,
    /// For the version check.
    pub version: u64,
}

/// A person to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Sign-in name: lower-case letters, digits, `.`, `_`, `-`, 2 to 64.
    pub login: String,
    /// Name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
    /// Home organisation.
    pub org: OrgId,
    /// When the account ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Roles.
    pub holdings: Vec<NewHolding>,
}

/// What a person changes about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name to show.
    pub display: String,
    /// Mail address; may be empty.
    pub mail: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
}

/// Which people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeopleFilter {
    /// Only of this organisation.
    pub org: Option<OrgId>,
    /// Only in this state.
    pub state: Option<PersonState>,
    /// Only whose sign-in name starts so.
    pub starts: Option<String>,
}

/// A person's fields, checked.
#[derive(Debug, Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) login: &'a str,
    pub(crate) display: &'a str,
    pub(crate) mail: &'a str,
    pub(crate) language: &'a str,
    pub(crate) zone: &'a str,
    pub(crate) org: OrgId,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) holdings: Vec<NewHolding>,
}

impl Draft<'_> {
    /// The same fields, trimmed and found acceptable.
    pub(crate) fn checked(&self) -> Result<NewPerson, AccessError> {
        let profile = Profile {
            display: self.display.to_owned(),
            mail: self.mail.to_owned(),
            language: self.language.to_owned(),
            zone: self.zone.to_owned(),
        }
        .checked()?;
        Ok(NewPerson {
            login: login_name(self.login)?,
            display: profile.display,
            mail: profile.mail,
            language: profile.language,
            zone: profile.zone,
            org: self.org,
            expires_at: self.expires_at,
            holdings: checked_holdings(&self.holdings)?,
        })
    }
}

impl Profile {
    /// The same fields, trimmed and found acceptable.
    pub(crate) fn checked(&self) -> Result<Self, AccessError> {
        let display = self.display.trim().to_owned();
        if display.is_empty() || display.chars().count() > 80 || display.chars().any(char::is_control) {
            return Err(AccessError::BadField("display", "1 to 80 characters without control characters"));
        }
        let mail = self.mail.trim().to_owned();
        let good = mail.is_empty()
            || mail.split_once('@').is_some_and(|(local, host)| {
                !local.is_empty() && !host.is_empty() && !host.contains('@') && mail.len() <= 254
            }) && !mail.contains(|c: char| c.is_whitespace() || c.is_control());
        if !good {
            return Err(AccessError::BadField("mail", "not a mail address"));
        }
        if !["zh-TW", "en"].contains(&self.language.as_str()) {
            return Err(AccessError::BadField("language", "zh-TW or en"));
        }
        let zone = base::Zone::named(&self.zone).map_err(|_| AccessError::BadField("zone", "not an IANA time zone"))?;
        Ok(Self { display, mail, language: self.language.clone(), zone: zone.name().to_owned() })
    }
}

/// A sign-in name as it is stored and compared: lower case.
pub(crate) fn login_name(text: &str) -> Result<String, AccessError> {
    let name = text.trim().to_lowercase();
    let good = (2..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-' | b'@'))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if good {
        Ok(name)
    } else {
        Err(AccessError::BadField("login", "2 to 64 of a-z 0-9 . _ - @, starting with a letter or digit"))
    }
}

/// Roles as they may be held: by people, each once, with an end that lies after the beginning.
pub(crate) fn checked_holdings(holdings: &[NewHolding]) -> Result<Vec<NewHolding>, AccessError> {
    let mut out: Vec<NewHolding> = Vec::with_capacity(holdings.len());
    for holding in holdings {
        if !holding.role.is_human() {
            return Err(AccessError::BadField("roles", "this role belongs to machines"));
        }
        if let (Some(from), Some(to)) = (holding.from, holding.to)
            && to <= from
        {
            return Err(AccessError::BadField("roles", "the end must lie after the beginning"));
        }
        if holding.deputy_for.is_some() && holding.to.is_none() {
            return Err(AccessError::BadField("roles", "a deputy needs an end"));
        }
        if !out.contains(holding) {
            out.push(*holding);
        }
    }
    if out.len() > 50 {
        return Err(AccessError::BadField("roles", "at most 50"));
    }
    Ok(out)
}

macro_rules! person {
    ($tail:literal) => {
        concat!(
            "SELECT p.id, p.org_id, p.realm, p.login, p.display, p.mail, p.language, p.zone, p.state, p.expires_at, \
             p.created_at, p.last_sign_in, p.version, t.confirmed, \
             (SELECT COUNT(*) FROM credential_passkey k WHERE k.person_id = p.id) AS passkeys FROM person p \
             LEFT JOIN credential_totp t ON t.person_id = p.id AND t.confirmed = 1 ",
            $tail
        )
    };
}

const LIST: ScopedSql = ScopedSql::new(person!(
    "WHERE {visible:p} AND p.login > $1 AND ($2 = 0 OR p.org_id = $3) AND ($4 = 0 OR p.state = $5) \
     AND p.login LIKE $6 ESCAPE '!' ORDER BY p.login LIMIT $7"
));
const ONE: &str = person!("WHERE p.id = $1");
const BY_LOGIN: &str = person!("WHERE p.login = $1");
const HOLDINGS: &str = "SELECT id, role, org_id, deputy_for, from_at, to_at FROM person_role WHERE person_id = $1 \
                        ORDER BY id";
const NAME: ScopedSql = ScopedSql::new("SELECT p.display FROM person p WHERE {visible:p} AND p.id = $1");

impl Access {
    /// A page of the people the caller may see, by sign-in name.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `read_people`; [`AccessError::Text`] for a foreign cursor; [`AccessError::Store`].
    pub async fn people(
        &self,
        caller: &Caller,
        filter: &PeopleFilter,
        page: &Page,
    ) -> Result<Paged<Person>, AccessError> {
        if let Err(why) = caller.require(Action::ReadPeople) {
            return Err(self.refuse(caller, "access.list_people", "person", why).await);
        }
        let after = page.keys("people")?.and_then(|mut keys| keys.pop()).unwrap_or_else(|| "".into());
        let mut like: String = filter.starts.as_deref().unwrap_or_default().trim().to_lowercase();
        like = like.replace('!', "!!").replace('%', "!%").replace('_', "!_") + "%";
        let params = params![
            after,
            filter.org.is_some(),
            filter.org.unwrap_or(OrgId(uuid::Uuid::nil())),
            filter.state.is_some(),
            filter.state.map_or("", PersonState::word),
            like,
            page.fetch()
        ];
        let rows = self.inner.db.read(LIST, &caller.clearance_for(Action::ReadPeople), params).await?;
        let mut people = Vec::with_capacity(rows.len());
        for row in &rows {
            people.push(self.with_holdings(person(row)?).await?);
        }
        Ok(Paged::cut(people, page, "people", |person| params![&person.login]))
    }

    /// One person.
    ///
    /// # Errors
    /// [`crate::Refusal::NotThere`] outside the clearance; everybody sees themselves.
    pub async fn person(&self, caller: &Caller, id: PersonId) -> Result<Person, AccessError> {
        let found = self.load_person(id).await?;
        if caller.person() == Some(id) {
            return found.map(|(person, _)| person).ok_or(AccessError::SignIn);
        }
        let permit = match &found {
            Some((_, facts)) => caller.permit::<act::ReadPeople, _>(id, facts).map(drop),
            None => Err(Refusal::NotThere),
        };
        match (permit, found) {
            (Ok(()), Some((person, _))) => Ok(person),
            (Err(why), _) => Err(self.refuse(caller, "access.read_person", &format!("person:{id}"), why).await),
            (Ok(()), None) => Err(Refusal::NotThere.into()),
        }
    }

    /// The person and the facts that decide about them.
    pub(crate) async fn load_person(&self, id: PersonId) -> Result<Option<(Person, Facts)>, AccessError> {
        self.loaded(self.inner.db.system_read(KEY, ONE, params![id]).await?).await
    }

    pub(crate) async fn load_by_login(&self, login: &str) -> Result<Option<(Person, Facts)>, AccessError> {
        self.loaded(self.inner.db.system_read(KEY, BY_LOGIN, params![login]).await?).await
    }

    async fn loaded(&self, rows: Vec<Row>) -> Result<Option<(Person, Facts)>, AccessError> {
        let Some(row) = rows.first() else { return Ok(None) };
        let person = self.with_holdings(person(row)?).await?;
        let facts = Facts::new(person.org, Tlp::AmberStrict, row.get("realm")?);
        Ok(Some((person, facts)))
    }

    async fn with_holdings(&self, mut person: Person) -> Result<Person, AccessError> {
        let rows = self.inner.db.system_read(KEY, HOLDINGS, params![person.id]).await?;
        person.holdings = rows.iter().map(holding).collect::<Result<_, _>>()?;
        Ok(person)
    }
}

/// The name of a person whose row the clearance sees.
pub(crate) async fn name_of(access: &Access, caller: &Caller, id: PersonId) -> Result<Option<String>, AccessError> {
    let rows = access.inner.db.read(NAME, caller.clearance(), params![id]).await?;
    Ok(rows.first().map(|row| row.get("display")).transpose()?)
}

fn person(row: &Row) -> Result<Person, StoreError> {
    Ok(Person {
        id: row.get("id")?,
        login: row.get("login")?,
        display: row.get("display")?,
        mail: row.get("mail")?,
        language: row.get("language")?,
        zone: row.get("zone")?,
        org: row.get("org_id")?,
        state: state(row)?,
        expires_at: row.get("expires_at")?,
        created_at: row.get("created_at")?,
        last_sign_in: row.get("last_sign_in")?,
        second_factor: row.get::<Option<i64>>("confirmed")?.is_some() || row.get::<i64>("passkeys")? > 0,
        holdings: Vec::new(),
        version: row.get("version")?,
    })
}

fn holding(row: &Row) -> Result<Holding, StoreError> {
    Ok(Holding {
        id: row.get("id")?,
        what: NewHolding {
            role: role(row)?,
            org: row.get("org_id")?,
            deputy_for: row.get("deputy_for")?,
            from: row.get("from_at")?,
            to: row.get("to_at")?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_names() {
        assert_eq!(login_name(" Wang.XM ").unwrap(), "wang.xm");
        for bad in ["", "a", ".ab", "a b", "王小明", "a:b", &"a".repeat(65)] {
            assert!(login_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn profiles() {
        let good = Profile {
            display: " 王小明科長 ".into(),
            mail: "a@b.tw".into(),
            language: "zh-TW".into(),
            zone: "Asia/Taipei".into(),
        };
        assert_eq!(good.checked().unwrap().display, "王小明科長");
        for (field, bad) in [
            ("display", Profile { display: " ".into(), ..good.clone() }),
            ("display", Profile { display: "a\u{7}b".into(), ..good.clone() }),
            ("mail", Profile { mail: "a@b c".into(), ..good.clone() }),
            ("mail", Profile { mail: "nobody".into(), ..good.clone() }),
            ("language", Profile { language: "fr".into(), ..good.clone() }),
            ("zone", Profile { zone: "Mars/Olympus".into(), ..good.clone() }),
        ] {
            let error = bad.checked().unwrap_err();
            assert!(matches!(error, AccessError::BadField(name, _) if name == field), "{field}: {error}");
        }
    }

    #[test]
    fn holdings() {
        let org = OrgId(uuid::Uuid::from_u128(1));
        let tier1 = NewHolding::of(Role::Tier1, org);
        assert_eq!(checked_holdings(&[tier1, tier1]).unwrap(), [tier1]);
        assert!(checked_holdings(&[NewHolding::of(Role::Sensor, org)]).is_err());
        let (early, late) = (Some(Timestamp::from_micros(1)), Some(Timestamp::from_micros(2)));
        assert!(checked_holdings(&[NewHolding { from: late, to: early, ..tier1 }]).is_err());
        let deputy = NewHolding { deputy_for: Some(PersonId(uuid::Uuid::nil())), ..tier1 };
        assert!(checked_holdings(&[deputy]).is_err(), "a deputy needs an end");
        assert!(checked_holdings(&[NewHolding { from: early, to: late, ..deputy }]).is_ok());
    }
}
