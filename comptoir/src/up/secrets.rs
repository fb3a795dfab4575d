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
    pub(super) admin_password: String,
    /// Whether the password was given, and so is known.
    #[serde(skip)]
    given: bool,
    /// Where they are kept.
    #[serde(skip)]
    pub(super) file: PathBuf,
}

impl Secrets {
    /// Those in `data`; made up when there are none, with `admin` where it is given.
    pub(super) fn load(data: &Path, admin: &FirstAdmin) -> anyhow::Result<Self> {
        let file = data.join("secrets.json");
        let told = || format!("the secrets in {}", file.display());
        if file.exists() {
            let text = std::fs::read(&file).with_context(told)?;
            let mut kept: Self = serde_json::from_slice(&text).with_context(told)?;
            kept.file = file;
            // A password that was given counts, whoever was made up before.
            if let (Some(email), Some(password)) = (&admin.admin_email, &admin.admin_password) {
                kept.admin_email.clone_from(email);
                kept.admin_password.clone_from(password);
                kept.given = true;
            }
            return Ok(kept);
        }
        let made = Self {
            master_key: random(),
            token_key: random(),
            admin_email: admin
                .admin_email
                .clone()
                .unwrap_or_else(|| "admin@comptoir.example".to_owned()),
            admin_password: admin
                .admin_password
                .clone()
                .unwrap_or_else(|| random()[..20].to_owned()),
            given: admin.admin_password.is_some(),
            file: file.clone(),
        };
        made.save().with_context(told)?;
        Ok(made)
    }

    /// The password to show: one that was given stays unsaid.
    pub(super) fn shown_password(&self) -> String {
        match self.given {
            true => "with the password that was given".to_owned(),
            false => format!("password {}", self.admin_password),
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
