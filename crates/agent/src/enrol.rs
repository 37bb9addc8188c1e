//! Enrolment: a one-time code becomes a key that never leaves the point and a certificate of the centre.

use base::PointId;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

use crate::error::AgentError;
use crate::identity::{Identity, signing_key};
use crate::tls::{self, EnrolTrust};

/// An answer of the centre has no more bytes.
const ANSWER_MOST: usize = 256 * 1_024;

#[derive(Serialize)]
struct Request<'a> {
    code: &'a str,
    csr_pem: &'a str,
    driver: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    id: PointId,
    certificate_pem: String,
    ca_pem: String,
    machine_url: String,
    signing_key: String,
}

/// Enrols this point: makes a key, asks `centre_url` for a certificate with the one-time `code`, and writes the
/// identity into `folder`. `driver` is `nft` or `file`.
///
/// # Errors
/// `LF-AGT-0103` when the centre cannot be reached, `LF-AGT-0104` when it refuses, `LF-AGT-0102` when the folder
/// cannot be written.
pub async fn enrol(
    centre_url: &str,
    code: &str,
    driver: &str,
    trust: &EnrolTrust,
    folder: &Path,
) -> Result<Identity, AgentError> {
    let key = KeyPair::generate().map_err(AgentError::key)?;
    let mut params = CertificateParams::default();
    // The centre puts the real subject in; the request only proves that the key is ours.
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "edge");
    let csr_pem = params.serialize_request(&key).and_then(|csr| csr.pem()).map_err(AgentError::key)?;

    let url = format!("{}/api/v1/enrol/edge", centre_url.trim_end_matches('/'));
    let client = client(tls::enrolling(trust)?)?;
    let answer = client
        .post(url)
        .json(&Request { code: code.trim(), csr_pem: &csr_pem, driver })
        .timeout(Duration::from_secs(20))
        .send()
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    let body = bounded(answer).await?;
    if !status.is_success() {
        let detail = base::code::excerpt(&String::from_utf8_lossy(&body));
        return Err(AgentError::Refused { status: status.as_u16(), detail });
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|error| AgentError::Centre(error.to_string()))?;
    let identity = Identity {
        id: answer.id,
        machine_url: answer.machine_url,
        signing_key: signing_key(&answer.signing_key)?,
        key_pem: key.serialize_pem(),
        certificate_pem: answer.certificate_pem,
        ca_pem: answer.ca_pem,
    };
    // A certificate for another key, or an authority that is none, is found now and not at the first start.
    tls::enrolled(&identity)?;
    identity.save(folder)?;
    Ok(identity)
}

/// A client with our TLS: no proxy, no redirect, no waiting for ever.
pub(crate) fn client(tls: rustls::ClientConfig) -> Result<reqwest::Client, AgentError> {
    let h2 = tls.alpn_protocols == [b"h2".to_vec()];
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .user_agent(concat!("lianfang-edge/", env!("CARGO_PKG_VERSION")));
    if h2 {
        builder = builder
            .http2_prior_knowledge()
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .http2_keep_alive_while_idle(true);
    }
    builder.build().map_err(|error| AgentError::Centre(error.to_string()))
}

/// The error with its whole chain: reqwest's own text says too little.
#[allow(clippy::needless_pass_by_value, reason = "used as map_err(unreachable)")]
pub(crate) fn unreachable(error: reqwest::Error) -> AgentError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    AgentError::Centre(text)
}

/// The body of an answer, cut off at a limit.
pub(crate) async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, AgentError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_MOST {
            return Err(AgentError::Centre("the answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
