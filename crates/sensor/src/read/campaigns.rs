//! Campaigns: seen by whoever sees one of their contacts.

use base::{CampaignId, Timestamp};
use store::page::{Page, Paged};
use store::{Clearance, Row, ScopedSql, params};

use super::{Reads, after, aim_of, class_of, newest, owner};
use crate::error::SensorError;
use crate::history::KEY;
use crate::model::{Campaign, CampaignDetail, Contact, JoinKey};

const LIST: &str = "sensor.campaigns";
/// Contacts and keys a page shows.
const MOST: i64 = 200;

macro_rules! columns {
    () => {
        "c.id, c.org_id, c.realm, c.tlp, c.sessions, c.sources, c.sensors, c.orgs, c.class, c.joined_by, c.targeted, c.aim, c.aim_factors, \
         c.first_at, c.last_at"
    };
}
macro_rules! seen {
    () => {
        "EXISTS (SELECT 1 FROM campaign_contact k WHERE k.campaign_id = c.id AND {visible:k})"
    };
}

const CAMPAIGNS: ScopedSql = ScopedSql::new(concat!(
    "SELECT ",
    columns!(),
    " FROM campaign c WHERE (c.last_at, c.id) < ($1, $2) AND c.sessions > 1 AND c.merged_into IS NULL AND ",
    seen!(),
    " ORDER BY c.last_at DESC, c.id DESC LIMIT $3"
));
const GET: ScopedSql = ScopedSql::new(concat!("SELECT ", columns!(), " FROM campaign c WHERE c.id = $1 AND ", seen!()));
const REDIRECT: &str = "SELECT merged_into FROM campaign WHERE id = $1";
const KEYS: ScopedSql = ScopedSql::new(
    "SELECT k.kind, k.label, k.sessions FROM campaign_key k WHERE k.campaign_id = $1 AND {visible:k}
     ORDER BY k.sessions DESC, k.kind, k.label LIMIT $2",
);
const CONTACTS: ScopedSql = ScopedSql::new(
    "SELECT k.src_ip, k.sensor_id, k.org_id, k.sessions, k.first_at, k.last_at FROM campaign_contact k
     WHERE k.campaign_id = $1 AND {visible:k} ORDER BY k.sessions DESC, k.src_key, k.sensor_id LIMIT $2",
);
const COUNT: ScopedSql = ScopedSql::new(concat!(
    "SELECT COUNT(*) AS n FROM campaign c WHERE c.last_at >= $1 AND c.sessions > 1 AND c.merged_into IS NULL AND ",
    seen!()
));

impl Reads {
    /// Campaigns of two sessions or more, last seen first.
    ///
    /// # Errors
    /// [`SensorError::Store`], [`SensorError::Cursor`].
    pub async fn campaigns(&self, who: &Clearance, page: &Page) -> Result<Paged<Campaign>, SensorError> {
        let mut values = after(page, LIST, newest())?;
        values.push(page.fetch().into());
        let rows = self.db.read(CAMPAIGNS, who, values).await?;
        let items = rows.iter().map(|row| campaign(row, who)).collect::<Result<Vec<_>, _>>()?;
        Ok(Paged::cut(items, page, LIST, |last| params![last.last_at, last.id]))
    }

    /// One campaign; the id of a merged one leads to the campaign it was merged into.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn campaign(&self, who: &Clearance, id: CampaignId) -> Result<CampaignDetail, SensorError> {
        let redirect = self.db.system_read(KEY, REDIRECT, params![id]).await?;
        let id = redirect.first().map_or(Ok(None), |row| row.get::<Option<CampaignId>>("merged_into"))?.unwrap_or(id);
        let rows = self.db.read(GET, who, params![id]).await?;
        let campaign = campaign(rows.first().ok_or(SensorError::NotFound)?, who)?;
        let mut keys = Vec::new();
        for row in self.db.read(KEYS, who, params![id, MOST]).await? {
            keys.push(JoinKey { kind: row.get("kind")?, label: row.get("label")?, sessions: row.get("sessions")? });
        }
        let mut contacts = Vec::new();
        for row in self.db.read(CONTACTS, who, params![id, MOST]).await? {
            contacts.push(Contact {
                src_ip: row.get("src_ip")?,
                sensor: row.get("sensor_id")?,
                org: row.get("org_id")?,
                sessions: row.get("sessions")?,
                first_at: row.get("first_at")?,
                last_at: row.get("last_at")?,
            });
        }
        Ok(CampaignDetail { campaign, keys, contacts })
    }

    /// Campaigns seen since.
    pub(super) async fn count_campaigns(&self, who: &Clearance, since: Timestamp) -> Result<u64, SensorError> {
        let rows = self.db.read(COUNT, who, params![since]).await?;
        Ok(rows.first().map_or(Ok(0), |row| row.get("n"))?)
    }
}

fn campaign(row: &Row, who: &Clearance) -> Result<Campaign, SensorError> {
    let class: String = row.get("class")?;
    Ok(Campaign {
        id: row.get("id")?,
        realm: row.get("realm")?,
        org: owner(who, row.get("org_id")?),
        tlp: row.get("tlp")?,
        sessions: row.get("sessions")?,
        sources: row.get("sources")?,
        sensors: row.get("sensors")?,
        orgs: row.get("orgs")?,
        class: class_of(&class)?,
        joined_by: row.get("joined_by")?,
        targeted: row.get("targeted")?,
        aim: aim_of(&row.get::<String>("aim")?)?,
        aim_factors: serde_json::from_str(&row.get::<String>("aim_factors")?)
            .map_err(|_| store::StoreError::Shape("campaign.aim_factors".to_owned()))?,
        first_at: row.get("first_at")?,
        last_at: row.get("last_at")?,
    })
}
