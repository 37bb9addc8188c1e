//! TLP 2.0 as STIX marking definitions, with the identifiers the OASIS common-object repository fixes; TLP 1.x is read.

use base::Tlp;
use serde_json::json;

use crate::error::StixError;
use crate::header::Stored;

/// The property extension that carries TLP 2.0.
pub const TLP_2_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";

/// The fixed marking definition of a label. The identifiers are those of the OASIS repository of common objects;
/// the library behind [`crate::model`] has others in this release and is therefore not asked.
#[must_use]
pub const fn tlp_ref(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// The label of a marking definition's identifier, TLP 2.0 or the four of TLP 1.x (STIX 2.1 section 7.2.1.4).
#[must_use]
pub fn tlp_of(id: &str) -> Option<Tlp> {
    match id {
        "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9" => Some(Tlp::Clear),
        "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da" => Some(Tlp::Green),
        "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82" => Some(Tlp::Amber),
        "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed" => Some(Tlp::Red),
        _ => Tlp::ALL.into_iter().find(|tlp| tlp_ref(*tlp) == id),
    }
}

/// The marking definition object of a label, for bundles that should stand alone.
///
/// # Errors
/// Never for the five labels; the type says what [`Stored::read`] says.
pub fn tlp_object(tlp: Tlp) -> Result<Stored, StixError> {
    let value = json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": tlp_ref(tlp),
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{}", tlp.word().to_uppercase()),
        "extensions": { TLP_2_EXTENSION: { "extension_type": "property-extension", "tlp_2_0": tlp.word() } },
    });
    Stored::read(base::canonical_json(&value).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_goes_there_and_back() {
        for tlp in Tlp::ALL {
            assert_eq!(tlp_of(tlp_ref(tlp)), Some(tlp));
            let stored = tlp_object(tlp).unwrap();
            assert_eq!(stored.header.id, tlp_ref(tlp));
            let object: serde_json::Value = serde_json::from_slice(&stored.bytes).unwrap();
            assert_eq!(object["extensions"][TLP_2_EXTENSION]["tlp_2_0"], tlp.word());
        }
        assert_eq!(tlp_of("marking-definition--00000000-0000-4000-8000-000000000000"), None);
    }
}
