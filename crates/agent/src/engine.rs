//! The engine on a thread that may block, and the work of one change: apply, read back, prove.

use base::{AddrSpec, Timestamp};
use drivers::{Applied, Change, Difference, Driver, Element, Error};
use edge::wire::receipt::MAX_LISTED;
use edge::wire::{Collection, Probe, ReadBack};
use std::sync::Arc;

use crate::desired::Place;
use crate::error::AgentError;

/// So many changed elements are read back one by one; of more, a sample.
pub(crate) const READ_MOST: usize = 1_000;
/// The whole engine is only compared up to so many elements of one set.
const COMPARE_MOST: usize = 2_000_000;

/// The engine; calls run on the runtime's blocking threads, one after the other.
#[derive(Debug)]
pub(crate) struct Engine {
    driver: Option<Box<dyn Driver>>,
    name: &'static str,
}

/// What was read back after a change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) read_back: ReadBack,
    pub(crate) applied: Applied,
}

impl Engine {
    pub(crate) fn new(driver: Box<dyn Driver>) -> Self {
        let name = driver.name();
        Self { driver: Some(driver), name }
    }

    /// `nft` or `file`.
    pub(crate) const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts the engine's structure in place.
    pub(crate) async fn install(&mut self, now: Timestamp) -> Result<(), AgentError> {
        self.on(move |driver| driver.install(now)).await
    }

    /// Applies a change and reads back what changed, or a sample of it: what was put, what of the removed must be
    /// `gone`, and some `others`.
    pub(crate) async fn apply(
        &mut self,
        change: Arc<Change>,
        gone: Vec<Place>,
        others: Vec<Place>,
        now: Timestamp,
    ) -> Result<Seen, AgentError> {
        self.on(move |driver| {
            let applied = driver.apply(&change, now)?;
            let put = thin(change.put.iter().chain(&change.renew).map(place).collect());
            let gone = thin(gone);
            let mut read_back = ReadBack { changed: (put.len() + gone.len()) as u64, ..ReadBack::default() };
            wrong(driver, &put, true, &mut read_back)?;
            wrong(driver, &gone, false, &mut read_back)?;
            read_back.sampled = others.len() as u64;
            wrong(driver, &others, true, &mut read_back)?;
            Ok(Seen { read_back, applied })
        })
        .await
    }

    /// Makes exactly `all` the engine's state and reads a sample back.
    pub(crate) async fn replace(&mut self, all: Arc<Vec<Element>>, now: Timestamp) -> Result<Seen, AgentError> {
        self.on(move |driver| {
            let applied = driver.replace(&all, now)?;
            let sample = thin(all.iter().map(place).collect());
            let mut read_back = ReadBack { sampled: sample.len() as u64, ..ReadBack::default() };
            wrong(driver, &sample, true, &mut read_back)?;
            Ok(Seen { read_back, applied })
        })
        .await
    }

    /// Which of these places the engine does not hold.
    pub(crate) async fn missing(&mut self, places: Vec<Place>) -> Result<u64, AgentError> {
        self.on(move |driver| Ok(driver.read(&places)?.iter().filter(|held| !**held).count() as u64)).await
    }

    /// Whether somebody else may have changed the engine.
    pub(crate) async fn disturbed(&mut self) -> Result<bool, AgentError> {
        self.on(|driver| driver.disturbed()).await
    }

    /// Compares the whole engine with `all`.
    pub(crate) async fn compare(&mut self, all: Arc<Vec<Element>>) -> Result<Difference, AgentError> {
        self.on(move |driver| driver.compare(&all, COMPARE_MOST)).await
    }

    /// Puts right what a comparison found and reads back what was missing.
    pub(crate) async fn repair(
        &mut self,
        difference: Arc<Difference>,
        all: Arc<Vec<Element>>,
        now: Timestamp,
    ) -> Result<Seen, AgentError> {
        self.on(move |driver| {
            let applied = driver.repair(&difference, &all, now)?;
            let sample = thin(difference.missing.iter().map(place).collect());
            let mut read_back = ReadBack { changed: sample.len() as u64, ..ReadBack::default() };
            wrong(driver, &sample, true, &mut read_back)?;
            Ok(Seen { read_back, applied })
        })
        .await
    }

    /// Stops or resumes all enforcement.
    pub(crate) async fn kill(&mut self, on: bool) -> Result<(), AgentError> {
        self.on(move |driver| driver.kill(on)).await
    }

    /// Proves by packet what is in force.
    pub(crate) async fn probe(&mut self) -> Result<Probe, AgentError> {
        self.on(|driver| Ok(driver.probe())).await
    }

    async fn on<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut dyn Driver) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, AgentError> {
        let mut driver = self.driver.take().ok_or(AgentError::EngineLost)?;
        let (driver, outcome) = tokio::task::spawn_blocking(move || {
            let outcome = work(driver.as_mut());
            (driver, outcome)
        })
        .await
        .map_err(|_| AgentError::EngineLost)?;
        self.driver = Some(driver);
        Ok(outcome?)
    }
}

const fn place(element: &Element) -> Place {
    (element.collection, element.key)
}

/// At most [`READ_MOST`] of them, evenly spread.
fn thin(places: Vec<Place>) -> Vec<Place> {
    let stride = places.len().div_ceil(READ_MOST).max(1);
    places.into_iter().step_by(stride).collect()
}

fn wrong(
    driver: &mut dyn Driver,
    places: &[(Collection, AddrSpec)],
    must_be_held: bool,
    into: &mut ReadBack,
) -> Result<(), Error> {
    let held = driver.read(places)?;
    let wrong = places.iter().zip(held).filter(|(_, held)| *held != must_be_held);
    let room = MAX_LISTED.saturating_sub(into.wrong.len());
    into.wrong.extend(wrong.take(room).map(|((_, key), _)| key.to_string()));
    Ok(())
}
