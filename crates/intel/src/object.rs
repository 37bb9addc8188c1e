//! The STIX object of an indicator's row.

use events::intel::IndicatorState;
use events::sensor::AttackClass;
use stix::{ExternalReference, IndicatorObject, StixError, Stored, identity};

use crate::model::Indicator;

/// The canonical bytes of the row's present version.
pub(crate) fn write(row: &Indicator) -> Result<Stored, StixError> {
    IndicatorObject {
        id: row.id,
        created_by: identity::id_of(row.org),
        created: row.created,
        modified: row.modified,
        revoked: row.state == IndicatorState::Revoked,
        name: row.name.clone(),
        description: row.description.clone(),
        indicator_types: vec![kind_of_threat(row.class).to_owned()],
        kind: row.kind,
        value: row.value.clone(),
        valid_from: row.valid_from,
        valid_until: row.valid_until,
        confidence: row.confidence,
        tlp: row.tlp,
        labels: row.class.iter().map(|class| class.word().replace('_', "-")).collect(),
        external_references: row
            .campaign
            .iter()
            .map(|campaign| ExternalReference {
                source_name: "lianfang-campaign".into(),
                external_id: Some(campaign.to_string()),
                url: None,
                description: None,
            })
            .collect(),
    }
    .write()
}

/// The open vocabulary indicator-type-ov (STIX 2.1 section 10.7).
const fn kind_of_threat(class: Option<AttackClass>) -> &'static str {
    match class {
        Some(AttackClass::BannerGrab | AttackClass::Scan | AttackClass::UdpProbe) => "anomalous-activity",
        _ => "malicious-activity",
    }
}
