//! How mail is sent.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use service_kit::derived_token::DerivedTokens;
use service_kit::keys::MasterKey;
use workers::mail::Links;

/// How mail is sent.
#[derive(Args, Clone, Debug, Default)]
pub struct Mail {
    /// The folder that e-mails are written to as files, unless a server is named.
    #[arg(long = "mail", env = "COMPTOIR_MAIL")]
    pub mail_folder: Option<PathBuf>,
    /// The SMTP server that e-mails are sent by: smtps://user:password@host:port, or
    /// smtp://host:port?tls=required.
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,
    /// Where people reach the platform: what links in e-mails begin with.
    #[arg(long, env = "COMPTOIR_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Who e-mails are from: an address, or a name and <an address>.
    #[arg(
        long,
        env = "COMPTOIR_MAIL_FROM",
        default_value = "Comptoir <no-reply@comptoir.example>"
    )]
    pub mail_from: String,
}

impl Mail {
    /// The same where `folder` and `public_url` are taken for what is not told.
    pub fn or(mut self, folder: PathBuf, public_url: String) -> Self {
        self.mail_folder.get_or_insert(folder);
        self.public_url.get_or_insert(public_url);
        self
    }

    /// Which way it goes, in a few words.
    pub fn told(&self) -> String {
        match (&self.smtp_url, &self.mail_folder) {
            (Some(_), _) => "by the server of SMTP_URL".to_owned(),
            (None, Some(folder)) => format!("files in {}", folder.display()),
            (None, None) => "nowhere".to_owned(),
        }
    }

    /// How mail is sent, with links whose tokens are derived from `key`.
    ///
    /// # Errors
    /// When something is missing or no good.
    pub fn open(&self, key: &MasterKey) -> anyhow::Result<workers::mail::Mail> {
        let links = Links {
            tokens: DerivedTokens::new(key),
            public_url: self
                .public_url
                .clone()
                .context("a worker needs COMPTOIR_PUBLIC_URL, for the links in e-mails")?,
        };
        let folder = match (&self.smtp_url, &self.mail_folder) {
            (None, None) => anyhow::bail!("a worker needs SMTP_URL, or a folder by --mail"),
            (_, folder) => folder.clone().unwrap_or_default(),
        };
        let smtp_url = self.smtp_url.as_deref();
        Ok(workers::mail::Mail::new(
            &self.mail_from,
            links,
            smtp_url,
            folder,
        )?)
    }
}
