//! Names parsed at the door: organisation codes, domain names, AS numbers.

use base::Problem;
use base::code::excerpt;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

base::codes! {
    /// Not an organisation code.
    pub BAD_CODE = "LF-REG-0001", 400,
        en "The organisation code is not acceptable.", zh "機關代碼格式不符。",
        act_en "Use 2 to 32 lower-case letters, digits and hyphens, starting with a letter or digit.", act_zh "請使用 2 至 32 個小寫英文字母、數字與連字號，且以字母或數字開頭。";
    /// Not a domain name.
    pub BAD_DOMAIN = "LF-REG-0002", 400,
        en "This is not a domain name.", zh "這不是網域名稱。",
        act_en "Write it like example.gov.tw; names in Chinese in their xn-- form.", act_zh "請寫成 example.gov.tw；中文網域請使用 xn-- 形式。";
    /// Not an AS number.
    pub BAD_ASN = "LF-REG-0003", 400,
        en "This is not a usable AS number.", zh "這不是可用的 AS 號碼。",
        act_en "Write it like AS3462; 0, 23456, 65535 and 4294967295 are reserved.", act_zh "請寫成 AS3462；0、23456、65535 與 4294967295 為保留號碼。";
}

macro_rules! text_form {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl TryFrom<String> for $name {
            type Error = Problem;
            fn try_from(text: String) -> Result<Self, Problem> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

/// The short, stable name of an organisation: `moda-acs`. Unique in the centre.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgCode(String);

text_form!(OrgCode);

impl OrgCode {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrgCode {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let code = text.trim();
        let good = (2..=32).contains(&code.len())
            && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !code.starts_with('-')
            && !code.ends_with('-');
        if good { Ok(Self(code.to_owned())) } else { Err(Problem::new(&BAD_CODE, excerpt(text))) }
    }
}

/// A domain name: ASCII labels, lower case, no dot at the end (RFC 1035 section 2.3.1, digits first as RFC 1123 allows;
/// underscores as DNS itself allows).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

text_form!(DomainName);

impl DomainName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name itself and everything above it: `a.b.c`, `b.c`, `c`.
    pub fn suffixes(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |name| name.split_once('.').map(|(_, rest)| rest))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DomainName {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let bad = || Problem::new(&BAD_DOMAIN, excerpt(text));
        let name = text.trim();
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        // RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters here.
        if name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
            return Err(bad());
        }
        // A last label of digits alone is an address written wrongly, never a domain.
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        Ok(Self(name))
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A number of an autonomous system (RFC 6793), without those that name nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AsNumber(u32);

text_form!(AsNumber);

impl AsNumber {
    /// The number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The AS of a number.
    ///
    /// # Errors
    /// `LF-REG-0003` for 0 (RFC 7607), 23456 (RFC 6793), 65535 and 4294967295 (RFC 7300).
    pub fn of(number: u32) -> Result<Self, Problem> {
        if matches!(number, 0 | 23_456 | 65_535 | u32::MAX) {
            return Err(Problem::new(&BAD_ASN, number.to_string()));
        }
        Ok(Self(number))
    }
}

impl fmt::Display for AsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

impl FromStr for AsNumber {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let bad = || Problem::new(&BAD_ASN, excerpt(text));
        let word = text.trim();
        let digits = match word.get(..2) {
            Some(head) if head.eq_ignore_ascii_case("as") => word.get(2..).unwrap_or_default(),
            _ => word,
        };
        // RFC 5396 asdot: two 16-bit halves.
        let number = match digits.split_once('.') {
            Some((high, low)) => (u32::from(half(high).ok_or_else(bad)?) << 16) | u32::from(half(low).ok_or_else(bad)?),
            None if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| bad())?,
            None => return Err(bad()),
        };
        Self::of(number).map_err(|_| bad())
    }
}

fn half(digits: &str) -> Option<u16> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn domains_are_lower_case_labels() {
        assert_eq!("WWW.Example.gov.TW.".parse::<DomainName>().unwrap().as_str(), "www.example.gov.tw");
        assert!("_dmarc.example.tw".parse::<DomainName>().is_ok());
        assert!("xn--fiqs8s".parse::<DomainName>().is_ok());
        for bad in ["", ".", "a..b", "-a.tw", "a-.tw", "192.0.2.1", "中文.tw", "a b.tw", "a/b", &"a".repeat(64)] {
            assert_eq!(bad.parse::<DomainName>().unwrap_err().code.id, "LF-REG-0002", "{bad}");
        }
        let long = [&"a".repeat(63) as &str; 4].join(".");
        assert!(long.len() > 253 && long.parse::<DomainName>().is_err());
        let name: DomainName = "a.b.c".parse().unwrap();
        assert_eq!(name.suffixes().collect::<Vec<_>>(), ["a.b.c", "b.c", "c"]);
    }

    #[test]
    fn numbers_with_and_without_prefix() {
        assert_eq!("as3462".parse::<AsNumber>().unwrap().to_string(), "AS3462");
        assert_eq!("1.10".parse::<AsNumber>().unwrap().number(), 65_546);
        for bad in ["", "AS", "0", "23456", "65535", "4294967295", "4294967296", "+5", "1.70000", "AS-1", "1.2.3"] {
            assert_eq!(bad.parse::<AsNumber>().unwrap_err().code.id, "LF-REG-0003", "{bad}");
        }
    }

    #[test]
    fn codes() {
        assert_eq!(" moda-acs ".parse::<OrgCode>().unwrap().as_str(), "moda-acs");
        for bad in ["", "a", "A1", "-ab", "ab-", "a_b", "數位", &"a".repeat(33)] {
            assert_eq!(bad.parse::<OrgCode>().unwrap_err().code.id, "LF-REG-0001", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_prints_what_it_reads(text in "\\PC{0,80}") {
            if let Ok(name) = text.parse::<DomainName>() {
                prop_assert_eq!(name.to_string().parse::<DomainName>().unwrap(), name);
            }
            if let Ok(number) = text.parse::<AsNumber>() {
                prop_assert_eq!(number.to_string().parse::<AsNumber>().unwrap(), number);
            }
            if let Ok(code) = text.parse::<OrgCode>() {
                prop_assert_eq!(code.to_string().parse::<OrgCode>().unwrap(), code);
            }
        }

        #[test]
        fn every_usable_number_round_trips(number in 1_u32..) {
            if let Ok(asn) = AsNumber::of(number) {
                prop_assert_eq!(asn.to_string().parse::<AsNumber>().unwrap(), asn);
            }
        }
    }
}
