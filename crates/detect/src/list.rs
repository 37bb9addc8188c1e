//! Reading findings: the queue, groups, one finding, and what happened earlier to the same subject.

use base::{FindingId, Timestamp};
use events::sensor::ValueKind;
use store::page::{Page, Paged};
use store::{Clearance, StoreError, Value, params};

use crate::error::DetectError;
use crate::model::{Filter, Finding, Group, Past, Subject, Which};
use crate::repo;
use crate::service::Detect;

/// Most groups of the queue.
const GROUPS: i64 = 500;

impl Detect {
    /// A list of findings. What waits comes most severe and oldest first, everything else newest first.
    ///
    /// # Errors
    /// [`DetectError::Cursor`] for a cursor of another list, [`DetectError::Store`].
    pub async fn list(&self, who: &Clearance, filter: &Filter, page: &Page) -> Result<Paged<Finding>, DetectError> {
        let queue = filter.which == Which::Open && filter.value.is_none();
        let list = if queue { "finding.queue" } else { "finding.recent" };
        let start = if queue { Timestamp::from_micros(i64::MIN) } else { Timestamp::from_micros(i64::MAX) };
        let keys = page.keys(list)?.unwrap_or_else(|| params![4, start, uuid::Uuid::nil()]);
        let [severity, at, id] = <[Value; 3]>::try_from(keys).map_err(|_| StoreError::Shape("cursor".into()))?;
        // Neither engine takes a NUL in a text.
        let rule = filter.rule.as_deref().unwrap_or_default().replace('\0', "");
        let any_owner = filter.owner.is_none();
        let owner = repo::or_nil(filter.owner);
        let org = repo::or_nil(filter.org);
        let mut sql = params![filter.min_severity, owner, any_owner, severity, at, id, page.fetch(), org, rule];
        let lists = match (&filter.value, filter.which) {
            (Some(value), _) => {
                let value = base::refang(value);
                let key = |kind: &str| repo::subject_key(&Subject { kind: kind.to_owned(), value: value.clone() });
                sql.extend(ValueKind::ALL.into_iter().map(|kind| Value::from(key(kind.word()))));
                repo::SUBJECT
            }
            (None, Which::Open) => repo::OPEN,
            (None, Which::All) => repo::ALL,
            (None, Which::State(state)) => {
                sql.push(state.word().into());
                repo::STATE
            }
        };
        let text = lists.pick(filter.org.is_some(), filter.rule.is_some());
        let rows = self.db.read(text, who, sql).await?;
        let items = rows.iter().map(repo::finding).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(items, page, list, |last| {
            let at = if queue { last.first_at } else { last.last_at };
            params![if queue { last.severity } else { 4 }, at, last.id]
        }))
    }

    /// Open findings by rule and organisation, the most severe and oldest groups first.
    ///
    /// # Errors
    /// [`DetectError::Store`].
    pub async fn groups(&self, who: &Clearance) -> Result<Vec<Group>, DetectError> {
        let rows = self.db.read(repo::GROUPS, who, params![GROUPS]).await?;
        let group = |row: &store::Row| -> Result<Group, StoreError> {
            Ok(Group {
                rule: row.get("rule")?,
                org: row.get("org_id")?,
                open: row.get("open")?,
                new: row.get("fresh")?,
                severity: row.get("severity")?,
                oldest: row.get("oldest")?,
                latest: row.get("latest")?,
            })
        };
        Ok(rows.iter().map(group).collect::<Result<_, _>>()?)
    }

    /// One finding; none when it is absent or outside the clearance.
    ///
    /// # Errors
    /// [`DetectError::Store`].
    pub async fn get(&self, who: &Clearance, id: FindingId) -> Result<Option<Finding>, DetectError> {
        let rows = self.db.read(repo::GET, who, params![id]).await?;
        Ok(rows.first().map(repo::finding).transpose()?)
    }

    /// Seen before: resolved findings about the same subject, whatever the rule, and their last outcome.
    ///
    /// # Errors
    /// [`DetectError::Store`].
    pub async fn past(&self, who: &Clearance, finding: &Finding) -> Result<Past, DetectError> {
        let rows = self.db.read(repo::PAST, who, params![repo::subject_key(&finding.subject), finding.id]).await?;
        let mut past = Past::default();
        for row in &rows {
            let times: u64 = row.get("times")?;
            past.times += times;
            // The rows come newest first.
            if past.last_at.is_none() {
                past.last_outcome = repo::outcome(row)?;
                past.last_at = Some(row.get("last_at")?);
            }
        }
        Ok(past)
    }
}
