//! A folder for the files of a bench, taken away with it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use uuid::Uuid;

pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// One in the temporary folder.
    pub(super) fn new() -> anyhow::Result<Self> {
        Self::under(&std::env::temp_dir())
    }

    /// One in `parent`, which every user may enter: PostgreSQL may run as another than we.
    pub(super) fn under(parent: &Path) -> anyhow::Result<Self> {
        let folder = parent.join(format!("comptoir-bench-{}", Uuid::new_v4().simple()));
        let made = std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::set_permissions(&folder, Permissions::from_mode(0o755)));
        made.with_context(|| format!("the folder {} can't be made", folder.display()))?;
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
