//! The secrets of an embedded system: made up at its first start, and kept in its folder.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use event_store::personal::MasterKeys;
use event_store::tree::CheckpointKeys;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::FirstAdmin;
use crate::settings::{Keys, KeysDatabase, Personal};

/// The id of the first master key of the persons' keys.
const FIRST: &str = "k1";
/// What the log is called in its checkpoints.
const LOG: &str = "comptoir";

/// What an embedded system keeps to itself.
#[derive(Serialize, Deserialize)]
pub(super) struct Secrets {
    master_key: String,
    token_key: String,
    /// What wraps the persons' keys. One that is put before it by hand becomes the current one.
    #[serde(default)]
    personal_keys: String,
    /// What signs checkpoints of the log. One that is put before it by hand becomes the current one.
    #[serde(default)]
    pub(super) checkpoint_keys: String,
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
        let shown = file.display().to_string();
        let told = || format!("the secrets in {shown}");
        let mut secrets: Self = if file.exists() {
            let text = std::fs::read(&file).with_context(told)?;
            serde_json::from_slice(&text).with_context(told)?
        } else {
            let made = Self::make(&file, admin)?;
            made.save().with_context(told)?;
            made
        };
        secrets.file = file;
        // Those of an earlier version have none.
        if secrets.personal_keys.is_empty() {
            secrets.personal_keys = MasterKeys::make(FIRST)?;
            secrets.save().with_context(told)?;
        }
        if secrets.checkpoint_keys.is_empty() {
            secrets.checkpoint_keys = CheckpointKeys::make(LOG)?;
            secrets.save().with_context(told)?;
        }
        secrets.given_password.clone_from(&admin.admin_password);
        if secrets.made_password.is_some() && admin.admin_password.is_some() {
            tracing::warn!("there is a first administrator already: the given one is not used");
        }
        Ok(secrets)
    }

    fn make(file: &Path, admin: &FirstAdmin) -> anyhow::Result<Self> {
        let email = admin.admin_email.clone();
        let made_password = match admin.admin_password {
            Some(_) => None,
            None => Some(random()[..20].to_owned()),
        };
        Ok(Self {
            master_key: random(),
            token_key: random(),
            personal_keys: MasterKeys::make(FIRST)?,
            checkpoint_keys: CheckpointKeys::make(LOG)?,
            admin_email: email.unwrap_or_else(|| "admin@comptoir.example".to_owned()),
            made_password,
            given_password: None,
            file: file.to_owned(),
        })
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

    pub(super) fn personal(&self) -> Personal {
        Personal {
            personal_keys: self.personal_keys.clone(),
            keys_database: KeysDatabase::default(),
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOBODY: FirstAdmin = FirstAdmin {
        admin_email: None,
        admin_password: None,
    };

    fn keys_of(data: &Path) -> String {
        let secrets = Secrets::load(data, &NOBODY).unwrap();
        secrets.personal().masters().unwrap();
        secrets.personal_keys
    }

    #[test]
    fn secrets_of_an_earlier_version_get_a_key_for_personal_data_and_keep_it() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("secrets.json");
        let old = r#"{"master_key":"m","token_key":"t","admin_email":"a@b.c","made_password":"p"}"#;
        std::fs::write(&file, old).unwrap();
        let made = keys_of(data.path());
        assert_eq!(keys_of(data.path()), made);
        let secrets = Secrets::load(data.path(), &NOBODY).unwrap();
        assert_eq!(secrets.keys().master_key, "m");
        assert_eq!(
            std::fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn new_secrets_are_kept() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(keys_of(data.path()), keys_of(data.path()));
    }
}
