//! Machines from outside: enrolment, mutual TLS, replayed and reordered batches, revoked certificates.

use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::centre::{Centre, each_store};

/// A sensor or an enforcement point made by hand: a key, a certificate, a client.
pub(crate) struct Sensor {
    pub(crate) id: String,
    /// What enrolment answered.
    pub(crate) papers: Value,
    client: reqwest::Client,
    url: String,
}

impl Sensor {
    pub(crate) async fn enrol(centre: &Centre, name: &str) -> Self {
        Self::enrol_as(centre, "sensor", name).await
    }

    /// As a `sensor` or as an `edge` that keeps plain lists.
    pub(crate) async fn enrol_as(centre: &Centre, kind: &str, name: &str) -> Self {
        let code = centre.json(&[kind, "enrol", "--org", "north-power", "--name", name, "--json"]);
        let key = KeyPair::generate().unwrap();
        let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let body = json!({"code": code["code"], "csr_pem": csr, "driver": (kind == "edge").then_some("file")});
        let url = format!("{}/api/v1/enrol/{kind}", centre.url());
        let response = centre.client().post(&url).json(&body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 201);
        let answer: Value = response.json().await.unwrap();
        let again = centre.client().post(&url).json(&body).send().await.unwrap();
        assert!(again.status().is_client_error(), "a code works once");
        let pem = format!("{}{}", answer["certificate_pem"].as_str().unwrap(), key.serialize_pem());
        let roots = reqwest::Certificate::from_pem_bundle(answer["ca_pem"].as_str().unwrap().as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only(roots)
            .identity(reqwest::Identity::from_pem(pem.as_bytes()).unwrap())
            .no_proxy()
            .build()
            .unwrap();
        let id = answer["id"].as_str().unwrap().to_owned();
        Self { id, papers: answer, client, url: centre.machine_url() }
    }

    /// Tells the centre something; the status it answers.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> u16 {
        self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn batch(&self, first: u64, lines: &[String]) -> (u16, Value) {
        let response = self
            .client
            .post(format!("{}/sensor/v1/batch", self.url))
            .header("lianfang-epoch", "1")
            .header("lianfang-seq", first.to_string())
            .body(lines.join("\n"))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }
}

fn event(n: u64) -> String {
    json!({"at": "2026-11-20T01:00:00Z", "session": format!("s{}", n / 2), "src_ip": "198.51.100.9", "src_port": 4000,
        "dst_port": 22, "protocol": "ssh", "transport": "tcp", "kind": "auth.attempt", "user": "root",
        "password": format!("p{n}"), "method": "password", "success": false})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_replayed_reordered_overlapping_count_once() {
    each_store(async |store| {
        let centre = Centre::start(store).await;
        centre.json(&["org", "add", "north-power", "--json"]);
        let sensor = Sensor::enrol(&centre, "by-hand").await;
        let lines = |from: u64, to: u64| (from..=to).map(event).collect::<Vec<_>>();
        // Out of order: 11-20 before 1-10, an overlap, a replay.
        assert_eq!(sensor.batch(11, &lines(11, 20)).await.1["ack"], 0);
        let (status, answer) = sensor.batch(1, &lines(1, 10)).await;
        assert_eq!((status, &answer["ack"], &answer["accepted"]), (200, &json!(20), &json!(10)));
        let (_, overlap) = sensor.batch(16, &lines(16, 25)).await;
        assert_eq!((&overlap["ack"], &overlap["accepted"], &overlap["duplicate"]), (&json!(25), &json!(5), &json!(5)));
        let (_, replay) = sensor.batch(1, &lines(1, 25)).await;
        assert_eq!((&replay["accepted"], &replay["duplicate"]), (&json!(0), &json!(25)));
        // A broken line is named and does not stop the others.
        let (_, mixed) = sensor.batch(26, &[event(26), "{\"at\":".to_owned(), event(28)]).await;
        assert_eq!(
            (&mixed["ack"], &mixed["accepted"], &mixed["rejected"][0]["line"]),
            (&json!(28), &json!(2), &json!(2))
        );
        assert_eq!(centre.settled_events(27).await, 27);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_open_their_own_door_until_revoked() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let sensor = Sensor::enrol(&centre, "by-hand").await;
    let frames = sensor.client.get(format!("{}/edge/v1/frames", sensor.url)).send().await.unwrap();
    assert_eq!(frames.status().as_u16(), 403, "a sensor's certificate is none of an enforcement point");
    let bare = centre.client().get(format!("{}/edge/v1/frames", sensor.url)).send().await;
    assert!(bare.is_err(), "the machine listener wants a certificate");
    let api = sensor.client.get(format!("{}/api/v1/sessions", sensor.url)).send().await.unwrap();
    assert_eq!(api.status().as_u16(), 404, "the machine listener has no API");
    assert_eq!(sensor.batch(1, &[event(1)]).await.0, 200);
    let revoke = centre.client().delete(format!("{}/api/v1/sensors/{}", centre.url(), sensor.id));
    assert_eq!(revoke.bearer_auth(centre.token()).send().await.unwrap().status().as_u16(), 204);
    assert_eq!(sensor.batch(2, &[event(2)]).await.0, 403, "revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firewall_pulls_its_list_with_a_certificate() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    centre.json(&["block", "add", "8.8.4.4", "--hours", "2", "--reason", "scans", "--json"]);
    let firewall = Sensor::enrol_as(&centre, "edge", "gateway").await;
    let list = format!("{}/feeds/block-ip.txt", firewall.url);
    let first = firewall.client.get(&list).send().await.unwrap();
    assert_eq!(first.status().as_u16(), 200);
    let tag = first.headers()["etag"].clone();
    assert!(first.text().await.unwrap().lines().any(|line| line == "8.8.4.4"));
    let second = firewall.client.get(&list).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(second.status().as_u16(), 304);
    let sensor = Sensor::enrol(&centre, "trap").await;
    let refused = sensor.client.get(&list).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 403, "a sensor reads no feed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_not_renewed_early_and_never_after_revocation() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let sensor = Sensor::enrol(&centre, "by-hand").await;
    let door = format!("{}/sensor/v1/certificate", sensor.url);
    let standing: Value = sensor.client.get(&door).send().await.unwrap().json().await.unwrap();
    assert_eq!(standing["renew"], json!(false), "{standing}");
    let csr = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap();
    let ask = || sensor.client.post(&door).json(&json!({ "csr_pem": csr })).send();
    let early = ask().await.unwrap();
    assert_eq!(early.status().as_u16(), 409);
    assert_eq!(early.json::<Value>().await.unwrap()["code"], "LF-API-0026");
    let other = sensor.client.post(format!("{}/edge/v1/certificate", sensor.url)).json(&json!({ "csr_pem": csr }));
    assert_eq!(other.send().await.unwrap().status().as_u16(), 403, "the door of another kind");
    let revoke = centre.client().delete(format!("{}/api/v1/sensors/{}", centre.url(), sensor.id));
    assert_eq!(revoke.bearer_auth(centre.token()).send().await.unwrap().status().as_u16(), 204);
    assert_eq!(ask().await.unwrap().status().as_u16(), 403, "revoked");
}
