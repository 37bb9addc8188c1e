//! What sensors prove: proposed for review, renewed, or published by the automatic path.

use access::{Action, Caller, act};
use base::IndicatorId;
use events::intel::IndicatorState;
use events::sensor::AttackClass;
use store::{Actor, AuditEntry, Outcome, StoreError, SystemKey, Unit, params};

use crate::desk::Command;
use crate::error::{IntelError, Refusal};
use crate::model::{Evidence, Indicator, Origin};
use crate::policy::{self, AutoPolicy, ClassPolicy, NO_STANDS, PROPOSE_FROM, PolicyRow};
use crate::service::{Intel, entry};
use crate::{repo, value};

/// Why evidence led to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quiet {
    /// The score is below [`PROPOSE_FROM`].
    Weak,
    /// The source can be forged.
    Forgeable,
    /// The value is protected, for this reason.
    Protected(String),
    /// A person rejected or revoked it less than a month ago.
    PersonSaidNo(IndicatorId),
}

/// What evidence led to.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// Nothing.
    Quiet(Quiet),
    /// An indicator was made, renewed or published: the row after it.
    Moved(Box<Indicator>),
}

impl Intel {
    /// The unit that follows from evidence, and what it led to; the unit is empty where that is nothing. For reactions
    /// that commit it themselves: on a conflict it is to be made again.
    ///
    /// The live indicator of the value is renewed, the evidence's own organisation's first; a person's no stands.
    ///
    /// # Errors
    /// [`IntelError::Value`] for a value that is none, [`IntelError::Store`].
    pub async fn propose_unit(&self, evidence: Evidence, actor: Actor) -> Result<(Unit, Proposal), IntelError> {
        let now = self.env.now();
        let quiet = |why: Quiet| Ok((Unit::new(actor.clone(), now), Proposal::Quiet(why)));
        if !policy::provable(evidence.class) {
            return quiet(Quiet::Forgeable);
        }
        if evidence.score < PROPOSE_FROM {
            return quiet(Quiet::Weak);
        }
        let value = value::canonical(evidence.kind, &evidence.value)?;
        match self.guarded(evidence.realm, evidence.kind, &value, evidence.scope).await {
            Err(IntelError::Protected(why)) => return quiet(Quiet::Protected(why)),
            other => other?,
        }
        let evidence = Box::new(Evidence { value, ..evidence });
        let publish = self.policy().await?.allows(&evidence);
        let key = value::value_key(evidence.kind, &evidence.value);
        let since = now.plus_secs(-NO_STANDS);
        let known = params![key, evidence.realm, evidence.scope, since, evidence.org];
        let known = self.db.system_read(SystemKey::of("intel"), repo::KNOWN, known).await?;
        let mut known = known.iter().map(repo::indicator).collect::<Result<Vec<_>, _>>()?;
        // What a person of another organisation writes is theirs: it is neither renewed nor a no for everyone.
        known.retain(|row| row.org == evidence.org || row.origin == Origin::Sensors);
        let refused = known.iter().find(|row| !repo::is_live(row.state) && said_by_person(row));
        let live = known.iter().find(|row| repo::is_live(row.state));
        let (before, command) = match (live, refused) {
            (Some(row), _) => (Some(row.clone()), Command::Renew { evidence, publish }),
            (None, Some(row)) => return quiet(Quiet::PersonSaidNo(row.id)),
            (None, None) => (None, Command::Propose { id: self.fresh_id(), evidence, publish }),
        };
        let new = before.is_none();
        let published = before.as_ref().is_some_and(|row| row.state == IndicatorState::Published);
        let (unit, after) = self.step(before, command, actor.clone())?;
        let action = match (new, published, after.state == IndicatorState::Published) {
            (_, false, true) => "intel.publish",
            (true, ..) => "intel.propose",
            _ => "intel.renew",
        };
        Ok((unit.audit(entry(action, &after)), Proposal::Moved(Box::new(after))))
    }

    /// The automatic path as it stands.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn policy(&self) -> Result<AutoPolicy, IntelError> {
        let mut policy = AutoPolicy::clone(&self.defaults);
        for row in self.changed_policies().await? {
            policy.set(row.class, row.rule);
        }
        Ok(policy)
    }

    /// The automatic path class by class, each with the number of its last change.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn policies(&self) -> Result<Vec<PolicyRow>, IntelError> {
        let changed = self.changed_policies().await?;
        let standing = |(class, rule)| {
            changed.iter().find(|row| row.class == class).copied().unwrap_or(PolicyRow { class, rule, version: 0 })
        };
        Ok(self.defaults.iter().map(standing).collect())
    }

    async fn changed_policies(&self) -> Result<Vec<PolicyRow>, IntelError> {
        let mut rows = Vec::new();
        for row in self.db.system_read(SystemKey::of("intel"), repo::POLICY, vec![]).await? {
            let class: String = row.get("class")?;
            let rule = ClassPolicy {
                enabled: row.get("enabled")?,
                min_score: row.get("min_score")?,
                min_sensors: row.get("min_sensors")?,
                ttl: row.get("ttl")?,
            };
            if let Some(class) = AttackClass::from_word(&class) {
                rows.push(PolicyRow { class, rule, version: row.get("version")? });
            }
        }
        Ok(rows)
    }

    /// Opens or closes the automatic path of a class. What the path publishes no person looked at, so a person opens it
    /// and lowers its proof; a token may close it and raise the proof.
    ///
    /// # Errors
    /// [`IntelError::Access`] (also [`access::Refusal::NeedsPerson`]), [`Refusal::Forgeable`] for a class whose source can be forged, [`Refusal::Validity`],
    /// [`Refusal::Field`].
    pub async fn set_policy(&self, by: &Caller, class: AttackClass, rule: ClassPolicy) -> Result<(), IntelError> {
        self.put_policy(by, class, rule, None).await
    }

    /// The same against the version that was read.
    ///
    /// # Errors
    /// Those of [`Intel::set_policy`]; [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn set_policy_at(
        &self,
        by: &Caller,
        class: AttackClass,
        rule: ClassPolicy,
        version: i64,
    ) -> Result<(), IntelError> {
        self.put_policy(by, class, rule, Some(version)).await
    }

    /// The version a rule may be changed from without a person: the one that was read, or the standing one.
    async fn tightened(&self, class: AttackClass, rule: &ClassPolicy, version: Option<i64>) -> Result<i64, IntelError> {
        let standing = self.policies().await?.into_iter().find(|row| row.class == class);
        let Some(before) = standing.filter(|row| !rule.is_looser_than(&row.rule)) else {
            return Err(access::Refusal::NeedsPerson(Action::ManageSettings).into());
        };
        // What was compared is what is replaced: another change meanwhile is a conflict.
        if version.is_some_and(|version| version != before.version) {
            return Err(StoreError::Conflict(0).into());
        }
        Ok(before.version)
    }

    async fn put_policy(
        &self,
        by: &Caller,
        class: AttackClass,
        rule: ClassPolicy,
        version: Option<i64>,
    ) -> Result<(), IntelError> {
        by.permit_in::<act::ManageSettings>(by.centre())?;
        if !policy::provable(class) {
            return Err(Refusal::Forgeable.into());
        }
        if !(policy::SHORTEST..=policy::LONGEST).contains(&rule.ttl) {
            return Err(Refusal::Validity.into());
        }
        if !(PROPOSE_FROM..=1.0).contains(&rule.min_score) {
            return Err(Refusal::Field("min_score").into());
        }
        if rule.min_sensors == 0 {
            return Err(Refusal::Field("min_sensors").into());
        }
        let version = if by.person().is_some() { version } else { Some(self.tightened(class, &rule, version).await?) };
        let audit = AuditEntry {
            action: "intel.policy".into(),
            subject: format!("intel_policy:{}", class.word()),
            org: by.centre(),
            realm: by.realm(),
            tlp: base::Tlp::Amber,
            outcome: Outcome::Done,
            detail: serde_json::to_value(rule).unwrap_or_default(),
        };
        let mut values = params![class.word(), rule.enabled, rule.min_score, rule.min_sensors, rule.ttl];
        let set = match version {
            None => repo::SET_POLICY,
            Some(0) => repo::SET_POLICY_FIRST,
            Some(version) => {
                values.extend(params![version]);
                repo::SET_POLICY_AT
            }
        };
        let unit = Unit::new(by.actor(), self.env.now()).exec_one(set, values).audit(audit);
        self.commit(unit).await
    }
}

/// Rejected and revoked are words of people (or of tokens of people); withdrawn drafts carry no reason.
fn said_by_person(row: &Indicator) -> bool {
    matches!(row.state, IndicatorState::Rejected | IndicatorState::Revoked) && row.reason.is_some()
}
