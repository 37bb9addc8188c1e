//! The shapes of answers, for the OpenAPI document: one line a field.
//!
//! The domains own their types and know nothing of OpenAPI; here stands what the outside may rely on. A test holds every
//! real answer against its shape with no other field allowed, so the two cannot drift apart.
//!
//! A type is a word (`text`, `int`, `number`, `bool`, `time`, `id`, `any`), words of a closed list (`a|b`) or the name of
//! another shape; `[..]` is a list of it and `..?` may be null. A field name that ends in `?` may be left out.

use serde_json::{Map, Value, json};

/// An object and its fields.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Its name in the document.
    pub name: &'static str,
    fields: &'static [(&'static str, &'static str)],
}

macro_rules! shapes {
    ($($name:ident { $($field:literal: $kind:literal,)* })*) => {
        /// Every shape.
        pub const SHAPES: &[Shape] = &[$(Shape { name: stringify!($name), fields: &[$(($field, $kind)),*] }),*];
    };
}

shapes! {
    Me { "who": "text", "org": "id", "realm": "text", "actions": "[text]", }
    SessionMade { "id": "id", "person": "id", "secret": "text", "ends_at": "time", }
    Made { "id": "id", }
    RejectedLine { "line": "int", "code": "text", "detail": "text", }
    LinesAnswer {
        "accepted": "int", "duplicate": "int", "rejected": "int", "reasons": "[RejectedLine]", "events": "int",
        "quarantined": "int",
    }
    BatchAnswer { "ack": "int", "accepted": "int", "duplicate": "int", "rejected": "[RejectedLine]", }

    Org {
        "id": "id", "name": "text", "zh": "text", "en": "text", "parent": "id?", "kind": "text", "sector": "text?",
        "criticality": "text", "level": "text?", "own": "bool", "from": "time", "to": "time?", "version": "int",
    }
    OrgMade { "id": "id", "name": "text", }
    PartMade { "id": "id", "network?": "text", "domain?": "text", "asn?": "text", "circuit?": "text", }
    Whose { "address": "text", "org": "Org?", "network?": "text?", }
    Network { "id": "id", "org": "id", "net": "text", "scope": "any", "from": "time", "to": "time?", "version": "int", }
    Domain { "id": "id", "org": "id", "name": "text", "from": "time", "to": "time?", "version": "int", }
    Asn { "id": "id", "org": "id", "number": "any", "from": "time", "to": "time?", "version": "int", }
    Circuit {
        "id": "id", "org": "id", "number": "text", "provider": "text", "mbps": "int?", "from": "time", "to": "time?",
        "version": "int",
    }
    OrgContact {
        "id": "id", "org": "id", "name": "text", "role": "text", "mail": "text", "telephone": "text", "from": "time",
        "to": "time?", "version": "int",
    }
    OrgParts {
        "org": "id", "networks": "[Network]", "domains": "[Domain]", "asns": "[Asn]", "circuits": "[Circuit]",
        "contacts": "[OrgContact]",
    }

    Holding { "role": "text", "org": "id", "deputy_for": "id?", "from": "time?", "to": "time?", }
    Person {
        "id": "id", "name": "text", "display": "text", "mail": "text", "language": "text", "zone": "text", "org": "id",
        "state": "text", "second_factor": "bool", "roles": "[Holding]", "expires_at": "time?", "created_at": "time",
        "last_sign_in": "time?", "version": "int",
    }
    PersonLink { "id": "id", "link": "text", "ends_at": "time", }
    Login {
        "id": "id", "kind": "browser|program", "created_at": "time", "last_seen": "time", "ends_at": "time", "address": "text", "agent": "text",
        "second_factor_at": "time?",
    }
    NightReview {
        "id": "id", "action": "text", "subject": "text", "org": "id", "approved_by": "id", "approved_at": "time",
        "due_at": "time", "version": "int",
    }

    Token {
        "id": "id", "name": "text", "scopes": "[text]", "org": "id", "ceiling": "text", "bootstrap": "bool",
        "of_bootstrap": "bool", "made_with": "id?",
        "made_by": "id?", "created_at": "time", "expires_at": "time?", "last_used": "time?", "revoked_at": "time?",
    }
    TokenMade { "id": "id", "name": "text", "secret": "text", "expires_at": "time?", }
    CodeMade { "code": "text", "name": "text", "ends_at": "time", }

    Factor { "name": "text", "input": "number", "part": "number", }
    Session {
        "id": "id", "org": "id", "realm": "text", "tlp": "text", "sensor": "id", "sensor_name": "text", "src_ip": "text",
        "scope": "any", "protocol": "text", "dst_port": "int", "opened_at": "time", "last_at": "time",
        "closed_at": "time?", "class": "text", "events": "int", "attempts": "int", "commands": "int", "client": "text?",
        "hassh": "text?", "campaign": "id?",
    }
    SessionEvent { "n": "int", "at": "time", "kind": "text", "body": "text", }
    ClassReason { "rule": "text", "facts": "[[text]]", }
    SessionDetail {
        "session": "Session", "reason": "ClassReason", "foreign_key": "text", "users": "[text]", "passwords": "[text]",
        "login": "bool", "command_lines": "[text]", "urls": "[text]", "hashes": "[text]", "ssh_keys": "[text]",
        "forwards": "[text]", "exploits": "[text]", "requests": "[text]", "events": "[SessionEvent]",
        "more_events": "bool", "kept": "SessionKept?",
    }
    SessionKept { "digest": "text", "events_removed_at": "time", "session_removed_at": "time?", }
    Observable {
        "kind": "text", "value": "text", "scope": "any", "realm": "text", "org": "id?", "tlp": "text", "class": "text",
        "score": "number", "factors": "[Factor]", "sessions": "int", "sensors": "int", "orgs": "int", "aim": "text", "aim_factors": "[Factor]",
        "benign": "text?", "campaign": "id?", "first_at": "time", "last_at": "time",
    }
    TimelineBar { "at": "time", "class": "text", "sessions": "int", "events": "int", }
    Timeline { "since": "time", "until": "time", "bars": "[TimelineBar]", }
    Campaign {
        "id": "id", "realm": "text", "org": "id?", "tlp": "text", "sessions": "int", "sources": "int", "sensors": "int",
        "orgs": "int", "class": "text", "joined_by": "text?", "targeted": "number", "aim": "text", "aim_factors": "[Factor]", "first_at": "time",
        "last_at": "time",
    }
    JoinKey { "kind": "text", "label": "text", "sessions": "int", }
    CampaignContact {
        "src_ip": "text", "sensor": "id", "org": "id", "sessions": "int", "first_at": "time", "last_at": "time",
    }
    CampaignDetail { "campaign": "Campaign", "keys": "[JoinKey]", "contacts": "[CampaignContact]", }
    Totals {
        "sessions_day": "int", "events_day": "int", "sources_day": "int", "campaigns_day": "int", "by_class": "[[any]]",
        "sensors": "[[any]]",
    }
    Job {
        "id": "id", "org": "id", "realm": "text", "tlp": "text", "kind": "text", "payload": "any", "state": "text",
        "done": "int", "total": "int", "attempts": "int", "created_at": "time", "run_at": "time", "finished_at": "time?",
        "cancel": "bool", "error": "text?",
    }
    Quarantined {
        "org": "id", "tlp": "text", "format": "text", "at": "time", "code": "text", "detail": "text", "excerpt": "text", "times": "int",
    }
    ListenerProbe { "listener": "text", "ok": "bool", "banner_sha256": "text", "took_ms": "int", }
    SensorHealth {
        "version": "text", "config_hash": "text", "spool_depth": "int", "spool_dropped": "int", "rss_bytes": "int",
        "sessions_open": "int", "clock_micros": "int", "probes": "[ListenerProbe]",
    }
    Sensor {
        "id": "id", "org": "id", "realm": "text", "tlp": "text", "name": "text", "kind": "text", "state": "text",
        "enrolled_at": "time", "last_heard": "time?", "last_event": "time?", "silent_since": "time?", "rate": "number",
        "clock_offset": "int?", "health": "SensorHealth?", "cert_serial": "text?", "cert_expires": "time?",
        "version": "int",
    }

    Subject { "kind": "text", "value": "text", }
    Fact { "name": "text", "value": "text", }
    Why { "facts": "[Fact]", "factors": "[Factor]", "score": "number?", "sessions": "[id]", }
    FindingStep {
        "at": "time", "by": "id?", "kind": "text", "from": "text", "from_owner": "id?", "outcome?": "text",
        "reason?": "text", "undone": "bool",
    }
    Finding {
        "id": "id", "org": "id", "realm": "text", "tlp": "text", "scope": "any", "rule": "text", "severity": "int",
        "subject": "Subject", "params": "any", "why": "Why", "count": "int", "first_at": "time", "last_at": "time",
        "state": "text", "owner": "id?", "outcome": "text?", "reason": "text?", "silence": "id?", "campaign": "id?",
        "trail": "[FindingStep]", "version": "int",
    }
    FindingPast { "times": "int", "last_outcome": "text?", "last_at": "time?", }
    FindingDetail { "finding": "Finding", "past": "FindingPast", }
    FindingGroup {
        "rule": "text", "org": "id", "open": "int", "new": "int", "severity": "int", "oldest": "time", "latest": "time",
    }
    FindingDone { "id": "id", "done": "bool", "state": "text?", "version": "int?", "code": "text?", }
    SilenceScope { "org": "id", "rule": "text", "subject": "Subject?", }
    Silence {
        "id": "id", "realm": "text", "tlp": "text", "scope": "SilenceScope", "reason": "text", "by": "id?",
        "from": "time", "until": "time", "ended_at": "time?", "version": "int",
    }
    SilencePreview { "findings": "int", "firings": "int", "open": "int", "days": "int", }

    Indicator {
        "id": "id", "stix_id": "text", "value": "text", "value_kind": "text", "name": "text", "state": "text",
        "score": "number", "factors": "[Factor]", "confidence": "int", "class": "text?", "org": "id", "tlp": "text",
        "realm": "text", "valid_from": "time", "valid_until": "time", "created": "time", "modified": "time",
        "version": "int",
    }
    IndicatorSource { "session": "id", "at": "time", }
    IndicatorNote { "at": "time", "by": "id?", "text": "text", }
    IndicatorChange {
        "at": "time", "by": "id?", "what": "text", "stated?": "any", "id?": "id", "evidence?": "any", "lasts?": "int",
        "edit?": "any", "reason?": "text", "automatic?": "bool", "night?": "bool",
    }
    IndicatorDetail {
        "indicator": "Indicator", "history": "[IndicatorChange]", "sources": "[IndicatorSource]",
        "notes": "[IndicatorNote]", "versions": "int",
    }

    AutomaticRule {
        "class": "text", "enabled": "bool", "min_score": "number", "min_sensors": "int", "hours": "int", "version": "int",
    }

    PointDifference {
        "kind": "behind|digest|wrong|probe|drift|refused|frozen|killed|clock", "applied?": "int", "desired?": "int",
        "keys?": "[text]", "missing?": "int", "extra?": "int", "repaired?": "bool", "total?": "int", "why?": "text",
        "offset_us?": "int",
    }
    Point {
        "id": "id", "name": "text", "org": "id", "tlp": "text", "driver": "text", "state": "text", "since": "time?", "seen_at": "time?",
        "elements": "int?", "verified": "bool", "probed": "bool", "applied_sequence": "int?", "desired_sequence": "int",
        "desired_entries": "int", "differs": "[PointDifference]", "kill": "bool",
    }
    PointDetail {
        "id": "id", "name": "text", "org": "id", "tlp": "text", "driver": "text", "state": "text", "since": "time?", "seen_at": "time?",
        "elements": "int?", "verified": "bool", "probed": "bool", "applied_sequence": "int?", "desired_sequence": "int",
        "desired_entries": "int", "differs": "[PointDifference]", "kill": "bool", "last": "PointApplied?",
        "heartbeat": "PointHeartbeat?",
    }
    PointApplied {
        "receipt": "Receipt", "at": "time", "expected": "text?", "since": "time",
        "standing": "killed|frozen|differs|unproved|drifted|refused|proved|read_back",
    }
    PointHeartbeat {
        "point": "id", "at": "time", "version": "text", "driver": "text", "started_at": "time", "sequence": "int",
        "elements": "int", "fresh_until": "time?", "kill": "bool", "trouble": "text?",
    }
    Receipt {
        "point": "id", "sequence": "int", "generation": "int", "driver": "text", "applied_at": "time", "took_us": "int",
        "elements": "int", "digest": "text", "config_revision": "int", "read_back": "ReceiptReadBack",
        "probe": "ReceiptProbe", "drift": "ReceiptDrift?", "refused": "[ReceiptRefused]", "refused_total": "int",
        "frozen": "text?", "kill": "bool",
    }
    ReceiptReadBack { "changed": "int", "sampled": "int", "wrong": "[text]", }
    ReceiptProbe {
        "kind": "probed|read_back_only|failed", "blocked?": "[ReceiptCanary]", "passed?": "[ReceiptCanary]",
        "why?": "text",
    }
    ReceiptCanary { "address": "text", "ok": "bool", "took_us": "int", }
    ReceiptDrift { "missing": "int", "extra": "int", "repaired": "bool", }
    ReceiptRefused { "key": "text", "guard": "text", "reason": "text", }
    PointReceipt { "at": "time", "receipt": "Receipt", }
    PointKill { "id": "id", "kill": "bool", }
    GuardVerdict {
        "guard": "form|expiry|protected|allow|change|kill", "ruling": "pass|hold|reject", "reason": "GuardReason?",
    }
    GuardReason {
        "reason": "wide|far_too_wide|ended|too_long|protected|allowed|surge|shrink|killed", "prefix?": "int",
        "least?": "int", "expires?": "time", "most_secs?": "int", "net?": "text", "why?": "text", "directive?": "id",
        "adds?": "int", "removes?": "int", "most?": "int", "window_secs?": "int",
    }
    Directive {
        "id": "id", "org": "id", "realm": "text", "tlp": "text", "scope": "any", "key": "text", "intent": "text",
        "impact": "text", "state": "text", "author": "id?", "approver": "id?", "indicator": "id?", "provenance": "any",
        "reason": "text", "verdicts": "[GuardVerdict]", "issued": "time", "expires": "time", "ended": "time?",
        "end_reason": "text?", "version": "int",
    }
    Enforcement {
        "point": "id", "name": "text", "driver": "text", "desired": "bool", "needed_sequence": "int?",
        "applied_sequence": "int", "enforced": "bool", "read_back": "bool", "probed": "bool", "since": "time?",
        "since_exact": "bool", "status": "text",
    }
    DirectiveDetail { "directive": "Directive", "enforcement": "[Enforcement]", }

    AuditLeaf {
        "seq": "int", "at": "time", "org": "id", "realm": "text", "tlp": "text", "actor": "text", "action": "text",
        "subject": "text", "outcome": "text", "entry": "text",
    }
    AuditProof { "seq": "int", "entry": "text", "leaf": "text", "path": "[text]", "size": "int", }
}

impl Shape {
    /// The JSON schema of an object of this shape.
    #[must_use]
    pub fn schema(&self) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (field, kind) in self.fields {
            let name = field.strip_suffix('?').unwrap_or(field);
            properties.insert(name.to_owned(), schema_of(kind));
            if name == *field {
                required.push(name);
            }
        }
        json!({"type": "object", "properties": properties, "required": required})
    }
}

/// A reference to a shape.
#[must_use]
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A part of a list of a shape.
#[must_use]
pub fn page_of(name: &str) -> Value {
    json!({"type": "object", "required": ["items", "next"], "properties": {
        "items": {"type": "array", "items": reference(name)},
        "next": {"type": ["string", "null"], "description": "the cursor of the next part"},
    }})
}

fn schema_of(kind: &str) -> Value {
    if let Some(inner) = kind.strip_suffix('?') {
        return json!({"anyOf": [schema_of(inner), {"type": "null"}]});
    }
    if let Some(inner) = kind.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return json!({"type": "array", "items": schema_of(inner)});
    }
    if kind.contains('|') {
        return json!({"type": "string", "enum": kind.split('|').collect::<Vec<_>>()});
    }
    match kind {
        "text" => json!({"type": "string"}),
        "int" => json!({"type": "integer"}),
        "number" => json!({"type": "number"}),
        "bool" => json!({"type": "boolean"}),
        "time" => json!({"type": "string", "format": "date-time"}),
        "id" => json!({"type": "string", "format": "uuid"}),
        "any" => json!({}),
        shape => reference(shape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_shape_stands_once_and_every_reference_is_there() {
        let names: BTreeSet<&str> = SHAPES.iter().map(|shape| shape.name).collect();
        assert_eq!(names.len(), SHAPES.len());
        for shape in SHAPES {
            let text = shape.schema().to_string();
            for part in text.split("#/components/schemas/").skip(1) {
                let name = part.split('"').next().unwrap();
                assert!(names.contains(name), "{}: {name}", shape.name);
            }
        }
    }

    #[test]
    fn types_read_as_they_are_meant() {
        assert_eq!(schema_of("a|b"), json!({"type": "string", "enum": ["a", "b"]}));
        assert_eq!(schema_of("[text]"), json!({"type": "array", "items": {"type": "string"}}));
        assert_eq!(schema_of("Org?"), json!({"anyOf": [{"$ref": "#/components/schemas/Org"}, {"type": "null"}]}));
    }
}
