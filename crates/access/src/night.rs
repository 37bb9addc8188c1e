//! The night shift: one officer may approve their own draft; the second pair of eyes comes afterwards, as an
//! obligation with a deadline.

use base::{OrgId, PersonId, Role, Timestamp, Zone};
use store::page::{Page, Paged};
use store::{Row, ScopedSql, StoreError, Unit, params};

use crate::access::{Access, KEY};
use crate::action::{Act, Action, act};
use crate::audit;
use crate::caller::Caller;
use crate::error::AccessError;
use crate::ids::RetroId;
use crate::permit::{Facts, Permit, Refusal};
use crate::settings::NightShift;

/// An approval: the permit, and the obligation that comes with it where the night shift allowed it.
#[derive(Debug, Clone)]
pub struct Approval<A, I> {
    /// The permit.
    pub permit: Permit<A, I>,
    /// The second look that is now owed, if any.
    pub owed: Option<Unit>,
}

impl<A, I> Approval<A, I> {
    /// Adds the obligation to the unit that approves: both happen, or neither.
    #[must_use]
    pub fn record(&self, unit: Unit) -> Unit {
        match &self.owed {
            Some(owed) => unit.and(owed.clone()),
            None => unit,
        }
    }
}

/// How the second look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetroOutcome {
    /// The decision stands.
    Confirmed,
    /// The decision was wrong; whoever looked takes it back.
    Objected,
}

impl RetroOutcome {
    /// The stable name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Objected => "objected",
        }
    }
}

impl NightShift {
    /// Whether it is night: from the first minute of the night up to the first of the day, over midnight where
    /// the night begins later than it ends.
    #[must_use]
    pub fn is_night(&self, zone: &Zone, at: Timestamp) -> bool {
        let clock = zone.clock(at);
        let now = clock.get(..5).unwrap_or_default();
        let (from, to) = (self.from.as_str(), self.to.as_str());
        if from <= to { from <= now && now < to } else { from <= now || now < to }
    }
}

/// A second look that is owed or was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetroReview {
    /// Its id.
    pub id: RetroId,
    /// What was approved: `approve_intel`.
    pub action: Action,
    /// Which row: `indicator:0192...`.
    pub subject: String,
    /// Whose row.
    pub org: OrgId,
    /// Who approved their own draft.
    pub approved_by: PersonId,
    /// When.
    pub approved_at: Timestamp,
    /// Until when the second look is due.
    pub due_at: Timestamp,
    /// For the version check.
    pub version: u64,
}

const OPEN: ScopedSql = ScopedSql::new(
    "SELECT r.id, r.org_id, r.action, r.subject, r.approved_by, r.approved_at, r.due_at, r.version FROM retro_review r \
     WHERE {visible:r} AND r.reviewed_at IS NULL AND (r.due_at > $1 OR (r.due_at = $1 AND r.id > $2)) \
     ORDER BY r.due_at, r.id LIMIT $3",
);

impl Access {
    /// The permit for an approval: four eyes, or the night shift with its obligation.
    ///
    /// # Errors
    /// [`crate::Refusal::FourEyes`] for the author outside the night shift, and those of [`Caller::permit`].
    pub fn permit_approval<A: Act, I: Copy>(
        &self,
        caller: &Caller,
        id: I,
        facts: &Facts,
        subject: &str,
    ) -> Result<Approval<A, I>, AccessError> {
        let why = match caller.permit(id, facts) {
            Ok(permit) => return Ok(Approval { permit, owed: None }),
            Err(why) => why,
        };
        let (Refusal::FourEyes(_), Some(person), true) = (why, caller.person(), self.alone(caller, A::ACTION, facts))
        else {
            return Err(why.into());
        };
        // Everything but the second pair of eyes still has to hold.
        let permit = caller.permit(id, &facts.by(None))?;
        let now = self.inner.env.now();
        let due = now.plus_secs(i64::from(self.inner.settings.night_shift.second_within_hours.max(1)) * 3_600);
        let retro: RetroId = self.inner.env.id();
        let leaf = audit::done(
            "access.self_approval",
            subject.to_owned(),
            facts.org,
            facts.realm,
            serde_json::json!({"action": A::ACTION, "retro_review": retro, "due_at": due}),
        );
        let owed = Unit::new(caller.actor(), now)
            .exec_one(
                "INSERT INTO retro_review (id, org_id, tlp, realm, action, subject, approved_by, approved_at, due_at, \
                 version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)",
                params![retro, facts.org, facts.tlp, facts.realm, A::ACTION.word(), subject, person, now, due],
            )
            .audit(leaf);
        Ok(Approval { permit, owed: Some(owed) })
    }

    /// Whether the night shift lets this duty officer approve their own draft now.
    fn alone(&self, caller: &Caller, action: Action, facts: &Facts) -> bool {
        let settings = &self.inner.settings;
        let on_duty = caller.grants().iter().any(|grant| {
            grant.role == Some(Role::DutyOfficer)
                && grant.actions.contains(&action)
                && (grant.org == self.inner.centre || grant.under.binary_search(&facts.org).is_ok())
        });
        let night = &settings.night_shift;
        on_duty
            && night.enabled
            && Zone::named(&settings.zone).is_ok_and(|zone| night.is_night(&zone, self.inner.env.now()))
    }

    /// Second looks that are owed, the soonest due first.
    ///
    /// # Errors
    /// [`AccessError::Text`] for a foreign cursor, [`AccessError::Store`].
    pub async fn retro_open(&self, caller: &Caller, page: &Page) -> Result<Paged<RetroReview>, AccessError> {
        let mut keys = page.keys("retro")?.unwrap_or_default();
        let after = keys.pop().unwrap_or(store::Value::Uuid(uuid::Uuid::nil()));
        let due = keys.pop().unwrap_or(store::Value::Int(i64::MIN));
        let rows = self.inner.db.read(OPEN, caller.clearance(), params![due, after, page.fetch()]).await?;
        let open = rows.iter().map(retro).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(open, page, "retro", |retro| params![retro.due_at, retro.id]))
    }

    /// Gives the second look.
    ///
    /// # Errors
    /// [`crate::Refusal::FourEyes`] for the one who approved; [`crate::Refusal`] for who could not have approved it;
    /// [`AccessError::Changed`].
    pub async fn retro_close(
        &self,
        caller: &Caller,
        id: RetroId,
        outcome: RetroOutcome,
        note: &str,
        version: u64,
    ) -> Result<(), AccessError> {
        const ACTION: &str = "access.retro_review";
        let sql = "SELECT org_id, tlp, realm, action, approved_by, subject FROM retro_review WHERE id = $1";
        let rows = self.inner.db.system_read(KEY, sql, params![id]).await?;
        let Some(row) = rows.first() else {
            return Err(self.refuse(caller, ACTION, &format!("retro_review:{id}"), Refusal::NotThere).await);
        };
        let facts = Facts::new(row.get("org_id")?, row.get("tlp")?, row.get("realm")?)
            .by(Some(row.get::<PersonId>("approved_by")?));
        let permit = match action(row)? {
            Action::ApproveIntel => caller.permit::<act::ApproveIntel, _>(id, &facts).map(drop),
            Action::ApproveBlock => caller.permit::<act::ApproveBlock, _>(id, &facts).map(drop),
            other => Err(Refusal::Forbidden(other)),
        };
        let subject: String = row.get("subject")?;
        if let Err(why) = permit {
            return Err(self.refuse(caller, ACTION, &subject, why).await);
        }
        let note = note.trim();
        if note.chars().count() > 2_000 || note.contains('\0') {
            return Err(AccessError::BadField("note", "at most 2000 characters"));
        }
        if outcome == RetroOutcome::Objected && note.is_empty() {
            return Err(AccessError::BadField("note", "an objection needs its reason"));
        }
        let now = self.inner.env.now();
        let unit = Unit::new(caller.actor(), now)
            .exec_one(
                "UPDATE retro_review SET reviewed_by = $2, reviewed_at = $3, outcome = $4, note = $5, \
                 version = version + 1 WHERE id = $1 AND version = $6 AND reviewed_at IS NULL",
                params![id, caller.person(), now, outcome.word(), note, version],
            )
            .audit(audit::done(
                ACTION,
                subject,
                facts.org,
                facts.realm,
                serde_json::json!({"retro_review": id, "outcome": outcome.word()}),
            ));
        self.commit(unit).await?;
        Ok(())
    }
}

fn action(row: &Row) -> Result<Action, StoreError> {
    row.get::<String>("action")?.parse().map_err(|_| StoreError::Shape("an unknown action is stored".into()))
}

fn retro(row: &Row) -> Result<RetroReview, StoreError> {
    Ok(RetroReview {
        id: row.get("id")?,
        action: action(row)?,
        subject: row.get("subject")?,
        org: row.get("org_id")?,
        approved_by: row.get("approved_by")?,
        approved_at: row.get("approved_at")?,
        due_at: row.get("due_at")?,
        version: row.get("version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_night_goes_over_midnight() {
        let (night, zone) = (NightShift::default(), Zone::default());
        for (at, is) in [
            ("2026-11-21T17:59:59+08:00", false),
            ("2026-11-21T18:00:00+08:00", true),
            ("2026-11-21T23:59:59+08:00", true),
            ("2026-11-22T00:00:00+08:00", true),
            ("2026-11-22T07:59:59+08:00", true),
            ("2026-11-22T08:00:00+08:00", false),
        ] {
            assert_eq!(night.is_night(&zone, at.parse().unwrap()), is, "{at}");
        }
        let noon = NightShift { from: "12:00".into(), to: "13:00".into(), ..night };
        assert!(noon.is_night(&zone, "2026-11-22T12:30:00+08:00".parse().unwrap()));
        assert!(!noon.is_night(&zone, "2026-11-22T13:00:00+08:00".parse().unwrap()));
        let never = NightShift { from: "12:00".into(), to: "12:00".into(), ..noon };
        assert!(!never.is_night(&zone, "2026-11-22T12:00:00+08:00".parse().unwrap()));
    }
}
