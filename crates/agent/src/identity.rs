//! Who this point is: its id, and the centre's signing key, out of what enrolment left in the folder.

use base::PointId;
use ed25519_dalek::VerifyingKey;
use std::path::Path;

use crate::error::AgentError;

/// What enrolment gave this point.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The point's id at the centre.
    pub id: PointId,
    /// Where the agent dials.
    pub machine_url: String,
    /// The centre's Ed25519 key: only what it signed is enforced.
    pub signing_key: VerifyingKey,
    /// Keys and certificates.
    pub(crate) tie: link::Identity,
}

impl Identity {
    /// Reads the identity of a folder.
    ///
    /// # Errors
    /// `LF-AGT-0101` when the point is not enrolled, `LF-AGT-0106` when a file is damaged.
    pub fn load(folder: &Path) -> Result<Self, AgentError> {
        Self::of(link::Identity::read(folder)?)
    }

    pub(crate) fn of(tie: link::Identity) -> Result<Self, AgentError> {
        let (id, signing_key) = point_of(&tie.about)?;
        Ok(Self { id, machine_url: tie.about.machine_url.clone(), signing_key, tie })
    }
}

/// The point's id and the key that signs for it.
pub(crate) fn point_of(about: &link::About) -> Result<(PointId, VerifyingKey), AgentError> {
    let id = about.id.parse().map_err(|_| AgentError::Key("the id is none of an enforcement point".to_owned()))?;
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(about.signing_key.trim(), &mut bytes).map_err(AgentError::key)?;
    Ok((id, VerifyingKey::from_bytes(&bytes).map_err(AgentError::key)?))
}
