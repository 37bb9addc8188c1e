//! kill -9 at random moments while lines come in: nothing acknowledged is lost, nothing appears twice.
//!
//! The test itself is the sender, so that it knows which parts were acknowledged: after every restart it sends
//! those since the last kill and some older ones again, and at the end all of them: the centre must know each line. Whatever was not acknowledged is simply sent later.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::centre::{Centre, each_store};
use crate::contract::cowrie;

/// Parts of the whole at least, and of each round so many at least: what is left at the last kill must still be more
/// than the senders have under way.
const PARTS: usize = 400;
const PARTS_OF_ROUND: usize = 20;
/// Parts acknowledged long ago that are sent again after each kill, at random; at the end all of them are.
const SAMPLE: usize = 60;
/// Lines of a part: four to a session.
const LINES: u64 = 100;
/// Requests under way at one moment, so that a kill meets several parts in several states.
const AT_ONCE: usize = 4;

/// What the sender knows: parts still to be sent, and parts that were acknowledged.
#[derive(Default)]
struct Book {
    open: VecDeque<usize>,
    acknowledged: Vec<usize>,
}

/// One life of the centre as its senders see it.
#[derive(Clone)]
struct Door {
    client: reqwest::Client,
    url: String,
    token: String,
    parts: Arc<Vec<String>>,
}

impl Door {
    fn of(centre: &Centre, parts: &Arc<Vec<String>>) -> Self {
        let url = format!("{}/api/v1/ingest/cowrie?org=north-power", centre.url());
        Self { client: centre.client(), url, token: centre.token(), parts: parts.clone() }
    }

    /// Sends a part: how many of its lines were accepted and how many were known; nothing when no whole answer came.
    async fn send(&self, part: usize) -> Option<(u64, u64)> {
        loop {
            let request = self
                .client
                .post(&self.url)
                .bearer_auth(&self.token)
                .header("content-type", api::routes::ingest::NUMBERED)
                .timeout(Duration::from_secs(20))
                .body(self.parts[part].clone());
            let response = request.send().await.ok()?;
            let status = response.status().as_u16();
            let text = response.text().await.ok()?;
            if status == 429 || status == 503 {
                // The centre asks for patience; the part is safe to repeat.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            assert_eq!(status, 200, "part {part}: {text}");
            let answer: Value = serde_json::from_str(&text).expect("an answer in JSON");
            let number = |key: &str| answer[key].as_u64().expect("a number");
            assert_eq!(number("accepted") + number("duplicate"), LINES, "part {part}: {text}");
            return Some((number("accepted"), number("duplicate")));
        }
    }

    /// Sends open parts until there are none or the centre is gone; true when a part was left without an answer.
    async fn work(self, book: Arc<Mutex<Book>>) -> bool {
        loop {
            let Some(part) = book.lock().unwrap().open.pop_front() else { return false };
            let answer = self.send(part).await;
            let mut book = book.lock().unwrap();
            if answer.is_none() {
                book.open.push_back(part);
                return true;
            }
            book.acknowledged.push(part);
        }
    }

    /// Sends these acknowledged parts again: every line must be known.
    async fn repeat(self, acknowledged: Vec<usize>) {
        for part in acknowledged {
            let answer = self.send(part).await;
            assert_eq!(answer, Some((0, LINES)), "part {part} was acknowledged and is not wholly known");
        }
    }

    /// All that was acknowledged from `since` on, and a sample of what was before.
    async fn repeat_since(&self, book: &Mutex<Book>, since: usize, random: &mut ChaCha8Rng) {
        let mut acknowledged = book.lock().unwrap().acknowledged.clone();
        let newer = acknowledged.split_off(since.min(acknowledged.len()));
        let sample = (0..SAMPLE.min(acknowledged.len())).map(|_| random.random_range(0..acknowledged.len()));
        let acknowledged: Vec<usize> = sample.map(|index| acknowledged[index]).chain(newer).collect();
        let shares = acknowledged.chunks(acknowledged.len() / AT_ONCE + 1);
        let tasks: Vec<_> = shares.map(|share| tokio::spawn(self.clone().repeat(share.to_vec()))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    fn senders(&self, book: &Arc<Mutex<Book>>) -> Vec<tokio::task::JoinHandle<bool>> {
        (0..AT_ONCE).map(|_| tokio::spawn(self.clone().work(book.clone()))).collect()
    }
}

/// Sends, kills, restarts and repeats so many times, then compares with the exact sum.
async fn kills(store: Option<&str>, rounds: usize, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let whole = PARTS.max(rounds * PARTS_OF_ROUND);
    let mut centre = Centre::start(store).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let text = cowrie(whole * LINES as usize / 4);
    let lines: Vec<String> = text.lines().map(|line| format!("0\t{line}\n")).collect();
    let mut parts: Vec<String> = lines.chunks(LINES as usize).map(|part| part.concat()).collect();
    assert_eq!(parts.len(), whole);
    // One more source, sent when all else is acknowledged: once it is seen, all else has been folded.
    let last = cowrie(LINES as usize / 4).replace("198.51.100.", "203.0.113.");
    parts.push(last.lines().map(|line| format!("0\t{line}\n")).collect());
    let parts = Arc::new(parts);
    let book = Arc::new(Mutex::new(Book { open: (0..whole).collect(), ..Book::default() }));
    let mut met = 0;
    for _ in 0..rounds {
        let since = book.lock().unwrap().acknowledged.len();
        let senders = Door::of(&centre, &parts).senders(&book);
        // The kill comes some acknowledgements and some milliseconds later: while parts are read, made durable,
        // folded or answered.
        let enough = book.lock().unwrap().acknowledged.len() + random.random_range(0..=whole / rounds / 4);
        let acknowledged = async || {
            book.lock().unwrap().acknowledged.len() >= enough || senders.iter().all(|sender| sender.is_finished())
        };
        testkit::wait_until(Duration::from_secs(30), acknowledged).await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..15_000))).await;
        centre.crash();
        let mut unanswered = 0;
        for sender in senders {
            unanswered += usize::from(sender.await.unwrap());
        }
        met += usize::from(unanswered > 0);
        centre.restart().await;
        Door::of(&centre, &parts).repeat_since(&book, since, &mut random).await;
    }
    assert!(met * 2 >= rounds, "only {met} of {rounds} kills met a part under way");
    let door = Door::of(&centre, &parts);
    for sender in door.senders(&book) {
        assert!(!sender.await.unwrap(), "the centre answers when nobody kills it");
    }
    assert_eq!(book.lock().unwrap().acknowledged.len(), whole);
    door.repeat_since(&book, 0, &mut random).await;
    assert_eq!(door.send(whole).await, Some((LINES, 0)));
    let seen = async || {
        let page = centre.get("/api/v1/sessions?limit=1000&source=203.0.113.1").await;
        page["items"].as_array().is_some_and(|items| items.iter().any(|session| session["events"] == 4))
    };
    testkit::wait_until(Duration::from_secs(60), seen).await;
    let events = (whole as u64 + 1) * LINES;
    assert_eq!(centre.settled_events(events).await, events, "every acknowledged event is there, none twice");
}

/// A number from the environment: more kills for a long run, or the seed of a run that failed.
fn wanted(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_loses_and_doubles_nothing() {
    let rounds = usize::try_from(wanted("LIANFANG_KILLS").unwrap_or(8)).unwrap();
    let seed = wanted("LIANFANG_SEED").unwrap_or_else(rand::random);
    println!("LIANFANG_KILLS={rounds} LIANFANG_SEED={seed}");
    each_store(async |store| kills(store, rounds, seed).await).await;
}
