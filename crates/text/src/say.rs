//! Sentences with numbers and names in them: placeholders by function, so that a missing one does not compile.

use crate::Words;
use crate::lang::Lang;

/// A number with commas: `1,204`.
#[must_use]
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The English plural.
const fn s(n: u64) -> &'static str {
    if n == 1 { "" } else { "s" }
}

macro_rules! say {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) => $zh:literal, $en:literal;)*) => {
        impl Words {$(
            $(#[$doc])*
            #[must_use]
            pub fn $name(&self, $($arg: $ty),*) -> String {
                match self.lang {
                    Lang::ZhTw => format!($zh),
                    Lang::En => format!($en),
                }
            }
        )*}
    };
}

impl Words {
    /// A length of time in its largest whole unit: `3 分鐘`, `3 min`. Microseconds.
    #[must_use]
    pub fn span(&self, micros: i64) -> String {
        let seconds = micros.max(0) / 1_000_000;
        let (n, zh, en) = match seconds {
            0..=119 => (seconds, "秒", "s"),
            120..=7_199 => (seconds / 60, "分鐘", "min"),
            7_200..=172_799 => (seconds / 3_600, "小時", "h"),
            _ => (seconds / 86_400, "天", "d"),
        };
        match self.lang {
            Lang::ZhTw => format!("{n} {zh}"),
            Lang::En => format!("{n} {en}"),
        }
    }

    /// How long ago, or how far ahead when negative.
    #[must_use]
    pub fn ago(&self, micros: i64) -> String {
        let span = self.span(micros.abs());
        match (self.lang, micros < 0) {
            (Lang::ZhTw, false) => format!("{span}前"),
            (Lang::ZhTw, true) => format!("{span}後"),
            (Lang::En, false) => format!("{span} ago"),
            (Lang::En, true) => format!("in {span}"),
        }
    }

    /// `1,204 條攻擊連線`.
    #[must_use]
    pub fn sessions(&self, n: u64) -> String {
        let count = number(n);
        match self.lang {
            Lang::ZhTw => format!("{count} 條攻擊連線"),
            Lang::En => format!("{count} session{}", s(n)),
        }
    }

    /// `1,204 個感測器`.
    #[must_use]
    pub fn sensor_count(&self, n: u64) -> String {
        let count = number(n);
        match self.lang {
            Lang::ZhTw => format!("{count} 個感測器"),
            Lang::En => format!("{count} sensor{}", s(n)),
        }
    }

    /// `1,204 筆`.
    #[must_use]
    pub fn rows(&self, n: u64) -> String {
        let count = number(n);
        match self.lang {
            Lang::ZhTw => format!("{count} 筆"),
            Lang::En => format!("{count} row{}", s(n)),
        }
    }

    /// How many points enforce it and how many were proven by packet.
    #[must_use]
    pub fn enforced_at(&self, points: u64, probed: u64) -> String {
        match self.lang {
            Lang::ZhTw => format!("{points} 個執行點已執行，其中 {probed} 個經封包實測"),
            Lang::En => format!(
                "{points} point{} enforce{} it, {probed} proven by packet",
                s(points),
                if points == 1 { "s" } else { "" }
            ),
        }
    }
}

say! {
    /// The verdict of an indicator.
    verdict(kind: &str, class: &str, sessions: &str, sensors: &str) =>
        "此{kind}因「{class}」列為入侵指標：{sessions}、{sensors}看過。",
        "This {kind} is an indicator because of \u{201c}{class}\u{201d}: seen in {sessions} by {sensors}.";
    /// The verdict of an indicator that a person wrote.
    verdict_written(kind: &str) =>
        "此{kind}由人員撰寫，尚無感測器證據。",
        "This {kind} was written by a person; no sensor has seen it yet.";
    /// A finding in a sentence.
    finding_line(source: &str, class: &str, org: &str) =>
        "{source} 對{org}的感測器進行「{class}」",
        "{source} did \u{201c}{class}\u{201d} on a sensor of {org}";
    /// A finding about something that is no attacker.
    finding_about(rule: &str, name: &str, org: &str) =>
        "{org}：{rule}（{name}）",
        "{org}: {rule} ({name})";
    /// Seen before.
    seen_before(n: u64, last: &str) =>
        "出現過 {n} 次；上次結論：{last}",
        "Seen {n} times; last outcome: {last}";
    /// The scope preview of a silence.
    would_hide(n: u64, days: u64) =>
        "過去 {days} 天內會因此隱藏 {n} 則",
        "Would have hidden {n} in the last {days} days";
    /// What withdrawing a directive opens, and where.
    opens_at(value: &str, points: &str) =>
        "收回後，{value} 會在這些執行點開放：{points}。",
        "Withdrawing opens {value} at: {points}.";
    /// The rule of one class of the automatic path.
    auto_rule(state: &str, score: u8, sensors: u64, hours: i64) =>
        "{state}；分數 ≥ {score}、感測器 ≥ {sensors}、效期 {hours} 小時",
        "{state}; score ≥ {score}, sensors ≥ {sensors}, for {hours} h";
    /// How many of how many were done.
    done_of(done: usize, all: usize) => "完成 {done} 項，共 {all} 項。", "{done} of {all} done.";
    /// Two sentences.
    only(first: &str, second: &str) => "{first}{second}", "{first} {second}";
    /// A drift in short.
    drift(missing: u64, extra: u64) =>
        "遺漏 {missing}、多出 {extra}",
        "{missing} missing, {extra} extra";
    /// What an export's head says about the query.
    export_note(query: &str, zone: &str, as_of: &str, marking: &str) =>
        "查詢：{query}；時區：{zone}；截至：{as_of}；分享限制：{marking}",
        "query: {query}; zone: {zone}; as of: {as_of}; marking: {marking}";
    /// Step n of m.
    step(n: usize, of: usize) => "第 {n} 步，共 {of} 步", "Step {n} of {of}";
    /// An unknown field's nearest names.
    nearest(names: &str) => "相近的欄位：{names}", "Nearest fields: {names}";
    /// Bars of the timeline.
    bar(count: &str, class: &str, from: &str) => "{from}：{class} {count}", "{from}: {class} {count}";
    /// The description of the timeline.
    chart_text(total: &str, from: &str, to: &str) =>
        "{from} 至 {to} 共 {total} 條攻擊連線，依類別堆疊。",
        "{total} sessions from {from} to {to}, stacked by class.";
    /// Sign-in as a demonstration role.
    link_for(name: &str, role: &str) => "{name}（{role}）", "{name} ({role})";
    /// What the second person confirms.
    waiting_for(name: &str) => "等候 {name}", "Waiting for {name}";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_000), "1,000");
        assert_eq!(number(12_345_678), "12,345,678");
    }

    #[test]
    fn spans_use_the_largest_unit() {
        let zh = Words::of(Lang::ZhTw);
        let en = Words::of(Lang::En);
        assert_eq!(zh.ago(3 * 60_000_000), "3 分鐘前");
        assert_eq!(en.ago(-3 * 3_600_000_000), "in 3 h");
        assert_eq!(en.span(5 * 86_400_000_000), "5 d");
        assert_eq!(en.sessions(1), "1 session");
        assert_eq!(en.sessions(1_204), "1,204 sessions");
        assert_eq!(en.enforced_at(1, 0), "1 point enforces it, 0 proven by packet");
    }
}
