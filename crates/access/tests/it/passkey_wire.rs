//! Answers of browsers, honest and hostile, without a store.

use access::passkey::Site;
use access::passkey::wire::{ALGORITHMS, Asked, Assertion, Attestation, Flaw, Registered, Shown, asserted, registered};
use proptest::prelude::*;
use testkit::authenticator::{ATTESTED, Answer, Authenticator, Kind, decode, encode, object};

const ORIGIN: &str = "https://centre.example:8443";
const CHALLENGE: &[u8] = b"thirty-two bytes of a challenge!";

fn site() -> Site {
    Site::of(ORIGIN).unwrap()
}

fn register(answer: &Answer) -> Result<Registered, Flaw> {
    let part = Attestation { client_data: &answer.client_data, object: &answer.object };
    registered(Asked { site: &site(), challenge: CHALLENGE }, part)
}

fn show(key: &[u8], answer: &Answer) -> Result<Shown, Flaw> {
    let part = Assertion {
        credential: &answer.credential,
        client_data: &answer.client_data,
        authenticator_data: &answer.authenticator_data,
        signature: &answer.signature,
        user: &answer.user,
    };
    asserted(Asked { site: &site(), challenge: CHALLENGE }, key, part)
}

fn challenge() -> String {
    encode(CHALLENGE)
}

#[test]
fn every_kind_of_key_registers_and_shows_itself() {
    assert_eq!(ALGORITHMS.len(), 3);
    for kind in [Kind::Es256, Kind::EdDsa, Kind::Rs256] {
        let mut pocket = Authenticator::new(kind, ORIGIN);
        let made = register(&pocket.create(&challenge())).unwrap();
        assert_eq!((made.credential.as_slice(), made.count, made.synced), (&pocket.credential[..], 1, false));
        assert_eq!(made.key, pocket.cose());
        assert_eq!(show(&made.key, &pocket.get(&challenge())), Ok(Shown { count: 2, synced: false }), "{kind:?}");
        let other = Authenticator::new(if kind == Kind::Es256 { Kind::EdDsa } else { Kind::Es256 }, ORIGIN);
        assert_eq!(show(&other.cose(), &pocket.get(&challenge())), Err(Flaw::Signature), "{kind:?}");
    }
    // A synced one says so, and extensions after the key are passed over.
    let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
    pocket.flags |= 0b1_1000;
    assert!(register(&pocket.create(&challenge())).unwrap().synced);
}

#[test]
fn each_lie_is_named() {
    type Lie = fn(&mut Authenticator);
    let lies: [(Lie, Flaw); 12] = [
        (|a| a.origin = "https://evil.example".into(), Flaw::Origin),
        (|a| a.origin = "https://centre.example".into(), Flaw::Origin),
        (|a| a.origin = "https://centre.example:9999".into(), Flaw::Origin),
        (|a| a.origin = "http://centre.example:8443".into(), Flaw::Origin),
        (|a| a.origin = "https://a.centre.example:8443".into(), Flaw::Origin),
        (|a| a.crossed = true, Flaw::Origin),
        (|a| a.rp_id = "evil.example".into(), Flaw::Party),
        (|a| a.rp_id = "example".into(), Flaw::Party),
        (|a| a.flags = 0b100, Flaw::Presence),
        (|a| a.flags = 0b001, Flaw::Verification),
        (|a| a.flags |= 0b1_0000, Flaw::Malformed),
        (|a| a.flags |= 0b1000_0000, Flaw::Malformed),
    ];
    for (number, (lie, flaw)) in lies.into_iter().enumerate() {
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let key = pocket.cose();
        lie(&mut pocket);
        assert_eq!(register(&pocket.create(&challenge())).unwrap_err(), flaw, "registering, lie {number}");
        assert_eq!(show(&key, &pocket.get(&challenge())).unwrap_err(), flaw, "showing, lie {number}");
    }
    let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
    let key = pocket.cose();
    let foreign = encode(b"somebody else's challenge, 32 b.");
    assert_eq!(register(&pocket.create(&foreign)), Err(Flaw::Challenge));
    assert_eq!(show(&key, &pocket.get(&foreign)), Err(Flaw::Challenge));
    // An assertion is no registration and the other way round.
    let (made, shown) = (pocket.create(&challenge()), pocket.get(&challenge()));
    assert_eq!(register(&Answer { client_data: shown.client_data.clone(), ..made.clone() }), Err(Flaw::Ceremony));
    assert_eq!(show(&key, &Answer { client_data: made.client_data, ..shown }), Err(Flaw::Ceremony));
}

#[test]
fn what_was_not_signed_does_not_count() {
    let mut pocket = Authenticator::new(Kind::EdDsa, ORIGIN);
    let key = pocket.cose();
    let answer = pocket.get(&challenge());
    let flip = |part: &str, at: usize| {
        let mut bytes = decode(part);
        bytes[at] ^= 1;
        encode(&bytes)
    };
    for at in 0..64 {
        let signature = flip(&answer.signature, at);
        assert_eq!(show(&key, &Answer { signature, ..answer.clone() }), Err(Flaw::Signature), "byte {at}");
    }
    // The counter raised by somebody in between, and client data said in other words.
    let authenticator_data = flip(&answer.authenticator_data, 36);
    assert_eq!(show(&key, &Answer { authenticator_data, ..answer.clone() }), Err(Flaw::Signature));
    let spaced = String::from_utf8(decode(&answer.client_data)).unwrap().replace("\",\"", "\", \"");
    let client_data = encode(spaced.as_bytes());
    assert_eq!(show(&key, &Answer { client_data, ..answer.clone() }), Err(Flaw::Signature));
    for signature in [String::new(), answer.signature[..40].to_owned()] {
        assert_eq!(show(&key, &Answer { signature, ..answer.clone() }), Err(Flaw::Signature));
    }
    assert!(show(&key, &answer).is_ok());
}

#[test]
fn shapes_that_are_not_webauthn_are_refused() {
    let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
    let (key, good) = (pocket.cose(), pocket.create(&challenge()));
    let bytes = decode(&good.object);
    for short in 0..bytes.len() {
        let object = encode(&bytes[..short]);
        assert_eq!(register(&Answer { object, ..good.clone() }), Err(Flaw::Malformed), "cut at {short}");
    }
    let of = |data: &[u8]| register(&Answer { object: encode(&object(data)), ..good.clone() });
    let head = pocket.data(0b101 | ATTESTED);
    let with = |id: &[u8], key: &[u8]| {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [head.as_slice(), &[0; 16], &length, id, key].concat()
    };
    assert!(of(&with(b"id", &key)).is_ok());
    assert_eq!(of(&with(b"", &key)), Err(Flaw::Malformed), "no id");
    assert_eq!(of(&with(&[7; 1_024], &key)), Err(Flaw::Malformed), "an id that is too long");
    assert_eq!(of(&[with(b"id", &key), vec![0]].concat()), Err(Flaw::Malformed), "a byte too many");
    assert_eq!(of(&pocket.data(0b101)), Err(Flaw::Malformed), "no credential");
    // Keys nobody asked for: ES384, a curve of another name, a key without its algorithm, a field twice.
    for (cose, flaw) in [
        (&[0xa3, 1, 2, 3, 0x38, 34, 0x20, 2][..], Flaw::Algorithm),
        (&[0xa4, 1, 1, 3, 0x27, 0x20, 4, 0x21, 0x41, 0], Flaw::Algorithm),
        (&[0xa1, 1, 2], Flaw::Malformed),
        (&[0xa2, 1, 2, 1, 2], Flaw::Malformed),
        (&[0x80], Flaw::Malformed),
    ] {
        assert_eq!(of(&with(b"id", cose)), Err(flaw), "{cose:?}");
    }
    // Authenticator data twice in one object: which one counts?
    let twice = [&[0xa2][..], b"\x68authData\x41\x00", b"\x68authData\x41\x00"].concat();
    assert_eq!(register(&Answer { object: encode(&twice), ..good.clone() }), Err(Flaw::Malformed));
    // An assertion that carries a credential.
    let shown = pocket.get(&challenge());
    let data = with(b"id", &key);
    assert_eq!(show(&key, &Answer { authenticator_data: encode(&data), ..shown.clone() }), Err(Flaw::Malformed));
    for client_data in ["", "!!!", "e30", "bnVsbA", "W10"] {
        let client_data = client_data.to_owned();
        assert_eq!(show(&key, &Answer { client_data, ..shown.clone() }), Err(Flaw::Malformed));
    }
    let long = encode(&vec![b' '; 20_000]);
    assert_eq!(show(&key, &Answer { client_data: long, ..shown }), Err(Flaw::Malformed));
}

proptest! {
    #[test]
    fn strange_bytes_never_pass_and_never_panic(client in any::<Vec<u8>>(), object in any::<Vec<u8>>(), at in 0usize..200, flip in 1u8..) {
        let answer = Answer { client_data: encode(&client), object: encode(&object), ..Answer::default() };
        prop_assert!(register(&answer).is_err());
        // A real answer with one byte changed: refused, or the change was in what nobody asks about (model, id, key).
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let key = pocket.cose();
        let mut shown = pocket.get(&challenge());
        let mut data = decode(&shown.authenticator_data);
        let place = at % data.len();
        data[place] ^= flip;
        shown.authenticator_data = encode(&data);
        prop_assert!(show(&key, &shown).is_err());
        let made = pocket.create(&challenge());
        let mut bytes = decode(&made.object);
        let place = at % bytes.len();
        bytes[place] ^= flip;
        let _outcome = register(&Answer { object: encode(&bytes), ..made });
    }
}
