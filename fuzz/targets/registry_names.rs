//! Names in the register: code names, domains, AS numbers.

#![no_main]

use libfuzzer_sys::fuzz_target;
use registry::{AsNumber, DomainName, OrgCode};

fuzz_target!(|text: &str| {
    if let Ok(code) = text.parse::<OrgCode>() {
        assert_eq!(code.to_string().parse::<OrgCode>().ok(), Some(code));
    }
    if let Ok(domain) = text.parse::<DomainName>() {
        assert!(domain.suffixes().count() <= 127);
        assert!(domain.suffixes().all(|suffix| domain.as_str().ends_with(suffix)));
        assert_eq!(domain.to_string().parse::<DomainName>().ok(), Some(domain));
    }
    if let Ok(number) = text.parse::<AsNumber>() {
        assert_eq!(number.to_string().parse::<AsNumber>().ok(), Some(number));
    }
});
