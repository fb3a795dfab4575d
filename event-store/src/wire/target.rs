//! Where the server is, who asks, and over what.

use std::path::PathBuf;

use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use tokio::net::{TcpStream, UnixStream};

use super::transport::Transport;
use super::{Error, tls};
use crate::database::{self, Undisclosed};

/// Where the server is, and who asks.
#[derive(Clone)]
pub struct Target {
    host: String,
    port: u16,
    socket: Option<PathBuf>,
    pub(super) user: String,
    pub(super) password: Option<SecretString>,
    pub(super) database: String,
    pub(super) options: String,
    tls: tls::Wanted,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}/{}", self.host, self.port, self.database)
    }
}

impl Target {
    /// The server that a pool connects to, with further session `settings`.
    pub fn of(options: &PgConnectOptions, settings: &[(&str, &str)]) -> Self {
        let Undisclosed {
            password,
            mut certificates,
        } = database::undisclosed(options);
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
            tls: tls::Wanted {
                mode: options.get_ssl_mode(),
                root: certificates.remove("sslrootcert"),
                certificate: certificates.remove("sslcert"),
                key: certificates.remove("sslkey").map(SecretString::from),
            },
        }
    }

    pub(super) async fn transport(&self) -> Result<Transport, Error> {
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
        tls::wrap(stream, &self.host, &self.tls).await
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn target(url: &str) -> Target {
        let options = database::options(url).expect("a URL");
        Target::of(&options, &[("jit", "off")])
    }

    #[test]
    fn what_a_url_encodes_comes_through() {
        let url = "postgres://a%40b:p%25w%40d%3A%2F%C3%BC@[::1]:7/d%2Fb\
             ?sslmode=verify-full&sslrootcert=/a%20%26%20b/ca.pem&sslkey=k.pem";
        let target = target(url);
        let password = target.password.expect("a password");
        assert_eq!(password.expose_secret(), "p%w@d:/ü");
        assert_eq!((target.host.as_str(), target.port), ("::1", 7));
        assert_eq!(
            (target.user.as_str(), target.database.as_str()),
            ("a@b", "d/b")
        );
        assert_eq!(target.tls.root.as_deref(), Some("file: /a & b/ca.pem"));
        assert!(target.tls.key.is_some() && target.tls.certificate.is_none());
        assert!(target.options.ends_with(" -c jit=off"));
    }

    #[test]
    fn names_that_make_no_url_are_taken_too() {
        let target = target("postgres:///?host=::1&user=a b:c/[&password=p&dbname=d");
        assert_eq!(
            (target.host.as_str(), target.user.as_str()),
            ("::1", "a b:c/[")
        );
        let password = target.password.expect("a password");
        assert_eq!(password.expose_secret(), "p");
    }

    #[test]
    fn the_password_comes_with_a_socket_too() {
        let target = target("postgres://u:p%2F@%2Frun%2Fpostgresql/d");
        assert_eq!(target.socket, Some(PathBuf::from("/run/postgresql")));
        let password = target.password.expect("a password");
        assert_eq!(password.expose_secret(), "p/");
    }
}
