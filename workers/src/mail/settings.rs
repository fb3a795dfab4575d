//! How mail is sent.

use std::io;
use std::path::PathBuf;

use lettre::message::Mailbox;
use uuid::Uuid;

use super::templates::Links;
use super::transport::Transport;

/// How mail is sent: from whom, with which links, and which way.
#[derive(Clone)]
pub struct Mail {
    /// The sender.
    pub from: Mailbox,
    /// What makes links.
    pub links: Links,
    /// Which way it goes.
    pub transport: Transport,
    /// Where e-mails are kept, or were before there was a server.
    folder: PathBuf,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// What is wrong with how mail is to be sent.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The sender is no address.
    #[error("COMPTOIR_MAIL_FROM is an address, or a name and <an address>: {0}")]
    From(#[from] lettre::address::AddressError),
    /// The server's URL is none.
    #[error("SMTP_URL is smtps://user:password@host:port, or smtp://host:port?tls=required: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// Where people reach the platform is no URL.
    #[error("COMPTOIR_PUBLIC_URL begins with http:// or https://")]
    PublicUrl,
}

impl Mail {
    /// Mail from `from`, by the server at `smtp_url` or else as files in `folder`.
    ///
    /// # Errors
    /// See [`Wrong`].
    pub fn new(
        from: &str,
        links: Links,
        smtp_url: Option<&str>,
        folder: PathBuf,
    ) -> Result<Self, Wrong> {
        let public_url = links.public_url.trim_end_matches('/').to_owned();
        if !(public_url.starts_with("http://") || public_url.starts_with("https://")) {
            return Err(Wrong::PublicUrl);
        }
        Ok(Self {
            from: from.parse()?,
            links: Links {
                public_url,
                ..links
            },
            transport: match smtp_url {
                Some(url) => Transport::smtp(url)?,
                None => Transport::Folder(folder.clone()),
            },
            folder,
        })
    }

    /// Removes what `person` was sent, where e-mails are files.
    ///
    /// # Errors
    /// When the folder can't be removed.
    pub async fn forget(&self, person: Uuid) -> io::Result<()> {
        if self.folder.as_os_str().is_empty() {
            return Ok(());
        }
        match tokio::fs::remove_dir_all(self.folder.join(person.to_string())).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
