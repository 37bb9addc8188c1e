//! Bundles (STIX 2.1 section 8): objects travel in them byte for byte, in both directions.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use base::limits;

use crate::error::StixError;
use crate::header::Stored;

/// Writes a bundle; each object keeps its bytes.
#[derive(Debug)]
pub struct Bundle {
    bytes: Vec<u8>,
    empty: bool,
}

impl Bundle {
    /// An empty bundle with this identifier (a UUID of version 4).
    #[must_use]
    pub fn new(id: Uuid) -> Self {
        let bytes = format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\"").into_bytes();
        Self { bytes, empty: true }
    }

    /// Adds an object.
    pub fn push(&mut self, object: &Stored) {
        let before: &[u8] = if self.empty { b",\"objects\":[" } else { b"," };
        self.empty = false;
        self.bytes.extend_from_slice(before);
        self.bytes.extend_from_slice(&object.bytes);
    }

    /// The finished bundle; without objects the list is left out (section 2.12).
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(if self.empty { b"}" } else { b"]}" });
        self.bytes
    }
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(borrow, default)]
    objects: Vec<&'a RawValue>,
}

/// The objects of a bundle, each with its own bytes untouched; a bad object does not spoil the others.
///
/// # Errors
/// [`StixError::Bundle`] when the whole is not a bundle.
pub fn split(bytes: &[u8]) -> Result<Vec<Result<Stored, StixError>>, StixError> {
    if limits::json_depth(bytes) > limits::JSON_DEPTH.most {
        return Err(StixError::Bundle(format!("it nests deeper than {} levels", limits::JSON_DEPTH.most)));
    }
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|error| StixError::Bundle(error.to_string()))?;
    if wire.kind != "bundle" || !wire.id.starts_with("bundle--") {
        return Err(StixError::Bundle("its type or id is not that of a bundle".into()));
    }
    Ok(wire.objects.into_iter().map(|raw| Stored::read(raw.get().as_bytes().to_vec())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::tests::sample;
    use proptest::prelude::*;

    #[test]
    fn objects_go_in_and_out_byte_for_byte() {
        let ours = sample().write().unwrap();
        let foreign = Stored::read(
            b"{ \"id\" : \"url--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\",\n\"type\":\"url\", \"value\":\"a\\u0062\" }"
                .to_vec(),
        )
        .unwrap();
        let mut bundle = Bundle::new(Uuid::from_u128(4));
        bundle.push(&ours);
        bundle.push(&foreign);
        let objects: Vec<Stored> = split(&bundle.finish()).unwrap().into_iter().map(Result::unwrap).collect();
        assert_eq!(objects, [ours, foreign]);
        assert!(split(&Bundle::new(Uuid::from_u128(4)).finish()).unwrap().is_empty());
    }

    #[test]
    fn one_bad_object_does_not_spoil_the_others() {
        let text = br#"{"type":"bundle","id":"bundle--1","objects":[{"type":"x"},{"type":"url","id":"url--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}]}"#;
        let objects = split(text).unwrap();
        assert!(objects[0].is_err() && objects[1].is_ok());
        assert!(split(br#"{"type":"indicator","id":"bundle--1"}"#).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _bundle = split(&bytes);
            let _object = Stored::read(bytes);
        }
    }
}
