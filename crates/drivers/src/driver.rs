//! The contract of an engine: every driver passes the same conformance tests.

use base::{AddrSpec, Timestamp};
use edge::wire::{Collection, Entry, Probe};

use crate::error::Error;

/// One element as the engine must hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Element {
    /// The set.
    pub collection: Collection,
    /// The address or network.
    pub key: AddrSpec,
    /// When the agent removes it; the engine's own timeout lies well behind.
    pub expires: Timestamp,
}

impl From<&Entry> for Element {
    fn from(entry: &Entry) -> Self {
        Self { collection: entry.collection, key: entry.key, expires: entry.expires }
    }
}

/// What a driver can do; what it cannot is refused loudly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The sets it can hold.
    pub collections: &'static [Collection],
    /// Whether packets can prove the state, and if not, why not.
    pub packets: Packets,
}

/// Whether a driver proves its state with packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packets {
    /// Canary packets run through the engine.
    Yes,
    /// The engine has packets but none can be sent here.
    NotHere,
    /// The engine sees no packets: plain files.
    Never,
}

/// A change from one state to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Elements that come in.
    pub put: Vec<Element>,
    /// Elements that are there and get another end.
    pub renew: Vec<Element>,
    /// Elements that go; those already gone are tolerated.
    pub del: Vec<(Collection, AddrSpec)>,
}

impl Change {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.put.is_empty() && self.renew.is_empty() && self.del.is_empty()
    }
}

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// The engine's own number of its state: nftables' generation, the file's count of versions.
    pub generation: u64,
    /// Whether the change had to be sent again in its tolerant form because the engine differed.
    pub retried: bool,
}

/// What differs between the engine and what it should hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Elements that are not there.
    pub missing: Vec<Element>,
    /// Elements that should not be there, as the engine names them.
    pub extra: Vec<(Collection, AddrSpec)>,
    /// The engine's rules or form are not what was installed, whatever the elements.
    pub structure: bool,
}

impl Difference {
    /// Whether the engine is as it should be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && !self.structure
    }
}

/// An enforcement engine. Calls block for as long as the engine takes; the agent calls from a blocking thread.
pub trait Driver: Send + std::fmt::Debug {
    /// `nft` or `file`.
    fn name(&self) -> &'static str;

    /// What it can do here.
    fn capabilities(&self) -> Capabilities;

    /// Puts the engine's structure in place (tables, chains, folder), keeping elements that are already there.
    ///
    /// # Errors
    /// The engine is missing or refuses.
    fn install(&mut self, now: Timestamp) -> Result<(), Error>;

    /// Makes exactly these elements the engine's state, in one step where the engine can.
    ///
    /// # Errors
    /// The engine refuses; its state is then unknown until the next `replace`.
    fn replace(&mut self, all: &[Element], now: Timestamp) -> Result<Applied, Error>;

    /// Applies a change in one step; applying it twice gives the same state.
    ///
    /// # Errors
    /// The engine refuses; nothing was changed.
    fn apply(&mut self, change: &Change, now: Timestamp) -> Result<Applied, Error>;

    /// Reads elements back one by one: for each, whether the engine holds it now.
    ///
    /// # Errors
    /// The engine does not answer.
    fn read(&mut self, keys: &[(Collection, AddrSpec)]) -> Result<Vec<bool>, Error>;

    /// Whether somebody else may have changed the engine since this driver last looked at all of it; cheap.
    ///
    /// # Errors
    /// The engine does not answer.
    fn disturbed(&mut self) -> Result<bool, Error>;

    /// Compares the whole engine with `all`; at most `cap` elements are read of one set.
    ///
    /// # Errors
    /// `LF-AGT-0006` when a set is larger than `cap`.
    fn compare(&mut self, all: &[Element], cap: usize) -> Result<Difference, Error>;

    /// Puts right what [`Driver::compare`] found.
    ///
    /// # Errors
    /// The engine refuses.
    fn repair(&mut self, difference: &Difference, all: &[Element], now: Timestamp) -> Result<Applied, Error>;

    /// Stops (`true`) or resumes (`false`) all enforcement without touching elements.
    ///
    /// # Errors
    /// The engine refuses.
    fn kill(&mut self, on: bool) -> Result<(), Error>;

    /// Whether enforcement is stopped, as the engine itself says.
    ///
    /// # Errors
    /// The engine does not answer.
    fn killed(&mut self) -> Result<bool, Error>;

    /// Proves by packets that the last applied generation is in force.
    fn probe(&mut self) -> Probe;

    /// Packets the engine dropped since it was installed, where it counts them.
    ///
    /// # Errors
    /// The engine does not answer.
    fn dropped(&mut self) -> Result<Option<u64>, Error>;

    /// Takes everything out that the driver put in: structure, elements, helpers.
    ///
    /// # Errors
    /// The engine refuses.
    fn uninstall(&mut self) -> Result<(), Error>;
}
