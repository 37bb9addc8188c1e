//! Every error code of the program, for the page of error codes and docs/errors.md.

use base::Code;

/// Every room's codes, in order of floor.
pub(crate) static CODES: &[&[&[&Code]]] = &[
    base::ALL_CODES,
    logwire::ALL_CODES,
    stix::ALL_CODES,
    runtime::ALL_CODES,
    journal::ALL_CODES,
    store::ALL_CODES,
    access::ALL_CODES,
    link::ALL_CODES,
    registry::ALL_CODES,
    sensor::ALL_CODES,
    detect::ALL_CODES,
    intel::ALL_CODES,
    edge::ALL_CODES,
    drivers::ALL_CODES,
    trap::ALL_CODES,
    agent::ALL_CODES,
    api::ALL_CODES,
    portal::ALL_CODES,
];

#[cfg(test)]
mod tests {
    use super::CODES;
    use std::collections::BTreeMap;
    use std::fmt::Write as _;

    fn all() -> BTreeMap<&'static str, &'static base::Code> {
        let mut all = BTreeMap::new();
        for code in CODES.iter().copied().flatten().copied().flatten() {
            assert!(all.insert(code.id, *code).is_none(), "{} stands twice", code.id);
        }
        all
    }

    /// docs/errors.md is generated: run this test with UPDATE_DOCS=1 to write it anew.
    #[test]
    fn the_page_of_errors_is_what_the_rooms_declare() {
        let mut page = String::from(
            "# Error codes\n\nGenerated from the rooms' catalogues; do not edit.\nCodes are stable and never reused.\n",
        );
        let mut room = "";
        for (id, code) in all() {
            let here = id.split('-').nth(1).unwrap();
            if here != room {
                room = here;
                write!(page, "\n## LF-{room}\n\n| code | HTTP | what happened | 發生了什麼 | what to do | 如何處理 |\n|---|---|---|---|---|---|\n").unwrap();
            }
            writeln!(page, "| {id} | {} | {} | {} | {} | {} |", code.http, code.en, code.zh, code.act_en, code.act_zh)
                .unwrap();
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let known = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            known == page,
            "docs/errors.md is not what the rooms declare: UPDATE_DOCS=1 cargo test -p lianfang errors"
        );
    }

    #[test]
    fn every_code_has_a_form_and_both_languages() {
        for (id, code) in all() {
            let parts: Vec<&str> = id.split('-').collect();
            assert!(parts.len() == 3 && parts[0] == "LF" && parts[1].len() == 3 && parts[2].len() == 4, "{id}");
            for text in [code.en, code.zh, code.act_en, code.act_zh] {
                assert!(text.len() > 5, "{id}: an empty text");
            }
            assert!((400..600).contains(&code.http), "{id}: {}", code.http);
        }
    }
}
