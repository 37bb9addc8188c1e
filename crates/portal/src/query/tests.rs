//! The grammar by example, and what must hold for any text.

use base::Timestamp;
use proptest::prelude::*;

use super::*;

const FIELDS: &[&str] = &["state", "score", "source", "class", "last", "org"];

fn context() -> Context<'static> {
    Context { now: Timestamp::from_micros(1_795_000_000_000_000), zone: "Asia/Taipei" }
}

fn read(text: &str) -> Expr {
    parse(text, FIELDS, &context()).unwrap_or_else(|problem| panic!("{text}: {problem}")).expr
}

fn row() -> Vec<(&'static str, Val)> {
    vec![
        ("state", "published".into()),
        ("score", Val::Number(72.0)),
        ("source", "203.0.113.7".into()),
        ("class", "command_execution".into()),
        ("last", Val::Time(context().now.plus_secs(-7_200))),
        ("org", "台灣電力公司".into()),
    ]
}

#[test]
fn what_holds_for_a_row() {
    for text in [
        "",
        "state:published",
        "STATE=Published",
        "state：published",
        "state:(draft or published)",
        "state:(draft published)",
        "score:>=60 and score:<80",
        "score:72",
        "score:70..75",
        "source:203.0.113.0/24",
        "source:203[.]0[.]113[.]7",
        "203.0.113.7",
        "２０３．０．１１３．７",
        "class:command*",
        "class:*exec*",
        "class:*",
        "not state:draft",
        "-state:draft",
        "-state:(draft or revoked) class:command_execution",
        "(state:draft or score:>50) and source:203.0.113.7",
        "last:>=1d",
        "last:<1h",
        "org:台灣電力公司",
        "org:\"台灣電力公司\"",
        "org:「台灣電力公司」",
        "org:“台灣電力公司”",
        "電力",
        "exec",
    ] {
        assert!(read(text).holds(&row()), "{text}");
    }
    for text in
        ["state:draft", "score:<60", "source:198.51.100.0/24", "class:scan*", "last:>=1h", "-203.0.113.7", "電信"]
    {
        assert!(!read(text).holds(&row()), "{text}");
    }
}

#[test]
fn bare_values_with_colons_are_no_fields() {
    for text in [
        "2001:db8::1",
        "https://evil.example/a?b=c",
        "hxxps://evil[.]example/a",
        "SHA256:abcdef",
        "::1",
        "evil(.)example",
    ] {
        assert!(matches!(read(text), Expr::Term(Term { field: None, .. })), "{text}");
    }
}

#[test]
fn days_of_both_calendars_are_the_same_day() {
    let bound = |text: &str| match read(&format!("last:>={text}")) {
        Expr::Term(Term { test: Test::AtLeast(Bound::Time(at)), .. }) => at.rfc3339(),
        other => panic!("{other:?}"),
    };
    assert_eq!(bound("2026-11-20"), "2026-11-19T16:00:00.000000Z");
    assert_eq!(bound("115/11/20"), bound("2026-11-20"));
    assert_eq!(bound("2026-11-20T00:00:00+08:00"), bound("2026-11-20"));
}

#[test]
fn errors_name_the_place_and_the_nearest_fields() {
    let problem = parse("state:draft and scroe:>5", FIELDS, &context()).unwrap_err();
    assert_eq!(problem.code.id, "LF-POR-0102");
    assert_eq!(problem.place.as_deref(), Some("character 17"));
    assert!(problem.detail.contains("nearest: score, "), "{}", problem.detail);
    for (text, code) in [
        ("state:", "LF-POR-0101"),
        ("(state:draft", "LF-POR-0101"),
        ("state:draft)", "LF-POR-0101"),
        ("\"open", "LF-POR-0101"),
        ("and", "LF-POR-0101"),
        ("a or", "LF-POR-0101"),
        ("state:(", "LF-POR-0101"),
        ("state:()", "LF-POR-0101"),
        ("score:>=lots", "LF-POR-0103"),
        ("last:2026-13-40..1d", "LF-POR-0103"),
    ] {
        assert_eq!(parse(text, FIELDS, &context()).unwrap_err().code.id, code, "{text}");
    }
    assert_eq!(parse(&"(".repeat(500), FIELDS, &context()).unwrap_err().code.id, "LF-POR-0101");
    assert_eq!(parse(&"x".repeat(LONGEST + 1), FIELDS, &context()).unwrap_err().code.id, "LF-POR-0101");
}

#[test]
fn a_conjunction_tells_the_database_what_it_can() {
    let expr = read("state:draft and (source:203.0.113.7 class:scan)");
    assert_eq!(expr.must_be("state"), Some("draft"));
    assert_eq!(expr.must_be("class"), Some("scan"));
    assert_eq!(read("state:draft or class:scan").must_be("state"), None);
    assert_eq!(read("-state:draft").must_be("state"), None);
    assert_eq!(read("state:d*").must_be("state"), None);
    assert_eq!(read("state:draft evil.example").bare(), Some("evil.example"));
}

#[test]
fn a_pipe_counts_by_one_field() {
    let asked = |text: &str| parse(text, FIELDS, &context());
    for text in
        ["state:draft | by class", "state:draft|by class", "state:draft ｜ BY Class", "(state:draft) | by class"]
    {
        let found = asked(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!((found.by, found.expr), (Some("class"), read("state:draft")), "{text}");
    }
    assert_eq!(asked("| by class").unwrap(), Asked { expr: Expr::All, by: Some("class") });
    assert_eq!(asked("state:draft").unwrap().by, None);
    assert!(matches!(read("\"a|b\""), Expr::Term(Term { test: Test::Exactly(text), .. }) if text == "a|b"));
    for (text, code) in [
        ("state:draft |", "LF-POR-0101"),
        ("state:draft | class", "LF-POR-0101"),
        ("state:draft | by", "LF-POR-0101"),
        ("state:draft | by class org", "LF-POR-0101"),
        ("state:draft | by class | by org", "LF-POR-0101"),
        ("state:draft and | by class", "LF-POR-0101"),
        ("(state:draft | by class)", "LF-POR-0101"),
        ("state:draft | by clas", "LF-POR-0102"),
    ] {
        assert_eq!(asked(text).unwrap_err().code.id, code, "{text}");
    }
}

#[test]
fn quoting_keeps_a_value_a_value() {
    assert_eq!(quote("203.0.113.7"), "203.0.113.7");
    for text in ["a|b", "//nn", "/etc/passwd", "-x", "a..b", "and", "", "2001:db8::1", "a b", "\"", "\\"] {
        let expr = read(&format!("state:{}", quote(text)));
        assert!(expr.holds(&[("state", text.into())]), "{text}: {expr:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_a_coded_error(text in ".{0,200}") {
        match parse(&text, FIELDS, &context()) {
            Ok(asked) => { asked.expr.holds(&row()); }
            Err(problem) => prop_assert!(problem.code.id.starts_with("LF-POR-01")),
        }
    }

    #[test]
    fn query_like_text_never_panics(text in "[a-z:()\"*. <>=|-]{0,80}") {
        let _either = parse(&text, FIELDS, &context());
    }

    #[test]
    fn a_quoted_value_is_read_back(text in "\\PC{0,60}") {
        let expr = parse(&format!("state:{}", quote(&text)), FIELDS, &context()).map(|asked| asked.expr);
        let Ok(Expr::Term(Term { field: Some("state"), test: Test::Is(value) | Test::Exactly(value) })) = expr else {
            return Err(TestCaseError::fail(format!("{text:?} became {expr:?}")));
        };
        prop_assert_eq!(value, text);
    }

    #[test]
    fn not_is_the_opposite(text in "(state|class|source):[a-z0-9*]{1,6}(\\.[a-z0-9*]{1,4})?") {
        let plain = read(&text).holds(&row());
        prop_assert_ne!(plain, read(&format!("not {text}")).holds(&row()));
    }
}
