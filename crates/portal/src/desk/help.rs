//! The keyboard help and the catalogue of error codes, as pages of their own.

use base::Code;
use text::Lang;

use crate::error::Answer;
use crate::view::{Body, Cell, Column, Empty, Head, Look, Panel, Row, Table};
use crate::web::answer;
use crate::web::visit::{Guest, Signed};

/// `GET /keys`.
pub(crate) async fn keys(v: Signed) -> Answer {
    let t = v.look().t;
    let rows = vec![Row::Full(Panel::new("keys-page", t.keys.title, vec![Body::Keys { t }]))];
    answer::page(&v, Head::new(t.keys.title, t.keys.lead), Vec::new(), rows)
}

/// `GET /errors`: every code with what happened and what to do.
pub(crate) async fn errors(Guest(visit): Guest) -> Answer {
    let mut codes: Vec<&Code> =
        visit.ctx.codes.iter().flat_map(|room| room.iter()).flat_map(|module| module.iter()).copied().collect();
    codes.sort_unstable_by_key(|code| code.id);
    codes.dedup_by_key(|code| code.id);
    let head = Head::new(visit.look.t.frame.error_all, "");
    let panel = draw_errors(&visit.look, &codes);
    match visit.caller.clone() {
        Some(caller) => answer::page(&Signed { visit, caller }, head, Vec::new(), vec![Row::Full(panel)]),
        None => answer::door(&visit, head, None, true, panel.body),
    }
}

/// The catalogue as a table; every row can be linked to.
pub(crate) fn draw_errors(look: &Look, codes: &[&Code]) -> Panel {
    let t = look.t;
    let columns = vec![
        Column::new("code", t.frame.error_code),
        Column::new("text", t.frame.error_title),
        Column::new("do", t.frame.error_do),
    ];
    let table = Table::new(t, "errors", t.frame.error_all, columns, Empty::new(t.list.none_title, "")).rows(
        codes.iter().map(|code| {
            let (text, act) = match look.lang() {
                Lang::ZhTw => (code.zh, code.act_zh),
                Lang::En => (code.en, code.act_en),
            };
            vec![Cell::Anchor(code.id.to_owned()), Cell::text(text), Cell::text(act)]
        }),
    );
    Panel::new("catalogue", t.frame.error_all, vec![Body::Table(Box::new(table))])
}
