//! Enrolment of machines: a one-time code and the line to paste; shown once.

use access::MachineKind;
use axum::extract::Path;

use crate::error::{Answer, Fail};
use crate::view::{Body, Cell, Choice, Crumb, Facts, Field, Form, Head, Panel, Row};
use crate::web::visit::Signed;
use crate::web::{Posted, answer};

/// The form that makes a code.
///
/// # Errors
/// Those of the registry.
pub(crate) async fn form(v: &Signed, kind: MachineKind) -> Result<Form, Fail> {
    let t = v.look().t;
    Ok(Form {
        id: "enrol".into(),
        action: format!("/enrol/{}", kind.word()),
        fields: vec![
            Field::line("name", t.sensors.name),
            Field::one("org", t.sensors.org, org_choices(v, Some(v.caller.org())).await?),
        ],
        submit: t.sensors.enrol_make.to_owned(),
        style: "primary",
        ..super::blank(v)
    })
}

/// Organisations to choose from, as far as the person sees them.
pub(crate) async fn org_choices(v: &Signed, chosen: Option<base::OrgId>) -> Result<Vec<Choice>, Fail> {
    let look = v.look();
    let nodes = v.ctx().registry.tree(v.clearance()).await?;
    let choice = |node: &registry::TreeNode| {
        let indent = "\u{3000}".repeat(node.depth);
        Choice::new(
            node.org.id.to_string(),
            format!("{indent}{}", look.org_name(node.org.id)),
            Some(node.org.id) == chosen,
        )
    };
    Ok(nodes.iter().map(choice).collect())
}

/// `POST /enrol/{kind}`: the code stands on this answer only.
pub(crate) async fn make(v: Signed, Path(kind): Path<String>, form: Posted) -> Answer {
    let look = v.look();
    let t = look.t;
    let kind = MachineKind::from_word(&kind).ok_or_else(Fail::no_page)?;
    let code = v.ctx().access.enrol_code_create(&v.caller, kind, form.parsed("org")?, form.need("name")?).await?;
    let address = &v.ctx().identity.address;
    let line = format!("lianfang {} enrol --url {address} --ca ca.pem --code {}", kind.word(), code.code.as_str());
    let (title, lead, back, back_title) = match kind {
        MachineKind::Sensor => (t.sensors.enrol, t.sensors.enrol_lead, "/sensors", t.nav.sensors),
        MachineKind::Edge => (t.edge.enrol, t.edge.enrol_lead, "/points", t.nav.points),
    };
    let facts = Facts::tall(vec![
        (t.sensors.enrol_code, Cell::mono(code.code.as_str())),
        (t.sensors.enrol_until, look.age(code.ends_at)),
        (t.admin.certificate, Cell::link("/ca.pem", "ca.pem")),
    ]);
    let body = vec![
        Body::Note { tone: "warn", text: t.admin.once.to_owned() },
        Body::Text(t.sensors.enrol_command.to_owned()),
        Body::Command { t, text: line },
        Body::Facts(facts),
    ];
    let rows = vec![Row::Full(Panel::new("code", title, body).lead(lead))];
    answer::page(&v, Head::new(title, ""), vec![Crumb::new(back, back_title)], rows)
}
