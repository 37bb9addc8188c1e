//! Points: enrolment, certificates, kill switch, thaw, configuration, receipts, heartbeats.

use access::{Caller, Facts, act};
use base::papers::{Paper, Papers, Shown};
use base::{EventId, OrgId, PointId, Realm, Timestamp, Tlp};
use events::Event;
use events::edge::{DriftFound, KillSwitched, PointEnrolled, ReceiptArrived};
use serde_json::json;
use store::{Actor, Outcome, Unit};

use crate::desk::directive::{Command as DirectiveCommand, decide as decide_directive};
use crate::desk::point::{Command, Fact, MAX_THAW_SECS, NewPoint, apply, decide};
use crate::error::{EdgeError, Refusal};
use crate::guard::Guards;
use crate::model::{Directive, EndReason, Point, PointState};
use crate::repo::realm::{self, RealmConfig, RealmRow};
use crate::repo::{directive, point};
use crate::service::compile::Move;
use crate::service::{Edge, deciding, leaf};
use crate::wire::config::{MAX_CONFIG, MAX_PROTECTED};
use crate::wire::receipt::MAX_LISTED;
use crate::wire::{EdgeHeartbeat, Intent, ProtectedNet, Receipt};

/// The longest heartbeat text that is kept, in characters.
const MAX_TROUBLE: usize = 500;

/// What cannot be told to the points is not written: every one of them would refuse it, and all that follows.
fn tellable(config: &RealmConfig) -> Result<(), Refusal> {
    if config.protected.len() > MAX_PROTECTED {
        return Err(Refusal::BadField("protected", "too many networks"));
    }
    let bytes = config.told().bytes();
    if bytes > MAX_CONFIG { Err(Refusal::LongConfig(bytes)) } else { Ok(()) }
}

impl Edge {
    /// A point joins. `with` completes the unit, for example by spending the enrolment code: both happen, or neither.
    ///
    /// # Errors
    /// [`EdgeError::Refused`] for a bad name; [`EdgeError::Store`], with `Conflict` when the code was spent meanwhile.
    pub async fn enrol_point(
        &self,
        actor: Actor,
        new: NewPoint,
        with: impl FnOnce(Unit) -> Unit + Send,
    ) -> Result<Point, EdgeError> {
        let facts = decide(None, Command::Enrol(Box::new(new)), self.now())?;
        let mut unit = Unit::new(actor, self.now());
        let point = self.note(&mut unit, None, &facts)?.ok_or(EdgeError::NotThere)?;
        self.db().commit(with(unit)).await?;
        Ok(point)
    }

    /// A point gets its next certificate; the present one stays good until that one is shown.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Refused`] when it was revoked.
    pub async fn certify_point(&self, actor: Actor, id: PointId, next: Paper) -> Result<Point, EdgeError> {
        self.point_decides(actor, id, Command::Certify(next)).await
    }

    /// A person puts a point out; its streams end and its certificate is refused from now on.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`].
    pub async fn revoke_point(&self, caller: &Caller, id: PointId) -> Result<Point, EdgeError> {
        self.permit_point::<act::ManagePoints>(caller, id).await?;
        self.point_decides(caller.actor(), id, Command::Revoke).await
    }

    /// The kill switch of one point: on, it denies nothing.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`] when it was revoked.
    pub async fn kill_point(&self, caller: &Caller, id: PointId, on: bool) -> Result<Point, EdgeError> {
        self.permit_point::<act::KillSwitch>(caller, id).await?;
        self.point_decides(caller.actor(), id, Command::Kill(on)).await
    }

    /// A person accepts a change that froze a point; the limits are off for it until then (one hour at most).
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Access`], [`EdgeError::Refused`] when it was revoked.
    pub async fn thaw_point(&self, caller: &Caller, id: PointId, until: Timestamp) -> Result<Point, EdgeError> {
        self.permit_point::<act::KillSwitch>(caller, id).await?;
        self.point_decides(caller.actor(), id, Command::Thaw { until }).await
    }

    /// The kill switch of every point of the caller's realm.
    ///
    /// # Errors
    /// [`EdgeError::Access`] without the permit for the centre itself.
    pub async fn kill_all(&self, caller: &Caller, on: bool) -> Result<(), EdgeError> {
        let realm = caller.realm();
        caller.permit::<act::KillSwitch, _>((), &self.centre_facts(realm))?;
        self.configure(caller.actor(), realm, |row| {
            let changed = row.kill != on;
            row.kill = on;
            Ok(changed.then(|| ("edge.kill", json!({"on": on}))))
        })
        .await
    }

    /// A person accepts a large change in advance (a first import): the limits are off everywhere in the caller's
    /// realm until then (one hour at most).
    ///
    /// # Errors
    /// [`EdgeError::Access`] without the permit for the centre itself.
    pub async fn thaw_all(&self, caller: &Caller, until: Timestamp) -> Result<(), EdgeError> {
        let realm = caller.realm();
        caller.permit::<act::KillSwitch, _>((), &self.centre_facts(realm))?;
        let until = until.min(self.now().plus_secs(MAX_THAW_SECS));
        self.configure(caller.actor(), realm, |row| {
            row.thaw_until = Some(until);
            Ok(Some(("edge.thaw", json!({"until": until}))))
        })
        .await
    }

    /// What every point of the caller's realm is told: protected networks, limits, canaries. Active denials that
    /// became protected end in the same unit.
    ///
    /// # Errors
    /// [`EdgeError::Access`]; [`EdgeError::Refused`] for impossible limits or too many networks.
    pub async fn set_config(&self, caller: &Caller, config: RealmConfig) -> Result<(), EdgeError> {
        let realm = caller.realm();
        caller.permit::<act::ManageSettings, _>((), &self.centre_facts(realm))?;
        self.set_config_as(caller.actor(), realm, config).await
    }

    /// The same by the centre's own machinery: first start, the demonstration, changes of the registry.
    ///
    /// # Errors
    /// [`EdgeError::Refused`] for impossible limits or too many networks.
    pub async fn set_config_as(&self, actor: Actor, realm: Realm, config: RealmConfig) -> Result<(), EdgeError> {
        tellable(&config)?;
        if config.limits.window_secs == 0 || config.limits.percent > 100 || config.limits.shrink_percent > 100 {
            return Err(
                Refusal::BadField("limits", "percentages end at 100, the window has at least one second").into()
            );
        }
        self.configure(actor, realm, |row| {
            let changed = row.config != config;
            row.config = config.clone();
            Ok(changed.then(|| ("edge.configure", json!(config))))
        })
        .await
    }

    /// The centre's own machinery changes the protected networks and nothing else. `change` makes the new list of the
    /// one in force at the moment of the decision: what people changed meanwhile is never written over.
    ///
    /// # Errors
    /// [`EdgeError::Refused`] for too many networks.
    pub async fn set_protected_as(
        &self,
        actor: Actor,
        realm: Realm,
        change: impl Fn(&[ProtectedNet]) -> Vec<ProtectedNet> + Send + Sync,
    ) -> Result<(), EdgeError> {
        self.configure(actor, realm, |row| {
            let protected = change(&row.config.protected);
            let changed = row.config.protected != protected;
            row.config.protected = protected;
            tellable(&row.config)?;
            Ok(changed.then(|| ("edge.configure", json!(row.config))))
        })
        .await
    }

    /// The configuration of a realm.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn config(&self, realm: Realm) -> Result<RealmRow, EdgeError> {
        Ok(realm::get(self.db(), realm).await?)
    }

    /// A point says what it applied. `id` is the point of the certificate.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Revoked`], [`EdgeError::BadReceipt`].
    pub async fn receipt(&self, id: PointId, receipt: Receipt) -> Result<Point, EdgeError> {
        if receipt.point != id {
            return Err(EdgeError::BadReceipt("belongs to another point"));
        }
        if receipt.refused.len() > MAX_LISTED || receipt.read_back.wrong.len() > MAX_LISTED {
            return Err(EdgeError::BadReceipt("lists more elements than allowed"));
        }
        deciding!(self, {
            let row = point::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
            if row.point.state == PointState::Revoked {
                return Err(EdgeError::Revoked);
            }
            let (current, then) = self.mark_at(row.point.realm, row.point.org, receipt.sequence).await?;
            if receipt.sequence > current.sequence {
                return Err(EdgeError::BadReceipt("names a sequence the centre never sent"));
            }
            let expected = then.map(|mark| mark.digest);
            let command = Command::Receipt { receipt: Box::new(receipt.clone()), expected };
            let facts = decide(Some(&row.point), command, self.now())?;
            let mut unit = Unit::new(Actor::Machine(format!("edge:{id}")), self.now());
            let point = self.note(&mut unit, Some(row.point), &facts)?.ok_or(EdgeError::NotThere)?;
            Ok((unit, point))
        })
    }

    /// A point's sign of life.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Revoked`], [`EdgeError::BadReceipt`].
    pub async fn heartbeat(&self, id: PointId, mut heartbeat: EdgeHeartbeat) -> Result<(), EdgeError> {
        if heartbeat.point != id {
            return Err(EdgeError::BadReceipt("belongs to another point"));
        }
        let row = point::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
        if row.point.state == PointState::Revoked {
            return Err(EdgeError::Revoked);
        }
        heartbeat.trouble = heartbeat.trouble.map(|text| text.chars().take(MAX_TROUBLE).collect());
        let mut unit = Unit::new(Actor::Machine(format!("edge:{id}")), self.now());
        point::keep_heartbeat(&mut unit, &heartbeat, self.now())?;
        self.db().commit(unit).await?;
        Ok(())
    }

    /// The point of a certificate, for the listener: its organisation and realm, and whether it may connect.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`], [`EdgeError::Revoked`], also when the certificate is not the point's present one.
    pub async fn admit_point(&self, id: PointId, serial: &str) -> Result<Point, EdgeError> {
        let row = point::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
        if row.point.state != PointState::Enrolled {
            return Err(EdgeError::Revoked);
        }
        match row.point.papers().show(serial, self.now()) {
            Shown::Good => Ok(row.point),
            Shown::Refused => Err(EdgeError::Revoked),
            Shown::First(_) => {
                let actor = Actor::Machine(format!("edge:{id}"));
                match self.point_decides(actor, id, Command::Show { serial: serial.to_owned() }).await {
                    Err(EdgeError::Refused(_)) => Err(EdgeError::Revoked),
                    outcome => outcome,
                }
            }
        }
    }

    /// How the certificates of a point stand.
    ///
    /// # Errors
    /// [`EdgeError::NotThere`].
    pub async fn certificates(&self, id: PointId) -> Result<Papers, EdgeError> {
        Ok(point::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?.point.papers())
    }

    async fn permit_point<A: access::Act>(&self, caller: &Caller, id: PointId) -> Result<(), EdgeError> {
        let row = point::seen(self.db(), caller.clearance(), id).await?.ok_or(EdgeError::NotThere)?;
        caller.permit::<A, _>(id, &Facts::new(row.point.org, row.point.tlp, row.point.realm))?;
        Ok(())
    }

    async fn point_decides(&self, actor: Actor, id: PointId, command: Command) -> Result<Point, EdgeError> {
        deciding!(self, {
            let row = point::by_id(self.db(), id).await?.ok_or(EdgeError::NotThere)?;
            let facts = decide(Some(&row.point), command.clone(), self.now())?;
            let mut unit = Unit::new(actor.clone(), self.now());
            let before = row.point.clone();
            let point = self.note(&mut unit, Some(row.point), &facts)?.unwrap_or(before);
            Ok((unit, point))
        })
    }

    /// Writes the point these facts make, and what they are worth telling. None without facts.
    fn note(&self, unit: &mut Unit, before: Option<Point>, facts: &[Fact]) -> Result<Option<Point>, EdgeError> {
        let version = before.as_ref().map(|point| point.version);
        let Some(point) = facts.iter().fold(before, apply).filter(|_| !facts.is_empty()) else { return Ok(None) };
        point::write(unit, version, &point)?;
        for fact in facts {
            self.tell_point(unit, &point, fact)?;
        }
        Ok(Some(point))
    }

    fn tell_point(&self, unit: &mut Unit, p: &Point, fact: &Fact) -> Result<(), EdgeError> {
        let event = |unit: &mut Unit, event: Event| {
            unit.events.push(self.envelope(p.org, p.realm, p.tlp, event));
        };
        let (action, detail) = match fact {
            Fact::Enrolled(_) => {
                let enrolled = PointEnrolled { point: p.id, name: p.name.clone(), driver: p.driver.word().to_owned() };
                event(unit, Event::PointEnrolled(enrolled));
                ("edge.enrol", json!({"name": p.name, "driver": p.driver.word(), "serial": p.serial}))
            }
            Fact::Certified(next) => ("edge.certify", json!({"serial": next.serial, "expires": next.until})),
            Fact::Shown(papers) => {
                ("edge.certificate_in_use", json!({"serial": papers.present.serial, "expires": papers.present.until}))
            }
            Fact::Revoked => ("edge.revoke_point", json!({"serial": p.serial})),
            Fact::KillSet(on) => {
                event(unit, Event::KillSwitched(KillSwitched { point: Some(p.id), on: *on }));
                ("edge.kill", json!({"on": on}))
            }
            Fact::Thawed { until } => ("edge.thaw", json!({"until": until})),
            Fact::Receipted { applied, news, drift } => {
                point::heard(unit, p.id, applied.at);
                // The history holds what was new; the same word again only shows that the point lives.
                if *news || *drift {
                    point::keep_receipt(unit, self.inner.env.id::<EventId>(), p, applied)?;
                }
                let receipt = &applied.receipt;
                if *news {
                    let arrived = ReceiptArrived {
                        point: p.id,
                        sequence: receipt.sequence,
                        elements: receipt.elements,
                        read_back: receipt.read_back.changed.saturating_add(receipt.read_back.sampled),
                        probed: receipt.probe.is_proof(),
                        ok: applied.standing.is_good(),
                    };
                    event(unit, Event::ReceiptArrived(arrived));
                }
                if let (true, Some(found)) = (*drift, receipt.drift) {
                    let found = DriftFound {
                        point: p.id,
                        missing: found.missing,
                        extra: found.extra,
                        repaired: found.repaired,
                    };
                    event(unit, Event::DriftFound(found));
                }
                // Receipts are evidence of their own table; the audit tree holds decisions.
                return Ok(());
            }
        };
        let whose = (p.org, p.realm, p.tlp);
        unit.audit.push(leaf(action, format!("point:{}", p.id), whose, Outcome::Done, detail));
        Ok(())
    }

    /// Changes a realm's row; `change` says what to audit, or nothing when nothing changed.
    async fn configure<F>(&self, actor: Actor, realm: Realm, change: F) -> Result<(), EdgeError>
    where
        F: Fn(&mut RealmRow) -> Result<Option<(&'static str, serde_json::Value)>, Refusal> + Send + Sync,
    {
        deciding!(self, {
            let mut unit = Unit::new(actor.clone(), self.now());
            let before = realm::get(self.db(), realm).await?;
            let mut row = before.clone();
            let Some((action, detail)) = change(&mut row)? else { return Ok(()) };
            row.revision += 1;
            realm::ensure(&mut unit, realm, self.inner.identity.centre)?;
            realm::configure(&mut unit, realm, before.revision, &row)?;
            let centre = self.inner.identity.centre;
            unit.audit.push(leaf(action, format!("realm:{realm}"), (centre, realm, Tlp::Green), Outcome::Done, detail));
            if before.kill != row.kill {
                let switched = Event::KillSwitched(KillSwitched { point: None, on: row.kill });
                unit.events.push(self.envelope(centre, realm, Tlp::Green, switched));
            }
            if before.config.protected != row.config.protected {
                realm::stand(&mut unit, realm, before.seq);
                let guards = self.guards_from(&row);
                let moves = self.newly_protected(realm, &guards).await?;
                self.compile(&mut unit, realm, &row, &guards, &moves).await?;
            }
            Ok((unit, ()))
        })
    }

    /// Active denials that the guards do not allow any more end.
    ///
    /// One statement reads them all: the networks may be tens of thousands, and other decisions wait meanwhile.
    async fn newly_protected(&self, realm: Realm, guards: &Guards) -> Result<Vec<Move>, EdgeError> {
        let live = directive::all_live(self.db(), realm).await?;
        let mut moves = Vec::new();
        for one in live.iter().filter(|one| one.intent == Intent::Deny && guards.protected(one.key).is_some()) {
            // One that ended between the two reads moved the realm's number: the commit finds out.
            let Some(denial) = directive::by_id(self.db(), one.id).await?.filter(Directive::is_active) else {
                continue;
            };
            let facts = decide_directive(Some(&denial), DirectiveCommand::End(EndReason::Guard), self.now())?;
            moves.extend(Move::of(Some(denial), facts));
        }
        Ok(moves)
    }

    /// What concerns the whole centre, as a row of the centre's own organisation.
    fn centre_facts(&self, realm: Realm) -> Facts {
        let centre: OrgId = self.inner.identity.centre;
        Facts::new(centre, Tlp::Green, realm)
    }
}
