//! The service: one value with the database, time, randomness, the key and the settings; cheap to clone.
//!
//! Its methods live beside what they are about: [`crate::setup`], [`crate::sign_in`], [`crate::login`],
//! [`crate::totp`], [`crate::people`], [`crate::tokens`], [`crate::enrol`], [`crate::night`].

use base::{Env, OrgId};
use std::sync::Arc;
use store::Db;

use crate::keys::KeyFile;
use crate::settings::Settings;

/// Who is who, and who may do what.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) env: Env,
    pub(crate) keys: KeyFile,
    pub(crate) settings: Settings,
    pub(crate) centre: OrgId,
}

impl Access {
    /// The service of the centre whose own organisation is `centre`.
    #[must_use]
    pub fn new(db: Db, env: Env, keys: KeyFile, settings: Settings, centre: OrgId) -> Self {
        Self { inner: Arc::new(Inner { db, env, keys, settings, centre }) }
    }

    /// The centre's own organisation.
    #[must_use]
    pub fn centre(&self) -> OrgId {
        self.inner.centre
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }
}
