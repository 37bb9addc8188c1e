//! The header view: what the centre needs to know of an object, read without touching its bytes.

use std::borrow::Cow;

use base::{Timestamp, Tlp, limits};
use serde::Deserialize;
use uuid::Uuid;

use crate::error::StixError;
use crate::marking;

/// A STIX timestamp as it was written, and the instant it means. The text is never normalised (STIX 2.1 section 2.16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// As written.
    pub text: String,
    /// The instant, microseconds.
    pub at: Timestamp,
}

/// The common properties of an object (STIX 2.1 section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `indicator`, `identity`, ...
    pub kind: String,
    /// The identifier as written: `indicator--<uuid>`.
    pub id: String,
    /// The UUID part.
    pub uuid: Uuid,
    /// `2.1`; none where the sender left it out (2.0 objects and observables).
    pub spec_version: Option<String>,
    /// Creation, where the type has it.
    pub created: Option<Stamp>,
    /// Version, where the type has it.
    pub modified: Option<Stamp>,
    /// The identity that made it.
    pub created_by: Option<String>,
    /// Whether it was taken back; final (section 3.6).
    pub revoked: bool,
    /// Markings of the whole object.
    pub markings: Vec<String>,
    /// Language of its texts.
    pub lang: Option<String>,
}

impl Header {
    /// The strictest TLP label among the object's markings; none when it has no TLP marking.
    #[must_use]
    pub fn tlp(&self) -> Option<Tlp> {
        self.markings.iter().filter_map(|id| marking::tlp_of(id)).max()
    }
}

/// An object kept byte for byte, with its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// What the centre needs to know.
    pub header: Header,
    /// Exactly what was written or arrived.
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(default)]
    spec_version: Option<String>,
    #[serde(default)]
    created: Option<String>,
    #[serde(default)]
    modified: Option<String>,
    #[serde(default)]
    created_by_ref: Option<String>,
    #[serde(default)]
    revoked: bool,
    #[serde(default)]
    object_marking_refs: Vec<String>,
    #[serde(default)]
    lang: Option<String>,
}

impl Stored {
    /// Reads the header and keeps the bytes.
    ///
    /// # Errors
    /// [`StixError::Object`] when the bytes are not one JSON object with a STIX type, identifier and well-formed
    /// common properties, or nest deeper than the doors allow.
    pub fn read(bytes: Vec<u8>) -> Result<Self, StixError> {
        if limits::json_depth(&bytes) > limits::JSON_DEPTH.most {
            return Err(StixError::Object(format!("it nests deeper than {} levels", limits::JSON_DEPTH.most)));
        }
        let wire: Wire<'_> = serde_json::from_slice(&bytes).map_err(|error| StixError::Object(error.to_string()))?;
        let header = wire.header()?;
        Ok(Self { header, bytes })
    }
}

impl Wire<'_> {
    fn header(self) -> Result<Header, StixError> {
        let uuid = uuid_of(&self.id, &self.kind)?;
        let stamp = |text: Option<String>| text.map(stamp).transpose();
        Ok(Header {
            uuid,
            kind: self.kind.into_owned(),
            id: self.id.into_owned(),
            spec_version: self.spec_version,
            created: stamp(self.created)?,
            modified: stamp(self.modified)?,
            created_by: self.created_by_ref,
            revoked: self.revoked,
            markings: self.object_marking_refs,
            lang: self.lang,
        })
    }
}

/// The UUID of an identifier, which must begin with the object's own type (section 2.9).
fn uuid_of(id: &str, kind: &str) -> Result<Uuid, StixError> {
    id.strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix("--"))
        .filter(|text| text.len() == 36)
        .and_then(|text| Uuid::parse_str(text).ok())
        .ok_or_else(|| {
            StixError::Object(format!("id {} of type {}", base::code::excerpt(id), base::code::excerpt(kind)))
        })
}

/// Section 2.16: RFC 3339 in UTC, written with `Z`.
fn stamp(text: String) -> Result<Stamp, StixError> {
    let at = text.ends_with('Z').then(|| text.parse::<Timestamp>().ok()).flatten();
    let at = at.ok_or_else(|| StixError::Object(format!("timestamp {}", base::code::excerpt(&text))))?;
    Ok(Stamp { text, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";

    #[test]
    fn keeps_bytes_and_reads_the_header() {
        let bytes = format!(
            "{{ \"type\":\"indicator\",\n \"id\":\"{ID}\", \"modified\":\"2016-04-06T20:03:48.1234567Z\", \
             \"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"], \"x\": 1.0 }}"
        )
        .into_bytes();
        let stored = Stored::read(bytes.clone()).unwrap();
        assert_eq!(stored.bytes, bytes, "not one byte changes");
        assert_eq!(stored.header.modified.as_ref().unwrap().text, "2016-04-06T20:03:48.1234567Z");
        assert_eq!(stored.header.tlp(), Some(Tlp::Clear));
        assert!(!stored.header.revoked);
    }

    #[test]
    fn refuses_what_is_no_object() {
        let deep = format!("{{\"type\":\"indicator\",\"id\":\"{ID}\",\"x\":{}1{}}}", "[".repeat(40), "]".repeat(40));
        for bad in [
            "",
            "[]",
            "{\"type\":\"indicator\"}",
            "{\"type\":\"malware\",\"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"}",
            "{\"type\":\"file\",\"id\":\"file-1389b98d-a3d3-5190-a996-716fd444059a\"}",
            "{\"type\":\"file\",\"type\":\"file\",\"id\":\"file--1389b98d-a3d3-5190-a996-716fd444059a\"}",
            "{\"type\":\"file\",\"id\":\"file--1389b98d-a3d3-5190-a996-716fd444059a\",\"created\":\"2016-01-01T00:00:00+00:00\"}",
            &deep,
        ] {
            assert!(matches!(Stored::read(bad.as_bytes().to_vec()), Err(StixError::Object(_))), "{bad}");
        }
    }
}
