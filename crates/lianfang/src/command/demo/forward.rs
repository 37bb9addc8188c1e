//! Carries the portal of a demo inside a user namespace to the host: TCP on the host, a socket file between, TCP inside.
//! A socket file belongs to no network namespace.

use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::exit::Failure;

/// A forward that ends with its handle.
pub(crate) struct Forward(JoinHandle<()>);

impl Drop for Forward {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where the two ends meet.
pub(crate) fn socket_file(data: &Path) -> PathBuf {
    data.join("portal.sock")
}

/// On the host: connections to `listen` go to the file.
pub(crate) async fn to_file(listen: &str, file: &Path) -> Result<Forward, Failure> {
    let socket =
        TcpListener::bind(listen).await.map_err(|error| Failure::refused(format!("cannot listen on {listen}: {error}")))?;
    let file = file.to_owned();
    Ok(Forward(tokio::spawn(async move {
        while let Ok((mut near, _)) = socket.accept().await {
            let file = file.clone();
            tokio::spawn(async move {
                if let Ok(mut far) = UnixStream::connect(&file).await {
                    // Either side may end first; both are closed then.
                    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    })))
}

/// Inside: connections to the file go to the portal.
pub(crate) fn from_file(file: &Path, portal: &str) -> Result<Forward, Failure> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::refused(format!("{}: {error}", folder.display())))?;
    }
    if file.exists() {
        std::fs::remove_file(file).map_err(|error| Failure::refused(format!("{}: {error}", file.display())))?;
    }
    let socket = UnixListener::bind(file).map_err(|error| Failure::refused(format!("{}: {error}", file.display())))?;
    let portal = portal.to_owned();
    Ok(Forward(tokio::spawn(async move {
        while let Ok((mut near, _)) = socket.accept().await {
            let portal = portal.clone();
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(&portal).await {
                    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_go_there_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let portal = echo.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = echo.accept().await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
        });
        let file = socket_file(dir.path());
        let _inside = from_file(&file, &portal).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let _outside = to_file(&free, &file).await.unwrap();
        let mut client = TcpStream::connect(&free).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        let mut back = [0; 5];
        client.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"hello");
    }
}
