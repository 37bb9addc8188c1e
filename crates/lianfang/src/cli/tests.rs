//! Whether the words fit together, and whether the pages tell what the program understands.

use clap::{CommandFactory, Parser};

use super::Cli;

#[test]
fn words_fit_together() {
    Cli::command().debug_assert();
}

#[test]
fn machine_output_is_known_at_any_depth() {
    let asks = |words: &[&str]| super::asks_json(&Cli::command().get_matches_from(words));
    assert!(asks(&["lianfang", "org", "list", "--json"]));
    assert!(asks(&["lianfang", "audit", "verify", "x", "--json"]));
    assert!(!asks(&["lianfang", "org", "list"]));
    assert!(!asks(&["lianfang", "config", "docs"]));
}

/// The commands of a page: lines of its code blocks, comments and other programs left out.
fn commands(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        for line in block.replace("\\\n", " ").lines().flat_map(|line| line.split(" && ")) {
            let line = line.split(" #").next().unwrap_or_default();
            let Some((before, rest)) = line.split_once("lianfang ") else { continue };
            if before.split(' ').any(|word| !word.is_empty() && word != "sudo") {
                continue;
            }
            // Words within quotation marks are one.
            let words = rest.split('"').enumerate().flat_map(|(index, part)| match index % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            });
            let words = std::iter::once("lianfang".to_owned()).chain(words);
            found.push(words.collect());
        }
    }
    found
}

#[test]
fn what_the_pages_tell_a_reader_to_type_is_understood() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (page, least) in [("README.md", 10), ("README.zh-TW.md", 10), ("docs/installing.md", 1)] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let commands = commands(&text);
        assert!(commands.len() >= least, "{page}: only {commands:?}");
        for words in commands {
            Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{page}: {words:?}: {error}"));
        }
    }
}

#[test]
fn a_wrong_line_of_a_page_is_seen() {
    let page = "```\nlianfang block add 192.0.2.1 --hours 1 --reason \"two words\"  # why\nls && sudo lianfang no-such\n```\nlianfang prose";
    let found = commands(page);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(Cli::try_parse_from(&found[0]).is_ok() && found[0].contains(&"two words".to_owned()));
    assert!(Cli::try_parse_from(&found[1]).is_err());
}
