//! Connecting: transport, sign-in, session settings, prepared statements; then flights.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::{backend, frontend};
use secrecy::{ExposeSecret, SecretString};
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::reply::{Reply, Row, ServerError};
use super::transport::Transport;
use super::{Error, Flight, tls};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Where the server is, and who asks.
#[derive(Clone)]
pub(crate) struct Target {
    host: String,
    port: u16,
    socket: Option<PathBuf>,
    user: String,
    password: Option<SecretString>,
    database: String,
    options: String,
    ssl: PgSslMode,
    root_certificate: Option<String>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}

impl Target {
    /// The server that a pool connects to, with further session `settings`.
    pub(crate) fn of(options: &PgConnectOptions, settings: &[(&str, &str)]) -> Self {
        let url = options.to_url_lossy();
        let password = url.password().map(|encoded| {
            let decoded = percent_encoding::percent_decode_str(encoded);
            SecretString::from(decoded.decode_utf8_lossy().into_owned())
        });
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut session = options.get_options().unwrap_or_default().to_owned();
        for (name, value) in settings {
            session.push_str(&format!(" -c {name}={value}"));
        }
        let user = options.get_username();
        Self {
            host: options.get_host().to_owned(),
            port: options.get_port(),
            socket: options.get_socket().cloned(),
            user: user.to_owned(),
            password,
            database: options.get_database().unwrap_or(user).to_owned(),
            options: session,
            ssl: options.get_ssl_mode(),
            root_certificate: query.get("sslrootcert").cloned(),
        }
    }

    async fn transport(&self) -> Result<Transport, Error> {
        let folder = match &self.socket {
            Some(folder) => Some(folder.clone()),
            None if self.host.starts_with('/') => Some(PathBuf::from(&self.host)),
            None => None,
        };
        if let Some(folder) = folder {
            let path = folder.join(format!(".s.PGSQL.{}", self.port));
            return Ok(Transport::Unix(UnixStream::connect(path).await?));
        }
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        tls::wrap(
            stream,
            &self.host,
            self.ssl,
            self.root_certificate.as_deref(),
        )
        .await
    }
}

/// A connection on which flights go out, and replies come back in their order.
pub(crate) struct Connection {
    transport: Transport,
    received: BytesMut,
    reply: Reply,
    rows: Vec<Row>,
}

impl Connection {
    /// Connects and prepares `statements`, pairs of a name and its SQL.
    pub(crate) async fn open(target: &Target, statements: &[(&str, &str)]) -> Result<Self, Error> {
        let opened = tokio::time::timeout(CONNECT_LIMIT, Self::start(target, statements));
        opened.await.map_err(|_| Error::TimedOut(CONNECT_LIMIT))?
    }

    async fn start(target: &Target, statements: &[(&str, &str)]) -> Result<Self, Error> {
        let mut connection = Self {
            transport: target.transport().await?,
            received: BytesMut::with_capacity(16 * 1024),
            reply: Reply::default(),
            rows: Vec::new(),
        };
        connection.sign_in(target).await?;
        let mut flight = Flight::new();
        for (name, sql) in statements {
            flight.parse(name, sql)?;
        }
        connection.send(flight).await?;
        match connection.receive().await?.error {
            Some(error) => Err(Error::Refused(error)),
            None => Ok(connection),
        }
    }

    async fn sign_in(&mut self, target: &Target) -> Result<(), Error> {
        let mut bytes = BytesMut::new();
        let parameters = [
            ("user", target.user.as_str()),
            ("database", target.database.as_str()),
            ("application_name", "comptoir"),
            ("client_encoding", "UTF8"),
            ("options", target.options.as_str()),
        ];
        frontend::startup_message(parameters, &mut bytes)?;
        self.write(&bytes).await?;
        let password = || {
            let missing = || Error::invalid("the server asks for a password and there is none");
            target.password.as_ref().ok_or_else(missing)
        };
        loop {
            let mut answer = BytesMut::new();
            match self.message().await? {
                backend::Message::AuthenticationOk => {}
                backend::Message::AuthenticationCleartextPassword => {
                    let password = password()?.expose_secret();
                    frontend::password_message(password.as_bytes(), &mut answer)?;
                }
                backend::Message::AuthenticationMd5Password(body) => {
                    let password = password()?.expose_secret().as_bytes();
                    let hash = md5_hash(target.user.as_bytes(), password, body.salt());
                    frontend::password_message(hash.as_bytes(), &mut answer)?;
                }
                backend::Message::AuthenticationSasl(body) => {
                    let mut offered = body.mechanisms();
                    let mut scram = false;
                    while let Some(mechanism) = offered.next()? {
                        scram |= mechanism == sasl::SCRAM_SHA_256;
                    }
                    if !scram {
                        return Err(Error::invalid("the server offers no SCRAM-SHA-256"));
                    }
                    self.scram(password()?).await?;
                }
                backend::Message::ErrorResponse(body) => {
                    return Err(Error::Refused(ServerError::read(&body)));
                }
                backend::Message::ReadyForQuery(_) => return Ok(()),
                backend::Message::BackendKeyData(_)
                | backend::Message::ParameterStatus(_)
                | backend::Message::NoticeResponse(_) => {}
                _ => return Err(Error::invalid("the server asks for another way to sign in")),
            }
            if !answer.is_empty() {
                self.write(&answer).await?;
            }
        }
    }

    /// RFC 5802 and 7677, without channel binding.
    async fn scram(&mut self, password: &SecretString) -> Result<(), Error> {
        let binding = sasl::ChannelBinding::unsupported();
        let mut scram = sasl::ScramSha256::new(password.expose_secret().as_bytes(), binding);
        let mut bytes = BytesMut::new();
        frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut bytes)?;
        self.write(&bytes).await?;
        match self.message().await? {
            backend::Message::AuthenticationSaslContinue(body) => scram.update(body.data())?,
            backend::Message::ErrorResponse(body) => {
                return Err(Error::Refused(ServerError::read(&body)));
            }
            _ => return Err(Error::invalid("the server broke off SCRAM")),
        }
        bytes.clear();
        frontend::sasl_response(scram.message(), &mut bytes)?;
        self.write(&bytes).await?;
        match self.message().await? {
            backend::Message::AuthenticationSaslFinal(body) => Ok(scram.finish(body.data())?),
            backend::Message::ErrorResponse(body) => Err(Error::Refused(ServerError::read(&body))),
            _ => Err(Error::invalid("the server broke off SCRAM")),
        }
    }

    /// Sends a flight; its reply comes after those of the flights before it.
    pub(crate) async fn send(&mut self, flight: Flight) -> Result<(), Error> {
        self.write(&flight.end()).await
    }

    /// The next reply. What was received so far is kept when the wait is broken off.
    pub(crate) async fn receive(&mut self) -> Result<Reply, Error> {
        loop {
            match self.message().await? {
                backend::Message::DataRow(body) => self.rows.push(Row::read(&body)?),
                backend::Message::CommandComplete(_) | backend::Message::EmptyQueryResponse => {
                    let rows = std::mem::take(&mut self.rows);
                    self.reply.statements.push(rows);
                }
                backend::Message::ErrorResponse(body) => {
                    self.reply.error = Some(ServerError::read(&body));
                }
                backend::Message::ReadyForQuery(_) => {
                    self.rows.clear();
                    return Ok(std::mem::take(&mut self.reply));
                }
                _ => {}
            }
        }
    }

    /// Sends a flight and waits for its reply; only when no other is under way.
    pub(crate) async fn round_trip(&mut self, flight: Flight) -> Result<Reply, Error> {
        self.send(flight).await?;
        self.receive().await
    }

    async fn message(&mut self) -> Result<backend::Message, Error> {
        loop {
            if let Some(message) = backend::Message::parse(&mut self.received)? {
                return Ok(message);
            }
            if self.transport.read_buf(&mut self.received).await? == 0 {
                let why = "the server closed the connection";
                return Err(Error::Io(std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    why,
                )));
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.transport.write_all(bytes).await?;
        Ok(self.transport.flush().await?)
    }
}
