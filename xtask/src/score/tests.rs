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
    let result = |row: usize, tier, passed| Last {
        proofs: board.row[row].proofs(tier).unwrap(),
        passed,
        ran: "1 test".into(),
        why: String::new(),
        date: "2026-01-02".into(),
        commit: "abc".into(),
    };
    let mut results = Results::new();
    let words =
        |results: &Results| board.row.iter().map(|row| state(row, &row.standing(results).unwrap())).collect::<Vec<_>>();
    assert_eq!(words(&results), ["not run", "not run", "not yet"]);
    let put = |results: &mut Results, row: usize, tier: Tier, passed| {
        let last = result(row, tier, passed);
        results.entry(board.row[row].id.clone()).or_default().insert(format!("{tier:?}"), last);
    };
    put(&mut results, 0, Tier::P, true);
    put(&mut results, 1, Tier::P, true);
    // A row without proofs has no result, whatever is written.
    put(&mut results, 2, Tier::P, true);
    assert_eq!(words(&results), ["holds", "holds in part", "not yet"]);
    let page = page(&board, &results).unwrap();
    assert!(page.contains("| R02 | b | holds in part | P: 1 test | 2026-01-02 | abc | much |"), "{page}");
    assert!(page.contains("| R03 | c | not yet |  |  |  | all |"), "{page}");
    assert!(page.contains("`cargo test -p x --lib -- --exact u`"));
    // A green push does not hide what the longer run found.
    put(&mut results, 0, Tier::N, false);
    put(&mut results, 0, Tier::P, true);
    assert_eq!(words(&results)[0], "**FAILED**");
    put(&mut results, 0, Tier::N, true);
    assert_eq!(words(&results)[0], "holds");
    // A result is one of the proofs that were run, not of those that stand there now.
    results.get_mut("R01").unwrap().values_mut().for_each(|last| last.proofs = "of others".into());
    assert_eq!(words(&results)[0], "not run");
}
