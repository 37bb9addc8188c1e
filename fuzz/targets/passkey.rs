//! What a browser answers about a passkey: client data, a zero byte, then an attestation object or authenticator data.

#![no_main]

use access::passkey::Site;
use access::passkey::wire::{Asked, Assertion, Attestation, LONGEST_ID, asserted, encode, registered};
use libfuzzer_sys::fuzz_target;

const CHALLENGE: &[u8] = b"thirty-two bytes of a challenge!";

fuzz_target!(|bytes: &[u8]| {
    let Some(site) = Site::of("https://centre.example:8443") else { return };
    let asked = Asked { site: &site, challenge: CHALLENGE };
    let split = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (client, rest) = bytes.split_at(split);
    let rest = rest.get(1..).unwrap_or_default();
    let (client_data, object) = (encode(client), encode(rest));
    if let Ok(made) = registered(asked, Attestation { client_data: &client_data, object: &object }) {
        assert!(!made.credential.is_empty() && made.credential.len() <= LONGEST_ID);
        // Its key reads again; a signature of nothing is never right.
        let answer = Assertion { client_data: &client_data, authenticator_data: &object, ..Assertion::default() };
        assert!(asserted(asked, &made.key, answer).is_err());
    }
    let answer = Assertion {
        client_data: &client_data,
        authenticator_data: &object,
        signature: &object,
        ..Assertion::default()
    };
    assert!(asserted(asked, rest, answer).is_err(), "nobody signs by chance");
});
