//! The secrets of an embedded system: made up at its first start, and kept in its folder.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FirstAdmin;
use crate::settings::Keys;

/// What an embedded system keeps to itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    master_key: String,
    token_key: String,
    pub(super) admin_email: String,
    /// The first administrator's password, when it was made up. One that was given is not kept.
    made_password: Option<String>,
    #[serde(skip)]
    given_password: Option<String>,
    /// Where they are kept.
    #[serde(skip)]
    pub(super) file: PathBuf,
}

impl Secrets {
    /// Those in `data`; made up when there are none, with `admin` where it is given. A password
    /// given later counts only when the first administrator's was given too.
    pub(super) fn load(data: &Path, admin: &FirstAdmin) -> anyhow::Result<Self> {
        let file = data.join("secrets.json");
        let told = || format!("the secrets in {}", file.display());
        let mut secrets: Self = if file.exists() {
            let text = std::fs::read(&file).with_context(told)?;
            serde_json::from_slice(&text).with_context(told)?
        } else {
            let made = Self::make(&file, admin);
            made.save().with_context(told)?;
            made
        };
        secrets.given_password.clone_from(&admin.admin_password);
        if secrets.made_password.is_some() && admin.admin_password.is_some() {
            tracing::warn!("there is a first administrator already: the given one is not used");
        }
        secrets.file = file;
        Ok(secrets)
    }

    fn make(file: &Path, admin: &FirstAdmin) -> Self {
        let email = admin.admin_email.clone();
        let made_password = match admin.admin_password {
            Some(_) => None,
            None => Some(random()[..20].to_owned()),
        };
        Self {
            master_key: random(),
            token_key: random(),
            admin_email: email.unwrap_or_else(|| "admin@comptoir.example".to_owned()),
            made_password,
            given_password: None,
            file: file.to_owned(),
        }
    }

    /// The first administrator's password, when it is known.
    pub(super) fn password(&self) -> Option<String> {
        let made = self.made_password.as_ref();
        made.or(self.given_password.as_ref()).cloned()
    }

    /// The password to show: one that was given stays unsaid.
    pub(super) fn shown_password(&self) -> String {
        match &self.made_password {
            None => "with the password that was given".to_owned(),
            Some(password) => format!("password {password}"),
        }
    }

    pub(super) fn keys(&self) -> Keys {
        Keys {
            master_key: self.master_key.clone(),
            token_key: self.token_key.clone(),
        }
    }

    /// Whole or not at all: a crash leaves no half file behind.
    fn save(&self) -> anyhow::Result<()> {
        let half = self.file.with_extension("half");
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true).mode(0o600);
        let mut file = options.open(&half)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&half, &self.file)?;
        Ok(())
    }
}

/// 244 random bits, as 64 hexadecimal digits.
fn random() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}
