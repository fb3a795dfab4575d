//! TLS, asked for as libpq does (`sslmode`).

use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use sqlx::postgres::PgSslMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore,
    SignatureScheme,
};

use super::Error;
use super::transport::Transport;

/// `stream`, encrypted as far as `mode` asks for it and the server has it.
pub(super) async fn wrap(
    mut stream: TcpStream,
    host: &str,
    mode: PgSslMode,
    root_certificate: Option<&str>,
) -> Result<Transport, Error> {
    // Like sqlx, `allow` is taken for `disable`: who wants encryption says so.
    if matches!(mode, PgSslMode::Disable | PgSslMode::Allow) {
        return Ok(Transport::Tcp(stream));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    match stream.read_u8().await? {
        b'S' => {}
        b'N' if matches!(mode, PgSslMode::Prefer) => return Ok(Transport::Tcp(stream)),
        b'N' => {
            return Err(Error::invalid(
                "the server has no TLS, and sslmode asks for it",
            ));
        }
        _ => {
            return Err(Error::invalid(
                "the server's answer to TLS is not PostgreSQL's",
            ));
        }
    }
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::invalid(format!("{host} is not a server's name")))?;
    let config = config(mode, root_certificate)?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await?;
    Ok(Transport::Tls(Box::new(stream)))
}

fn config(mode: PgSslMode, root_certificate: Option<&str>) -> Result<ClientConfig, Error> {
    let tls = |error: TlsError| Error::invalid(error.to_string());
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(tls)?;
    let checks = match mode {
        PgSslMode::VerifyCa | PgSslMode::VerifyFull => Checks::Chain {
            name: matches!(mode, PgSslMode::VerifyFull),
        },
        _ if root_certificate.is_some() => Checks::Chain { name: false },
        _ => Checks::Nothing,
    };
    let inner = match checks {
        Checks::Nothing => None,
        Checks::Chain { .. } => {
            let roots = Arc::new(roots(root_certificate)?);
            let inner =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            Some(inner.map_err(|error| Error::invalid(error.to_string()))?)
        }
    };
    let verifier = Verifier {
        provider,
        inner,
        checks,
    };
    let config = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(config.with_no_client_auth())
}

fn roots(file: Option<&str>) -> Result<RootCertStore, Error> {
    let Some(file) = file else {
        return Ok(RootCertStore::from_iter(
            webpki_roots::TLS_SERVER_ROOTS.iter().cloned(),
        ));
    };
    let unreadable = |why: String| Error::invalid(format!("sslrootcert {file}: {why}"));
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        let added = roots.add(certificate);
        added.map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(roots)
}

/// What of the server's certificate is checked.
#[derive(Debug, Clone, Copy)]
enum Checks {
    /// Nothing: `prefer` and `require` guard against listening only, as libpq has it.
    Nothing,
    /// Who signed it, and, if wanted, whose name it bears.
    Chain { name: bool },
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    inner: Option<Arc<WebPkiServerVerifier>>,
    checks: Checks,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(inner) = &self.inner else {
            return Ok(ServerCertVerified::assertion());
        };
        let wrong_name = |error: &TlsError| {
            matches!(
                error,
                TlsError::InvalidCertificate(
                    CertificateError::NotValidForName
                        | CertificateError::NotValidForNameContext { .. }
                )
            )
        };
        match inner.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(error)
                if wrong_name(&error) && matches!(self.checks, Checks::Chain { name: false }) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            Ok(_) if matches!(self.checks, Checks::Chain { name: true }) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
