//! The indicator object (STIX 2.1 section 4.7): from the centre's decision to canonical bytes.

use base::{IndicatorId, Timestamp, Tlp};
use events::sensor::ValueKind;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::StixError;
use crate::header::Stored;
use crate::{marking, pattern};

/// A pointer to information outside STIX (section 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalReference {
    /// Whose information it is.
    pub source_name: String,
    /// Its name there.
    pub external_id: Option<String>,
    /// Where it is.
    pub url: Option<String>,
    /// What it is.
    pub description: Option<String>,
}

/// Everything an indicator of the centre says.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorObject {
    /// Its identity through all versions; a UUID of version 4 (section 2.9 and the OASIS schemas refuse version 7).
    pub id: IndicatorId,
    /// The producer's identity object, see [`crate::identity::id_of`].
    pub created_by: Uuid,
    /// First version.
    pub created: Timestamp,
    /// This version.
    pub modified: Timestamp,
    /// Taken back; final.
    pub revoked: bool,
    /// A short name for people.
    pub name: String,
    /// What it is about; empty is left out.
    pub description: String,
    /// `malicious-activity`, `anonymization`, ... (section 10.7); empty is left out.
    pub indicator_types: Vec<String>,
    /// Kind of the value.
    pub kind: ValueKind,
    /// The value, canonical.
    pub value: String,
    /// From when it counts.
    pub valid_from: Timestamp,
    /// Until when it counts; later than `valid_from`.
    pub valid_until: Timestamp,
    /// 0 to 100 (section 3.2).
    pub confidence: u8,
    /// Its marking.
    pub tlp: Tlp,
    /// Terms of our own; empty is left out.
    pub labels: Vec<String>,
    /// Pointers outside; empty is left out.
    pub external_references: Vec<ExternalReference>,
}

impl IndicatorObject {
    /// The object as canonical bytes: the same indicator gives the same bytes.
    ///
    /// # Errors
    /// [`StixError::Value`] when the value is not canonical, [`StixError::Object`] when the times or the confidence
    /// contradict section 4.7.
    pub fn write(&self) -> Result<Stored, StixError> {
        if self.valid_until <= self.valid_from || self.modified < self.created {
            return Err(StixError::Object("its times are out of order".into()));
        }
        if self.confidence > 100 {
            return Err(StixError::Object("confidence is above 100".into()));
        }
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("type", json!("indicator"));
        put("spec_version", json!("2.1"));
        put("id", json!(format!("indicator--{}", self.id)));
        put("created_by_ref", json!(format!("identity--{}", self.created_by)));
        put("created", json!(self.created));
        put("modified", json!(self.modified));
        put("name", json!(self.name));
        put("pattern", json!(pattern::of(self.kind, &self.value)?));
        put("pattern_type", json!("stix"));
        put("pattern_version", json!("2.1"));
        put("valid_from", json!(self.valid_from));
        put("valid_until", json!(self.valid_until));
        put("confidence", json!(self.confidence));
        put("object_marking_refs", json!([marking::tlp_ref(self.tlp)]));
        // Section 2.12: an empty list or an empty text is left out, never written.
        if self.revoked {
            put("revoked", json!(true));
        }
        if !self.description.is_empty() {
            put("description", json!(self.description));
        }
        if !self.indicator_types.is_empty() {
            put("indicator_types", json!(self.indicator_types));
        }
        if !self.labels.is_empty() {
            put("labels", json!(self.labels));
        }
        if !self.external_references.is_empty() {
            put("external_references", self.external_references.iter().map(reference).collect());
        }
        Stored::read(base::canonical_json(&Value::Object(object)).into_bytes())
    }
}

fn reference(reference: &ExternalReference) -> Value {
    let mut object = Map::new();
    object.insert("source_name".to_owned(), json!(reference.source_name));
    let rest =
        [("external_id", &reference.external_id), ("url", &reference.url), ("description", &reference.description)];
    for (key, value) in rest {
        if let Some(text) = value {
            object.insert(key.to_owned(), json!(text));
        }
    }
    Value::Object(object)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> IndicatorObject {
        let at: Timestamp = "2026-11-21T06:05:00Z".parse().unwrap();
        IndicatorObject {
            id: IndicatorId(Uuid::parse_str("8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f").unwrap()),
            created_by: Uuid::parse_str("f431f809-377b-45e0-aa1c-6a4751cae5ff").unwrap(),
            created: at,
            modified: at.plus_secs(60),
            revoked: false,
            name: "下載惡意程式 203.0.113.7".into(),
            description: String::new(),
            indicator_types: vec!["malicious-activity".into()],
            kind: ValueKind::Ipv4,
            value: "203.0.113.7".into(),
            valid_from: at,
            valid_until: at.plus_secs(86_400),
            confidence: 80,
            tlp: Tlp::Green,
            labels: vec!["download".into()],
            external_references: vec![ExternalReference {
                source_name: "lianfang".into(),
                external_id: Some("campaign:1".into()),
                url: None,
                description: None,
            }],
        }
    }

    #[test]
    fn the_same_indicator_gives_the_same_valid_bytes() {
        let stored = sample().write().unwrap();
        assert_eq!(stored.bytes, sample().write().unwrap().bytes);
        crate::model::check(&stored).unwrap();
        assert_eq!(stored.header.tlp(), Some(Tlp::Green));
        assert_eq!(
            String::from_utf8(stored.bytes).unwrap(),
            "{\"confidence\":80,\"created\":\"2026-11-21T06:05:00.000000Z\",\
             \"created_by_ref\":\"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff\",\
             \"external_references\":[{\"external_id\":\"campaign:1\",\"source_name\":\"lianfang\"}],\
             \"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\",\"indicator_types\":[\"malicious-activity\"],\
             \"labels\":[\"download\"],\"modified\":\"2026-11-21T06:06:00.000000Z\",\
             \"name\":\"下載惡意程式 203.0.113.7\",\
             \"object_marking_refs\":[\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\"],\
             \"pattern\":\"[ipv4-addr:value = '203.0.113.7']\",\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\",\
             \"spec_version\":\"2.1\",\"type\":\"indicator\",\"valid_from\":\"2026-11-21T06:05:00.000000Z\",\
             \"valid_until\":\"2026-11-22T06:05:00.000000Z\"}"
        );
    }

    #[test]
    fn refuses_times_out_of_order() {
        let mut wrong = sample();
        wrong.valid_until = wrong.valid_from;
        assert!(wrong.write().is_err());
        wrong = sample();
        wrong.modified = wrong.created.plus_secs(-1);
        assert!(wrong.write().is_err());
        wrong = sample();
        wrong.confidence = 101;
        assert!(wrong.write().is_err());
    }
}
