//! `lianfang doctor`: hands folder and settings to the room `doctor` and prints what it found.

use base::Env;
use doctor::{Answer, Aspect, Check, Installation, Status, Word};
use serde_json::Value;
use text::Lang;

use crate::cli::{Doctor, Profile};
use crate::config::{self, Tree};
use crate::exit::Failure;
use crate::output;

/// Runs the command: 0 when nothing is bad, 1 otherwise. The answers of a baseline are a report: 0 whatever they say.
pub(crate) fn run(args: &Doctor) -> Result<(), Failure> {
    let lang = language(args.lang.as_deref(), |name| std::env::var(name).ok())?;
    let tree = config::load(args.config.as_deref(), &[])?;
    let at = installation(args, &tree);
    let checks = doctor::examine(&at);
    match args.profile {
        Some(Profile::TwHigh) => {
            let answers = doctor::answer(&at, &checks);
            if args.json {
                array(answers.iter().map(|answer| answer.json(lang)));
            } else {
                report(&answers, lang);
            }
            Ok(())
        }
        None => {
            if args.json {
                array(checks.iter().map(|check| check.json(lang)));
            } else {
                list(&checks, lang);
            }
            verdict(&checks)
        }
    }
}

fn installation<'a>(args: &'a Doctor, tree: &'a Tree) -> Installation<'a> {
    Installation {
        data: &args.data,
        config: args.config.as_deref(),
        listen: &tree.listen,
        listen_machines: &tree.listen_machines,
        store: &tree.store.url,
        journal_most: tree.journal.max_megabytes << 20,
        keep_free: tree.journal.keep_free_megabytes << 20,
        access: &tree.access,
        sensor: &tree.sensor,
        now: Env::system().now(),
    }
}

/// The language that was typed, else that of the environment; English where that says nothing, as every other verb.
fn language(typed: Option<&str>, environment: impl Fn(&str) -> Option<String>) -> Result<Lang, Failure> {
    if let Some(word) = typed {
        return word.parse().map_err(|()| Failure::usage(format!("--lang {word}: zh-TW or en")));
    }
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| environment(name).filter(|set| !set.is_empty()));
    Ok(if set.is_some_and(|set| set.starts_with("zh")) { Lang::ZhTw } else { Lang::En })
}

fn array(values: impl Iterator<Item = Value>) {
    output::line(&Value::Array(values.collect()).to_string());
}

fn list(checks: &[Check], lang: Lang) {
    for check in checks {
        output::line(&format!("{:<8}{:<24}{}", check.word.shown(lang), check.id, check.evidence.pick(lang)));
        if let Some(act) = &check.act {
            output::line(&format!("{:<32}{}", "", act.pick(lang)));
        }
    }
}

fn verdict(checks: &[Check]) -> Result<(), Failure> {
    let bad: Vec<&str> = checks.iter().filter(|check| check.word == Word::Bad).map(|check| check.id).collect();
    if bad.is_empty() { Ok(()) } else { Err(Failure::refused(format!("bad: {}", bad.join(", ")))) }
}

/// `met 6, operator 5, gap 3`
fn sums(answers: &[&Answer], lang: Lang) -> String {
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    Status::ALL.map(|status| format!("{} {}", status.shown(lang), count(status))).join(lang.pick("、", ", "))
}

fn report(answers: &[Answer], lang: Lang) {
    for aspect in Aspect::ALL {
        let rows: Vec<&Answer> = answers.iter().filter(|answer| answer.aspect == aspect).collect();
        output::line(&format!("{} ({}): {}", aspect.shown(lang), rows.len(), sums(&rows, lang)));
        for answer in rows {
            let (level, status) = (answer.level.word(), answer.status.shown(lang));
            output::line(&format!("  {:>2} {level} {status:<8} {}", answer.id, answer.measure));
            output::line(&format!("        {}", answer.evidence.pick(lang)));
        }
        output::line("");
    }
    let all: Vec<&Answer> = answers.iter().collect();
    output::line(&format!("{} ({}): {}", lang.pick("合計", "Sum"), all.len(), sums(&all, lang)));
    output::line(doctor::source().pick(lang));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_environment() {
        let of = |typed: Option<&str>, set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            language(typed, find).ok()
        };
        assert_eq!(of(None, &[("LANG", "zh_TW.UTF-8")]), Some(Lang::ZhTw));
        assert_eq!(of(None, &[("LC_ALL", "C"), ("LANG", "zh_TW.UTF-8")]), Some(Lang::En));
        assert_eq!(of(None, &[("LC_ALL", ""), ("LANG", "zh_TW")]), Some(Lang::ZhTw));
        assert_eq!(of(None, &[]), Some(Lang::En));
        assert_eq!(of(Some("zh-TW"), &[("LANG", "en_US")]), Some(Lang::ZhTw));
        assert_eq!(of(Some("tlh"), &[]), None);
    }
}
