//! A connection over a socket file carries bytes both ways and ends with its ends.

use drivers::netns::relay;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_relay_carries_bytes_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portal.sock");
    let cancel = CancellationToken::new();
    let portal = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap();
    let inner = UnixListener::bind(&file).unwrap();
    let inside = tokio::spawn(relay::inside(inner, portal.local_addr().unwrap(), cancel.clone()));
    let outside = tokio::spawn(relay::outside(door, file, cancel.clone()));

    let mut browser = TcpStream::connect(address).await.unwrap();
    let (mut page, _) = portal.accept().await.unwrap();
    let request = vec![7_u8; 100_000];
    let (sent, mut got) = (request.clone(), vec![0_u8; 100_000]);
    let (_, read) = tokio::join!(async { browser.write_all(&sent).await.unwrap() }, page.read_exact(&mut got));
    read.unwrap();
    assert_eq!(got, request);
    page.write_all(b"answer").await.unwrap();
    drop(page);
    let mut answer = Vec::new();
    browser.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");

    drop(portal);
    let mut refused = TcpStream::connect(address).await.unwrap();
    assert!(matches!(refused.read(&mut [0; 8]).await, Ok(0) | Err(_)), "nobody is behind the relay any more");
    cancel.cancel();
    assert!(inside.await.unwrap().is_ok() && outside.await.unwrap().is_ok());
}
