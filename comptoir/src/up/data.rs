//! The folder that `up` keeps everything in.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

/// The folder that was asked for, else `.comptoir` here; made when it is not there.
///
/// PostgreSQL refuses to run as root, so root's PostgreSQL runs as somebody else, who must reach
/// the folder. Where the current folder is closed to others, root's default is a folder under
/// `/var/lib/comptoir` that is named after it.
///
/// # Errors
/// When it can't be made.
pub(super) fn folder(asked: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder")?;
    let folder = match asked {
        Some(asked) => here.join(asked),
        None if is_root() && !open_to_others(&here) => {
            let digest = Sha256::digest(here.as_os_str().as_encoded_bytes());
            let name: String = digest[..6]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            Path::new("/var/lib/comptoir").join(name)
        }
        None => here.join(".comptoir"),
    };
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("the data folder {} can't be made", folder.display()))?;
    folder
        .canonicalize()
        .with_context(|| format!("the data folder {}", folder.display()))
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Whether everybody may pass through `folder` and all above it.
fn open_to_others(folder: &Path) -> bool {
    folder.ancestors().all(|part| {
        std::fs::metadata(part).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 != 0)
    })
}
