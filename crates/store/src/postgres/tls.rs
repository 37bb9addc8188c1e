//! TLS to a PostgreSQL server on another machine: always verified, against the certificates the connection text names.
//!
//! `sslrootcert=FILE` in the connection text turns it on. Without it only a server on this machine is spoken to, unless
//! the text says `sslmode=disable` in so many words.

use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

use crate::error::StoreError;

const ROOT: &str = "sslrootcert=";

/// How connections are made: in the clear on this machine, or with these roots.
#[derive(Debug, Clone)]
pub(super) struct Tls(Option<Arc<ClientConfig>>);

/// Reads a connection text.
pub(super) fn parse(text: &str) -> Result<(Config, Tls), StoreError> {
    let (text, roots) = take_roots(text);
    let mut config: Config = text.parse().map_err(|e| StoreError::Database(format!("connection text: {e}")))?;
    let Some(file) = roots else {
        if config.get_ssl_mode() != SslMode::Disable && !is_local(&config) {
            let why = "a PostgreSQL server on another machine needs sslrootcert=FILE (or sslmode=disable)";
            return Err(StoreError::Refused(why.into()));
        }
        config.ssl_mode(SslMode::Disable);
        return Ok((config, Tls(None)));
    };
    config.ssl_mode(SslMode::Require);
    let bad = |why: String| StoreError::Database(format!("{ROOT}{file}: {why}"));
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(|e| bad(e.to_string()))? {
        roots.add(certificate.map_err(|e| bad(e.to_string()))?).map_err(|e| bad(e.to_string()))?;
    }
    let client = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| bad(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((config, Tls(Some(Arc::new(client)))))
}

/// The text without its `sslrootcert`, which the driver does not know, and the file it named.
fn take_roots(text: &str) -> (String, Option<String>) {
    let Some((before, after)) = text.split_once(ROOT) else { return (text.to_owned(), None) };
    let end = after.find([' ', '&']).unwrap_or(after.len());
    let (file, rest) = after.split_at_checked(end).unwrap_or((after, ""));
    (format!("{before}{}", rest.trim_start_matches('&')), Some(file.trim_matches('\'').to_owned()))
}

fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|addr: IpAddr| addr.is_loopback()),
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

impl<S> MakeTlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        // The driver asks for this even when it will speak in the clear, with an empty name for a socket.
        Ok(Handshake { config: self.0.clone(), host: host.to_owned() })
    }
}

/// A handshake about to begin.
pub(super) struct Handshake {
    config: Option<Arc<ClientConfig>>,
    host: String,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let config = self.config.ok_or_else(|| io::Error::other("TLS without sslrootcert"))?;
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Encrypted(tokio_rustls::TlsConnector::from(config).connect(name, stream).await?))
        })
    }
}

/// The driver's stream inside TLS.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        // The server is known by its certificate already.
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls_pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[test]
    fn another_machine_needs_roots() {
        for local in
            ["host=/run/postgresql dbname=a", "postgres://u@localhost/a", "host=127.0.0.1", "postgres://u@[::1]/a"]
        {
            assert!(parse(local).is_ok_and(|(_, tls)| tls.0.is_none()), "{local}");
        }
        for remote in ["postgres://u@db.example/a", "host=192.0.2.1 user=u", "host=localhost hostaddr=192.0.2.1"] {
            assert!(matches!(parse(remote), Err(StoreError::Refused(_))), "{remote}");
        }
        assert!(parse("postgres://u@db.example/a?sslmode=disable").is_ok());
        assert!(matches!(parse("host=db.example sslrootcert=/nowhere"), Err(StoreError::Database(_))));
    }

    #[test]
    fn the_roots_are_taken_out_of_the_text() {
        let taken = |text: &str| take_roots(text);
        assert_eq!(taken("host=a sslrootcert=/ca.pem user=b"), ("host=a  user=b".into(), Some("/ca.pem".into())));
        assert_eq!(
            taken("postgres://u@h/d?sslrootcert=/ca.pem&keepalives=1"),
            ("postgres://u@h/d?keepalives=1".into(), Some("/ca.pem".into()))
        );
    }

    /// A server that speaks the first words of PostgreSQL with TLS; answers with what it heard inside.
    async fn server(listener: tokio::net::TcpListener, config: rustls::ServerConfig) -> Option<Vec<u8>> {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 8];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "SSLRequest comes before anything else");
        stream.write_all(b"S").await.unwrap();
        let mut inside = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.ok()?;
        let mut startup = vec![0; 512];
        let size = inside.read(&mut startup).await.unwrap();
        startup.truncate(size);
        Some(startup)
    }

    async fn speak(trusted: bool, host: &str) -> (Option<Vec<u8>>, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, if trusted { made.cert.pem() } else { other.cert.pem() }).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = tokio::spawn(server(listener, config));
        let text = format!("host={host} hostaddr=127.0.0.1 port={port} user=u sslrootcert={}", file.display());
        let (config, tls) = parse(&text).unwrap();
        let failure = config.connect(tls).await.err().map(|e| super::super::error(&e).to_string());
        (heard.await.unwrap(), failure.unwrap_or_default())
    }

    #[tokio::test]
    async fn the_name_and_the_roots_decide() {
        let (heard, _) = speak(true, "localhost").await;
        assert!(heard.unwrap().windows(6).any(|word| word == b"user\0u"), "the greeting went through TLS");
        for (trusted, host) in [(false, "localhost"), (true, "db.example")] {
            let (heard, failure) = speak(trusted, host).await;
            assert_eq!(heard, None, "nothing is said to a stranger");
            assert!(failure.contains("certificate"), "{failure}");
        }
    }
}
