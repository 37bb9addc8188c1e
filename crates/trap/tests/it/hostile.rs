//! Clients that mean harm: garbage, silence, floods. Others must not notice.

use crate::bed::{self, has};
use crate::telnet::Client;
use logwire::attack::What;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

async fn all(stream: &mut TcpStream) -> Vec<u8> {
    let mut out = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut out)).await.expect("the trap did not close");
    out
}

/// A connection from one of many loopback addresses, so that the cap per address is not met first.
async fn from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 1, last)), 0)).unwrap();
    socket.connect(to).await.unwrap()
}

async fn first_byte(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    matches!(timeout(Duration::from_secs(20), stream.read(&mut byte)).await.unwrap(), Ok(1))
}

#[tokio::test]
async fn garbage_is_answered_as_the_claimed_server_answers_it() {
    let (centre, sensor, _dir) = bed::pair().await;
    let banner = b"SSH-2.0-OpenSSH_7.".as_slice();
    for (sent, answer) in [
        (b"GET / HTTP/1.0\r\n\r\n".as_slice(), "Protocol mismatch.\n"),
        (b"\x00\x01\x02\xff\n".as_slice(), "Protocol mismatch.\n"),
        (b"SSH-1.5-old\r\n".as_slice(), "Protocol major versions differ.\n"),
    ] {
        let mut stream = TcpStream::connect(sensor.ssh).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let said = all(&mut stream).await;
        assert!(said.starts_with(banner) && said.ends_with(answer.as_bytes()), "{}", String::from_utf8_lossy(&said));
    }
    // A right version line, then noise: the library ends it, the sensor goes on.
    let mut stream = TcpStream::connect(sensor.ssh).await.unwrap();
    stream.write_all(b"SSH-2.0-noise\r\n").await.unwrap();
    stream.write_all(&[0xa5; 4096]).await.unwrap();
    all(&mut stream).await;
    let events = centre.until("four ends", |e| bed::closed(e) == 4).await;
    assert!(has(&events, |w| matches!(w, What::Fingerprint { version, hassh: None } if version == "GET / HTTP/1.0")));
    assert!(has(&events, |w| matches!(w, What::Fingerprint { version, hassh: None } if version == "SSH-2.0-noise")));
    Client::connect(sensor.telnet).await.login().await;
    sensor.stop().await;
}

#[tokio::test]
async fn silent_slow_and_endless_clients_are_let_go() {
    let centre = crate::centre::Centre::prepare().await;
    centre.serve().await;
    let dir = bed::enrolled(&centre).await;
    let sensor = bed::start(trap::NodeConfig { idle_seconds: 1, session_seconds: 4, ..bed::settings(dir.path()) });
    let mut silent = TcpStream::connect(sensor.ssh).await.unwrap();
    let mut half = TcpStream::connect(sensor.ssh).await.unwrap();
    half.write_all(b"SSH-2.0-ha").await.unwrap();
    let mut mute = TcpStream::connect(sensor.telnet).await.unwrap();
    let drip = tokio::spawn(async move {
        let mut slow = TcpStream::connect(sensor.telnet).await.unwrap();
        let begun = tokio::time::Instant::now();
        while slow.write_all(b"x").await.is_ok() && begun.elapsed() < Duration::from_secs(20) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        begun.elapsed()
    });
    let flood = tokio::spawn(async move {
        let mut endless = TcpStream::connect(sensor.telnet).await.unwrap();
        while endless.write_all(&[b'y'; 4096]).await.is_ok() {}
    });
    for stream in [&mut silent, &mut half, &mut mute] {
        all(stream).await;
    }
    assert!(drip.await.unwrap() < Duration::from_secs(15), "a dripping client outlived the session's life");
    timeout(Duration::from_secs(20), flood).await.expect("an endless client was never let go").unwrap();
    sensor.stop().await;
}

#[tokio::test]
async fn caps_hold_and_places_come_back() {
    let (centre, sensor, _dir) = bed::pair().await;
    let mut one: Vec<TcpStream> = Vec::new();
    let mut inside = 0;
    for _ in 0..40 {
        let mut stream = from(1, sensor.ssh).await;
        inside += usize::from(first_byte(&mut stream).await);
        one.push(stream);
    }
    assert_eq!(inside, 32, "one address has its share");
    let mut many = Vec::new();
    for n in 0..600_u32 {
        let mut stream = from(u8::try_from(2 + n / 30).unwrap(), sensor.ssh).await;
        inside += usize::from(first_byte(&mut stream).await);
        many.push(stream);
    }
    assert_eq!(inside, 512, "the listener has its share");
    assert!(!first_byte(&mut from(200, sensor.ssh).await).await);
    // The other listener has its own places.
    Client::connect(sensor.telnet).await.login().await;
    drop((one, many));
    let end = tokio::time::Instant::now() + Duration::from_secs(20);
    while !first_byte(&mut from(201, sensor.ssh).await).await {
        assert!(tokio::time::Instant::now() < end, "no place came back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    centre
        .until("512 ends", |e| {
            e.iter().filter(|e| e.protocol == "ssh" && matches!(e.what, What::ConnClose { .. })).count() >= 512
        })
        .await;
    sensor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_leave_a_session_alone() {
    let (_centre, sensor, _dir) = bed::pair().await;
    let mut quiet = Client::connect(sensor.telnet).await;
    quiet.login().await;
    let mut storm = tokio::task::JoinSet::new();
    for worker in 0..20_u8 {
        let (ssh, telnet) = (sensor.ssh, sensor.telnet);
        storm.spawn(async move {
            for n in 0..500_u32 {
                let mut stream = from(20 + worker, if n % 2 == 0 { ssh } else { telnet }).await;
                // Also without success: the other side may have closed at once.
                let _ = stream.write_all(&n.to_be_bytes().repeat(64)).await;
            }
        });
    }
    let (mut slowest, storm_began) = (Duration::ZERO, tokio::time::Instant::now());
    while !storm.is_empty() {
        let begun = tokio::time::Instant::now();
        quiet.send("echo still here\r\n").await;
        quiet.until("still here\r\n~ # ").await;
        slowest = slowest.max(begun.elapsed());
        while let Some(ended) = storm.try_join_next() {
            ended.unwrap();
        }
        // A session ends after a thousand lines. The longer the storm takes, the longer are the pauses, so that a slow
        // machine does not get there.
        tokio::time::sleep(storm_began.elapsed() / 100).await;
    }
    assert!(slowest < Duration::from_secs(5), "the quiet session waited {slowest:?}");
    sensor.stop().await;
}
