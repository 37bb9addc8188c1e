//! Commands that ask a running centre: organisations, tokens, sensors, points, indicators.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::{Enrol, Intel, Org, OrgAdd, Remote, Token, TokenCreate};
use crate::command::client::Centre;
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
            let mut org = centre.json(centre.request(Method::GET, &format!("/api/v1/orgs/{name}"))).await?;
            let parts = centre.json(centre.request(Method::GET, &format!("/api/v1/orgs/{name}/parts"))).await?;
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
        Org::End { remote, name } => {
            let centre = Centre::of(&remote)?;
            let path = format!("/api/v1/orgs/{name}");
            let org = centre.json(centre.request(Method::GET, &path)).await?;
            centre.send(centre.request(Method::DELETE, &path).header("if-match", tag(&org))).await?;
            show(remote.json, &json!({"name": name, "ended": true}), |_| format!("organisation {name} ended"));
            Ok(())
        }
    }
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

/// `lianfang token ...`
pub(crate) async fn token(command: Token) -> Result<(), Failure> {
    match command {
        Token::Create(args) => token_create(args).await,
        Token::List { remote } => {
            let rows = Centre::of(&remote)?.all("/api/v1/tokens", &[], 100_000).await?;
            let columns = [
                ("NAME", "name"),
                ("SCOPES", "scopes"),
                ("LAST USED", "last_used"),
                ("REVOKED", "revoked_at"),
                ("ID", "id"),
            ];
            output::rows(remote.json, &rows, &columns);
            Ok(())
        }
        Token::Revoke { remote, id } => {
            let centre = Centre::of(&remote)?;
            centre.send(centre.request(Method::DELETE, &format!("/api/v1/tokens/{id}"))).await?;
            show(remote.json, &json!({"id": id, "revoked": true}), |_| format!("token {id} revoked"));
            Ok(())
        }
    }
}

async fn token_create(args: TokenCreate) -> Result<(), Failure> {
    let centre = Centre::of(&args.remote)?;
    let body = json!({"name": args.name, "scopes": args.scopes, "org": args.org, "days": args.days});
    let mut made = centre.json(centre.request(Method::POST, "/api/v1/tokens").json(&body)).await?;
    if let Some(path) = &args.out {
        api::pki::write_secret(path, word(&made, "secret"))?;
        if let Some(object) = made.as_object_mut() {
            object.remove("secret");
            object.insert("file".into(), json!(path));
        }
    }
    show(args.remote.json, &made, |made| {
        let secret = made.get("secret").and_then(Value::as_str).unwrap_or("(written to the file)");
        format!("token {} ({}), shown once:\n{secret}", word(made, "name"), word(made, "id"))
    });
    Ok(())
}

/// A one-time code for a sensor (`sensors`) or an enforcement point (`points`).
pub(crate) async fn enrol_code(kind: &str, args: &Enrol) -> Result<(), Failure> {
    let org = args
        .org
        .as_deref()
        .ok_or_else(|| Failure::usage("--org is needed to make a code (or --code to enrol this machine)"))?;
    let name = args.name.as_deref().ok_or_else(|| Failure::usage("--name is needed to make a code"))?;
    let centre = Centre::of(&args.remote)?;
    let request =
        centre.request(Method::POST, &format!("/api/v1/{kind}/codes")).json(&json!({"org": org, "name": name}));
    let mut made = centre.json(request).await?;
    let verb = if kind == "sensors" { "sensor" } else { "edge" };
    let command = format!("lianfang {verb} enrol --url {} --ca ca.pem --code {}", args.remote.url, word(&made, "code"));
    if let Some(object) = made.as_object_mut() {
        object.insert("command".into(), json!(command));
    }
    show(args.remote.json, &made, |made| {
        format!(
            "one-time code {} (until {})\non the machine:  {}",
            word(made, "code"),
            word(made, "ends_at"),
            word(made, "command")
        )
    });
    Ok(())
}

/// `lianfang sensor list`
pub(crate) async fn sensors(remote: &Remote) -> Result<(), Failure> {
    let rows = Centre::of(remote)?.all("/api/v1/sensors", &[], 100_000).await?;
    output::rows(
        remote.json,
        &rows,
        &[("NAME", "name"), ("KIND", "kind"), ("STATE", "state"), ("LAST HEARD", "last_heard"), ("ID", "id")],
    );
    Ok(())
}

/// `lianfang edge points`
pub(crate) async fn points(remote: &Remote) -> Result<(), Failure> {
    let rows = Centre::of(remote)?.all("/api/v1/points", &[], 100_000).await?;
    let columns = [
        ("NAME", "name"),
        ("DRIVER", "driver"),
        ("STATE", "state"),
        ("ENFORCED", "elements"),
        ("VERIFIED", "verified"),
        ("ID", "id"),
    ];
    output::rows(remote.json, &rows, &columns);
    Ok(())
}

/// `lianfang intel ...`
pub(crate) async fn intel(command: Intel) -> Result<(), Failure> {
    match command {
        Intel::Search { remote, query, limit } => intel_search(&remote, &query.join(" "), limit).await,
        Intel::Draft { remote, value, org, tlp, description, hours } => {
            let centre = Centre::of(&remote)?;
            let body = json!({"value": value, "org": org, "tlp": tlp, "description": description, "hours": hours});
            let made = centre.json(centre.request(Method::POST, "/api/v1/indicators").json(&body)).await?;
            show(remote.json, &made, |made| format!("{} drafted, id {}", word(made, "value"), word(made, "id")));
            Ok(())
        }
        Intel::Submit { remote, id } => intel_move(&remote, &id, "submit", &json!({})).await,
        Intel::Revoke { remote, id, reason } => intel_move(&remote, &id, "revoke", &json!({"reason": reason})).await,
    }
}

/// A step of an indicator against the version that was just read.
async fn intel_move(remote: &Remote, id: &str, verb: &str, body: &Value) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    let path = format!("/api/v1/indicators/{id}");
    let before = centre.json(centre.request(Method::GET, &path)).await?;
    let tag = tag(before.get("indicator").unwrap_or(&Value::Null));
    let request = centre.request(Method::POST, &format!("{path}/{verb}")).header("if-match", tag).json(body);
    let after = centre.json(request).await?;
    show(remote.json, &after, |after| format!("{}: {}", word(after, "value"), word(after, "state")));
    Ok(())
}

async fn intel_search(remote: &Remote, text: &str, limit: u32) -> Result<(), Failure> {
    let most = usize::try_from(limit).unwrap_or(100);
    let rows = Centre::of(remote)?.all("/api/v1/indicators", &[("q", text)], most).await?;
    let columns = [
        ("VALUE", "value"),
        ("KIND", "value_kind"),
        ("STATE", "state"),
        ("SCORE", "score"),
        ("UNTIL", "valid_until"),
        ("ID", "id"),
    ];
    output::rows(remote.json, &rows, &columns);
    if remote.json {
        output::line(&json!({"kind": "summary", "indicators": rows.len()}).to_string());
    }
    Ok(())
}

/// The ETag of a row that was read.
fn tag(row: &Value) -> String {
    format!("\"v{}\"", row.get("version").and_then(Value::as_u64).unwrap_or(0))
}

/// A text field; empty when it is not there.
pub(crate) fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// One thing, as JSON or in words.
pub(crate) fn show(json: bool, value: &Value, text: impl Fn(&Value) -> String) {
    if json {
        let value = if value.is_object() { value.clone() } else { Value::Object(Map::new()) };
        output::line(&value.to_string());
    } else {
        output::line(&text(value));
    }
}
