//! Reading indicators: lists, search, the review queue, one dossier, objects to hand on.

use base::{IndicatorId, Timestamp};
use events::intel::IndicatorState;
use events::sensor::{AttackClass, ValueKind};
use stix::Stored;
use store::page::{Page, Paged};
use store::{Clearance, Row, ScopedSql, StoreError, Value, params};

use crate::error::IntelError;
use crate::model::{Dossier, Filter, Indicator, Totals};
use crate::service::Intel;
use crate::{repo, value};

const RECENT: &str = "indicator.recent";
const WAITING: &str = "indicator.waiting";
const OBJECTS: &str = "indicator.objects";

impl Intel {
    /// A list, newest change first. Text that is a value finds it, what is inside it and the networks around it; the
    /// beginning of a hash finds the hash; any other text finds words of names.
    ///
    /// # Errors
    /// [`IntelError::Cursor`] for a cursor of another list, [`IntelError::Store`].
    pub async fn list(&self, who: &Clearance, filter: &Filter, page: &Page) -> Result<Paged<Indicator>, IntelError> {
        let [modified, id] = cursor(page, RECENT)?;
        let kind = filter.kind.map_or("", ValueKind::word);
        let class = filter.class.map_or("", AttackClass::word);
        let mut sql = params![kind, class, filter.min_score, modified, id, page.fetch()];
        let state = filter.state.map_or("", IndicatorState::word);
        // Neither engine takes a NUL in a text.
        let text = filter.text.replace('\0', "");
        let text = text.trim();
        let statement = match (text.is_empty(), filter.state) {
            (true, None) => repo::ALL,
            (true, Some(_)) => {
                sql.push(state.into());
                repo::STATE
            }
            (false, _) => {
                sql.push(state.into());
                search(text, &mut sql)
            }
        };
        let rows = self.db.read(statement, who, sql).await?;
        Ok(Paged::cut(indicators(&rows)?, page, RECENT, |last| params![last.modified, last.id]))
    }

    /// What waits for a reviewer or an approver: highest score first, then oldest.
    ///
    /// # Errors
    /// Those of [`Intel::list`].
    pub async fn waiting(&self, who: &Clearance, page: &Page) -> Result<Paged<Indicator>, IntelError> {
        let keys =
            page.keys(WAITING)?.unwrap_or_else(|| params![2.0, Timestamp::from_micros(i64::MIN), uuid::Uuid::nil()]);
        let [score, created, id] = <[Value; 3]>::try_from(keys).map_err(|_| shape())?;
        let rows = self.db.read(repo::WAITING, who, params![score, created, id, page.fetch()]).await?;
        Ok(Paged::cut(indicators(&rows)?, page, WAITING, |last| params![last.score, last.created, last.id]))
    }

    /// One indicator; none when it is absent or outside the clearance.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn get(&self, who: &Clearance, id: IndicatorId) -> Result<Option<Indicator>, IntelError> {
        let rows = self.db.read(repo::GET, who, params![id]).await?;
        Ok(rows.first().map(repo::indicator).transpose()?)
    }

    /// Every indicator of exactly this value, newest change first.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn by_value(&self, who: &Clearance, kind: ValueKind, value: &str) -> Result<Vec<Indicator>, IntelError> {
        let rows = self.db.read(repo::BY_VALUE, who, params![value::value_key(kind, value)]).await?;
        Ok(indicators(&rows)?)
    }

    /// Everything about one indicator; none when it is absent or outside the clearance.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn dossier(&self, who: &Clearance, id: IndicatorId) -> Result<Option<Dossier>, IntelError> {
        let Some(indicator) = self.get(who, id).await? else { return Ok(None) };
        Ok(Some(Dossier {
            indicator,
            history: self.rows(repo::HISTORY, who, id, repo::change).await?,
            versions: self.rows(repo::VERSIONS, who, id, repo::version).await?,
            sources: self.rows(repo::SOURCES, who, id, repo::source).await?,
            notes: self.rows(repo::NOTES, who, id, repo::note).await?,
        }))
    }

    /// How many there are in each state.
    ///
    /// # Errors
    /// [`IntelError::Store`].
    pub async fn totals(&self, who: &Clearance) -> Result<Totals, IntelError> {
        let mut totals = Totals::default();
        for row in self.db.read(repo::TOTALS, who, vec![]).await? {
            let (word, n): (String, u64) = (row.get("state")?, row.get("n")?);
            match IndicatorState::from_word(&word) {
                Some(IndicatorState::Draft) => totals.draft = n,
                Some(IndicatorState::InReview) => totals.in_review = n,
                Some(IndicatorState::Approved) => totals.approved = n,
                Some(IndicatorState::Published) => totals.published = n,
                Some(IndicatorState::Revoked) => totals.revoked = n,
                Some(IndicatorState::Expired) => totals.expired = n,
                Some(IndicatorState::Rejected) => totals.rejected = n,
                None => return Err(StoreError::Shape(format!("indicator state {word}")).into()),
            }
        }
        Ok(totals)
    }

    /// The present objects of what is in force, byte for byte, newest change first: for bundles and exports.
    ///
    /// # Errors
    /// Those of [`Intel::list`].
    pub async fn objects(&self, who: &Clearance, page: &Page) -> Result<Paged<Stored>, IntelError> {
        let [modified, id] = cursor(page, OBJECTS)?;
        let rows = self.db.read(repo::OBJECTS, who, params![modified, id, page.fetch()]).await?;
        let object = |row: &Row| -> Result<(IndicatorId, Timestamp, Stored), IntelError> {
            Ok((row.get("id")?, row.get("modified")?, Stored::read(row.get("object")?)?))
        };
        let items = rows.iter().map(object).collect::<Result<Vec<_>, _>>()?;
        let paged = Paged::cut(items, page, OBJECTS, |(id, modified, _)| params![*modified, *id]);
        Ok(paged.map(|(_, _, stored)| stored))
    }

    async fn rows<T>(
        &self,
        sql: ScopedSql,
        who: &Clearance,
        id: IndicatorId,
        make: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, IntelError> {
        let rows = self.db.read(sql, who, params![id]).await?;
        Ok(rows.iter().map(make).collect::<Result<_, _>>()?)
    }
}

/// The statement for a text, and its parameters after the shared ones and the state.
fn search(text: &str, sql: &mut Vec<Value>) -> ScopedSql {
    let ranges = value::ranges(text);
    if ranges.is_empty() {
        let words: String = text
            .to_lowercase()
            .chars()
            .flat_map(|c| matches!(c, '!' | '%' | '_').then_some('!').into_iter().chain([c]))
            .collect();
        sql.push(format!("%{words}%").into());
        return repo::WORDS;
    }
    let first = ranges.first().cloned().unwrap_or_default();
    // A range that ends where it begins holds nothing.
    let second = ranges.get(1).cloned().unwrap_or_default();
    let around = match value::guess(text) {
        Some((kind, value)) if kind.is_address() => value::search_key(kind, &value),
        // No network's last key is beyond this one.
        _ => vec![u8::MAX; 32],
    };
    sql.extend([first.0, first.1, second.0, second.1, around].map(Value::from));
    repo::RANGES
}

fn indicators(rows: &[Row]) -> Result<Vec<Indicator>, StoreError> {
    rows.iter().map(repo::indicator).collect()
}

fn cursor(page: &Page, list: &str) -> Result<[Value; 2], IntelError> {
    let keys = page.keys(list)?.unwrap_or_else(|| params![Timestamp::from_micros(i64::MAX), uuid::Uuid::nil()]);
    Ok(<[Value; 2]>::try_from(keys).map_err(|_| shape())?)
}

fn shape() -> StoreError {
    StoreError::Shape("a cursor with another number of keys".into())
}
