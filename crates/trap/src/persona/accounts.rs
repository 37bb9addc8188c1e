//! Weak accounts a persona lets in: pairs that guessing tools try first, one password per account, drawn by seed.

use super::{Draw, User};
use crate::config::Account;

/// One login and the passwords its draw chooses from.
pub(super) type Weak = (&'static str, &'static [&'static str]);

/// What small servers are lost with.
pub(super) const SERVER: &[Weak] = &[
    (
        "root",
        &[
            "123456", "password", "root", "admin", "12345678", "1234", "toor", "qwerty", "111111", "P@ssw0rd",
            "1qaz2wsx", "abc123",
        ],
    ),
    ("admin", &["admin", "123456", "password", "admin123", "1234"]),
    ("user", &["user", "123456", "password", "1234"]),
    ("test", &["test", "123456", "test123", "1234"]),
    ("ubuntu", &["ubuntu", "123456", "password"]),
    ("pi", &["raspberry", "raspberryraspberry993311"]),
    ("oracle", &["oracle", "123456", "oracle123"]),
    ("postgres", &["postgres", "123456", "password"]),
    ("git", &["git", "123456", "git123"]),
    ("ftpuser", &["ftpuser", "123456", "ftp"]),
    ("deploy", &["deploy", "123456", "deploy123"]),
    ("guest", &["guest", "123456", "guest123"]),
];

/// What routers and recorders are lost with.
pub(super) const ROUTER: &[Weak] = &[
    ("root", &["root", "admin", "12345", "xc3511", "vizxv", "888888", "default", "54321", "anko", "hi3518", "123456"]),
    ("admin", &["admin", "1234", "password", "admin1234", "7ujMko0admin", "12345"]),
    ("support", &["support", "123456"]),
    ("user", &["user", "1234"]),
    ("guest", &["guest", "12345"]),
    ("default", &["default", "antslq"]),
];

/// The accounts of a host: those configured, or root and up to four others of `weak`.
pub(super) fn choose(draw: &mut Draw, configured: &[Account], weak: &[Weak]) -> Vec<Account> {
    if !configured.is_empty() {
        return configured.to_vec();
    }
    let mut out = Vec::new();
    for (index, (user, passwords)) in weak.iter().enumerate() {
        let password = draw.pick(passwords, "123456");
        // Root always; of the others about a third, so that hosts differ.
        if index == 0 || (draw.below(3) == 0 && out.len() < 5) {
            out.push(Account { user: (*user).to_owned(), password: password.to_owned() });
        }
    }
    out
}

/// The logins that belong to the accounts; root is always there.
pub(super) fn users(accounts: &[Account], distribution: &str) -> Vec<User> {
    let login = |name: &str, uid| User { name: name.to_owned(), uid, home: format!("/home/{name}") };
    let mut out = vec![User { name: "root".to_owned(), uid: 0, home: "/root".to_owned() }];
    for (next, account) in (1000..).zip(accounts.iter().filter(|a| a.user != "root")) {
        // The first user of a router is root by another name.
        let mut user = login(&account.user, if distribution == "busybox" { 0 } else { next });
        if distribution == "busybox" {
            user.home = "/root".to_owned();
        }
        out.push(user);
    }
    out
}
