//! A folder for the files of a bench, taken away with it.

use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("comptoir-scratch-{}", Uuid::new_v4()));
        std::fs::create_dir(&folder)
            .with_context(|| format!("the folder {} can't be made", folder.display()))?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "can't remove {}", self.0.display());
        }
    }
}
