//! How many rows there are of each value: what `| by FIELD` shows instead of the rows.

use std::collections::HashMap;

use super::{Loaded, Spec};
use crate::query::{Val, quote};
use crate::view::url::before_pipe;
use crate::view::{Cell, Column, Empty, Look, Table};
use crate::web::answer::list_home;

/// Values shown, at most.
const MOST: usize = 500;

/// One value: as the query names it, as people read it, how often.
struct Count {
    key: Option<String>,
    label: String,
    rows: u64,
}

/// The columns.
pub(super) fn columns(look: &Look) -> Vec<Column> {
    let t = look.t;
    vec![Column::new("value", t.count.value), Column::num("rows", t.count.rows), Column::new("percent", t.count.part)]
}

/// The counts as a table with bars.
pub(super) fn table<R>(look: &Look, spec: &Spec<R>, loaded: &Loaded<R>, field: &'static str, empty: Empty) -> Table {
    let word = spec.fields.iter().find(|(name, _)| *name == field).map_or(field, |(_, word)| word(look.t));
    let mut caption = format!("{}: {word}", look.t.count.by);
    if loaded.next.is_some() {
        caption = format!("{caption}. {}", look.t.count.partial);
    }
    Table::new(look.t, spec.id, &caption, columns(look), empty).rows(cells(look, spec, loaded, field))
}

/// The counts as cells, the most frequent first.
pub(super) fn cells<R>(look: &Look, spec: &Spec<R>, loaded: &Loaded<R>, field: &'static str) -> Vec<Vec<Cell>> {
    let home = list_home(&look.here);
    let query = look.here.get("q").unwrap_or_default();
    let before = before_pipe(query);
    let all = loaded.rows.len().max(1) as u64;
    counted(look, spec, loaded, field)
        .into_iter()
        .take(MOST)
        .map(|count| {
            let value = match &count.key {
                Some(key) => {
                    let rest = home.with("q", before);
                    Cell::main(rest.narrowed(&format!("{field}:{}", quote(key))), count.label)
                }
                None => Cell::text(count.label),
            };
            let percent = u8::try_from((count.rows * 100 + all / 2) / all).unwrap_or(100);
            vec![value, Cell::Num(count.rows), Cell::Part(percent)]
        })
        .collect()
}

fn counted<R>(look: &Look, spec: &Spec<R>, loaded: &Loaded<R>, field: &'static str) -> Vec<Count> {
    let mut counts: HashMap<String, Count> = HashMap::new();
    for row in &loaded.rows {
        let values = (spec.values)(look, row);
        // A field may stand several times: first as programs name it, last as people read it.
        let mut of_field = values.into_iter().filter(|(name, _)| *name == field).map(|(_, value)| value);
        let first = of_field.next();
        let last = of_field.next_back();
        let (key, label) = match (&first, &last) {
            (None, _) => (None, look.t.count.empty.to_owned()),
            (Some(first), last) => (key(first), label(look, last.as_ref().unwrap_or(first))),
        };
        let slot = counts.entry(label.clone()).or_insert(Count { key, label, rows: 0 });
        slot.rows += 1;
    }
    let mut out: Vec<Count> = counts.into_values().collect();
    out.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.label.cmp(&b.label)));
    out
}

/// A value as a query names it; a time is shown by its day and has no single value.
fn key(value: &Val) -> Option<String> {
    match value {
        Val::Text(text) => (!text.is_empty()).then(|| text.clone()),
        Val::Number(number) => Some(number.to_string()),
        Val::Time(_) => None,
    }
}

fn label(look: &Look, value: &Val) -> String {
    match value {
        Val::Text(text) if text.is_empty() => look.t.count.empty.to_owned(),
        Val::Text(text) => text.clone(),
        Val::Number(number) => number.to_string(),
        Val::Time(at) => look.when(*at).day().to_owned(),
    }
}
