//! What is found in sources, what is passed over, and what is refused.

use super::*;

fn found(files: &[&str]) -> Result<Vec<(String, String)>> {
    let files: Vec<_> =
        files.iter().zip('a'..).map(|(text, name)| (format!("{name}.rs"), (*text).to_owned())).collect();
    Ok(of_room("room", &files)?.into_iter().map(|one| (one.at, one.text)).collect())
}

fn texts(files: &[&str]) -> Vec<String> {
    found(files).unwrap().into_iter().map(|(_, text)| text).collect()
}

#[test]
fn literals_concatenations_and_their_places() {
    let source = "//! SELECT in a head\n/// SELECT in a comment\nconst A: &str = \"SELECT 1 \\\n    AS one\";\n\
        fn f() { db.read(concat!(\"DELETE FROM t WHERE a = \", \"$1\"), say(\"Select one\"), \"SELECT\") }\n";
    let wanted = [("a.rs:3", "SELECT 1 AS one"), ("a.rs:5", "DELETE FROM t WHERE a = $1")];
    assert_eq!(found(&[source]).unwrap(), wanted.map(|(at, text)| (at.to_owned(), text.to_owned())));
}

#[test]
fn macros_of_the_file_come_before_those_of_the_room() {
    let one = "macro_rules! columns { () => { \"t.a\" }; }\n\
        macro_rules! list { ($drive:literal, $seen:expr) => { Scoped::new(concat!(\"SELECT \", columns!(), \" FROM t WHERE \", $drive, \" AND \", $seen)) }; }\n\
        macro_rules! seen { () => { \"EXISTS (SELECT 2)\" }; }\n\
        const ALL: Scoped = list!(\"1 = 1\", seen!());";
    let two = "macro_rules! columns { () => { \"u.b\" }; }\nconst ONE: &str = concat!(\"SELECT \", columns!(), \" FROM u WHERE \", seen!());";
    assert_eq!(
        texts(&[one, two]),
        ["SELECT t.a FROM t WHERE 1 = 1 AND EXISTS (SELECT 2)", "SELECT u.b FROM u WHERE EXISTS (SELECT 2)"]
    );
}

#[test]
fn repetitions_and_rules_that_call_themselves() {
    let source = "macro_rules! three {\n\
        ($head:literal, $tail:literal) => { three!($head, $tail, \"$1\", \"$2\" \"$3\") };\n\
        ($head:literal, $tail:literal, $first:literal, $($next:literal)*) => { concat!($head, $first, $tail $(, \" UNION ALL \", $head, $next, $tail)*) };\n}\n\
        macro_rules! lists { ($(#[$doc:meta])* $name:ident, $where:literal) => { $(#[$doc])* const $name: L = L { a: lists!(@ \"x\", $where), b: lists!(@ \"y\", $where) }; };\n\
        (@ $what:literal, $where:literal) => { concat!(\"SELECT \", $what, \" FROM t WHERE \", $where) }; }\n\
        const T: &str = crate::three!(\"SELECT a FROM t WHERE a = \", \" LIMIT 1\");\n\
        lists!(/// SELECT in a comment\n OPEN, \"o = 1\");";
    let wanted = [
        "SELECT a FROM t WHERE a = $1 LIMIT 1 UNION ALL SELECT a FROM t WHERE a = $2 LIMIT 1 UNION ALL SELECT a FROM t WHERE a = $3 LIMIT 1",
        "SELECT x FROM t WHERE o = 1",
        "SELECT y FROM t WHERE o = 1",
    ];
    assert_eq!(texts(&[source]), wanted);
}

#[test]
fn tests_are_passed_over() {
    let source = "#[cfg(test)]\nmod tests { const T: &str = \"SELECT 1\"; }\n#[cfg(test)]\nconst U: &str = \"SELECT 2\";\nconst V: &str = \"SELECT 3\";";
    assert_eq!(texts(&[source]), ["SELECT 3"]);
}

#[test]
fn what_cannot_be_followed_is_an_error() {
    let unknown = "const A: &str = concat!(\"SELECT 1\", elsewhere!());";
    assert!(format!("{:?}", found(&[unknown]).unwrap_err()).contains("a.rs:1"));
    let unfit = "macro_rules! m { ($a:literal) => { concat!(\"SELECT 1\", $a) }; }\nconst A: &str = m!(x + 1);";
    assert!(format!("{:?}", found(&[unfit]).unwrap_err()).contains("a.rs:2: m!"));
}
