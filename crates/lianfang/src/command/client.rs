//! Speaking to a running centre: one HTTPS client that trusts only the given authority.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::cli::Remote;
use crate::exit::Failure;

/// A client of one centre.
#[derive(Debug, Clone)]
pub(crate) struct Centre {
    client: Client,
    url: String,
    token: Option<String>,
    key: Option<String>,
}

impl Centre {
    /// A client for the centre that the flags name.
    pub(crate) fn of(remote: &Remote) -> Result<Self, Failure> {
        let token = remote.token_file.as_deref().map(read_token).transpose()?;
        let centre = Self::new(&remote.url, remote.ca.as_deref(), token)?;
        Ok(Self { key: remote.idempotency_key.clone(), ..centre })
    }

    /// A client for an address, an authority file and a token.
    pub(crate) fn new(url: &str, ca: Option<&Path>, token: Option<String>) -> Result<Self, Failure> {
        if !url.starts_with("https://") {
            return Err(Failure::usage(format!("--url {url}: an address of a centre starts with https://")));
        }
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(120))
            .user_agent(concat!("lianfang/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(path) = ca {
            let pem =
                std::fs::read(path).map_err(|error| Failure::usage(format!("--ca {}: {error}", path.display())))?;
            let roots = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| Failure::usage(format!("--ca {}: {error}", path.display())))?;
            builder = builder.tls_certs_only(roots);
        } else {
            builder = builder.tls_certs_only(Vec::<reqwest::Certificate>::new());
        }
        let client = builder.build().map_err(|error| Failure::refused(format!("cannot prepare HTTPS: {error}")))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token, key: None })
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A request to a path of the API; a command carries the key that was given.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let keyed = method == Method::POST;
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let (true, Some(key)) = (keyed, &self.key) {
            request = request.header("idempotency-key", format!("\"{key}\""));
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends and gives the answer when it is a success.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(problem(response).await)
    }

    /// Sends and reads JSON.
    pub(crate) async fn json(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        read(self.send(request).await?).await
    }

    /// One thing.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.json(self.request(Method::GET, path)).await
    }

    /// A command about the thing at `path` against the version of `row`; an answer without a body is an empty object.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        row: &Value,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let request = self.request(method, path).header("if-match", tag(row));
        self.done(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    /// Sends a command; an answer without a body is an empty object.
    pub(crate) async fn done(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request).await?;
        if response.status() == reqwest::StatusCode::NO_CONTENT {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        read(response).await
    }

    /// The row with this id of a list whose rows have no address of their own.
    pub(crate) async fn row(&self, path: &str, id: &str) -> Result<Value, Failure> {
        let rows = self.all(path, &[], 100_000).await?;
        rows.into_iter()
            .find(|row| row.get("id").and_then(Value::as_str) == Some(id))
            .ok_or_else(|| Failure::refused(format!("there is no {id} that you can see")))
    }

    /// Every row of a list, page by page, at most `most`.
    pub(crate) async fn all(&self, path: &str, query: &[(&str, &str)], most: usize) -> Result<Vec<Value>, Failure> {
        let mut rows = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut request = self.request(Method::GET, path).query(query).query(&[("limit", "500")]);
            if let Some(cursor) = &after {
                request = request.query(&[("after", cursor)]);
            }
            let page = self.json(request).await?;
            if let Some(items) = page.get("items").and_then(Value::as_array) {
                rows.extend(items.iter().cloned());
            }
            after = page.get("next").and_then(Value::as_str).map(str::to_owned);
            if after.is_none() || rows.len() >= most {
                rows.truncate(most);
                return Ok(rows);
            }
        }
    }

    /// Why the centre cannot be reached, with what to do.
    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Failure::refused(format!(
            "{} cannot be reached: {cause}; is the centre running, and is --ca its DATA/tls/ca.pem?",
            self.url
        ))
    }
}

async fn read(response: Response) -> Result<Value, Failure> {
    response.json().await.map_err(|error| Failure::refused(format!("the answer is not JSON: {error}")))
}

/// The ETag of a row that was read.
fn tag(row: &Value) -> String {
    format!("\"v{}\"", row.get("version").and_then(Value::as_u64).unwrap_or(0))
}

/// The problem of an answer as a failure.
pub(crate) async fn problem(response: Response) -> Failure {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or(Value::Null);
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (code, title, detail, action) = (word("code"), word("title"), word("detail"), word("action"));
    if code.is_empty() {
        return Failure::refused(format!("the centre answered {status}"));
    }
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    Failure::refused(format!("{code}: {title}{detail} {action}")).with_code(code)
}

/// The token in a file, without its line end.
pub(crate) fn read_token(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("--token-file {}: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}
