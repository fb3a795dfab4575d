//! The ways that mail goes out: a server, or a folder.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::support::email::{Reason, Trouble};
use lettre::transport::smtp::Error;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::time::timeout;

use super::compose::Outgoing;

/// How long it may take to reach the server.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long one e-mail may take in all.
const LIMIT: Duration = Duration::from_secs(60);

/// One way that mail goes out.
#[derive(Clone)]
pub enum Transport {
    /// Files, `<person>/<email>.eml`, so that what a person was sent can be taken away.
    Folder(PathBuf),
    /// An SMTP server, and how long it may take.
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
}

/// Why an e-mail was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It may be another time.
    ForNow(Trouble),
    /// It never will be.
    ForGood(Reason),
}

impl Transport {
    /// By the server at `url`.
    ///
    /// # Errors
    /// When it is no URL of a server.
    pub fn smtp(url: &str) -> Result<Self, Error> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)?;
        Ok(Self::Smtp(
            server.timeout(Some(CONNECT_LIMIT)).build(),
            LIMIT,
        ))
    }

    /// The same with another limit for one e-mail.
    pub fn within(self, limit: Duration) -> Self {
        match self {
            Self::Smtp(server, _) => Self::Smtp(server, limit),
            folder @ Self::Folder(_) => folder,
        }
    }

    /// Sends `outgoing`. When it returns well, it was taken.
    ///
    /// # Errors
    /// See [`Refusal`]. One that was refused for now may have been taken all the same, when the
    /// server's word was lost.
    pub async fn send(&self, outgoing: &Outgoing) -> Result<(), Refusal> {
        match self {
            Self::Folder(folder) => write(folder, outgoing).await.map_err(|error| {
                tracing::warn!(%error, email = %outgoing.id, "an e-mail was not written");
                Refusal::ForNow(Trouble::NotWritten {})
            }),
            Self::Smtp(server, limit) => match timeout(*limit, send(server, outgoing)).await {
                Ok(sent) => sent,
                Err(_) => Err(Refusal::ForNow(Trouble::TimedOut {})),
            },
        }
    }
}

async fn send(
    server: &AsyncSmtpTransport<Tokio1Executor>,
    outgoing: &Outgoing,
) -> Result<(), Refusal> {
    let Err(error) = server.send_raw(&outgoing.envelope, &outgoing.bytes).await else {
        return Ok(());
    };
    let code = error.status().map(u16::from);
    // What a server says may hold the address, so it is not told.
    tracing::warn!(email = %outgoing.id, code, "an e-mail was not taken");
    // A server that takes nobody's mail, or not ours, refuses for good as well; then it is not the
    // recipient.
    if error.is_permanent() && server.test_connection().await.is_ok_and(|well| well) {
        return Err(Refusal::ForGood(Reason::Refused { code }));
    }
    Err(Refusal::ForNow(match error {
        error if error.is_timeout() => Trouble::TimedOut {},
        error if error.is_transient() || error.is_permanent() => Trouble::Refused { code },
        _ => Trouble::Unreachable {},
    }))
}

/// Whole or not at all. Written again, it takes the place of what was written before.
async fn write(folder: &Path, outgoing: &Outgoing) -> io::Result<()> {
    let folder = folder.join(outgoing.person.to_string());
    tokio::fs::create_dir_all(&folder).await?;
    let file = folder.join(format!("{}.eml", outgoing.id));
    let half = file.with_extension("half");
    tokio::fs::write(&half, &outgoing.bytes).await?;
    tokio::fs::File::open(&half).await?.sync_all().await?;
    tokio::fs::rename(&half, &file).await
}
