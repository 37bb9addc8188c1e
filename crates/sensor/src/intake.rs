//! Intake: durable before it is acknowledged, never twice.

use base::{OrgId, Realm, Tlp};
use logwire::Format;

use crate::error::SensorError;
use crate::fleet::Admitted;
use crate::wire::{BatchAnswer, LinesAnswer};

/// Where the lines of a file belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Belongs {
    /// The organisation; it exists.
    pub org: OrgId,
    /// Real life or an exercise.
    pub realm: Realm,
    /// Marking of what the lines say.
    pub tlp: Tlp,
}

/// The intake service; cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {}

#[allow(clippy::unused_async, reason = "filled in the next step")]
impl Intake {
    /// Takes a sensor's batch: NDJSON, line `i` has number `first_seq + i`. Durable when this returns.
    ///
    /// # Errors
    /// [`SensorError::Full`] when nothing more can be taken now.
    pub async fn accept_batch(
        &self,
        _from: &Admitted,
        _epoch: u64,
        _first_seq: u64,
        _body: &[u8],
    ) -> Result<BatchAnswer, SensorError> {
        Err(SensorError::NoSensor)
    }

    /// Takes lines of a log, each with its occurrence in the file (how often the same line stood before it, from 0).
    /// Empty lines are skipped. Durable when this returns.
    ///
    /// # Errors
    /// [`SensorError::Full`] when nothing more can be taken now; some of the lines may have been taken, sending all again is safe.
    pub async fn accept_lines<'a>(
        &self,
        _belongs: Belongs,
        _format: Format,
        _lines: impl Iterator<Item = (u32, &'a [u8])> + Send,
    ) -> Result<LinesAnswer, SensorError> {
        Err(SensorError::NoSensor)
    }
}
