//! Hostile clients of the doors: bombs, oversized and malformed bodies, wrong encodings, slow heads, resets.

use std::io::Write;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::centre::Centre;

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded_and_refused_with_a_code() {
    let centre = Centre::start(None).await;
    centre.json(&["org", "add", "north-power", "--json"]);
    let url = format!("{}/api/v1/ingest/cowrie?org=north-power", centre.url());
    let send = async |encoding: &'static str, body: Vec<u8>| {
        let request =
            centre.client().post(&url).bearer_auth(centre.token()).header("content-encoding", encoding).body(body);
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let body: serde_json::Value = response.json().await.unwrap_or_default();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let zeros = vec![0_u8; 200 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&zeros).unwrap();
    assert_eq!(send("gzip", gzip.finish().unwrap()).await, (413, "LF-API-0007".to_owned()));
    assert_eq!(send("zstd", zstd::bulk::compress(&zeros, 1).unwrap()).await, (413, "LF-API-0007".to_owned()));
    assert_eq!(send("br", b"x".to_vec()).await, (415, "LF-API-0008".to_owned()));
    assert_eq!(send("gzip", b"not gzip at all".to_vec()).await, (415, "LF-API-0008".to_owned()));
    let (status, _) = send("identity", vec![b'x'; 40 << 20]).await;
    assert_eq!(status, 413, "more than the door takes");
    // One line of a megabyte, bad UTF-8, deep nesting, NUL: each is one rejected line, the good one is taken.
    let good = r#"{"eventid":"cowrie.session.connect","session":"a","src_ip":"198.51.100.1","src_port":1,"dst_port":22,"protocol":"ssh","sensor":"p","timestamp":"2026-11-20T01:00:00.000000Z"}"#;
    let mut lines = vec![b'y'; 1 << 20];
    lines.extend_from_slice(b"\n\xff\xfe\n");
    lines.extend_from_slice("[".repeat(5_000).as_bytes());
    lines.extend_from_slice(b"\n{\"eventid\":\"\0\"}\n");
    lines.extend_from_slice(good.as_bytes());
    let response = centre.client().post(&url).bearer_auth(centre.token()).body(lines).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let answer: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&1.into(), &4.into()), "{answer}");
    for reason in answer["reasons"].as_array().unwrap() {
        assert!(reason["code"].as_str().unwrap().starts_with("LF-"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_broken_connections_disturb_nobody() {
    let centre = Centre::start(None).await;
    let address = centre.url().trim_start_matches("https://").to_owned();
    // 300 connections that say nothing, 100 that speak nonsense, 100 that reset at once.
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    for n in 0..200 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n\xff\x00\xff").await.unwrap();
        } else {
            stream.set_zero_linger().unwrap();
        }
    }
    let answer = tokio::time::timeout(Duration::from_secs(5), centre.get("/api/v1/me")).await;
    assert!(answer.is_ok(), "others are served while 300 connections wait");
    drop(silent);
}
