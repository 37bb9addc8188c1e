//! Passkeys as a browser meets them: profile, first second factor, sign-in, addresses without a name.

use base::Role;
use http::StatusCode;
use testkit::authenticator::{Answer, Authenticator, Kind};

use crate::browser::{Browser, Seen};
use crate::world::{PASSWORD, World, each_world};

const ORIGIN: &str = "https://centre.example";

/// The value of a `data-` attribute of the page.
fn data<'a>(page: &'a Seen, name: &str) -> &'a str {
    let start = format!(" data-{name}=\"");
    page.text.split(&start).nth(1).unwrap_or_else(|| panic!("no {name} on {}", page.text)).split('"').next().unwrap()
}

/// What the script would send.
async fn answer(browser: &mut Browser, action: &str, token: &str, answer: &Answer, next: &str) -> Seen {
    let fields = [
        ("next", next),
        ("credential", answer.credential.as_str()),
        ("client_data", answer.client_data.as_str()),
        ("object", answer.object.as_str()),
        ("authenticator_data", answer.authenticator_data.as_str()),
        ("signature", answer.signature.as_str()),
        ("user", answer.user.as_str()),
    ];
    browser.post(action, token, &fields).await
}

/// A browser that waits for its second factor.
async fn at_the_code(world: &World, login: &str) -> (Browser, Seen) {
    let mut browser = Browser::new(&world.router);
    let to = browser.fill("/sign-in", "/sign-in", &[("login", login), ("password", PASSWORD), ("next", "/me")]).await;
    assert_eq!(to, "/sign-in/code?next=%2Fme");
    let page = browser.open(&to).await;
    (browser, page)
}

#[tokio::test]
async fn from_the_profile_to_the_next_sign_in() {
    each_world(async |world| {
        world.set_up().await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        let page = browser.open("/me").await;
        assert!(
            page.text.contains("尚未註冊通行金鑰") && page.text.contains("href=\"/passkeys/new\""),
            "{}",
            page.text
        );
        let form = browser.open("/passkeys/new").await;
        assert!(!form.text.contains("type=\"password\""), "the second factor was shown a moment ago");
        let seen = browser.post("/passkeys/new", &form.token(), &[("name", "")]).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
        let page = browser.post("/passkeys/new", &form.token(), &[("name", "辦公室筆電")]).await;
        assert_eq!((data(&page, "rp"), data(&page, "passkey")), ("centre.example", "create"));
        assert!(page.text.contains("data-noscript"), "a page without script says why nothing happens");
        let mut pocket = Authenticator::new(Kind::Es256, ORIGIN);
        let made = pocket.create(data(&page, "challenge"));
        let seen = answer(&mut browser, "/passkeys/confirm", &page.token(), &made, "").await;
        assert_eq!((seen.status, seen.head("location")), (StatusCode::SEE_OTHER, "/me?done=saved"));
        let again = answer(&mut browser, "/passkeys/confirm", &page.token(), &made, "").await;
        assert_eq!(again.status, StatusCode::UNAUTHORIZED, "the challenge is spent");
        let page = browser.open("/me").await;
        assert!(page.text.contains("辦公室筆電") && page.text.contains("centre.example"), "{}", page.text);

        let (mut browser, page) = at_the_code(&world, "lin").await;
        assert!(page.text.contains("action=\"/sign-in/passkey\"") && page.text.contains("name=\"code\""), "both ways");
        let token = page.token();
        let page = browser.post("/sign-in/passkey", &token, &[("next", "/me")]).await;
        assert_eq!(data(&page, "passkey"), "get");
        assert_eq!(data(&page, "credentials"), made.credential);
        let mut wrong = pocket.get(data(&page, "challenge"));
        wrong.signature.clear();
        let seen = answer(&mut browser, "/sign-in/passkey/confirm", &token, &wrong, "/me").await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
        assert!(seen.text.contains("通行金鑰未獲接受"), "{}", seen.text);
        assert!(seen.text.contains("name=\"next\" value=\"/me\""), "where it leads stays");
        let page = browser.post("/sign-in/passkey", &token, &[("next", "/me")]).await;
        let shown = pocket.get(data(&page, "challenge"));
        let seen = answer(&mut browser, "/sign-in/passkey/confirm", &token, &shown, "/me").await;
        assert_eq!((seen.status, seen.head("location")), (StatusCode::SEE_OTHER, "/me"), "{}", seen.text);

        // Five minutes later a change asks for the password.
        world.clock.advance_secs(300);
        let form = browser.open("/passkeys/new").await;
        assert!(form.text.contains("type=\"password\""), "{}", form.text);
        let fields = [("name", "二"), ("password", "wrong password here")];
        let seen = browser.post("/passkeys/new", &form.token(), &fields).await;
        assert_eq!(seen.status, StatusCode::UNAUTHORIZED);
        assert!(seen.text.contains("帳號或密碼不正確"), "{}", seen.text);
        let page = browser.open("/me").await;
        let path = page.text.split("action=\"").find(|part| part.starts_with("/me/passkeys/")).unwrap();
        let path = path.split('"').next().unwrap().to_owned();
        assert_eq!(browser.post(&path, &page.token(), &[]).await.status, StatusCode::FORBIDDEN);
        let seen = browser.post(&path, &page.token(), &[("password", PASSWORD)]).await;
        assert_eq!(seen.head("location"), "/me?done=saved");
        assert!(browser.open("/me").await.text.contains("尚未註冊通行金鑰"));
    })
    .await;
}

#[tokio::test]
async fn as_the_first_second_factor_and_the_only_one() {
    each_world(async |world| {
        let mut browser = Browser::new(&world.router);
        let link = format!("/setup?t={}", world.setup_token().await);
        let secret = link.split_once('=').unwrap().1.to_owned();
        let fields = [
            ("t", secret.as_str()),
            ("login", "wang"),
            ("display", "王小明"),
            ("password", PASSWORD),
            ("again", PASSWORD),
        ];
        let to = browser.fill(&link, "/setup", &fields).await;
        let page = browser.open(&to).await;
        assert!(page.text.contains("/passkeys/new?next=%2Fsetup%2Fwho"), "{}", page.text);
        let form = browser.open("/passkeys/new?next=%2Fsetup%2Fwho").await;
        assert!(!form.text.contains("type=\"password\""), "the password was chosen a moment ago");
        let fields = [("name", "鑰匙"), ("next", "/setup/who")];
        let page = browser.post("/passkeys/new", &form.token(), &fields).await;
        let mut pocket = Authenticator::new(Kind::EdDsa, ORIGIN);
        let made = pocket.create(data(&page, "challenge"));
        let seen = answer(&mut browser, "/passkeys/confirm", &page.token(), &made, "/setup/who").await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.text);
        assert_eq!(seen.text.matches("<ul class=\"codes\">").count(), 1, "recovery codes");
        assert!(seen.text.contains("href=\"/setup/who\""));
        browser.open("/setup/who").await;
        let page = browser.open("/me").await;
        let path = page.text.split("action=\"").find(|part| part.starts_with("/me/passkeys/")).unwrap();
        let path = path.split('"').next().unwrap().to_owned();
        let seen = browser.post(&path, &page.token(), &[]).await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "the last factor of an administrator");
        assert!(seen.text.contains("LF-ACC-0042"), "{}", seen.text);

        let (mut browser, page) = at_the_code(&world, "wang").await;
        assert!(!page.text.contains("name=\"code\""), "there is no code to type: {}", page.text);
        assert!(page.text.contains("/sign-in/recovery"));
        let page = browser.post("/sign-in/passkey", &page.token(), &[]).await;
        let shown = pocket.get(data(&page, "challenge"));
        let seen = answer(&mut browser, "/sign-in/passkey/confirm", &page.token(), &shown, "").await;
        assert_eq!(seen.head("location"), "/", "{}", seen.text);
    })
    .await;
}

#[tokio::test]
async fn an_address_without_a_name_says_so_and_offers_the_authenticator() {
    each_world(async |world| {
        world.set_up().await;
        let mut browser = world.signed_in("lin", world.centre, &[Role::DutyOfficer]).await;
        browser.host = "192.0.2.1:8443".into();
        let page = browser.open("/me").await;
        assert!(page.text.contains("不能用於 IP 位址") && page.text.contains("href=\"https://centre.example\""));
        assert!(!page.text.contains("href=\"/passkeys/new\""));
        let page = browser.open("/passkeys/new").await;
        assert!(page.text.contains("不能用於 IP 位址") && !page.text.contains("name=\"name\""), "{}", page.text);
        assert!(!browser.open("/second-factor").await.text.contains("/passkeys/new"));
        let seen = browser.post("/passkeys/new", &page.token(), &[("name", "x")]).await;
        assert!(seen.text.contains("不能用於 IP 位址"), "{}", seen.text);
    })
    .await;
}
