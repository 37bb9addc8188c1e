//! What can be wrong with a STIX object, a bundle or a pattern.

use base::{Code, Coded, Problem};

base::codes! {
    /// The bytes are not a STIX 2.1 object.
    pub BAD_OBJECT = "LF-INT-0101", 400,
        en "This is not a STIX 2.1 object.", zh "這不是 STIX 2.1 物件。",
        act_en "Check the object with the validator of the sender; the message names the property.", act_zh "請以來源端的驗證工具檢查；訊息會指出有問題的屬性。";
    /// The bytes are not a STIX 2.1 bundle.
    pub BAD_BUNDLE = "LF-INT-0102", 400,
        en "This is not a STIX 2.1 bundle.", zh "這不是 STIX 2.1 套件（bundle）。",
        act_en "Send one JSON object with \"type\": \"bundle\" and its \"objects\".", act_zh "請傳送一個 JSON 物件，內含 \"type\": \"bundle\" 與 \"objects\"。";
    /// The pattern does not follow the STIX patterning grammar.
    pub BAD_PATTERN = "LF-INT-0103", 400,
        en "The pattern does not follow the STIX patterning grammar.", zh "樣式不符合 STIX 樣式文法。",
        act_en "Write it like [ipv4-addr:value = '203.0.113.7'].", act_zh "請寫成 [ipv4-addr:value = '203.0.113.7']。";
    /// A value is not of the kind it is said to be.
    pub BAD_VALUE = "LF-INT-0104", 400,
        en "The value is not of that kind.", zh "值與其類型不符。",
        act_en "Check the value, or choose another kind.", act_zh "請檢查該值，或改選其他類型。";
}

/// What can be wrong with a STIX object, a bundle or a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StixError {
    /// Not an object, or a property is wrong.
    #[error("not a STIX 2.1 object: {0}")]
    Object(String),
    /// Not a bundle.
    #[error("not a STIX 2.1 bundle: {0}")]
    Bundle(String),
    /// Not a pattern.
    #[error("not a STIX pattern: {0}")]
    Pattern(String),
    /// A value of another kind.
    #[error("not a value of that kind: {0}")]
    Value(String),
}

impl Coded for StixError {
    fn problem(&self) -> Problem {
        let (code, detail): (&'static Code, &str) = match self {
            Self::Object(detail) => (&BAD_OBJECT, detail),
            Self::Bundle(detail) => (&BAD_BUNDLE, detail),
            Self::Pattern(detail) => (&BAD_PATTERN, detail),
            Self::Value(detail) => (&BAD_VALUE, detail),
        };
        Problem::new(code, detail)
    }
}
