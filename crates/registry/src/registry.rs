//! The service: loads, decides, commits one unit, and keeps the index in step.

use access::{Caller, Refusal, audit};
use base::{AddrSpec, AddressScope, Env, OrgId, Realm, Timestamp};
use store::{Actor, Db, StoreError, SystemKey, Unit, params};

use crate::command::{Change, Command, Decided, Names, Span, decide, make_org};
use crate::error::RegistryError;
use crate::ids::{AsnId, DomainId, NetworkId};
use crate::model::{NewOrg, Standing};
use crate::names::{AsNumber, DomainName};
use crate::query;
use crate::whose::{Book, Whose};

pub(crate) const KEY: SystemKey = SystemKey::of("registry");

/// How often a decision is made again because another node committed first.
const TRIES: usize = 8;

/// The organisations of this centre. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) realm: Realm,
    whose: Whose,
}

impl Registry {
    /// Opens the registry and loads its index.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn open(db: Db, env: Env, realm: Realm) -> Result<Self, RegistryError> {
        let registry = Self { db, env, realm, whose: Whose::default() };
        registry.load().await?;
        Ok(registry)
    }

    /// Whose is it? A handle that answers without waiting; it follows every change.
    #[must_use]
    pub const fn whose(&self) -> &Whose {
        &self.whose
    }

    /// The centre's own organisation; none before [`Registry::ensure_centre`].
    #[must_use]
    pub fn centre(&self) -> Option<OrgId> {
        self.whose.with(|book| book.orgs.values().find(|org| org.own).map(|org| org.id))
    }

    /// The centre's own organisation, made with these names when there is none yet (first start; the wizard renames it).
    ///
    /// # Errors
    /// [`RegistryError::BadField`], [`RegistryError::Store`].
    pub async fn ensure_centre(&self, new: &NewOrg) -> Result<OrgId, RegistryError> {
        for _ in 0..TRIES {
            self.refresh().await?;
            if let Some(centre) = self.centre() {
                return Ok(centre);
            }
            let now = self.env.now();
            let org = make_org(self.env.id(), new, true, now, None)?;
            let id = org.id;
            let decided = Decided {
                action: "registry.found_centre",
                org: id,
                subject: format!("org:{id}"),
                detail: serde_json::json!({"code": org.code}),
                changes: vec![Change::AddOrg(org)],
            };
            if self.commit(Actor::System("registry".into()), self.whose.version(), &decided, now).await? {
                return Ok(id);
            }
        }
        Err(RegistryError::Changed)
    }

    /// Decides and commits a command.
    ///
    /// # Errors
    /// Every [`RegistryError`]; a refusal leaves its audit leaf.
    pub async fn run(&self, caller: &Caller, command: &Command) -> Result<Decided, RegistryError> {
        for _ in 0..TRIES {
            self.refresh().await?;
            let (version, decided) = self.whose.with(|book| (book.version, decide(book, caller, command, &self.env)));
            let decided = match decided {
                Ok(decided) => decided,
                Err(RegistryError::Refused(why)) => {
                    return Err(self.refused(caller, command.action(), command.subject(), why).await);
                }
                Err(error) => return Err(error),
            };
            if self.commit(caller.actor(), version, &decided, self.env.now()).await? {
                return Ok(decided);
            }
        }
        Err(RegistryError::Changed)
    }

    /// Loads the index again if another node changed the tables; true if it did. The supervisor calls it every second.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn refresh(&self) -> Result<bool, RegistryError> {
        if query::state(&self.db).await? == self.whose.version() {
            return Ok(false);
        }
        self.load().await?;
        Ok(true)
    }

    async fn load(&self) -> Result<(), RegistryError> {
        for _ in 0..TRIES {
            let version = query::state(&self.db).await?;
            let mut book = Book::at(version);
            query::fill(&self.db, &mut book).await?;
            if query::state(&self.db).await? == version {
                self.whose.swap(book);
                return Ok(());
            }
        }
        Err(RegistryError::Changed)
    }

    /// Commits as the version after `version`; false when another commit was first.
    async fn commit(
        &self,
        actor: Actor,
        version: u64,
        decided: &Decided,
        now: Timestamp,
    ) -> Result<bool, RegistryError> {
        let leaf =
            audit::done(decided.action, decided.subject.clone(), decided.org, self.realm, decided.detail.clone());
        let mut unit = Unit::new(actor, now)
            .exec_one(
                "UPDATE registry_state SET version = version + 1 WHERE name = 'registry' AND version = $1",
                params![version],
            )
            .audit(leaf);
        for change in &decided.changes {
            unit = query::write(unit, change, self.realm);
        }
        match self.db.commit(unit).await {
            Ok(_) => {
                if !self.whose.follow(version + 1, &decided.changes) {
                    self.load().await?;
                }
                Ok(true)
            }
            Err(StoreError::Conflict(_)) => {
                self.load().await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Records the refusal and gives it back as the error.
    pub(crate) async fn refused(
        &self,
        caller: &Caller,
        action: &'static str,
        subject: String,
        why: Refusal,
    ) -> RegistryError {
        // "Not there" is the doors' to note: a leaf here would take longer than the answer about nothing.
        if why == Refusal::NotThere {
            return why.into();
        }
        let unit = audit::refused(caller, action, subject, &why, self.env.now());
        match self.db.commit(unit).await {
            Ok(_) => why.into(),
            Err(error) => error.into(),
        }
    }

    /// Adds an organisation.
    ///
    /// # Errors
    /// [`RegistryError::CodeTaken`], [`RegistryError::UnknownOrg`] for the parent, [`RegistryError::BadField`].
    pub async fn org_add(&self, caller: &Caller, new: NewOrg, span: Span) -> Result<OrgId, RegistryError> {
        self.run(caller, &Command::AddOrg(new, span)).await.map(|decided| decided.org)
    }

    /// Gives an organisation other names.
    ///
    /// # Errors
    /// [`RegistryError::CodeTaken`], [`RegistryError::Changed`], [`RegistryError::BadField`].
    pub async fn org_rename(&self, caller: &Caller, id: OrgId, to: Names, version: u64) -> Result<(), RegistryError> {
        self.run(caller, &Command::Rename(id, to, version)).await.map(drop)
    }

    /// Changes kind, sector, criticality or responsibility level.
    ///
    /// # Errors
    /// [`RegistryError::Changed`], [`RegistryError::BadField`].
    pub async fn org_set_standing(
        &self,
        caller: &Caller,
        id: OrgId,
        to: Standing,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::SetStanding(id, to, version)).await.map(drop)
    }

    /// Moves an organisation with everything below it.
    ///
    /// # Errors
    /// [`RegistryError::Cycle`], [`RegistryError::UnknownOrg`], [`RegistryError::Changed`].
    pub async fn org_move(
        &self,
        caller: &Caller,
        id: OrgId,
        parent: Option<OrgId>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::Move(id, parent, version)).await.map(drop)
    }

    /// Ends an organisation with its networks, domains and AS numbers, now or at a later time.
    ///
    /// # Errors
    /// [`RegistryError::HasChildren`], [`RegistryError::OwnStays`], [`RegistryError::Changed`].
    pub async fn org_end(
        &self,
        caller: &Caller,
        id: OrgId,
        at: Option<Timestamp>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::EndOrg(id, at, version)).await.map(drop)
    }

    /// Registers a network.
    ///
    /// # Errors
    /// [`RegistryError::Overlap`], [`RegistryError::Repeated`], [`RegistryError::TooWide`], [`RegistryError::BadField`].
    pub async fn network_add(
        &self,
        caller: &Caller,
        org: OrgId,
        net: AddrSpec,
        scope: AddressScope,
        span: Span,
    ) -> Result<NetworkId, RegistryError> {
        let decided = self.run(caller, &Command::AddNetwork(org, net, scope, span)).await?;
        made(&decided, |change| if let Change::AddNetwork(row) = change { Some(row.id) } else { None })
    }

    /// Ends a network.
    ///
    /// # Errors
    /// [`RegistryError::UnknownItem`], [`RegistryError::Changed`].
    pub async fn network_end(
        &self,
        caller: &Caller,
        id: NetworkId,
        at: Option<Timestamp>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::EndNetwork(id, at, version)).await.map(drop)
    }

    /// Registers a domain with everything below it.
    ///
    /// # Errors
    /// [`RegistryError::Taken`], [`RegistryError::Repeated`].
    pub async fn domain_add(
        &self,
        caller: &Caller,
        org: OrgId,
        name: DomainName,
        span: Span,
    ) -> Result<DomainId, RegistryError> {
        let decided = self.run(caller, &Command::AddDomain(org, name, span)).await?;
        made(&decided, |change| if let Change::AddDomain(row) = change { Some(row.id) } else { None })
    }

    /// Ends a domain.
    ///
    /// # Errors
    /// [`RegistryError::UnknownItem`], [`RegistryError::Changed`].
    pub async fn domain_end(
        &self,
        caller: &Caller,
        id: DomainId,
        at: Option<Timestamp>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::EndDomain(id, at, version)).await.map(drop)
    }

    /// Registers an AS number.
    ///
    /// # Errors
    /// [`RegistryError::Taken`], [`RegistryError::Repeated`].
    pub async fn asn_add(
        &self,
        caller: &Caller,
        org: OrgId,
        number: AsNumber,
        span: Span,
    ) -> Result<AsnId, RegistryError> {
        let decided = self.run(caller, &Command::AddAsn(org, number, span)).await?;
        made(&decided, |change| if let Change::AddAsn(row) = change { Some(row.id) } else { None })
    }

    /// Ends an AS number.
    ///
    /// # Errors
    /// [`RegistryError::UnknownItem`], [`RegistryError::Changed`].
    pub async fn asn_end(
        &self,
        caller: &Caller,
        id: AsnId,
        at: Option<Timestamp>,
        version: u64,
    ) -> Result<(), RegistryError> {
        self.run(caller, &Command::EndAsn(id, at, version)).await.map(drop)
    }
}

fn made<T>(decided: &Decided, pick: impl Fn(&Change) -> Option<T>) -> Result<T, RegistryError> {
    decided.changes.iter().find_map(pick).ok_or(RegistryError::UnknownItem)
}
