//! What an answer shows that is restricted: found in the JSON itself, so that no route can forget it.
//!
//! Every row carries its marking as `tlp`; people's details stand under `mail` (people, contacts) or `agent` (browser
//! sessions). The door turns what was found into a leaf before the answer goes out.

use access::Shown;
use base::{OrgId, Tlp};
use serde_json::{Map, Value};

/// Restricted rows of an answer, an extension of the response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restricted(Vec<Found>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    /// What leaves call such a row, where the answer tells.
    noun: Option<&'static str>,
    id: Option<String>,
    org: Option<OrgId>,
    /// Somebody's details, and no RED row.
    personal: bool,
}

impl Restricted {
    /// The restricted rows of a JSON answer.
    #[must_use]
    pub fn of(answer: &Value) -> Self {
        let mut found = Self::default();
        found.walk(answer, None);
        found
    }

    /// One row that is handed out as it is, without JSON around it; kept when its marking is restricted.
    #[must_use]
    pub fn row(noun: &'static str, id: impl std::fmt::Display, org: OrgId, tlp: Tlp) -> Self {
        let found = Found { noun: Some(noun), id: Some(id.to_string()), org: Some(org), personal: false };
        Self(access::is_restricted(tlp).then_some(found).into_iter().collect())
    }

    /// Whether there is nothing restricted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rows as leaves call them; `noun` for those of which the answer does not tell, `place` for those without id.
    #[must_use]
    pub fn shown(self, noun: &str, place: &str) -> Vec<Shown> {
        let name = |found: &Found| match &found.id {
            Some(id) => format!("{}:{}", found.noun.unwrap_or(noun), base::code::excerpt(id)),
            None => place.to_owned(),
        };
        self.0
            .into_iter()
            .map(|found| Shown { subject: name(&found), org: found.org, personal: found.personal })
            .collect()
    }

    fn walk(&mut self, value: &Value, noun: Option<&'static str>) {
        match value {
            Value::Object(object) => {
                if let Some((own, personal)) = restricted(object) {
                    let text = |name: &str| object.get(name).and_then(Value::as_str);
                    let number = object.get("seq").and_then(Value::as_u64).map(|seq| seq.to_string());
                    let org = text("org").and_then(|org| org.parse().ok());
                    let id = text("id").map(str::to_owned).or(number);
                    self.0.push(Found { noun: own.or(noun), id, org, personal });
                }
                object.iter().for_each(|(key, value)| self.walk(value, noun_of(key).or(noun)));
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, noun)),
            _ => {}
        }
    }
}

/// Whether an object of an answer is a restricted row: what leaves call it where its fields tell, and whether it is
/// that as somebody's details only.
fn restricted(object: &Map<String, Value>) -> Option<(Option<&'static str>, bool)> {
    let marking = object.get("tlp").and_then(Value::as_str).and_then(|word| word.parse::<Tlp>().ok());
    let red = marking.is_some_and(access::is_restricted);
    if object.contains_key("agent") {
        Some((Some("login"), !red))
    } else if red || object.contains_key("mail") {
        Some((None, !red))
    } else {
        None
    }
}

/// What leaves call the row or rows under a key.
fn noun_of(key: &str) -> Option<&'static str> {
    Some(match key {
        "indicator" => "indicator",
        "finding" => "finding",
        "session" => "session",
        "campaign" => "campaign",
        "directive" => "directive",
        "contacts" => "contact",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ORG: &str = "0199aaaa-0000-7000-8000-000000000001";

    fn subjects(answer: &Value) -> Vec<String> {
        Restricted::of(answer).shown("thing", "/here").into_iter().map(|row| row.subject).collect()
    }

    #[test]
    fn red_rows_are_found_wherever_they_stand() {
        assert!(Restricted::of(&json!({"items": [{"id": "1", "tlp": "amber+strict"}], "next": null})).is_empty());
        let list =
            json!({"items": [{"id": "1", "tlp": "red", "org": ORG}, {"id": "2", "tlp": "green"}, {"tlp": "red"}]});
        assert_eq!(subjects(&list), ["thing:1", "/here"]);
        assert_eq!(Restricted::of(&list).shown("thing", "/here")[0].org, ORG.parse().ok());
        let detail =
            json!({"indicator": {"id": "3", "tlp": "red"}, "history": [{"stated": {"id": "4", "tlp": "red"}}]});
        assert_eq!(subjects(&detail), ["thing:4", "indicator:3"]);
        assert_eq!(subjects(&json!({"items": [{"seq": 9, "tlp": "red"}]})), ["thing:9"]);
    }

    #[test]
    fn peoples_details_are_found_by_their_fields() {
        assert_eq!(subjects(&json!({"id": "1", "mail": "", "display": "x"})), ["thing:1"]);
        assert_eq!(subjects(&json!({"contacts": [{"id": "2", "mail": "a@b.tw"}]})), ["contact:2"]);
        assert_eq!(subjects(&json!({"items": [{"id": "3", "agent": "x", "address": "y"}]})), ["login:3"]);
        let personal = |answer: &Value| Restricted::of(answer).shown("thing", "/here")[0].personal;
        assert!(personal(&json!({"id": "1", "mail": ""})) && personal(&json!({"id": "3", "agent": "x"})));
        assert!(!personal(&json!({"id": "1", "mail": "", "tlp": "red"})) && !personal(&json!({"tlp": "red"})));
    }
}
