//! API tokens: `lft_` and 256 random bits, stored hashed, scoped, bound to an organisation.

use base::{AddrSpec, OrgId, PersonId, Timestamp, Tlp, TokenId};
use std::net::IpAddr;
use store::page::{Page, Paged};
use store::{Row, ScopedSql, StoreError, Unit, params};
use zeroize::Zeroizing;

use crate::access::{Access, Believed, KEY};
use crate::action::{Action, act};
use crate::audit;
use crate::caller::{Caller, Grant, Who};
use crate::error::AccessError;
use crate::ids::LoginId;
use crate::keys::{fresh_secret, hash_secret};
use crate::permit::{Facts, Refusal};

/// Days a token lives when its maker does not say.
pub const DEFAULT_DAYS: i64 = 365;
/// Days the bootstrap token lives, at most, and with it every token made with it; each start that asks for one makes a
/// fresh one.
pub const BOOTSTRAP_DAYS: i64 = 90;
/// The action of leaves about a token that ends.
const REVOKE: &str = "access.token_revoke";
/// The name of the bootstrap token.
const BOOTSTRAP: &str = "bootstrap";

/// What every token starts with.
pub const PREFIX: &str = "lft_";

/// A token to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its name, for people.
    pub name: String,
    /// What it may do; never more than its maker.
    pub scopes: Vec<Action>,
    /// Where: this organisation and everything below it (everywhere, when it is the centre's own).
    pub org: OrgId,
    /// The strictest marking it sees; never more than its maker.
    pub ceiling: Tlp,
    /// The only addresses it works from.
    pub bound_to: Option<AddrSpec>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Action>,
    /// Where.
    pub org: OrgId,
    /// The strictest marking it sees.
    pub ceiling: Tlp,
    /// The only addresses it works from.
    pub bound_to: Option<AddrSpec>,
    /// The person it stands and falls with: who made it, or made the token that made it; none for the first start.
    pub created_by: Option<PersonId>,
    /// The token that made it, with which it ends; none where a person or the host did.
    pub made_with: Option<TokenId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether it is a bootstrap token itself: it administers the centre and no person stands behind it.
    #[must_use]
    pub fn is_bootstrap(&self) -> bool {
        self.is_of_bootstrap() && self.made_with.is_none() && self.name == BOOTSTRAP
    }

    /// Whether it is of a bootstrap token's line: that token, or made with one of the line. No person stands behind it.
    #[must_use]
    pub fn is_of_bootstrap(&self) -> bool {
        self.created_by.is_none()
    }

    /// Whether it works at this moment, as far as its own row says.
    #[must_use]
    pub fn lives(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > now)
    }
}

/// A fresh token: the only moment its secret is readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretToken {
    /// Its id.
    pub id: TokenId,
    /// The bearer secret.
    pub secret: Zeroizing<String>,
    /// When it ends: no later than was asked for, and no later than the token that made it.
    pub expires_at: Option<Timestamp>,
}

/// The only addresses a caller may come from.
pub(crate) type Bound = Option<AddrSpec>;

/// What a new token may not go beyond, and the person it stands and falls with.
struct Limits {
    bound_to: Bound,
    expires_at: Option<Timestamp>,
    maker: Option<PersonId>,
    made_with: Option<TokenId>,
}

/// How exactly the last use is kept.
const USED: i64 = 60_000_000;

const LIST: ScopedSql = ScopedSql::new(
    "SELECT t.id, t.org_id, t.name, t.scopes, t.ceiling, t.bound_to, t.created_by, t.created_at, t.expires_at, \
     t.last_used, t.revoked_at, t.made_with FROM access_token t WHERE {visible:t} AND t.id > $1 ORDER BY t.id LIMIT $2",
);

/// The revoked ones among the tokens that made the token `$1`, and those that made them.
const DEAD_MAKERS: &str = "WITH RECURSIVE makers (id) AS (SELECT made_with FROM access_token WHERE id = $1 UNION \
     SELECT t.made_with FROM access_token t JOIN makers m ON t.id = m.id) \
     SELECT t.id FROM access_token t JOIN makers m ON t.id = m.id WHERE t.revoked_at IS NOT NULL LIMIT 1";
/// Revokes the token `$1` and every one of its line: made with it, or with one of those.
const END_LINE: &str = "WITH RECURSIVE line (id) AS (SELECT id FROM access_token WHERE id = $1 UNION \
     SELECT t.id FROM access_token t JOIN line l ON t.made_with = l.id) \
     UPDATE access_token SET revoked_at = $2 WHERE id IN (SELECT id FROM line) AND revoked_at IS NULL";

/// The marking of a token's own row: its name and scopes are known to the organisation and the centre.
const ROW: Tlp = Tlp::AmberStrict;

impl Access {
    /// Makes a token.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_tokens` there, or for a scope the caller does not have itself;
    /// [`AccessError::BadField`]; [`AccessError::SignIn`] when the token that makes it is revoked meanwhile.
    pub async fn token_create(&self, caller: &Caller, token: &NewToken) -> Result<SecretToken, AccessError> {
        const ACTION: &str = "access.token_create";
        let subject = format!("org:{}", token.org);
        if let Err(why) =
            caller.permit_in::<act::ManageTokens>(token.org).map(drop).and_then(|()| within(caller, token))
        {
            return Err(self.refuse(caller, ACTION, &subject, why).await);
        }
        let now = self.inner.env.now();
        let name = token.name.trim();
        if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
            return Err(AccessError::BadField("name", "1 to 80 characters without control characters"));
        }
        if token.scopes.is_empty() {
            return Err(AccessError::BadField("scopes", "at least one"));
        }
        if token.scopes.iter().any(|scope| scope.needs_person() || *scope == Action::SyncEdge) {
            return Err(AccessError::BadField("scopes", "this needs a person or a machine certificate"));
        }
        let Limits { bound_to, expires_at, maker, made_with } = self.limits(caller, token).await?;
        if expires_at.is_some_and(|end| end <= now) {
            return Err(AccessError::BadField("expires_at", "must lie in the future"));
        }
        let (id, secret) = (self.inner.env.id::<TokenId>(), fresh_secret(&self.inner.env, PREFIX));
        let scopes = words(&token.scopes);
        let detail = serde_json::json!({"name": name, "scopes": scopes, "ceiling": token.ceiling,
            "bound_to": bound_to, "expires_at": expires_at, "made_with": made_with});
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO access_token (id, org_id, tlp, realm, name, hash, scopes, ceiling, bound_to, created_by, \
                 created_at, expires_at, made_with) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                params![
                    id,
                    token.org,
                    ROW,
                    caller.realm(),
                    name,
                    hash_secret(&secret),
                    scopes,
                    token.ceiling,
                    bound_to.map(|net| net.to_string()),
                    maker,
                    now,
                    expires_at,
                    made_with
                ],
            )
            .audit(audit::done(ACTION, format!("token:{id}"), token.org, caller.realm(), detail));
        self.commit(unit).await?;
        Ok(SecretToken { id, secret, expires_at })
    }

    /// From where and how long a new token works, and whose it is. One that a token makes never works from elsewhere or
    /// longer than its maker, and belongs to the same person, so that a stolen token cannot free itself of its limits.
    async fn limits(&self, caller: &Caller, token: &NewToken) -> Result<Limits, AccessError> {
        let Who::Token { id } = caller.who() else {
            return Ok(Limits {
                bound_to: token.bound_to,
                expires_at: token.expires_at,
                maker: caller.person(),
                made_with: None,
            });
        };
        let sql = "SELECT bound_to, expires_at, created_by FROM access_token WHERE id = $1 AND revoked_at IS NULL";
        let rows = self.inner.db.system_read(KEY, sql, params![*id]).await?;
        let row = rows.first().ok_or(AccessError::SignIn)?;
        let ends: Option<Timestamp> = row.get("expires_at")?;
        let bound_to = match (bound(row)?, token.bound_to) {
            (None, asked) => asked,
            (Some(most), Some(asked)) if most.net().contains(&asked.net()) => Some(asked),
            (Some(most), Some(asked)) if !asked.net().contains(&most.net()) => {
                return Err(AccessError::BadField(
                    "bound_to",
                    "must lie within the addresses of the token that makes it",
                ));
            }
            (most, _) => most,
        };
        let expires_at = ends.into_iter().chain(token.expires_at).min();
        Ok(Limits { bound_to, expires_at, maker: row.get("created_by")?, made_with: Some(*id) })
    }

    /// The administrator's token of an unattended start, for [`BOOTSTRAP_DAYS`]. Those of earlier starts live on until
    /// this one is in its place and [`Access::bootstrap_only`] ends them.
    ///
    /// # Errors
    /// Those of [`Access::token_create`].
    pub async fn bootstrap_token(&self, caller: &Caller) -> Result<SecretToken, AccessError> {
        let now = self.inner.env.now();
        let scopes = Action::ALL.iter().copied().filter(|action| !action.needs_person() && *action != Action::SyncEdge);
        let token = NewToken {
            name: BOOTSTRAP.into(),
            scopes: scopes.collect(),
            org: self.inner.centre,
            ceiling: Tlp::AmberStrict,
            bound_to: None,
            expires_at: Some(now.plus_secs(BOOTSTRAP_DAYS * 86_400)),
        };
        self.token_create(caller, &token).await
    }

    /// The bootstrap token that this secret is, while it is not revoked.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn bootstrap_of(&self, secret: &str) -> Result<Option<TokenId>, AccessError> {
        let sql = "SELECT id FROM access_token WHERE hash = $1 AND name = $2 AND created_by IS NULL \
                   AND made_with IS NULL AND revoked_at IS NULL";
        let rows = self.inner.db.system_read(KEY, sql, params![hash_secret(secret), BOOTSTRAP]).await?;
        Ok(rows.first().map(|row| row.get("id")).transpose()?)
    }

    /// Ends the bootstrap tokens of earlier starts, each with its line and with its leaf. The line of `followed`, which
    /// stood where `kept` stands now, goes on as that one's: programs outlive a start, and end with the token in force.
    ///
    /// # Errors
    /// [`AccessError::Store`].
    pub async fn bootstrap_only(
        &self,
        caller: &Caller,
        kept: TokenId,
        followed: Option<TokenId>,
    ) -> Result<(), AccessError> {
        let now = self.inner.env.now();
        let sql = "SELECT id, org_id, realm FROM access_token WHERE name = $1 AND created_by IS NULL \
                   AND made_with IS NULL AND id <> $2 AND revoked_at IS NULL ORDER BY id";
        let mut unit = Unit::new(caller.actor(), now);
        for row in self.inner.db.system_read(KEY, sql, params![BOOTSTRAP, kept]).await? {
            let id: TokenId = row.get("id")?;
            let goes_on = followed == Some(id);
            if goes_on {
                let sql = "UPDATE access_token SET made_with = $2 WHERE made_with = $1 AND revoked_at IS NULL";
                unit = unit.exec(sql, params![id, kept]);
            }
            let detail = serde_json::json!({"followed_by": kept, "line": if goes_on { "goes on" } else { "ends" }});
            let leaf = audit::done(REVOKE, format!("token:{id}"), row.get("org_id")?, row.get("realm")?, detail);
            unit = unit.exec(END_LINE, params![id, now]).audit(leaf);
        }
        if !unit.statements.is_empty() {
            self.commit(unit).await?;
            self.doubt();
        }
        Ok(())
    }

    /// Who the bearer secret belongs to.
    ///
    /// # Errors
    /// [`AccessError::SignIn`] when it is unknown, expired, revoked or used from elsewhere.
    pub async fn token_check(&self, bearer: &str, from: IpAddr) -> Result<Caller, AccessError> {
        let checked = self.check(bearer, from).await;
        if matches!(checked, Err(AccessError::SignIn)) {
            self.inner.strangers.refused("access.token");
        }
        checked
    }

    async fn check(&self, bearer: &str, from: IpAddr) -> Result<Caller, AccessError> {
        if !bearer.starts_with(PREFIX) {
            return Err(AccessError::SignIn);
        }
        let hash = hash_secret(bearer);
        let believed = match self.believed(&hash) {
            Some(believed) => believed,
            None => self.look_up(hash).await?,
        };
        let from = AddrSpec::host(from);
        if believed.bound.is_some_and(|net| !net.net().contains(&from.net())) {
            return Err(AccessError::SignIn);
        }
        Ok(believed.caller)
    }

    async fn look_up(&self, hash: [u8; 32]) -> Result<Believed, AccessError> {
        let now = self.inner.env.now();
        let doubts = self.doubts();
        let sql = "SELECT id, org_id, realm, scopes, ceiling, bound_to, created_by, last_used, made_with \
                   FROM access_token \
                   WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
        let rows = self.inner.db.system_read(KEY, sql, params![hash, now]).await?;
        let row = rows.first().ok_or(AccessError::SignIn)?;
        let (id, org): (TokenId, OrgId) = (row.get("id")?, row.get("org_id")?);
        // Revoking ends the whole line in one unit; a token that was being made meanwhile ends here.
        if row.get::<Option<TokenId>>("made_with")?.is_some()
            && !self.inner.db.system_read(KEY, DEAD_MAKERS, params![id]).await?.is_empty()
        {
            return Err(AccessError::SignIn);
        }
        let (mut scopes, mut ceiling) = (scopes(row)?, row.get("ceiling")?);
        let made_by: Option<PersonId> = row.get("created_by")?;
        if let Some(maker) = made_by {
            let maker = self.maker(maker).await?;
            // No longer stronger than its maker is now: a role that was lost takes its scopes along.
            scopes.retain(|scope| maker.has_in(*scope, org));
            ceiling = maker.most_in(org).min(ceiling);
        }
        let grant = Grant::of_scopes(scopes, org, self.below(org).await?);
        let caller = Caller::mint(Who::Token { id }, org, self.inner.centre, vec![grant], row.get("realm")?, ceiling)
            .made_by(made_by);
        let last: Option<Timestamp> = row.get("last_used")?;
        if last.is_none_or(|last| now.since(last) >= USED) {
            let unit =
                audit::system(now).exec("UPDATE access_token SET last_used = $2 WHERE id = $1", params![id, now]);
            if let Err(error) = self.inner.db.commit(unit).await {
                tracing::warn!(%error, "the time of a token's last use was not kept");
            }
        }
        let believed = Believed { at: now, caller, bound: bound(row)? };
        self.believe(hash, believed.clone(), doubts);
        Ok(believed)
    }

    /// The maker of a token as they are now; none stands behind a token whose maker may not sign in.
    async fn maker(&self, id: PersonId) -> Result<Caller, AccessError> {
        let account = self.account_by_id(id).await?.ok_or(AccessError::SignIn)?;
        if !account.is_active(self.inner.env.now()) {
            return Err(AccessError::SignIn);
        }
        let grants = self.grants(&account.roles).await?;
        let who = Who::Person { id, login: LoginId(uuid::Uuid::nil()) };
        Ok(Caller::mint(who, account.org, self.inner.centre, grants, account.realm, Tlp::Red))
    }

    /// Revokes, in the unit, the tokens of a person that work from anywhere. Those bound to addresses stay: a copy of
    /// one is of no use elsewhere. With their number.
    pub(crate) async fn revoke_unbound(&self, unit: Unit, person: PersonId) -> Result<(Unit, u64), AccessError> {
        let sql = "SELECT id, bound_to FROM access_token WHERE created_by = $1 AND revoked_at IS NULL ORDER BY id";
        let (at, mut unit, mut count) = (unit.at, unit, 0);
        for row in self.inner.db.system_read(KEY, sql, params![person]).await? {
            if bound(&row)?.is_none_or(|net| net.net().prefix_len() == 0) {
                let id: TokenId = row.get("id")?;
                unit = unit.exec(END_LINE, params![id, at]);
                count += 1;
            }
        }
        Ok((unit, count))
    }

    /// A page of the tokens the caller may see, oldest first.
    ///
    /// # Errors
    /// [`crate::Refusal`] without `manage_tokens`; [`AccessError::Text`] for a foreign cursor.
    pub async fn tokens(&self, caller: &Caller, page: &Page) -> Result<Paged<Token>, AccessError> {
        if let Err(why) = caller.require(Action::ManageTokens) {
            return Err(self.refuse(caller, "access.list_tokens", "token", why).await);
        }
        let sight = caller.clearance_for(Action::ManageTokens);
        let after = page.keys("tokens")?.and_then(|mut keys| keys.pop());
        let after = after.unwrap_or(store::Value::Uuid(uuid::Uuid::nil()));
        let rows = self.inner.db.read(LIST, &sight, params![after, page.fetch()]).await?;
        let tokens = rows.iter().map(token).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(tokens, page, "tokens", |token| params![token.id]))
    }

    /// Revokes a token, and with it every token of its line: made with it, or with one of those.
    ///
    /// # Errors
    /// [`crate::Refusal`].
    pub async fn token_revoke(&self, caller: &Caller, id: TokenId) -> Result<(), AccessError> {
        const ACTION: &str = REVOKE;
        let subject = format!("token:{id}");
        let sql = "SELECT org_id, realm FROM access_token WHERE id = $1";
        let rows = self.inner.db.system_read(KEY, sql, params![id]).await?;
        let permit = match rows.first() {
            Some(row) => {
                let facts = Facts::new(row.get("org_id")?, ROW, row.get("realm")?);
                caller.permit::<act::ManageTokens, _>(id, &facts).map(|_| facts)
            }
            None => Err(Refusal::NotThere),
        };
        let facts = match permit {
            Ok(facts) => facts,
            Err(why) => return Err(self.refuse(caller, ACTION, &subject, why).await),
        };
        let now = self.inner.env.now();
        let unit = Unit::new(caller.actor(), now).exec(END_LINE, params![id, now]).audit(audit::done(
            ACTION,
            subject,
            facts.org,
            facts.realm,
            serde_json::json!({}),
        ));
        self.commit(unit).await?;
        self.doubt();
        Ok(())
    }
}

/// A token is never stronger than its maker: each scope there, and no marking beyond.
fn within(caller: &Caller, token: &NewToken) -> Result<(), Refusal> {
    for scope in &token.scopes {
        caller.require(*scope)?;
        if !caller.has_in(*scope, token.org) {
            return Err(Refusal::Forbidden(*scope));
        }
    }
    if token.ceiling > caller.most_in(token.org) { Err(Refusal::Forbidden(Action::ManageTokens)) } else { Ok(()) }
}

fn words(scopes: &[Action]) -> String {
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(" ")
}

fn scopes(row: &Row) -> Result<Vec<Action>, StoreError> {
    let text: String = row.get("scopes")?;
    // A scope that a later release dropped is no scope any more.
    Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
}

fn bound(row: &Row) -> Result<Bound, StoreError> {
    let text: Option<String> = row.get("bound_to")?;
    text.map(|text| text.parse().map_err(|_| StoreError::Shape("a token is bound to foreign text".into()))).transpose()
}

fn token(row: &Row) -> Result<Token, StoreError> {
    Ok(Token {
        id: row.get("id")?,
        name: row.get("name")?,
        scopes: scopes(row)?,
        org: row.get("org_id")?,
        ceiling: row.get("ceiling")?,
        bound_to: bound(row)?,
        created_by: row.get("created_by")?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        last_used: row.get("last_used")?,
        revoked_at: row.get("revoked_at")?,
        made_with: row.get("made_with")?,
    })
}
