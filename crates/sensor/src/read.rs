//! What pages and the API read, always with a clearance and by keyset.

use base::{AddressScope, CampaignId, Env, SessionId, Timestamp};
use events::sensor::ValueKind;
use store::{Clearance, Db};

use crate::error::SensorError;
use crate::model::{
    Campaign, CampaignDetail, Observable, ObservableFilter, Quarantined, Session, SessionDetail, SessionFilter,
    TimelineBar, Totals,
};
use store::page::{Page, Paged};

/// How many events a session's page shows.
pub const MOST_EVENTS: usize = 2_000;

/// The reading side of the attack history; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reads {
    #[allow(dead_code, reason = "filled in the next step")]
    db: Db,
    #[allow(dead_code, reason = "filled in the next step")]
    env: Env,
}

#[allow(clippy::unused_async, reason = "filled in the next step")]
impl Reads {
    /// Reads over a database.
    #[must_use]
    pub const fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    /// Sessions, newest first.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn sessions(
        &self,
        _who: &Clearance,
        _filter: &SessionFilter,
        _page: &Page,
    ) -> Result<Paged<Session>, SensorError> {
        Ok(Paged { items: Vec::new(), next: None })
    }

    /// One session with its events.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn session(&self, _who: &Clearance, _id: SessionId) -> Result<SessionDetail, SensorError> {
        Err(SensorError::NotFound)
    }

    /// Sources (addresses) or other observables, last seen first.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn observables(
        &self,
        _who: &Clearance,
        _filter: &ObservableFilter,
        _page: &Page,
    ) -> Result<Paged<Observable>, SensorError> {
        Ok(Paged { items: Vec::new(), next: None })
    }

    /// One value; an address may stand in several scopes, the global one first.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn observable(
        &self,
        _who: &Clearance,
        _kind: ValueKind,
        _value: &str,
        _scope: Option<AddressScope>,
    ) -> Result<Observable, SensorError> {
        Err(SensorError::NotFound)
    }

    /// Sessions opened per bar and class; the bar is a minute up to six hours, an hour up to thirty days, else a day.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn timeline(
        &self,
        _who: &Clearance,
        _since: Timestamp,
        _until: Timestamp,
    ) -> Result<Vec<TimelineBar>, SensorError> {
        Ok(Vec::new())
    }

    /// Campaigns of two sessions or more, last seen first.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn campaigns(&self, _who: &Clearance, _page: &Page) -> Result<Paged<Campaign>, SensorError> {
        Ok(Paged { items: Vec::new(), next: None })
    }

    /// One campaign; the id of a merged one leads to the campaign it was merged into.
    ///
    /// # Errors
    /// [`SensorError::NotFound`] when there is none within the clearance.
    pub async fn campaign(&self, _who: &Clearance, _id: CampaignId) -> Result<CampaignDetail, SensorError> {
        Err(SensorError::NotFound)
    }

    /// Lines that could not be used, newest first.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn quarantine(&self, _who: &Clearance, _page: &Page) -> Result<Paged<Quarantined>, SensorError> {
        Ok(Paged { items: Vec::new(), next: None })
    }

    /// The numbers of the home page.
    ///
    /// # Errors
    /// [`SensorError::Store`].
    pub async fn totals(&self, _who: &Clearance) -> Result<Totals, SensorError> {
        Ok(Totals::default())
    }
}
