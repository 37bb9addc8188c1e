//! The audit tree: search, inclusion, export.

use access::{Action, Shown};
use axum::body::Body as Stream;
use axum::response::{IntoResponse as _, Response};
use base::Timestamp;
use futures::TryStreamExt as _;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use store::audit::{Checkpoint, Filter, Leaf, export_seen, inclusion, latest, search};
use store::page::Page;
use text::{Words, names};

use crate::error::{Answer, Fail};
use crate::query::{Expr, Val};
use crate::view::{Badge, Body, Cell, Column, Crumb, Empty, Facts, Head, Look, Panel, Row, Tone};
use crate::web::answer;
use crate::web::list::{self, CHUNK, Spec};
use crate::web::visit::Signed;

fn allowed(v: &Signed) -> Result<(), Fail> {
    v.caller.require(Action::ReadAudit).map_err(Fail::from)
}

/// `GET /audit`.
pub(crate) async fn all(v: Signed) -> Answer {
    allowed(&v)?;
    let look = v.look();
    let signed = latest(&v.ctx().db).await?;
    let loaded = list::load(look, &LEAVES, |expr, after| fetch(&v, expr, after)).await?;
    if let Some(file) = list::export(&v, &LEAVES, &loaded).await {
        return file;
    }
    let table = list::table(look, &LEAVES, &loaded, Vec::new());
    let rows = vec![
        Row::Full(root(look, signed.as_ref())),
        Row::Full(Panel::new("leaves", look.t.audit.title, vec![Body::Table(Box::new(table))])),
    ];
    answer::page(&v, Head::new(look.t.audit.title, look.t.audit.lead), Vec::new(), rows)
}

/// The signed root, and how to check it elsewhere.
pub(crate) fn root(look: &Look, signed: Option<&Checkpoint>) -> Panel {
    let t = look.t;
    let facts = Facts::wide(vec![
        (t.audit.tree_size, Cell::Num(signed.map_or(0, |signed| signed.size))),
        (t.audit.signed, signed.map_or(Cell::None, |signed| look.age(signed.at))),
        (t.audit.root, signed.map_or(Cell::None, |signed| look.value(None, &hex::encode(signed.root)))),
        (t.audit.verify, Cell::link("/audit/export", t.audit.export)),
    ]);
    Panel::new("root", t.audit.root, vec![Body::Facts(facts)])
}

async fn fetch(v: &Signed, expr: Expr, after: Option<String>) -> Result<list::Chunk<Leaf>, Fail> {
    let text = |field: &str| expr.must_be(field).map(str::to_owned);
    let filter = match (text("action"), text("subject"), text("actor")) {
        (Some(action), _, _) => Filter::Action(action),
        (_, Some(subject), _) => Filter::Subject(subject),
        (_, _, Some(actor)) => Filter::Actor(actor),
        _ => Filter::All,
    };
    let until = Timestamp::from_micros(i64::MAX);
    let page = Page { after, limit: CHUNK };
    let paged = search(&v.ctx().db, v.clearance(), &filter, Timestamp::EPOCH, until, &page).await?;
    Ok((paged.items, paged.next))
}

/// `GET /audit/{seq}`: one leaf and the proof that it is in the signed tree.
pub(crate) async fn one(v: Signed, axum::extract::Path(seq): axum::extract::Path<u64>) -> Answer {
    allowed(&v)?;
    let look = v.look();
    let t = look.t;
    // The leaf is found through the clearance first; the proof itself knows no clearance.
    let leaf = store::audit::one(&v.ctx().db, v.clearance(), seq).await?.ok_or_else(Fail::no_page)?;
    look.seen.row("audit", seq, leaf.org, leaf.tlp);
    let proof = inclusion(&v.ctx().db, seq).await?;
    let mut facts = vec![
        (t.audit.leaf, Cell::Num(leaf.seq)),
        (t.audit.at, look.time(leaf.at)),
        (t.audit.actor, look.value(Some("actor"), &leaf.actor)),
        (t.audit.action, Cell::mono(leaf.action.clone())),
        (t.audit.subject, look.value(Some("subject"), &leaf.subject)),
        (t.audit.outcome, outcome(look, &leaf)),
        (t.work.org, look.org(leaf.org)),
        (t.list.marking, look.tlp(leaf.tlp)),
    ];
    let mut body = Vec::new();
    match &proof {
        Some(proof) => {
            facts.push((t.audit.hash, Cell::mono(hex::encode(proof.leaf))));
            facts.push((t.audit.root, Cell::mono(hex::encode(proof.root))));
            facts.push((t.audit.tree_size, Cell::Num(proof.size)));
            body.push(Body::Note { tone: "good", text: t.audit.included.to_owned() });
        }
        None => body.push(Body::Note { tone: "warn", text: t.audit.pending.to_owned() }),
    }
    body.push(Body::Facts(Facts::tall(facts)));
    body.push(Body::Fold { summary: t.audit.detail.to_owned(), text: leaf.entry, t });
    if let Some(proof) = proof {
        let path: Vec<String> = proof.path.iter().map(hex::encode).collect();
        body.push(Body::Fold {
            summary: t.audit.path.to_owned(),
            text: format!("{}\n{}", path.join("\n"), proof.note),
            t,
        });
    }
    let rows = vec![Row::Full(Panel::new("leaf", t.audit.leaf, body))];
    answer::page(&v, Head::new(format!("{} {seq}", t.audit.leaf), ""), vec![Crumb::new("/audit", t.nav.audit)], rows)
}

/// `GET /audit/export`: the whole tree; what the reader may not see is there as its hash alone.
pub(crate) async fn export(v: Signed) -> Answer {
    allowed(&v)?;
    let (ctx, signed, who) = (v.ctx(), latest(&v.ctx().db).await?, v.clearance().clone());
    let detail = serde_json::json!({"size": signed.as_ref().map_or(0, |signed| signed.size), "seen": who.extent()});
    ctx.access.note_export(&v.caller, "audit.export", "audit", detail).await?;
    let lines = export_seen(ctx.db.clone(), &ctx.signer, who, signed).map_err(std::io::Error::other);
    let heads = [
        (CONTENT_TYPE, "application/x-ndjson"),
        (CONTENT_DISPOSITION, "attachment; filename=\"lianfang-audit.ndjson\""),
    ];
    let response: Response = (heads, Stream::from_stream(lines)).into_response();
    Ok(response)
}

fn outcome(look: &Look, leaf: &Leaf) -> Cell {
    let word = names::audit_outcome(look.lang(), &leaf.outcome).unwrap_or(&leaf.outcome);
    let tone = match leaf.outcome.as_str() {
        "refused" => Tone::High,
        "read" => Tone::Accent,
        _ => Tone::Good,
    };
    Cell::Badge(Badge::of(tone, word))
}

/// Who acted, for people: the kind's word and the end of the id.
fn actor(look: &Look, text: &str) -> Cell {
    let a = &look.t.audit;
    let (kind, id) = text.split_once(':').unwrap_or((text, ""));
    let word = match kind {
        "system" => a.a_system,
        "stranger" => a.a_stranger,
        "machine" => a.a_machine,
        _ => return Cell::Many(vec![look.value(Some("actor"), text)]),
    };
    if id.is_empty() { Cell::text(word) } else { Cell::text(format!("{word} {id}")) }
}

/// The list of leaves.
pub(crate) const LEAVES: Spec<Leaf> = Spec {
    id: "audit-list",
    live: "audit",
    caption: |t| t.audit.title,
    columns,
    fields: &[
        ("action", |t| t.audit.action),
        ("subject", |t| t.audit.subject),
        ("actor", |t| t.audit.actor),
        ("outcome", |t| t.audit.outcome),
        ("org", |t| t.work.org),
        ("at", |t| t.audit.at),
        ("leaf", |t| t.audit.leaf),
    ],
    cells,
    values,
    tlp: |row| row.tlp,
    row: |row| Shown::of("audit", row.seq, row.org),
    personal: false,
    empty: |t| Empty::new(t.audit.none, ""),
};

fn columns(t: &Words) -> Vec<Column> {
    vec![
        Column::num("leaf", t.audit.leaf),
        Column::new("at", t.audit.at),
        Column::new("actor", t.audit.actor),
        Column::new("action", t.audit.action),
        Column::new("subject", t.audit.subject),
        Column::new("outcome", t.audit.outcome),
        Column::new("org", t.work.org),
        Column::new("marking", t.list.marking),
    ]
}

pub(crate) fn cells(look: &Look, row: &Leaf) -> Vec<Cell> {
    vec![
        Cell::main(format!("/audit/{}", row.seq), row.seq.to_string()),
        look.time(row.at),
        actor(look, &row.actor),
        look.value(Some("action"), &row.action),
        look.value(Some("subject"), &row.subject),
        outcome(look, row),
        look.org(row.org),
        look.tlp(row.tlp),
    ]
}

fn values(look: &Look, row: &Leaf) -> Vec<(&'static str, Val)> {
    vec![
        ("action", row.action.as_str().into()),
        ("subject", row.subject.as_str().into()),
        ("actor", row.actor.as_str().into()),
        ("outcome", row.outcome.as_str().into()),
        ("org", look.org_name(row.org).into()),
        ("at", Val::Time(row.at)),
        ("leaf", Val::Number(row.seq as f64)),
    ]
}
