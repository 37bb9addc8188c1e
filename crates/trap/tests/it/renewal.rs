//! The certificate renews itself over the present line, through a listener with mutual TLS.

use base::{Env, Timestamp};
use link::{Identity, Kind, Line, LinkError, Step};
use std::path::Path;

use crate::bed;
use crate::centre::Centre;

const NAME: &str = "sensor:0198";

fn pair(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("machine.pem")).unwrap()
}

fn line(dir: &Path, env: Env) -> Line {
    Line::open(dir, Identity::read(dir).unwrap(), Kind::Sensor, env).unwrap()
}

fn due(centre: &Centre, due: bool, now: Timestamp, name: &str) {
    let mut seen = centre.seen.lock().unwrap();
    seen.renewal.standing = Some((due, now.to_string()));
    seen.renewal.name = name.to_owned();
}

#[tokio::test]
async fn a_fresh_pair_is_kept_and_shown_on_the_next_connection() {
    let centre = Centre::prepare().await;
    let serving = centre.serve().await;
    let dir = bed::enrolled(&centre).await;
    let (env, before) = (Env::system(), pair(dir.path()));
    let line = line(dir.path(), env.clone());
    due(&centre, false, env.now(), NAME);
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Kept { clock: None, .. }));
    assert_eq!((pair(dir.path()), centre.seen.lock().unwrap().renewal.given), (before.clone(), 0));

    // A crash left half a file beside the pair: it is in nobody's way.
    std::fs::write(dir.path().join("machine.new"), "half").unwrap();
    due(&centre, true, env.now(), NAME);
    let old_end = line.valid_until().unwrap();
    let Step::Renewed { until, clock: None } = line.renew_if_due().await.unwrap() else { panic!("not renewed") };
    assert!(until > old_end && line.valid_until().unwrap() == until);
    let after = pair(dir.path());
    let key = |pem: &str| pem.split("-----END PRIVATE KEY-----").next().unwrap().to_owned();
    assert_ne!(key(&before), key(&after), "the key is fresh");
    // The very next request opens a connection with the new certificate; a restart finds the same pair.
    due(&centre, false, env.now(), NAME);
    line.renew_if_due().await.unwrap();
    let again = self::line(dir.path(), env);
    again.renew_if_due().await.unwrap();
    let shown = centre.seen.lock().unwrap().shown.clone();
    let [.., old, new, restarted] = shown.as_slice() else { panic!("too few connections") };
    assert!(old != new && new == restarted);
    serving.abort();
}

#[tokio::test]
async fn a_certificate_of_another_name_or_an_answer_that_is_lost_changes_nothing() {
    let centre = Centre::prepare().await;
    let serving = centre.serve().await;
    let dir = bed::enrolled(&centre).await;
    let (env, before) = (Env::system(), pair(dir.path()));
    let line = line(dir.path(), env.clone());
    due(&centre, true, env.now(), "sensor:0199");
    assert!(matches!(line.renew_if_due().await, Err(LinkError::Foreign(name)) if name == "sensor:0199"));
    assert_eq!(pair(dir.path()), before);
    // The pair cannot be written: the present one stays in use.
    due(&centre, true, env.now(), NAME);
    std::fs::create_dir(dir.path().join("machine.new")).unwrap();
    assert!(matches!(line.renew_if_due().await, Err(LinkError::File { .. })));
    assert_eq!(pair(dir.path()), before);
    std::fs::remove_dir(dir.path().join("machine.new")).unwrap();
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Renewed { .. }));
    serving.abort();
}

#[tokio::test]
async fn a_clock_far_off_is_warned_of_and_the_centre_s_word_counts() {
    let centre = Centre::prepare().await;
    let serving = centre.serve().await;
    let dir = bed::enrolled(&centre).await;
    let now = Timestamp::from_micros(1_795_240_800_000_000);
    let (env, clock) = Env::fixed(now, 7);
    let line = line(dir.path(), env);
    due(&centre, false, now, NAME);
    clock.advance_secs(300);
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Kept { clock: None, .. }));
    for off in [1, -602] {
        clock.advance_secs(off);
        let Step::Kept { clock: Some(problem), .. } = line.renew_if_due().await.unwrap() else { panic!("no warning") };
        assert_eq!(problem.code.id, "LF-LNK-0001");
    }
    // A centre that does not know the question: two thirds of the life by one's own clock.
    centre.seen.lock().unwrap().renewal.standing = None;
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Kept { .. }));
    let (begin, end) = (157_766_400, 67_090_377_600_i64);
    clock.set(Timestamp::from_micros((begin + (end - begin) / 3 * 2 + 86_400) * 1_000_000));
    assert!(matches!(line.renew_if_due().await.unwrap(), Step::Renewed { .. }));
    serving.abort();
}
