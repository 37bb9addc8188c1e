//! The table and the page made of it.

use super::*;

fn board(text: &str) -> Board {
    toml::from_str(text).unwrap()
}

#[test]
fn the_table_of_the_project_is_whole() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let board = Board::read(root).unwrap();
    assert_eq!(board.row.len(), 40);
}

#[test]
fn a_row_is_never_greener_than_its_last_run() {
    let board = board(
        "[[row]]\nid='R01'\npromise='a'\n[[row.proof]]\nof='x/it'\ntests=['t']\n\
         [[row]]\nid='R02'\npromise='b'\nmissing='much'\n[[row.proof]]\nof='x'\ntests=['u']\n\
         [[row]]\nid='R03'\npromise='c'\nmissing='all'\n",
    );
    let result = |passed| Last {
        tier: "P".into(),
        passed,
        ran: "1 test".into(),
        why: String::new(),
        date: "2026-01-02".into(),
        commit: "abc".into(),
    };
    let mut results = BTreeMap::new();
    let words = |results: &BTreeMap<String, Last>| {
        board.row.iter().map(|row| state(row, results.get(&row.id))).collect::<Vec<_>>()
    };
    assert_eq!(words(&results), ["not run", "not run", "not yet"]);
    results.insert("R01".into(), result(true));
    results.insert("R02".into(), result(true));
    // A result that outlived its proofs is no result.
    results.insert("R03".into(), result(true));
    assert_eq!(words(&results), ["holds", "holds in part", "not yet"]);
    results.insert("R01".into(), result(false));
    assert_eq!(words(&results)[0], "**FAILED**");
    let page = page(&board, &results).unwrap();
    assert!(page.contains("| R02 | b | holds in part | P: 1 test | 2026-01-02 | abc | much |"), "{page}");
    assert!(page.contains("| R03 | c | not yet |  |  |  | all |"), "{page}");
    assert!(page.contains("`cargo test -p x --lib -- --exact u`"));
}
