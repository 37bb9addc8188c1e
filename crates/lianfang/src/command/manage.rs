//! Commands that ask a running centre about tokens, sensors and points, and how answers are shown.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::{Enrol, Remote, Token, TokenCreate};
use crate::command::client::Centre;
use crate::exit::Failure;
use crate::output;

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

/// `lianfang sensor revoke`, `lianfang edge revoke`: `kind` is `sensors` or `points`.
pub(crate) async fn revoke(remote: &Remote, kind: &str, id: &str) -> Result<(), Failure> {
    let centre = Centre::of(remote)?;
    centre.send(centre.request(Method::DELETE, &format!("/api/v1/{kind}/{id}"))).await?;
    show(remote.json, &json!({"id": id, "revoked": true}), |_| format!("{id} revoked"));
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
