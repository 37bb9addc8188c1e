//! The desk: one module per room. Each draws its pages from loaded facts (pure), and has thin handlers that load them.

pub(crate) mod attack;
pub(crate) mod audit;
pub(crate) mod automatic;
pub(crate) mod bulk;
pub(crate) mod campaign;
pub(crate) mod directive;
pub(crate) mod enrol;
pub(crate) mod finding;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod indicator;
pub(crate) mod job;
pub(crate) mod me;
pub(crate) mod night;
pub(crate) mod org;
pub(crate) mod people;
pub(crate) mod point;
pub(crate) mod quarantine;
pub(crate) mod saved;
pub(crate) mod search;
pub(crate) mod sensor;
pub(crate) mod session;
pub(crate) mod silence;
pub(crate) mod wall;

use base::PersonId;
use events::sensor::Factor;
use text::names;

use crate::view::look::percent;
use crate::view::{Cell, Column, Empty, Form, Look, Table};
use crate::web::visit::Signed;

/// The name of a person the reader may see; none otherwise.
pub(crate) async fn person_name(v: &Signed, id: PersonId) -> Option<String> {
    if id == access::BOOTSTRAP {
        return Some(v.look().t.people.bootstrap.to_owned());
    }
    if Some(id) == v.caller.person() {
        return v.caller.face().map(|face| face.name.clone());
    }
    v.ctx().access.name_of(&v.caller, id).await.ok().flatten()
}

/// A form of this person with nothing in it yet.
pub(crate) fn blank(v: &Signed) -> Form {
    Form {
        t: v.look().t,
        id: String::new(),
        action: String::new(),
        csrf: v.visit.token(),
        fields: Vec::new(),
        submit: String::new(),
        style: "",
        across: false,
        key: "",
    }
}

/// The factors of a score: what was measured and what it adds.
pub(crate) fn factors(look: &Look, factors: &[Factor]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("factor", t.intel.factor),
        Column::num("input", t.intel.input),
        Column::new("part", t.intel.part),
    ];
    Table::new(t, "factors-table", t.intel.factors, columns, Empty::new(t.list.none_title, "")).rows(
        factors.iter().map(|factor| {
            vec![
                Cell::text(names::factor(look.lang(), &factor.name).unwrap_or(&factor.name)),
                Cell::text(short(factor.input)),
                Cell::Score { percent: percent(factor.part), big: false },
            ]
        }),
    )
}

/// What speaks for an attack on somebody (above zero) and for noise (below).
pub(crate) fn signs(look: &Look, signs: &[Factor]) -> Table {
    let t = look.t;
    let columns = vec![
        Column::new("factor", t.intel.factor),
        Column::num("input", t.intel.input),
        Column::num("part", t.attack.weight),
    ];
    let empty = Empty::new(t.attack.no_signs, "");
    Table::new(t, "signs-table", t.attack.aim_why, columns, empty).rows(signs.iter().map(|sign| {
        vec![
            Cell::text(names::sign(look.lang(), &sign.name).unwrap_or(&sign.name)),
            Cell::text(short(sign.input)),
            Cell::text(format!("{:+.2}", sign.part)),
        ]
    }))
}

/// A measured number without needless digits.
fn short(value: f64) -> String {
    if value.fract().abs() < 1e-9 { format!("{value:.0}") } else { format!("{value:.2}") }
}
