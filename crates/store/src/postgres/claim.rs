//! The claim of one centre on its database: an advisory lock, held by a connection of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::error;
use super::tls::Tls;
use crate::db::Signals;
use crate::error::StoreError;

/// The number is ours within the database.
const TRY: &str = "SELECT pg_try_advisory_lock(7264121906)";
/// A server may need a moment to notice that the process before this one is gone.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(250);

/// A claim that is held, or not yet.
#[derive(Debug, Default)]
pub(super) struct Claim(Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>);

impl Claim {
    pub(super) async fn take(&self, config: Config, tls: Tls, signals: Arc<Signals>) -> Result<(), StoreError> {
        let held = patiently(&config, &tls).await?;
        let (end, ended) = oneshot::channel();
        let keeper = tokio::spawn(async move {
            tokio::select! {
                () = keep(held, &config, &tls, &signals) => {}
                _ = ended => {}
            }
        });
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((end, keeper));
        Ok(())
    }

    pub(super) async fn release(&self) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((end, keeper)) = held {
            drop(end);
            // It ends by dropping its connection, which gives the lock back.
            let _ended = keeper.await;
        }
    }
}

/// A connection that has the lock.
struct Held {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Waits for the connection to be lost, and claims again.
async fn keep(mut held: Held, config: &Config, tls: &Tls, signals: &Signals) {
    loop {
        // However it ended, the lock went with it.
        let _ended = (&mut held.driver).await;
        tracing::warn!("the connection that claims the database was lost; claiming it again");
        held = loop {
            match patiently(config, tls).await {
                Ok(again) => break again,
                Err(StoreError::Taken) => {
                    signals.poison_with("another centre took the database");
                    return;
                }
                // The database is away; whoever needs it says so.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
    }
}

async fn patiently(config: &Config, tls: &Tls) -> Result<Held, StoreError> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(held) = attempt(config, tls).await? {
            return Ok(held);
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(StoreError::Taken);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn attempt(config: &Config, tls: &Tls) -> Result<Option<Held>, StoreError> {
    let (client, connection) = config.connect(tls.clone()).await.map_err(|e| error(&e))?;
    let driver = tokio::spawn(async move {
        // Why it ended does not matter: the lock is gone, and it is claimed again.
        let _ended = connection.await;
    });
    let held = Held { client, driver };
    let row = held.client.query_one(TRY, &[]).await.map_err(|e| error(&e))?;
    let got: bool = row.try_get(0).map_err(|e| error(&e))?;
    Ok(got.then_some(held))
}
