//! `lianfang org ...`

use reqwest::Method;
use serde_json::{Value, json};

use crate::cli::{Org, OrgAdd, OrgSet, PartKind, Remote};
use crate::command::client::Centre;
use crate::command::manage::{show, word};
use crate::exit::Failure;
use crate::output;

/// `lianfang org ...`
pub(crate) async fn org(command: Org) -> Result<(), Failure> {
    match command {
        Org::List { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/orgs", &[], 100_000).await?;
            output::rows(
                remote.json,
                &rows,
                &[("NAME", "name"), ("KIND", "kind"), ("ZH", "zh"), ("EN", "en"), ("ID", "id")],
            );
            Ok(())
        }
        Org::Add(args) => org_add(args).await,
        Org::Show { remote, name } => {
            let centre = Centre::of(&remote)?;
            let mut org = centre.get(&format!("/api/v1/orgs/{name}")).await?;
            let parts = centre.get(&format!("/api/v1/orgs/{name}/parts")).await?;
            if let Some(object) = org.as_object_mut() {
                object.insert("parts".into(), parts);
            }
            show(remote.json, &org, |org| format!("{org:#}"));
            Ok(())
        }
        Org::AddPart { remote, name, network, domain, asn } => {
            let centre = Centre::of(&remote)?;
            let body = json!({"network": network, "domain": domain, "asn": asn});
            let request = centre.request(Method::POST, &format!("/api/v1/orgs/{name}/belongings")).json(&body);
            let made = centre.json(request).await?;
            show(remote.json, &made, |made| format!("registered, id {}", word(made, "id")));
            Ok(())
        }
        Org::Set(args) => org_set(args).await,
        Org::EndPart { remote, name, kind, id } => end_part(&remote, &name, kind, &id).await,
        Org::AddContact { remote, name, who, role, mail, telephone } => {
            let centre = Centre::of(&remote)?;
            let body = json!({"name": who, "role": role, "mail": mail, "telephone": telephone});
            let request = centre.request(Method::POST, &format!("/api/v1/orgs/{name}/contacts")).json(&body);
            let made = centre.json(request).await?;
            show(remote.json, &made, |made| format!("contact added, id {}", word(made, "id")));
            Ok(())
        }
        Org::Whose { remote, address } => {
            let centre = Centre::of(&remote)?;
            let request = centre.request(Method::GET, "/api/v1/whose").query(&[("address", &address)]);
            let found = centre.json(request).await?;
            show(remote.json, &found, |found| match found.get("org").filter(|org| org.is_object()) {
                Some(org) => format!("{} ({})", word(org, "name"), word(found, "network")),
                None => "nobody's that you can see".to_owned(),
            });
            Ok(())
        }
        Org::End { remote, name } => {
            let centre = Centre::of(&remote)?;
            let path = format!("/api/v1/orgs/{name}");
            let org = centre.get(&path).await?;
            centre.change(Method::DELETE, &path, &org, None).await?;
            show(remote.json, &json!({"name": name, "ended": true}), |_| format!("organisation {name} ended"));
            Ok(())
        }
    }
}

async fn org_set(args: OrgSet) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let path = format!("/api/v1/orgs/{}", args.name);
    let before = centre.get(&path).await?;
    let wanted = json!({
        "zh": args.zh, "en": args.en, "kind": args.kind, "sector": args.sector, "criticality": args.criticality,
        "level": args.level,
    });
    let after = centre.change(Method::PATCH, &path, &before, Some(&wanted)).await?;
    show(args.remote.json, &after, |after| format!("organisation {} set", word(after, "name")));
    Ok(())
}

async fn end_part(remote: &Remote, name: &str, kind: PartKind, id: &str) -> Result<(), Failure> {
    let (list, path) = match kind {
        PartKind::Network => ("networks", "parts/network"),
        PartKind::Domain => ("domains", "parts/domain"),
        PartKind::Asn => ("asns", "parts/asn"),
        PartKind::Circuit => ("circuits", "parts/circuit"),
        PartKind::Contact => ("contacts", "contacts"),
    };
    let centre = Centre::of(remote)?;
    let org = format!("/api/v1/orgs/{name}");
    let parts = centre.get(&format!("{org}/parts")).await?;
    let rows = parts.get(list).and_then(Value::as_array);
    let row = rows.and_then(|rows| rows.iter().find(|row| word(row, "id") == id));
    let row = row.ok_or_else(|| Failure::refused(format!("{name} has no part {id} of that kind that you can see")))?;
    centre.change(Method::DELETE, &format!("{org}/{path}/{id}"), row, None).await?;
    show(remote.json, &json!({"id": id, "ended": true}), |_| format!("{id} ended"));
    Ok(())
}

async fn org_add(args: OrgAdd) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let body = json!({
        "name": args.name,
        "zh": args.zh,
        "en": args.en,
        "kind": args.kind,
        "parent": args.parent,
        "networks": args.networks,
    });
    let made = centre.json(centre.request(Method::POST, "/api/v1/orgs").json(&body)).await?;
    show(args.remote.json, &made, |made| format!("organisation {} added, id {}", word(made, "name"), word(made, "id")));
    Ok(())
}
