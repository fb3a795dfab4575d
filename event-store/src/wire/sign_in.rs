//! Signing in: by a password in clear, as md5, or by SCRAM-SHA-256.

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::{backend, frontend};
use secrecy::{ExposeSecret, SecretString};

use super::reply::ServerError;
use super::{Connection, Error, Target};

impl Connection {
    /// Until the server is ready for flights.
    pub(super) async fn sign_in(&mut self, target: &Target) -> Result<(), Error> {
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
}
