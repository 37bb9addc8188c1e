//! Silences: a noise is hidden with a scope and an end, previewed before and undone by ending it.

use access::{Caller, act};
use base::{Timestamp, Tlp};
use store::{AuditEntry, Clearance, Outcome, StoreError, Unit, params};

use crate::error::{DetectError, Refusal};
use crate::model::{Finding, Preview, Silence, SilenceId, SilenceScope};
use crate::repo;
use crate::service::Detect;

/// A silence ends within so many seconds.
const LONGEST: i64 = 90 * 86_400;
/// Days a preview looks back.
const PREVIEW_DAYS: u32 = 7;

impl Detect {
    /// What a silence would have hidden in the last seven days, and would hide now.
    ///
    /// # Errors
    /// [`DetectError::Access`], [`DetectError::Store`].
    pub async fn preview(&self, caller: &Caller, scope: &SilenceScope) -> Result<Preview, DetectError> {
        caller.permit_in::<act::ResolveFinding>(scope.org)?;
        let key = scope.subject.as_ref().map(repo::subject_key);
        let since = self.preview_since();
        let any = key.is_none();
        let sql = params![scope.org, &scope.rule, key.unwrap_or_default(), any, since];
        let rows = self.db.read(repo::PREVIEW, caller.clearance(), sql).await?;
        let row = rows.first().ok_or_else(|| StoreError::Shape("a count without a row".into()))?;
        Ok(Preview {
            findings: row.get("findings")?,
            firings: row.get("firings")?,
            open: row.get("open")?,
            days: PREVIEW_DAYS,
        })
    }

    /// The findings of [`Detect::preview`], newest first, at most `most`.
    ///
    /// # Errors
    /// Those of [`Detect::preview`].
    pub async fn preview_rows(
        &self,
        caller: &Caller,
        scope: &SilenceScope,
        most: u32,
    ) -> Result<Vec<Finding>, DetectError> {
        caller.permit_in::<act::ResolveFinding>(scope.org)?;
        let key = scope.subject.as_ref().map(repo::subject_key);
        let any = key.is_none();
        let sql = params![scope.org, &scope.rule, key.unwrap_or_default(), any, self.preview_since(), most];
        let rows = self.db.read(repo::PREVIEW_ROWS, caller.clearance(), sql).await?;
        Ok(rows.iter().map(repo::finding).collect::<Result<_, _>>()?)
    }

    /// When the window of a preview begins.
    fn preview_since(&self) -> Timestamp {
        self.env.now().plus_secs(-86_400 * i64::from(PREVIEW_DAYS))
    }

    /// How many findings each silence hides now; one that hides none is not named.
    ///
    /// # Errors
    /// [`DetectError::Store`].
    pub async fn hidden(&self, who: &Clearance) -> Result<Vec<(SilenceId, u64)>, DetectError> {
        let rows = self.db.read(repo::HIDDEN, who, params![]).await?;
        let pair = |row: &store::Row| Ok((row.get("silence_id")?, row.get("hidden")?));
        Ok(rows.iter().map(pair).collect::<Result<_, StoreError>>()?)
    }

    /// Hides a noise until an end. What nobody has taken is hidden at once; what comes is counted and hidden.
    ///
    /// # Errors
    /// [`DetectError::Access`], [`Refusal::SilenceEnd`], [`Refusal::Reason`], [`DetectError::Store`].
    pub async fn silence(
        &self,
        caller: &Caller,
        scope: SilenceScope,
        until: Timestamp,
        reason: &str,
    ) -> Result<Silence, DetectError> {
        caller.permit_in::<act::ResolveFinding>(scope.org)?;
        let now = self.env.now();
        if until <= now || until > now.plus_secs(LONGEST) {
            return Err(Refusal::SilenceEnd.into());
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 1_000 || reason.contains('\0') {
            return Err(Refusal::Reason.into());
        }
        if scope.rule.is_empty() || scope.rule.len() > 128 {
            return Err(Refusal::Field("rule").into());
        }
        let silence = Silence {
            id: self.env.id(),
            realm: caller.realm(),
            tlp: Tlp::Amber,
            scope,
            reason: reason.to_owned(),
            by: caller.person(),
            from: now,
            until,
            ended_at: None,
            version: 1,
        };
        let unit = repo::write_silence(Unit::new(caller.actor(), now), &silence);
        self.db.commit(unit.audit(entry("detect.silence", &silence))).await?;
        Ok(silence)
    }

    /// Ends a silence early; what it hid comes back.
    ///
    /// # Errors
    /// [`DetectError::Access`], [`StoreError::Conflict`] when it changed meanwhile.
    pub async fn end_silence(&self, caller: &Caller, id: SilenceId, version: i64) -> Result<(), DetectError> {
        let rows = self.db.read(repo::SILENCE, caller.clearance(), params![id]).await?;
        let silence = rows.first().map(repo::silence).transpose()?.ok_or(access::Refusal::NotThere)?;
        caller.permit_in::<act::ResolveFinding>(silence.scope.org)?;
        if silence.version != version || silence.ended_at.is_some() {
            return Err(StoreError::Conflict(0).into());
        }
        let now = self.env.now();
        let unit = repo::end_silence(Unit::new(caller.actor(), now), &silence, now);
        self.db.commit(unit.audit(entry("detect.end_silence", &silence))).await?;
        Ok(())
    }

    /// Silences that hide something now, the soonest to end first.
    ///
    /// # Errors
    /// [`DetectError::Store`].
    pub async fn silences(&self, who: &Clearance) -> Result<Vec<Silence>, DetectError> {
        let rows = self.db.read(repo::SILENCES, who, params![self.env.now()]).await?;
        Ok(rows.iter().map(repo::silence).collect::<Result<_, _>>()?)
    }
}

fn entry(action: &str, silence: &Silence) -> AuditEntry {
    AuditEntry {
        action: action.to_owned(),
        subject: format!("silence:{}", silence.id),
        org: silence.scope.org,
        realm: silence.realm,
        tlp: silence.tlp,
        outcome: Outcome::Done,
        detail: serde_json::json!({
            "rule": silence.scope.rule, "until": silence.until, "whole_rule": silence.scope.subject.is_none(),
        }),
    }
}
