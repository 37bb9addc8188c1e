//! Sources and other observables: seen by whoever sees a piece of their evidence.

use base::{AddressScope, Timestamp};
use events::sensor::{AttackClass, ValueKind};
use store::page::{Page, Paged};
use store::{Clearance, Reach, Row, ScopedSql, StoreError, params};
use uuid::Uuid;

use super::{Reads, after, aim_of, class_of, newest, owner};
use crate::error::SensorError;
use crate::history::observables::{family, observable_id};
use crate::model::{Observable, ObservableFilter};

const LIST: &str = "sensor.observables";

macro_rules! columns {
    () => {
        "v.id, v.org_id, v.realm, v.tlp, v.scope, v.kind, v.value, v.class, v.score, v.factors, v.sessions, v.sensors, v.orgs, \
         v.aim, v.aim_factors, v.benign, v.campaign_id, v.first_at, v.last_at"
    };
}

/// Evidence within the clearance shows the observable; whoever sees everything sees it without looking for that.
macro_rules! seen {
    () => {
        "EXISTS (SELECT 1 FROM observable_evidence e WHERE e.observable_id = v.id AND {visible:e})"
    };
}
macro_rules! list {
    ($drive:literal, $seen:expr) => {
        ScopedSql::new(concat!(
            "SELECT ",
            columns!(),
            " FROM observable v WHERE v.family = $1 AND ",
            $drive,
            " AND v.class = COALESCE($2, v.class) AND v.score >= $3 AND v.last_at >= $4 AND (v.last_at, v.id) < ($5, $6) AND ",
            $seen,
            " ORDER BY v.last_at DESC, v.id DESC LIMIT $7"
        ))
    };
}

const ALL: ScopedSql = list!("1 = 1", "{visible:v}");
const ALL_OF_CLASS: ScopedSql = list!("v.class = $2", "{visible:v}");
const SOME: ScopedSql = list!("1 = 1", seen!());
const SOME_OF_CLASS: ScopedSql = list!("v.class = $2", seen!());
const GET: ScopedSql =
    ScopedSql::new(concat!("SELECT ", columns!(), " FROM observable v WHERE v.id = $1 AND ", seen!()));
const COUNT_ALL: ScopedSql = ScopedSql::new(
    "SELECT COUNT(*) AS n FROM observable v WHERE v.family = 'address' AND v.last_at >= $1 AND {visible:v}",
);
const COUNT_SOME: ScopedSql = ScopedSql::new(concat!(
    "SELECT COUNT(*) AS n FROM observable v WHERE v.family = 'address' AND v.last_at >= $1 AND ",
    seen!()
));

impl Reads {
    /// Sources (addresses) or other observables, last seen first.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Cursor`].
    pub async fn observables(
        &self,
        who: &Clearance,
        filter: &ObservableFilter,
        page: &Page,
    ) -> Result<Paged<Observable>, SensorError> {
        let mut values = params![
            family(filter.kind.unwrap_or(ValueKind::Ipv4)),
            filter.class.map(AttackClass::word),
            filter.min_score.unwrap_or(0.0),
            filter.since.unwrap_or(Timestamp::from_micros(i64::MIN)),
        ];
        values.extend(after(page, LIST, newest())?);
        values.push(page.fetch().into());
        let sql = match (who.reach(), filter.class) {
            (Reach::All, None) => ALL,
            (Reach::All, Some(_)) => ALL_OF_CLASS,
            (_, None) => SOME,
            (_, Some(_)) => SOME_OF_CLASS,
        };
        let rows = self.db.read(sql, who, values).await?;
        let items = rows
            .iter()
            .map(|row| Ok((observable(row, who)?, row.get::<Uuid>("id")?)))
            .collect::<Result<Vec<_>, SensorError>>()?;
        let page = Paged::cut(items, page, LIST, |(last, id)| params![last.last_at, *id]);
        Ok(page.map(|(item, _)| item))
    }

    /// One value; without a scope it is looked for in the global one and then in those of the caller's organisations.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn observable(
        &self,
        who: &Clearance,
        kind: ValueKind,
        value: &str,
        scope: Option<AddressScope>,
    ) -> Result<Observable, SensorError> {
        let own = who.areas().iter().map(|area| AddressScope::Org(area.top));
        let scopes = match scope {
            Some(scope) => vec![scope],
            None => std::iter::once(AddressScope::Global).chain(own).collect(),
        };
        for scope in scopes {
            let id = observable_id(who.realm(), scope, kind, value);
            if let Some(row) = self.db.read(GET, who, params![id]).await?.first() {
                return observable(row, who);
            }
        }
        Err(SensorError::NotFound)
    }

    /// Addresses seen since.
    pub(super) async fn count_sources(&self, who: &Clearance, since: Timestamp) -> Result<u64, SensorError> {
        let sql = if who.reach() == Reach::All { COUNT_ALL } else { COUNT_SOME };
        let rows = self.db.read(sql, who, params![since]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.get("n"))?)
    }
}

fn observable(row: &Row, who: &Clearance) -> Result<Observable, SensorError> {
    let (kind, class, factors): (String, String, String) = (row.get("kind")?, row.get("class")?, row.get("factors")?);
    let shape = |what: &str| StoreError::Shape(format!("observable.{what}"));
    Ok(Observable {
        kind: ValueKind::from_word(&kind).ok_or_else(|| shape("kind"))?,
        value: row.get("value")?,
        scope: row.get("scope")?,
        realm: row.get("realm")?,
        org: owner(who, row.get("org_id")?),
        tlp: row.get("tlp")?,
        class: class_of(&class)?,
        score: row.get("score")?,
        factors: serde_json::from_str(&factors).map_err(|_| shape("factors"))?,
        sessions: row.get("sessions")?,
        sensors: row.get("sensors")?,
        orgs: row.get("orgs")?,
        aim: aim_of(&row.get::<String>("aim")?)?,
        aim_factors: serde_json::from_str(&row.get::<String>("aim_factors")?).map_err(|_| shape("aim_factors"))?,
        benign: row.get("benign")?,
        campaign: row.get("campaign_id")?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
    })
}
