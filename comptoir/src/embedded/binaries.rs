//! The PostgreSQL programs to run: the machine's own, else (feature `embedded-postgres`) fetched once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::account::Account;
#[cfg(feature = "embedded-postgres")]
use super::fetched::fetched;

/// The oldest PostgreSQL that Comptoir runs on.
const OLDEST: u32 = 15;

/// A folder with `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    bin: PathBuf,
    version: String,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Such as `PostgreSQL 15.18 from /usr/lib/postgresql/15/bin`.
    pub(super) fn origin(&self) -> String {
        format!("PostgreSQL {} from {}", self.version, self.bin.display())
    }

    /// The programs in `bin`, if both are there and can be asked for their version.
    pub(super) fn at(bin: &Path) -> Option<Binaries> {
        if !bin.join("initdb").is_file() {
            return None;
        }
        let answer = Command::new(bin.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        let version = version_in(&String::from_utf8_lossy(&answer.stdout))?;
        Some(Binaries {
            bin: bin.to_path_buf(),
            version,
        })
    }

    fn major(&self) -> u32 {
        major_of(&self.version)
    }
}

/// The programs for `data`: those of the version that wrote it, or for new data the first that are new enough.
/// `COMPTOIR_POSTGRES` names the folder to take them from instead, or is `fetch` for the fetched ones.
///
/// # Errors
/// When there are none and none can be fetched, or none of the data's version.
pub(super) async fn find(data: &Path, account: Option<&Account>) -> anyhow::Result<Binaries> {
    let written_by =
        super::folder::read(&data.join("PG_VERSION"))?.map(|text| major_of(text.trim()));
    let fits = |binaries: &Binaries| match written_by {
        Some(major) => binaries.major() == major,
        None => binaries.major() >= OLDEST,
    };
    let chosen = std::env::var_os("COMPTOIR_POSTGRES").filter(|chosen| !chosen.is_empty());
    let found = match chosen {
        Some(word) if word == "fetch" => None,
        Some(folder) => {
            let folder = PathBuf::from(folder);
            let binaries = Binaries::at(&folder).filter(fits);
            Some(binaries.with_context(|| {
                format!(
                    "COMPTOIR_POSTGRES names {}, where there is no fitting PostgreSQL",
                    folder.display()
                )
            })?)
        }
        None => folders()
            .iter()
            .filter_map(|bin| Binaries::at(bin))
            .find(fits),
    };
    let binaries = match found {
        Some(binaries) => binaries,
        None => fetched(written_by, account).await?,
    };
    if let Some(account) = account {
        account.check_reach(&binaries.bin).await?;
    }
    Ok(binaries)
}

/// Where the machine's own may lie, in the order of preference.
fn folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(
            String::from_utf8_lossy(&answer.stdout).trim(),
        ));
    }
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    folders.extend(versions.into_iter().map(|(_, bin)| bin));
    folders.extend(
        std::env::var_os("PATH")
            .iter()
            .flat_map(std::env::split_paths),
    );
    folders
}

#[cfg(not(feature = "embedded-postgres"))]
async fn fetched(written_by: Option<u32>, _: Option<&Account>) -> anyhow::Result<Binaries> {
    match written_by {
        Some(major) => anyhow::bail!(
            "the data were written by PostgreSQL {major}, which this machine has not: install it"
        ),
        None => anyhow::bail!(
            "PostgreSQL {OLDEST} or newer is not found: install it, or set DATABASE_URL"
        ),
    }
}

/// `15.18` of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn version_in(answer: &str) -> Option<String> {
    let (_, rest) = answer.split_once("(PostgreSQL) ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

pub(super) fn major_of(version: &str) -> u32 {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_that_postgres_tells() {
        let answer = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(version_in(answer).as_deref(), Some("15.18"));
        assert_eq!(
            version_in("postgres (PostgreSQL) 18beta1\n").map(|it| major_of(&it)),
            Some(18)
        );
        assert_eq!(version_in("sh: postgres: not found"), None);
    }
}
