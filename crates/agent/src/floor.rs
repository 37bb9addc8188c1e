//! The floor in a small file of its own: damage to the kept copy must not let an older state or configuration in.
//!
//! Written as a whole with every change, one checked line. It must not hold anything that the copy is made of.

use base::PointId;
use edge::wire::{Floor, centre_id};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::Path;

use crate::error::AgentError;
use crate::identity::Identity;
use crate::keep::{Lines, write_line};

const NAME: &str = "floor";

/// Whose floor it is: a point that was enrolled anew begins from the ground.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    point: PointId,
    centre: String,
    floor: Floor,
}

/// What was kept; the ground for a point that has kept nothing yet.
///
/// # Errors
/// `LF-AGT-0102` when the file is there and cannot be read.
pub(crate) fn read(folder: &Path, identity: &Identity) -> Result<Floor, AgentError> {
    let path = folder.join(NAME);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Floor::default()),
        bytes => bytes.map_err(AgentError::file(&path))?,
    };
    let Some((kept, _)) = Lines(bytes.as_slice()).next::<Kept>().map_err(AgentError::file(&path))? else {
        tracing::warn!("the kept floor is damaged; only the kept state says how far the point was");
        return Ok(Floor::default());
    };
    let mine = kept.point == identity.id && kept.centre == centre_id(&identity.signing_key);
    Ok(if mine { kept.floor } else { Floor::default() })
}

/// Keeps the floor of a point of this centre.
///
/// # Errors
/// `LF-AGT-0102` when the folder cannot be written.
pub(crate) fn write(folder: &Path, (point, centre): (PointId, &str), floor: Floor) -> Result<(), AgentError> {
    let path = folder.join(NAME);
    let mut line = Vec::new();
    write_line(&mut line, &Kept { point, centre: centre.to_owned(), floor }).map_err(AgentError::file(&path))?;
    Ok(link::replace(&path, &line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::SigningKey;

    fn identity(point: u128, key: u8) -> Identity {
        let about = link::About {
            id: PointId(uuid::Uuid::from_u128(point)).to_string(),
            machine_url: String::new(),
            signing_key: hex::encode(SigningKey::from_bytes(&[key; 32]).verifying_key().as_bytes()),
        };
        Identity::of(link::Identity::of(about, "", "", "")).unwrap()
    }

    #[test]
    fn the_floor_is_kept_for_this_point_and_centre_alone() {
        let folder = tempfile::tempdir().unwrap();
        let me = identity(7, 1);
        assert_eq!(read(folder.path(), &me).unwrap(), Floor::default());
        let floor = Floor { sequence: 9, revision: 4, number: 1 << 50 };
        write(folder.path(), (me.id, &centre_id(&me.signing_key)), floor).unwrap();
        assert_eq!(read(folder.path(), &me).unwrap(), floor);
        for other in [identity(8, 1), identity(7, 2)] {
            assert_eq!(read(folder.path(), &other).unwrap(), Floor::default());
        }
        let path = folder.path().join(NAME);
        let line = fs::read(&path).unwrap();
        for at in 0..line.len() {
            let mut bent = line.clone();
            *bent.get_mut(at).unwrap() ^= 1;
            fs::write(&path, &bent).unwrap();
            assert_eq!(read(folder.path(), &me).unwrap(), Floor::default(), "byte {at}: a damaged floor is none");
        }
    }
}
