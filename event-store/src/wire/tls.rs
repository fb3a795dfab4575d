//! TLS, asked for as libpq does (`sslmode`).

use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Error;
use super::transport::Transport;
use super::verifier::Verifier;

/// What of TLS a connection wants. Certificates and keys are as sqlx tells them: `file: ` and a
/// path, or the PEM text itself.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) mode: PgSslMode,
    /// Who may sign the server's certificate, if not the well-known authorities.
    pub(super) root: Option<String>,
    /// What the client shows of itself, and its key.
    pub(super) certificate: Option<String>,
    pub(super) key: Option<SecretString>,
}

/// `stream`, encrypted as far as it is wanted and the server has it.
pub(super) async fn wrap(
    mut stream: TcpStream,
    host: &str,
    wanted: &Wanted,
) -> Result<Transport, Error> {
    // Like sqlx, `allow` is taken for `disable`: who wants encryption says so.
    if matches!(wanted.mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok(Transport::Tcp(stream));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    match stream.read_u8().await? {
        b'S' => {}
        b'N' if matches!(wanted.mode, PgSslMode::Prefer) => return Ok(Transport::Tcp(stream)),
        b'N' => {
            let why = "the server has no TLS, and sslmode asks for it";
            return Err(Error::invalid(why));
        }
        _ => {
            let why = "the server's answer to TLS is not PostgreSQL's";
            return Err(Error::invalid(why));
        }
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::invalid(format!("{host} is not a server's name")))?;
    let connector = TlsConnector::from(Arc::new(wanted.config()?));
    let stream = connector.connect(name, stream).await?;
    Ok(Transport::Tls(Box::new(stream)))
}

impl Wanted {
    /// The files are read anew for each connection, so that they can be renewed.
    fn config(&self) -> Result<ClientConfig, Error> {
        let tls = |error: &dyn std::error::Error| Error::invalid(format!("TLS: {error}"));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| tls(&error))?;
        let chain = match self.mode {
            PgSslMode::VerifyCa | PgSslMode::VerifyFull => {
                let roots = Arc::new(self.roots()?);
                let chain =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
                Some(chain.build().map_err(|error| tls(&error))?)
            }
            _ => None,
        };
        let builder = match (chain, self.mode) {
            (Some(chain), PgSslMode::VerifyFull) => builder.with_webpki_verifier(chain),
            (chain, _) => {
                let verifier = Arc::new(Verifier { provider, chain });
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(verifier)
            }
        };
        match (&self.certificate, &self.key) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let certificates = certificates("sslcert", certificate)?;
                let pem = pem("sslkey", key.expose_secret())?;
                let key = PrivateKeyDer::from_pem_slice(&pem)
                    .map_err(|error| Error::invalid(format!("sslkey: {error}")))?;
                let config = builder.with_client_auth_cert(certificates, key);
                config.map_err(|error| tls(&error))
            }
            _ => Err(Error::invalid("sslcert and sslkey go together")),
        }
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        match &self.root {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(root) => {
                for certificate in certificates("sslrootcert", root)? {
                    let added = roots.add(certificate);
                    added.map_err(|error| Error::invalid(format!("sslrootcert: {error}")))?;
                }
            }
        }
        Ok(roots)
    }
}

fn certificates(setting: &str, told: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = pem(setting, told)?;
    let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    certificates.map_err(|error| Error::invalid(format!("{setting}: {error}")))
}

fn pem(setting: &str, told: &str) -> Result<Vec<u8>, Error> {
    match told.strip_prefix("file: ") {
        None => Ok(told.as_bytes().to_vec()),
        Some(path) => std::fs::read(path)
            .map_err(|error| Error::invalid(format!("{setting} {path}: {error}"))),
    }
}
