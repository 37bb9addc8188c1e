//! Passkeys on both databases: registration, sign-in, removal, and authenticators that lie.

use access::passkey::wire::{Assertion, Attestation};
use access::passkey::{Ask, PasskeyAdded};
use access::{AccessError, Caller, Settings, SignedIn, Stage};
use base::Role;
use testkit::authenticator::{Answer, Authenticator, Kind};

use crate::world::{OTHER, PASSWORD, World, code, each_world, from, visit};

const HOST: &str = "centre.example:8443";
const ORIGIN: &str = "https://centre.example:8443";
const ELSEWHERE: &str = "https://second.example";

fn settings() -> Settings {
    Settings { passkey_origins: vec![ORIGIN.into(), ELSEWHERE.into()], ..Settings::default() }
}

fn made(answer: &Answer) -> Attestation<'_> {
    Attestation { client_data: &answer.client_data, object: &answer.object }
}

fn shown(answer: &Answer) -> Assertion<'_> {
    Assertion {
        credential: &answer.credential,
        client_data: &answer.client_data,
        authenticator_data: &answer.authenticator_data,
        signature: &answer.signature,
        user: &answer.user,
    }
}

impl World {
    async fn who(&self, signed_in: &SignedIn) -> Caller {
        self.access.session_check(&signed_in.cookie).await.unwrap()
    }

    async fn ask(&self, caller: &Caller, name: &str) -> Result<Ask, AccessError> {
        self.access.add_passkey_begin(caller, HOST, name, "", &visit()).await
    }

    async fn add(&self, caller: &Caller, pocket: &mut Authenticator) -> Result<PasskeyAdded, AccessError> {
        let ask = self.ask(caller, "鑰匙").await?;
        pocket.user.clone_from(&ask.user);
        self.access.add_passkey_finish(caller, HOST, made(&pocket.create(&ask.challenge)), &visit()).await
    }

    /// An officer whose only second factor is a passkey.
    async fn keyed(&self, login: &str) -> (SignedIn, Authenticator) {
        let first = self.joined(login, self.centre, &[Role::DutyOfficer]).await;
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let added = self.add(&self.who(&first).await, &mut pocket).await.unwrap();
        (added.signed_in.unwrap(), pocket)
    }

    async fn pending(&self, login: &str) -> SignedIn {
        self.access.begin_sign_in(login, PASSWORD, &visit()).await.unwrap()
    }

    async fn show(&self, pending: &SignedIn, answer: &Answer) -> Result<SignedIn, AccessError> {
        self.access.show_passkey_finish(&pending.cookie, HOST, shown(answer), &visit()).await
    }

    async fn challenge(&self, pending: &SignedIn) -> String {
        self.access.show_passkey_begin(&pending.cookie, HOST).await.unwrap().challenge
    }

    /// The reasons of refused answers, newest last.
    async fn flaws(&self, action: &'static str) -> Vec<String> {
        let sql = "SELECT entry FROM audit_leaf WHERE action = $1 AND outcome = 'refused' ORDER BY seq";
        let rows = self.db.system_read(store::SystemKey::of("test"), sql, store::params![action]).await.unwrap();
        rows.iter()
            .map(|row| serde_json::from_str::<serde_json::Value>(&row.get::<String>("entry").unwrap()).unwrap())
            .filter_map(|entry| entry["detail"]["why"].as_str().map(str::to_owned))
            .collect()
    }
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_like_any_other() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let first = world.joined("duty", world.centre, &[Role::DutyOfficer]).await;
        assert_eq!(first.stage, Stage::EnrolSecondFactor);
        let mut pocket = Authenticator::new(Kind::EdDsa, ORIGIN);
        let added = world.add(&world.who(&first).await, &mut pocket).await.unwrap();
        assert_eq!(added.recovery_codes.len(), 10, "the first factor brings recovery codes");
        let full = added.signed_in.unwrap();
        assert_eq!(full.stage, Stage::Full);
        assert_eq!(code(access.session_check(&first.cookie).await), "LF-ACC-0001", "the session got a new cookie");

        let pending = world.pending("duty").await;
        assert_eq!(pending.stage, Stage::SecondFactor);
        let factors = access.second_factors(&pending.cookie, HOST).await.unwrap();
        assert_eq!((factors.totp, factors.passkeys_here, factors.passkeys_elsewhere), (false, 1, 0));
        let ask = access.show_passkey_begin(&pending.cookie, HOST).await.unwrap();
        assert_eq!(ask.credentials, [testkit::authenticator::encode(&pocket.credential)]);
        let full = world.show(&pending, &pocket.get(&ask.challenge)).await.unwrap();
        assert_eq!(full.stage, Stage::Full);
        assert!(full.device.is_some(), "the device is known now");
        let keys = access.passkeys(&world.who(&full).await).await.unwrap();
        assert_eq!((keys.len(), keys[0].name.as_str(), keys[0].site.as_str()), (1, "鑰匙", "centre.example"));
        assert_eq!(keys[0].last_used, Some(testkit::START));
        // A recovery code stands in for it.
        let pending = world.pending("duty").await;
        let spare = &added.recovery_codes[0];
        assert_eq!(access.verify_recovery_code(&pending.cookie, spare, &visit()).await.unwrap().stage, Stage::Full);
        let pending = world.pending("duty").await;
        assert_eq!(code(access.verify_totp(&pending.cookie, "000000", &visit()).await), "LF-ACC-0011");
        assert_eq!(world.leaves("access.add_passkey", "done").await, 1);
        assert_eq!(world.leaves("access.second_factor", "done").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_lying_authenticator_opens_nothing_and_leaves_its_reason() {
    type Lie = fn(&mut Authenticator);
    let lies: [(Lie, &str); 6] = [
        (|a| a.origin = "https://evil.example".into(), "another origin"),
        (|a| a.origin = ELSEWHERE.into(), "another origin"),
        (|a| a.rp_id = "evil.example".into(), "another relying party"),
        (|a| a.flags = 0b001, "the user was not verified"),
        (|a| a.flags = 0b100, "nobody was present"),
        (|a| a.flags |= 0b1000, "an unknown passkey"),
    ];
    each_world(settings(), |world| async move {
        let (_, mut pocket) = world.keyed("duty").await;
        for (number, (lie, why)) in lies.into_iter().enumerate() {
            world.clock.advance_secs(3_600);
            let pending = world.pending("duty").await;
            let (honest, count) = ((pocket.origin.clone(), pocket.rp_id.clone(), pocket.flags), pocket.count);
            lie(&mut pocket);
            let answer = pocket.get(&world.challenge(&pending).await);
            assert_eq!(code(world.show(&pending, &answer).await), "LF-ACC-0040", "lie {number}");
            assert_eq!(world.flaws("access.second_factor").await.last().map(String::as_str), Some(why), "lie {number}");
            (pocket.origin, pocket.rp_id, pocket.flags) = honest;
            pocket.count = count;
        }
        // After all of that the honest one still opens.
        world.clock.advance_secs(3_600);
        let pending = world.pending("duty").await;
        let challenge = world.challenge(&pending).await;
        let mut forged = pocket.get(&challenge);
        forged.signature = pocket.get(&challenge).signature;
        assert_eq!(code(world.show(&pending, &forged).await), "LF-ACC-0040", "a signature of other bytes");
        let answer = pocket.get(&world.challenge(&pending).await);
        world.show(&pending, &answer).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_challenge_is_of_one_session_short_lived_and_spent_by_its_first_answer() {
    each_world(settings(), |world| async move {
        let (_, mut pocket) = world.keyed("duty").await;
        let (one, two) = (world.pending("duty").await, world.pending("duty").await);
        let challenge = world.challenge(&one).await;
        let answer = pocket.get(&challenge);
        assert_eq!(code(world.show(&two, &answer).await), "LF-ACC-0040", "another session, none asked");
        world.challenge(&two).await;
        assert_eq!(code(world.show(&two, &answer).await), "LF-ACC-0040", "another session, another challenge");
        // A wrong answer spends it for the right one.
        let wrong = Answer { signature: String::new(), ..answer.clone() };
        assert_eq!(code(world.show(&one, &wrong).await), "LF-ACC-0040");
        assert_eq!(code(world.show(&one, &answer).await), "LF-ACC-0040", "spent");
        assert_eq!(world.flaws("access.second_factor").await.pop().unwrap(), "another challenge");
        // A right answer, sent twice.
        world.clock.advance_secs(3_600);
        let three = world.pending("duty").await;
        let answer = pocket.get(&world.challenge(&three).await);
        world.show(&three, &answer).await.unwrap();
        assert_eq!(code(world.show(&three, &answer).await), "LF-ACC-0001", "the session went on under a new cookie");
        let four = world.pending("duty").await;
        world.challenge(&four).await;
        assert_eq!(code(world.show(&four, &answer).await), "LF-ACC-0040", "replayed in another session");
        // An older challenge dies when a new one is asked for, and every one after five minutes.
        let old = pocket.get(&world.challenge(&four).await);
        let fresh = world.challenge(&four).await;
        assert_eq!(code(world.show(&four, &old).await), "LF-ACC-0040", "replaced");
        assert_eq!(code(world.show(&four, &pocket.get(&fresh)).await), "LF-ACC-0040", "spent by the old one");
        world.clock.advance_secs(3_600);
        let five = world.pending("duty").await;
        let late = pocket.get(&world.challenge(&five).await);
        world.clock.advance_secs(300);
        assert_eq!(code(world.show(&five, &late).await), "LF-ACC-0040", "too late");
        world.challenge(&five).await;
        let registered = pocket.create(&world.challenge(&five).await);
        let answer = Answer { client_data: registered.client_data, ..pocket.get("") };
        assert_eq!(code(world.show(&five, &answer).await), "LF-ACC-0040", "another ceremony");
    })
    .await;
}

#[tokio::test]
async fn two_answers_at_once_are_one_sign_in() {
    each_world(settings(), |world| async move {
        let (_, mut pocket) = world.keyed("duty").await;
        let pending = world.pending("duty").await;
        let answer = pocket.get(&world.challenge(&pending).await);
        let (a, b) = tokio::join!(world.show(&pending, &answer), world.show(&pending, &answer));
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_passkey_is_unknown() {
    each_world(settings(), |world| async move {
        let (_, mut thief) = world.keyed("thief").await;
        let (_, mut pocket) = world.keyed("duty").await;
        let pending = world.pending("duty").await;
        let answer = thief.get(&world.challenge(&pending).await);
        assert_eq!(code(world.show(&pending, &answer).await), "LF-ACC-0040");
        // The thief's key under the officer's id, and the officer's key with the thief's user handle.
        let challenge = world.challenge(&pending).await;
        let stolen = Answer {
            credential: pocket.get(&challenge).credential,
            user: pocket.user.clone(),
            ..thief.get(&challenge)
        };
        assert_eq!(code(world.show(&pending, &stolen).await), "LF-ACC-0040");
        let mut answer = pocket.get(&world.challenge(&pending).await);
        answer.user.clone_from(&thief.user);
        assert_eq!(code(world.show(&pending, &answer).await), "LF-ACC-0040");
        let whys = world.flaws("access.second_factor").await;
        assert_eq!(whys, ["an unknown passkey", "the signature is wrong", "an unknown passkey"]);
        // A credential that is registered for one person cannot be registered for another.
        let third = world.joined("third", world.centre, &[Role::DutyOfficer]).await;
        assert_eq!(code(world.add(&world.who(&third).await, &mut pocket).await), "LF-ACC-0040");
        assert_eq!(world.flaws("access.add_passkey").await, ["registered already"]);
    })
    .await;
}

#[tokio::test]
async fn a_counter_that_goes_back_kills_the_passkey() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let (_, mut pocket) = world.keyed("duty").await;
        let pending = world.pending("duty").await;
        let answer = pocket.get(&world.challenge(&pending).await);
        world.show(&pending, &answer).await.unwrap();
        pocket.count -= 1;
        let pending = world.pending("duty").await;
        let answer = pocket.get(&world.challenge(&pending).await);
        assert_eq!(code(world.show(&pending, &answer).await), "LF-ACC-0040");
        assert_eq!(world.flaws("access.second_factor").await, ["the counter went back"]);
        // It is not asked for again, and whoever holds the password and the copy cannot set up a new factor.
        let pending = world.pending("duty").await;
        assert_eq!(pending.stage, Stage::SecondFactor);
        assert_eq!(code(access.show_passkey_begin(&pending.cookie, HOST).await), "LF-ACC-0041");
        assert_eq!(code(world.ask(&world.who(&pending).await, "x").await), "LF-ACC-0023");
        // Authenticators without a counter say zero for ever.
        let first = world.joined("zero", world.centre, &[Role::DutyOfficer]).await;
        let mut still = Authenticator::new(Kind::Es256, ORIGIN);
        still.counts = false;
        world.add(&world.who(&first).await, &mut still).await.unwrap();
        for _ in 0..2 {
            let pending = world.pending("zero").await;
            let answer = still.get(&world.challenge(&pending).await);
            world.show(&pending, &answer).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn adding_and_removing_need_a_fresh_factor_or_the_password() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let (full, _) = world.ready("duty", world.centre, &[Role::DutyOfficer]).await;
        let caller = world.who(&full).await;
        assert!(!access.passkey_proof_due(&caller).await.unwrap(), "the factor was shown a moment ago");
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let added = world.add(&caller, &mut pocket).await.unwrap();
        assert_eq!(added, PasskeyAdded { recovery_codes: vec![], signed_in: None }, "codes and session stay");
        world.clock.advance_secs(300);
        assert!(access.passkey_proof_due(&caller).await.unwrap());
        assert_eq!(code(world.ask(&caller, "two").await), "LF-ACC-0043");
        let seat = visit();
        let begin = |password| access.add_passkey_begin(&caller, HOST, "two", password, &seat);
        assert_eq!(code(begin(OTHER).await), "LF-ACC-0009");
        begin(PASSWORD).await.unwrap();
        let id = access.passkeys(&caller).await.unwrap()[0].id;
        assert_eq!(code(access.remove_passkey(&caller, id, "", &visit()).await), "LF-ACC-0043");
        assert_eq!(code(access.remove_passkey(&caller, id, OTHER, &visit()).await), "LF-ACC-0009");
        access.remove_passkey(&caller, id, PASSWORD, &visit()).await.unwrap();
        assert!(access.passkeys(&caller).await.unwrap().is_empty());
        assert_eq!(access.recovery_codes_left(&caller).await.unwrap(), 10, "the authenticator is still there");
        assert_eq!(code(access.remove_passkey(&caller, id, PASSWORD, &visit()).await), "LF-ACC-0002");
        // The password is guarded like at sign-in.
        for _ in 0..5 {
            let _outcome = begin(OTHER).await;
        }
        assert_eq!(code(begin(PASSWORD).await), "LF-ACC-0010");
        // A session that knows the password only adds nothing.
        let pending = access.begin_sign_in("duty", PASSWORD, &from("198.51.100.9")).await;
        if let Ok(pending) = pending {
            assert_eq!(code(world.ask(&world.who(&pending).await, "x").await), "LF-ACC-0023");
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_factor_of_a_role_that_needs_one_stays() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let (full, _) = world.keyed("duty").await;
        let caller = world.who(&full).await;
        let first = access.passkeys(&caller).await.unwrap()[0].id;
        assert_eq!(code(access.remove_passkey(&caller, first, "", &visit()).await), "LF-ACC-0042");
        assert_eq!(world.leaves("access.remove_passkey", "refused").await, 1);
        let mut spare = Authenticator::new(Kind::Rs256, ORIGIN);
        world.add(&caller, &mut spare).await.unwrap();
        let keys = access.passkeys(&caller).await.unwrap();
        // Both at once: one stays.
        let seat = visit();
        let (a, b) = tokio::join!(
            access.remove_passkey(&caller, keys[0].id, "", &seat),
            access.remove_passkey(&caller, keys[1].id, "", &seat)
        );
        assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
        assert_eq!(access.passkeys(&caller).await.unwrap().len(), 1);
        assert_eq!(access.recovery_codes_left(&caller).await.unwrap(), 10);
        // Whose role needs none may go back to the password; the recovery codes go along.
        let member = world.joined("wang", world.member, &[Role::Member]).await;
        assert_eq!(member.stage, Stage::Full);
        let caller = world.who(&member).await;
        assert_eq!(
            code(world.ask(&caller, "x").await),
            "LF-ACC-0043",
            "no factor was shown: the password is asked for"
        );
        let ask = access.add_passkey_begin(&caller, HOST, "x", PASSWORD, &visit()).await.unwrap();
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let answer = pocket.create(&ask.challenge);
        let added = access.add_passkey_finish(&caller, HOST, made(&answer), &visit()).await.unwrap();
        let caller = world.who(&added.signed_in.unwrap()).await;
        assert_eq!(world.pending("wang").await.stage, Stage::SecondFactor, "whoever has one shows it");
        let id = access.passkeys(&caller).await.unwrap()[0].id;
        access.remove_passkey(&caller, id, "", &visit()).await.unwrap();
        assert_eq!(access.recovery_codes_left(&caller).await.unwrap(), 0);
        assert_eq!(world.pending("wang").await.stage, Stage::Full);
    })
    .await;
}

#[tokio::test]
async fn passkeys_belong_to_a_name_and_never_to_an_address() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let (full, mut pocket) = world.keyed("duty").await;
        let caller = world.who(&full).await;
        for host in ["192.0.2.1:8443", "[2001:db8::1]:8443", "centre.example:9999", "evil.example", ""] {
            let refused = access.add_passkey_begin(&caller, host, "x", "", &visit()).await;
            assert_eq!(code(refused), "LF-ACC-0041", "{host}");
            assert_eq!(access.passkey_site(host), None);
        }
        let pending = world.pending("duty").await;
        let factors = access.second_factors(&pending.cookie, "second.example").await.unwrap();
        assert_eq!((factors.passkeys_here, factors.passkeys_elsewhere), (0, 1));
        assert_eq!(code(access.show_passkey_begin(&pending.cookie, "second.example").await), "LF-ACC-0041");
        // Asked at one name, answered at the other.
        let answer = pocket.get(&world.challenge(&pending).await);
        let moved = access.show_passkey_finish(&pending.cookie, "second.example", shown(&answer), &visit()).await;
        assert_eq!(code(moved), "LF-ACC-0040");
        assert_eq!(world.flaws("access.second_factor").await, ["another origin"]);
        for name in ["", "  ", "a\u{7}b", &"x".repeat(61)] {
            assert_eq!(code(world.ask(&caller, name).await), "LF-ACC-0014", "{name:?}");
        }
        for n in 1..10 {
            world
                .add(&caller, &mut Authenticator::new(Kind::Es256, ORIGIN))
                .await
                .unwrap_or_else(|e| panic!("{n}: {e}"));
        }
        assert_eq!(code(world.ask(&caller, "eleven").await), "LF-ACC-0014");
    })
    .await;
}

#[tokio::test]
async fn starting_over_forgets_passkeys_and_time_forgets_challenges() {
    each_world(settings(), |world| async move {
        let access = &world.access;
        let (_, _pocket) = world.keyed("duty").await;
        let pending = world.pending("duty").await;
        world.challenge(&pending).await;
        world.clock.advance_secs(301);
        access.housekeeping().await.unwrap();
        let sql = "SELECT COUNT(*) AS rows FROM passkey_challenge";
        let rows = world.db.system_read(store::SystemKey::of("test"), sql, vec![]).await.unwrap();
        assert_eq!(rows[0].get::<i64>("rows").unwrap(), 0);
        let link = access.recover(&world.system, "duty").await.unwrap();
        let over = access.accept_invitation(&link.token, OTHER, &visit()).await.unwrap();
        assert_eq!(over.stage, Stage::EnrolSecondFactor);
        assert!(access.passkeys(&world.who(&over).await).await.unwrap().is_empty());
    })
    .await;
}
