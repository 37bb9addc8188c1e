//! What time does: directives end, logs and receipts are forgotten, other nodes' decisions are noticed.

use base::{Realm, Timestamp};
use runtime::CancellationToken;
use std::collections::BTreeMap;
use std::time::Duration;
use store::Unit;

use crate::desk::directive::{Command, decide};
use crate::error::EdgeError;
use crate::model::{Directive, EndReason};
use crate::repo::{desired, directive, point, realm};
use crate::service::compile::Move;
use crate::service::{Edge, deciding, machinery};

/// Directives that end in one unit.
const STEP: usize = 256;
/// How often the clock is looked at, and other nodes are asked.
const BEAT: Duration = Duration::from_millis(500);
/// How often old rows are forgotten.
const FORGET_EVERY_SECS: i64 = 3_600;

impl Edge {
    /// Runs until cancelled: wakes streams, ends what is due, forgets what is old. Failures are logged and tried again.
    pub async fn run(self, cancel: CancellationToken) {
        let mut outbox = self.db().outbox_head();
        let mut forgotten = Timestamp::EPOCH;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                // An event of this process: a decision may have been committed with somebody else's cursor.
                changed = outbox.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(BEAT) => {}
            }
            if let Err(error) = self.beat(&mut forgotten).await {
                tracing::warn!(%error, "enforcement upkeep failed; it is tried again");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(BEAT) => {}
                }
            }
        }
    }

    async fn beat(&self, forgotten: &mut Timestamp) -> Result<(), EdgeError> {
        self.look().await?;
        let now = self.now();
        self.expire_due(now).await?;
        if now >= forgotten.plus_secs(FORGET_EVERY_SECS) {
            self.forget_old(now).await?;
            *forgotten = now;
        }
        Ok(())
    }

    /// Ends every directive whose time ran out; comes back with how many.
    ///
    /// # Errors
    /// [`EdgeError::Store`], [`EdgeError::Busy`].
    pub async fn expire_due(&self, now: Timestamp) -> Result<usize, EdgeError> {
        let mut ended = 0;
        loop {
            let step: Result<usize, EdgeError> = deciding!(self, self.plan_expiry(now).await);
            let step = step?;
            ended += step;
            if step < STEP {
                return Ok(ended);
            }
        }
    }

    async fn plan_expiry(&self, now: Timestamp) -> Result<(Unit, usize), EdgeError> {
        let mut unit = Unit::new(machinery(), self.now());
        let due = directive::due(self.db(), now, STEP).await?;
        let total = due.len();
        let mut by_realm: BTreeMap<String, (Realm, Vec<Directive>)> = BTreeMap::new();
        for directive in due {
            by_realm.entry(directive.realm.to_string()).or_insert((directive.realm, Vec::new())).1.push(directive);
        }
        for (realm, due) in by_realm.into_values() {
            let row = realm::get(self.db(), realm).await?;
            let guards = self.guards_of(realm, &row);
            let mut moves = Vec::new();
            for directive in due {
                let facts = decide(Some(&directive), Command::End(EndReason::Expired), now)?;
                moves.extend(Move::of(Some(directive), facts));
            }
            self.compile(&mut unit, realm, &row, &guards, &moves).await?;
        }
        Ok((unit, total))
    }

    /// Forgets changes and receipts older than the settings keep them.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn forget_old(&self, now: Timestamp) -> Result<(), EdgeError> {
        let days = |days: u32| now.plus_secs(-i64::from(days.max(1)) * 86_400);
        let mut unit = Unit::new(machinery(), now);
        point::forget_receipts(&mut unit, days(self.inner.settings.receipt_days));
        for (realm, _, _) in realm::heads(self.db()).await? {
            let last = desired::last_before(self.db(), realm, days(self.inner.settings.log_days)).await?;
            if let Some(last) = last {
                realm::raise_horizon(&mut unit, realm, last);
                desired::forget(&mut unit, realm, last);
            }
        }
        self.db().commit(unit).await?;
        Ok(())
    }

    /// Compares the stored desired state with one compiled from nothing: every difference is a fault of ours.
    /// For `lianfang doctor` and tests.
    ///
    /// # Errors
    /// [`EdgeError::Store`].
    pub async fn check_desired(&self, realm: Realm) -> Result<Vec<String>, EdgeError> {
        let guards = self.guards(realm).await?;
        let live = directive::all_live(self.db(), realm).await?;
        let mut wanted = crate::desired::scratch(&live, &guards);
        let mut wrong = Vec::new();
        let mut digests: BTreeMap<_, crate::wire::SetDigest> = BTreeMap::new();
        for row in desired::all(self.db(), realm).await? {
            let place = (row.audience, row.entry.collection, row.entry.key);
            if wanted.remove(&place).as_ref() != Some(&row.entry) {
                wrong.push(format!("{} {} stands wrongly", row.entry.collection.word(), row.entry.key));
            }
            digests.entry(row.audience).or_default().insert(&row.entry);
        }
        wrong.extend(wanted.into_keys().map(|(_, collection, key)| format!("{} {key} is missing", collection.word())));
        for channel in desired::channels_of_realm(self.db(), realm).await? {
            if digests.get(&channel.audience).copied().unwrap_or_default() != channel.digest {
                wrong.push(format!("the digest of {} does not fit", channel.audience.key()));
            }
        }
        Ok(wrong)
    }
}
