//! The one door to the library behind the object model: strict validation of objects and patterns.

use rstix::core::StixId;
use rstix::model::{Bundle, ParseOptions, deserialize_stix_object_from_value};
use rstix::{Pattern, Validator};

use crate::error::StixError;
use crate::header::Stored;

/// Identifier of the bundle in which a single object is shown to the validator.
const CARRIER: &str = "bundle--00000000-0000-4000-8000-000000000000";

/// Checks an object as strictly as a producer must: typed parse, every property, open vocabularies, its pattern.
/// For drafts of people, for what this centre writes, and for single objects that operators send.
///
/// # Errors
/// [`StixError::Object`] with the first thing that is wrong.
pub fn check(stored: &Stored) -> Result<(), StixError> {
    let wrong = |error: &dyn std::fmt::Display| StixError::Object(error.to_string());
    let value = serde_json::from_slice(&stored.bytes).map_err(|error| wrong(&error))?;
    let (object, _custom) =
        deserialize_stix_object_from_value(value, &ParseOptions::default()).map_err(|error| wrong(&error))?;
    // The validator reads bundles; one object travels in a bundle of its own, and what it refers to is elsewhere.
    let id = StixId::parse(CARRIER).map_err(|error| wrong(&error))?;
    let report = Validator::producer_strict().validate_bundle(&Bundle::from_objects(id, vec![object]));
    match report.errors().next() {
        None => Ok(()),
        Some(wrong) => Err(StixError::Object(wrong.message.clone())),
    }
}

/// Checks that a text follows the STIX patterning grammar and its comparisons fit the types they name.
///
/// # Errors
/// [`StixError::Pattern`] with the place.
pub fn check_pattern(pattern: &str) -> Result<(), StixError> {
    Pattern::parse(pattern).map(drop).map_err(|error| StixError::Pattern(error.to_string()))
}
