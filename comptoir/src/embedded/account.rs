//! The unprivileged user that PostgreSQL runs as when we are root, which it refuses to run as.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::process::Command;

/// A user of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// Prints the first of the folders given that may not be entered.
const FIRST_CLOSED: &str =
    r#"for folder do [ -x "$folder" ] || { printf %s "$folder"; exit 1; }; done"#;

impl Account {
    /// Who must run PostgreSQL on `data`: nobody else (`None`) when we are an ordinary user; when we are
    /// root, the owner of `data` if it exists, else the user `postgres`, else `nobody`.
    pub(super) fn for_postgres(data: &Path) -> anyhow::Result<Option<Account>> {
        if !is_root()? {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        if let Ok(owner) = fs::metadata(data) {
            return owner_of(data, owner.uid(), owner.gid(), &passwd).map(Some);
        }
        let account = ["postgres", "nobody"]
            .iter()
            .find_map(|wanted| accounts(&passwd).find(|account| account.name == *wanted));
        match account {
            Some(account) => Ok(Some(account)),
            None => bail!(
                "PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as"
            ),
        }
    }

    /// Makes `command` run as this user, with no other groups.
    pub(super) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives `path` to this user.
    pub(super) fn give(&self, path: &Path) -> anyhow::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot give {} to the user {}", path.display(), self.name))
    }

    /// Checks that this user can enter `dir`; the error names the first folder on the way that it cannot.
    pub(super) async fn check_reach(&self, dir: &Path) -> anyhow::Result<()> {
        let mut folders: Vec<PathBuf> = dir.ancestors().map(Path::to_path_buf).collect();
        folders.reverse();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", FIRST_CLOSED, "sh"]).args(&folders);
        command.current_dir("/");
        self.run(&mut command);
        let answer = command
            .output()
            .await
            .with_context(|| format!("cannot run a command as the user {}", self.name))?;
        if answer.status.success() {
            return Ok(());
        }
        let closed = String::from_utf8_lossy(&answer.stdout);
        bail!(
            "we are root, so PostgreSQL runs as the user {}, who may not enter {closed}: \
             open it (chmod o+x {closed}), or use a folder elsewhere than {}",
            self.name,
            dir.display()
        )
    }
}

fn is_root() -> anyhow::Result<bool> {
    let status =
        fs::read_to_string("/proc/self/status").context("cannot read /proc/self/status")?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Ok(uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0"))
}

fn owner_of(data: &Path, uid: u32, gid: u32, passwd: &str) -> anyhow::Result<Account> {
    if uid == 0 {
        bail!(
            "{} belongs to root, and PostgreSQL refuses to run as root: give it to another user with chown -R",
            data.display()
        );
    }
    let known = accounts(passwd).find(|account| account.uid == uid);
    Ok(known.unwrap_or(Account {
        name: uid.to_string(),
        uid,
        gid,
    }))
}

fn accounts(passwd: &str) -> impl Iterator<Item = Account> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { name, uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\n+\npostgres:x:101:104:PostgreSQL:/var/lib:/bin/bash\n";

    #[test]
    fn reads_names_and_numbers_and_skips_odd_lines() {
        let names: Vec<(String, u32, u32)> = accounts(PASSWD)
            .map(|account| (account.name, account.uid, account.gid))
            .collect();
        assert_eq!(
            names,
            [("root".to_owned(), 0, 0), ("postgres".to_owned(), 101, 104)]
        );
    }

    #[test]
    fn data_of_root_is_refused_and_data_of_a_user_is_run_by_that_user() -> anyhow::Result<()> {
        assert!(owner_of(Path::new("/x"), 0, 0, PASSWD).is_err());
        assert_eq!(owner_of(Path::new("/x"), 101, 9, PASSWD)?.gid, 104);
        assert_eq!(owner_of(Path::new("/x"), 7, 9, PASSWD)?.name, "7");
        Ok(())
    }
}
