//! Enrolment: a one-time code becomes the identity of an enforcement point.

use link::{EnrolTrust, Join, Kind};
use std::path::Path;

use crate::error::AgentError;
use crate::identity::{Identity, point_of};

/// Enrols this point: makes a key, asks `centre_url` for a certificate with the one-time `code`, and writes the
/// identity into `folder`. `driver` is `nft` or `file`.
///
/// # Errors
/// `LF-AGT-0103` when the centre cannot be reached, `LF-AGT-0104` when it refuses, `LF-AGT-0102` when the folder
/// cannot be written.
pub async fn enrol(
    centre_url: &str,
    code: &str,
    driver: &str,
    trust: &EnrolTrust,
    folder: &Path,
) -> Result<Identity, AgentError> {
    let join = Join { kind: Kind::Edge, code, name: "edge", driver: Some(driver) };
    // A key that signs nothing or an id that is none is found now and not at the first start.
    let check =
        |about: &link::About| point_of(about).map(drop).map_err(|error| link::LinkError::Key(error.to_string()));
    Identity::of(link::enrol(centre_url, &join, trust, folder, check).await?)
}
