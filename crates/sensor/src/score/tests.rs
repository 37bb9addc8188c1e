//! Properties of the scoring function.

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

fn evidence(sensor: u128, org: u128, class: AttackClass, sessions: u64, last: i64) -> Evidence {
    Evidence {
        sensor: SensorId(Uuid::from_u128(sensor)),
        org: OrgId(Uuid::from_u128(org)),
        class,
        sessions,
        last_at: Timestamp::from_micros(last * 1_000_000),
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_micros(secs * 1_000_000)
}

fn value(items: &[Evidence], now: i64) -> f64 {
    score(ValueKind::Ipv4, items, Context::default(), at(now)).value
}

#[test]
fn one_fresh_session_is_worth_its_class() {
    for class in AttackClass::ALL {
        assert!((value(&[evidence(1, 1, class, 1, 0)], 0) - weight(class)).abs() < 1e-12);
    }
    assert_eq!(value(&[], 0), 0.0);
}

#[test]
fn fades_by_its_own_time() {
    let item = evidence(1, 1, AttackClass::Download, 1, 0);
    let three_days = 3 * 86_400;
    assert!((value(&[item], three_days) - 0.65 * (-1.0_f64).exp()).abs() < 1e-12);
    let file = score(ValueKind::Sha256, &[item], Context::default(), at(1_000 * three_days));
    assert!((file.value - 0.65).abs() < 1e-12, "a file does not fade");
    assert!((value(&[item], -50) - 0.65).abs() < 1e-12, "a clock ahead of ours does not raise the score");
}

#[test]
fn a_source_that_may_be_forged_never_has_a_score() {
    let items: Vec<Evidence> = (0..50)
        .map(|n| {
            let class = [AttackClass::UdpProbe, AttackClass::Scan, AttackClass::Flood][n % 3];
            evidence(n as u128, n as u128, class, 10_000, 0)
        })
        .collect();
    assert_eq!(value(&items, 0), 0.0);
}

#[test]
fn repetition_at_one_sensor_is_bounded_but_sensors_add_up() {
    let loud = value(&[evidence(1, 1, AttackClass::BannerGrab, 1_000_000, 0)], 0);
    assert!(loud < BANDS[0], "{loud}");
    let spread: Vec<Evidence> = (0..4).map(|n| evidence(n, 1, AttackClass::CredentialSpray, 1, 0)).collect();
    assert!(value(&spread, 0) > BANDS[2]);
}

#[test]
fn noise_and_benign_lower() {
    let spray = [evidence(1, 1, AttackClass::CredentialSpray, 4, 0)];
    let plain = value(&spray, 0);
    let noise = score(ValueKind::Ipv4, &spray, Context { noise: true, benign: false }, at(0)).value;
    assert!((noise - plain * 0.7).abs() < 1e-12);
    let drop = [evidence(1, 1, AttackClass::Download, 4, 0)];
    let loader = score(ValueKind::Ipv4, &drop, Context { noise: true, benign: false }, at(0)).value;
    assert!((loader - value(&drop, 0)).abs() < 1e-12, "a loader is no noise, however widely it is seen");
    assert!(score(ValueKind::Ipv4, &drop, Context { noise: false, benign: true }, at(0)).value < BANDS[0]);
}

#[test]
fn bands_and_noise_rule() {
    assert_eq!([0.0, 0.39, 0.4, 0.6, 0.79, 0.8, 1.0].map(band), [0, 0, 1, 2, 2, 3, 3]);
    assert!(!is_noise(4, 4, 4), "a small fleet has no background");
    assert!(is_noise(5, 25, 1) && !is_noise(5, 26, 1) && is_noise(5, 26, 2));
    assert!((targetedness(6, 0.1) - 6.0).abs() < 1e-12);
    assert_eq!(targetedness(6, 1.0), 0.0);
}

prop_compose! {
    fn any_evidence()(sensor in 0_u128..6, org in 0_u128..3, class in 0_usize..11, sessions in 0_u64..500, last in 0_i64..900_000)
        -> Evidence { evidence(sensor, org, AttackClass::ALL[class], sessions, last) }
}

proptest! {
    #[test]
    fn stays_within_bounds_and_parts_sum(items in proptest::collection::vec(any_evidence(), 0..12), noise: bool, benign: bool) {
        let out = score(ValueKind::Ipv4, &items, Context { noise, benign }, at(900_000));
        prop_assert!((0.0..=1.0).contains(&out.value));
        let sum: f64 = out.factors.iter().map(|factor| factor.part).sum();
        prop_assert!((sum - out.value).abs() < 1e-9);
    }

    #[test]
    fn leaves_its_band_when_told(items in proptest::collection::vec(any_evidence(), 1..6)) {
        let now = at(900_000);
        let context = Context::default();
        let value = |at| score(ValueKind::Ipv4, &items, context, at).value;
        match fades_at(ValueKind::Ipv4, &items, context, now) {
            Some(then) => {
                prop_assert!(band(value(then)) < band(value(now)));
                prop_assert_eq!(band(value(then.plus_secs(-1))), band(value(now)));
            }
            None => prop_assert_eq!(band(value(now)), 0),
        }
        prop_assert_eq!(fades_at(ValueKind::Sha256, &items, context, now), None);
    }

    #[test]
    fn order_does_not_matter(items in proptest::collection::vec(any_evidence(), 0..12)) {
        let mut turned = items.clone();
        turned.reverse();
        let unique = |items: &[Evidence]| {
            let mut seen = std::collections::BTreeSet::new();
            items.iter().filter(|item| seen.insert((item.sensor, item.class))).copied().collect::<Vec<_>>()
        };
        let kept = unique(&items);
        let mut other = kept.clone();
        other.reverse();
        prop_assert_eq!(value(&kept, 900_000).to_bits(), value(&other, 900_000).to_bits());
    }

    #[test]
    fn more_evidence_never_lowers(items in proptest::collection::vec(any_evidence(), 0..8), more in any_evidence()) {
        let before = value(&items, 900_000);
        let mut after = items.clone();
        after.push(more);
        prop_assert!(value(&after, 900_000) >= before - 1e-12);
    }
}
