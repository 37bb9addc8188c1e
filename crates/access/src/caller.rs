//! Who is asking: a person, a token or a machine, with its grants and its clearance.

use base::{OrgId, PersonId, Realm, Role, Tlp, TokenId};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use store::{Actor, Area, Clearance, Reach, SystemKey};
use uuid::Uuid;

use crate::action::{Act, Action, actions_of};
use crate::ids::LoginId;
use crate::permit::{Facts, Permit, Refusal};

/// The author of what the host's own tokens do: the bootstrap token, the one after it, and every token made with them
/// are one, and no person is it.
pub const BOOTSTRAP: PersonId = PersonId(Uuid::from_u128(0x626f_6f74_7374_8261_8070_0000_0000_0000));

/// The kind of a machine with its own certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MachineKind {
    /// A honeypot or importer.
    Sensor,
    /// An enforcement agent.
    Edge,
}

impl MachineKind {
    /// `sensor` or `edge`, as in the certificate's subject.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::Edge => "edge",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Sensor, Self::Edge].into_iter().find(|kind| kind.word() == word)
    }
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A person in a session.
    Person {
        /// The account.
        id: PersonId,
        /// The session.
        login: LoginId,
    },
    /// An API token.
    Token {
        /// The token.
        id: TokenId,
    },
    /// A sensor or enforcement agent.
    Machine {
        /// What it is.
        kind: MachineKind,
        /// Its id.
        id: Uuid,
    },
    /// The centre's own machinery or its host's administrator.
    System(&'static str),
}

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Everything its grants allow.
    Full,
    /// The second factor is set up but not shown yet in this session.
    SecondFactor,
    /// The role needs a second factor and none is set up.
    EnrolSecondFactor,
    /// The password is too old.
    ChangePassword,
}

impl Stage {
    /// What stands between the session and everything its grants allow.
    ///
    /// # Errors
    /// [`Refusal::SecondFactorDue`], [`Refusal::PasswordDue`].
    pub const fn due(self) -> Result<(), Refusal> {
        match self {
            Self::Full => Ok(()),
            Self::SecondFactor | Self::EnrolSecondFactor => Err(Refusal::SecondFactorDue),
            Self::ChangePassword => Err(Refusal::PasswordDue),
        }
    }
}

/// Actions allowed within one organisation and everything below it (everywhere, when it is the centre's own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role behind it; none for a token.
    pub role: Option<Role>,
    /// What it allows.
    pub actions: Cow<'static, [Action]>,
    /// Where.
    pub org: OrgId,
    /// The organisation and everything below it, sorted.
    pub under: Arc<[OrgId]>,
}

impl Grant {
    /// The grant of a role; `under` holds the organisation itself and everything below it.
    #[must_use]
    pub fn of_role(role: Role, org: OrgId, under: impl Into<Vec<OrgId>>) -> Self {
        Self { role: Some(role), actions: Cow::Borrowed(actions_of(role)), org, under: sorted(org, under.into()) }
    }

    /// The grant of a token's scopes.
    #[must_use]
    pub fn of_scopes(scopes: Vec<Action>, org: OrgId, under: impl Into<Vec<OrgId>>) -> Self {
        Self { role: None, actions: Cow::Owned(scopes), org, under: sorted(org, under.into()) }
    }
}

fn sorted(org: OrgId, mut under: Vec<OrgId>) -> Arc<[OrgId]> {
    under.push(org);
    under.sort_unstable();
    under.dedup();
    under.into()
}

/// How a person wants to be shown things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Face {
    /// Name to show.
    pub name: String,
    /// `zh-TW` or `en`.
    pub language: String,
    /// IANA zone.
    pub zone: String,
}

/// Who is asking, with everything that decides what they see and may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    who: Who,
    org: OrgId,
    centre: OrgId,
    grants: Vec<Grant>,
    clearance: Clearance,
    ceiling: Tlp,
    branches: Arc<[Branch]>,
    stage: Stage,
    face: Option<Face>,
    maker: Option<PersonId>,
}

impl Caller {
    /// A caller from loaded facts. Only this room and tests make one (checked by `xtask tidy`).
    ///
    /// `ceiling` lowers the marking of tokens; roles bring their own.
    #[must_use]
    pub fn mint(who: Who, org: OrgId, centre: OrgId, grants: Vec<Grant>, realm: Realm, ceiling: Tlp) -> Self {
        let person = if let Who::Person { id, .. } = who { Some(id) } else { None };
        let (clearance, branches) = sight(centre, &grants, ceiling).mint(realm, person);
        Self { who, org, centre, grants, clearance, ceiling, branches, stage: Stage::Full, face: None, maker: None }
    }

    /// The same token with the person who made it: what it does counts as theirs wherever two people are asked for.
    #[must_use]
    pub const fn made_by(mut self, maker: Option<PersonId>) -> Self {
        self.maker = maker;
        self
    }

    /// The same caller with the sight of those of its grants only that allow the action: a list of the audit tree shows
    /// what the auditor's role sees, not what another role of the same person sees elsewhere.
    #[must_use]
    pub fn narrowed(mut self, action: Action) -> Self {
        let grants: Vec<Grant> = self.grants.iter().filter(|grant| grant.actions.contains(&action)).cloned().collect();
        let (realm, person) = (self.clearance.realm(), self.clearance.person());
        (self.clearance, self.branches) = sight(self.centre, &grants, self.ceiling).mint(realm, person);
        self
    }

    /// What it may read by those of its grants that allow the action.
    #[must_use]
    pub fn clearance_for(&self, action: Action) -> Clearance {
        self.clone().narrowed(action).clearance
    }

    /// The strictest marking it sees of an organisation's rows.
    #[must_use]
    pub fn most_in(&self, org: OrgId) -> Tlp {
        let near = self.branches.iter().filter(|branch| branch.under.binary_search(&org).is_ok());
        near.map(|branch| branch.area.within).fold(self.clearance.shared(), Tlp::max)
    }

    /// The centre's own machinery: command line on the host, first start, the demo's script.
    #[must_use]
    pub fn system(key: SystemKey, centre: OrgId, realm: Realm) -> Self {
        let grant = Grant::of_scopes(Action::ALL.to_vec(), centre, []);
        Self::mint(Who::System(key.room()), centre, centre, vec![grant], realm, Tlp::Red)
    }

    /// A machine that showed its certificate; its row was loaded and is not revoked.
    #[must_use]
    pub fn machine(kind: MachineKind, id: Uuid, org: OrgId, centre: OrgId, realm: Realm) -> Self {
        let (role, ceiling) = match kind {
            MachineKind::Sensor => (Role::Sensor, Tlp::Clear),
            MachineKind::Edge => (Role::Edge, Tlp::AmberStrict),
        };
        Self::mint(Who::Machine { kind, id }, org, centre, vec![Grant::of_role(role, org, [])], realm, ceiling)
    }

    /// The same caller at another stage of signing in.
    #[must_use]
    pub const fn at_stage(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self
    }

    /// The same caller with name, language and zone.
    #[must_use]
    pub fn with_face(mut self, face: Face) -> Self {
        self.face = Some(face);
        self
    }

    /// Who it is.
    #[must_use]
    pub const fn who(&self) -> &Who {
        &self.who
    }

    /// The person, where it is one.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        if let Who::Person { id, .. } = self.who { Some(id) } else { None }
    }

    /// Who answers for what it does: the person, the maker of the token, or [`BOOTSTRAP`] for a token without one.
    #[must_use]
    pub const fn author(&self) -> Option<PersonId> {
        match (&self.who, self.maker) {
            (Who::Person { id, .. }, _) => Some(*id),
            (Who::Token { .. }, None) => Some(BOOTSTRAP),
            (_, maker) => maker,
        }
    }

    /// The session, where it is a person's.
    #[must_use]
    pub const fn login(&self) -> Option<LoginId> {
        if let Who::Person { login, .. } = self.who { Some(login) } else { None }
    }

    /// The organisation it belongs to.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The centre's own organisation.
    #[must_use]
    pub const fn centre(&self) -> OrgId {
        self.centre
    }

    /// The realm it lives in.
    #[must_use]
    pub const fn realm(&self) -> Realm {
        self.clearance.realm()
    }

    /// What it may read.
    #[must_use]
    pub const fn clearance(&self) -> &Clearance {
        &self.clearance
    }

    /// How far the session has come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Name, language and zone of a person.
    #[must_use]
    pub const fn face(&self) -> Option<&Face> {
        self.face.as_ref()
    }

    /// Its roles, each once.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        let mut roles: Vec<Role> = self.grants.iter().filter_map(|grant| grant.role).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// What it was granted, and where.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Who stands in the audit tree.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.who {
            Who::Person { id, .. } => Actor::Person(*id),
            Who::Token { id } => Actor::Machine(format!("token:{id}")),
            Who::Machine { kind, id } => Actor::Machine(format!("{}:{id}", kind.word())),
            Who::System(room) => Actor::System((*room).to_owned()),
        }
    }

    /// Whether it may do this somewhere: decides which lists and menus are offered.
    #[must_use]
    pub fn can(&self, action: Action) -> bool {
        self.require(action).is_ok()
    }

    /// Like [`Caller::can`], with the reason.
    ///
    /// # Errors
    /// [`Refusal::SecondFactorDue`], [`Refusal::PasswordDue`], [`Refusal::Forbidden`], [`Refusal::Scope`],
    /// [`Refusal::NeedsPerson`].
    pub fn require(&self, action: Action) -> Result<(), Refusal> {
        self.stage.due()?;
        if action.needs_person() && self.person().is_none() {
            return Err(Refusal::NeedsPerson(action));
        }
        let granted = self.grants.iter().any(|grant| grant.actions.contains(&action));
        if granted { Ok(()) } else { Err(self.lacking(action)) }
    }

    /// Whether a row of these facts is inside the clearance: the same rule the store's reads follow.
    #[must_use]
    pub fn sees(&self, facts: &Facts) -> bool {
        facts.realm == self.clearance.realm() && facts.tlp <= self.most_in(facts.org)
    }

    /// The permit to do `A` to the loaded row `id`.
    ///
    /// # Errors
    /// [`Refusal::NotThere`] outside the clearance (answered like an absent row), [`Refusal::Forbidden`] inside it
    /// without a grant for this organisation, [`Refusal::FourEyes`] for the author, and those of [`Caller::require`].
    pub fn permit<A: Act, I: Copy>(&self, id: I, facts: &Facts) -> Result<Permit<A, I>, Refusal> {
        self.stage.due()?;
        if !self.sees(facts) {
            return Err(Refusal::NotThere);
        }
        self.require(A::ACTION)?;
        if !self.has_in(A::ACTION, facts.org) {
            return Err(Refusal::Forbidden(A::ACTION));
        }
        if A::ACTION.four_eyes() && facts.author.is_some() && facts.author == self.author() {
            return Err(Refusal::FourEyes(A::ACTION));
        }
        Ok(Permit::grant(id))
    }

    /// The permit to make something new in an organisation. A grant that covers the organisation is sight enough; without
    /// one, an organisation that is not seen is absent.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], [`Refusal::NotThere`], and those of [`Caller::require`].
    pub fn permit_in<A: Act>(&self, org: OrgId) -> Result<Permit<A, OrgId>, Refusal> {
        self.stage.due()?;
        // An organisation's own row is green: its name is known in the community.
        let seen = self.sees(&Facts::new(org, Tlp::Green, self.realm()));
        let granted = self.require(A::ACTION);
        match (granted, self.has_in(A::ACTION, org)) {
            (Ok(()), true) => Ok(Permit::grant(org)),
            _ if !seen => Err(Refusal::NotThere),
            (Err(why), _) => Err(why),
            (Ok(()), false) => Err(Refusal::Forbidden(A::ACTION)),
        }
    }

    /// Whether a grant for this action covers the organisation.
    pub(crate) fn has_in(&self, action: Action, org: OrgId) -> bool {
        let covers = |grant: &&Grant| grant.org == self.centre || grant.under.binary_search(&org).is_ok();
        self.grants.iter().filter(|grant| grant.actions.contains(&action)).any(|grant| covers(&grant))
    }

    const fn lacking(&self, action: Action) -> Refusal {
        if matches!(self.who, Who::Token { .. }) { Refusal::Scope(action) } else { Refusal::Forbidden(action) }
    }
}

/// The strictest marking a role's holder sees at the centre.
const fn ceiling_of(role: Role) -> Tlp {
    match role {
        Role::DutyOfficer | Role::IntelligenceOfficer => Tlp::Red,
        Role::Administrator
        | Role::Tier1
        | Role::Tier2
        | Role::Leadership
        | Role::Member
        | Role::IspHandler
        | Role::PlatformEngineer
        | Role::Auditor
        | Role::Edge => Tlp::AmberStrict,
        Role::PublicEditor | Role::Wall => Tlp::Green,
        Role::Sensor => Tlp::Clear,
    }
}

/// An area with everything in it, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Branch {
    area: Area,
    under: Arc<[OrgId]>,
}

/// What grants show: the union of what each alone would show, no wider and no narrower.
struct Sight {
    reach: Reach,
    branches: Vec<Branch>,
    shared: Tlp,
}

impl Sight {
    fn mint(self, realm: Realm, person: Option<PersonId>) -> (Clearance, Arc<[Branch]>) {
        let areas: Vec<Area> = self.branches.iter().map(|branch| branch.area).collect();
        (Clearance::mint(self.reach, areas, self.shared, realm, person), self.branches.into())
    }
}

fn sight(centre: OrgId, grants: &[Grant], ceiling: Tlp) -> Sight {
    let mut sight = Sight { reach: Reach::Shared, branches: Vec::new(), shared: Tlp::Green.min(ceiling) };
    for grant in grants {
        // The wall shows what is shared, wherever it hangs; sensors send and read nothing.
        if matches!(grant.role, Some(Role::Wall | Role::Sensor)) || *grant.actions == [Action::ReadWall] {
            continue;
        }
        let most = grant.role.map_or(Tlp::Red, ceiling_of).min(ceiling);
        // A machine of the centre is no staff: it sees its own organisation only.
        if grant.org == centre && grant.role != Some(Role::Edge) {
            sight.reach = Reach::All;
            sight.shared = sight.shared.max(most);
        } else {
            let area = Area { top: grant.org, within: most.min(Tlp::AmberStrict) };
            sight.branches.push(Branch { area, under: grant.under.clone() });
        }
    }
    if !sight.branches.is_empty() && sight.reach == Reach::Shared {
        sight.reach = Reach::Areas;
    }
    // The widest first: what an earlier area, or the sight of everything, shows as far is no area of its own.
    sight.branches.sort_by_key(|branch| (Reverse(branch.under.len()), Reverse(branch.area.within), branch.area.top));
    let mut kept: Vec<Branch> = Vec::with_capacity(sight.branches.len());
    for branch in std::mem::take(&mut sight.branches) {
        let everywhere = sight.reach == Reach::All && branch.area.within <= sight.shared;
        let covers = |wide: &Branch| {
            wide.area.within >= branch.area.within && wide.under.binary_search(&branch.area.top).is_ok()
        };
        if !everywhere && !kept.iter().any(covers) {
            kept.push(branch);
        }
    }
    Sight { branches: kept, ..sight }
}
