//! Frames that an enforcement point receives: bytes of anybody, and frames that the centre's key did sign.

#![no_main]

use base::{PointId, Timestamp};
use ed25519_dalek::SigningKey;
use edge::replica::{Accepted, Replica};
use edge::wire::{Frame, SetDigest, centre_id};
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = Frame::from_line(bytes) {
        assert_eq!(frame.to_line().as_bytes(), bytes.strip_suffix(b"\n").unwrap_or(bytes));
    }
    // Whatever has the shape of a frame is signed, so that the checks behind the signature are reached.
    let Ok(mut frame) = serde_json::from_slice::<Frame>(bytes) else { return };
    let key = SigningKey::from_bytes(&[7; 32]);
    let point: PointId = frame.point;
    if frame.snapshot {
        frame.digest_after = SetDigest::of(&frame.adds);
    }
    let frame = frame.sign(&key);
    assert_eq!(frame.centre, centre_id(&key.verifying_key()));
    assert_eq!(Frame::from_line(frame.to_line().as_bytes()).ok().as_ref(), Some(&frame));
    let mut replica = Replica::new(point, key.verifying_key());
    if let Ok(Accepted::Change(change)) = replica.accept(&frame, NOW) {
        replica.commit(&change);
        assert_eq!(replica.mark(), frame.mark_after());
        assert_eq!(replica.entries().count() as u64, frame.count_after);
        assert_eq!(SetDigest::of(&replica.entries().collect::<Vec<_>>()), frame.digest_after);
        assert!(replica.accept(&frame, NOW).is_err() || frame.is_affirmation(), "no frame counts twice");
    }
});
