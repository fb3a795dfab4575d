//! What a server's folder keeps between starts: the claim of the process that runs it, its port, its logs.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Ports are drawn below the range that outgoing connections use, so that none of those takes a kept port.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

const LOG_LIMIT: u64 = 16 << 20;

/// Creates `dir` and holds it for this process until the file is dropped; the kernel lets go after `kill -9`.
/// Fails when another process holds it. Returns the folder's real path with the claim.
pub(super) fn claim(dir: &Path) -> anyhow::Result<(PathBuf, File)> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let dir = dir.canonicalize()?;
    let lock = open_lock(&dir.join("lock"))?;
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok((dir, lock)),
            // A child that a killed process was just starting may hold it a moment longer.
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => bail!(
                "another Comptoir is running on {}: stop it first, or use another folder",
                dir.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", dir.display()));
            }
        }
    }
}

/// Opens a lock file, creating it when it is missing.
pub(super) fn open_lock(file: &Path) -> anyhow::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| format!("cannot open {}", file.display()))
}

/// The port kept in `file` while it is free on 127.0.0.1, else a new one, other than `taken`, that is then kept.
pub(super) fn port(file: &Path, taken: Option<u16>) -> anyhow::Result<u16> {
    if let Some(kept) = read(file)?.and_then(|text| text.trim().parse().ok())
        && is_free(kept)
    {
        return Ok(kept);
    }
    for _ in 0..200 {
        let [high, low] = random()?;
        let port = PORTS.start + u16::from_be_bytes([high, low]) % (PORTS.end - PORTS.start);
        if Some(port) != taken && is_free(port) {
            fs::write(file, port.to_string())
                .with_context(|| format!("cannot write {}", file.display()))?;
            return Ok(port);
        }
    }
    bail!(
        "no free port on 127.0.0.1 from {} to {}",
        PORTS.start,
        PORTS.end
    )
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The text of `file`, or nothing where there is no such file.
pub(super) fn read(file: &Path) -> anyhow::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// A path in `dir` to prepare what will be renamed to `name`, unlike any before it: a program that a killed
/// process of ours had started may still be at work on its own. What such ones left is removed.
pub(super) fn fresh(dir: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let prefix = format!("{name}.new-");
    for entry in fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let entry = entry?;
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(prefix.as_bytes())
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::debug!(%error, "cannot remove {}", entry.path().display());
        }
    }
    Ok(dir.join(format!("{prefix}{}", random_hex()?)))
}

/// Bytes from the kernel's random source, fit for a password.
pub(super) fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read /dev/urandom")?;
    Ok(bytes)
}

/// 32 random hexadecimal digits.
pub(super) fn random_hex() -> anyhow::Result<String> {
    Ok(format!("{:032x}", u128::from_be_bytes(random()?)))
}

/// Opens a log to append to; one past 16 MiB is set aside as `<name>.1` first.
pub(super) fn open_log(file: &Path) -> anyhow::Result<File> {
    if fs::metadata(file).is_ok_and(|log| log.len() > LOG_LIMIT) {
        fs::rename(file, file.with_added_extension("1"))?;
    }
    File::options()
        .create(true)
        .append(true)
        .open(file)
        .with_context(|| format!("cannot open {}", file.display()))
}

/// The last 15 lines of a log, for an error message.
pub(super) fn log_tail(file: &Path) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(15)..].join("\n");
    format!("the end of {}:\n{tail}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_claimed_by_one_at_a_time() -> anyhow::Result<()> {
        let parent = tempfile::tempdir()?;
        let dir = parent.path().join("a/b");
        let (_, first) = claim(&dir)?;
        assert!(claim(&dir).is_err());
        drop(first);
        assert!(claim(&dir).is_ok());
        Ok(())
    }

    #[test]
    fn a_port_is_kept_while_it_is_free() -> anyhow::Result<()> {
        let parent = tempfile::tempdir()?;
        let file = parent.path().join("port");
        let first = port(&file, None)?;
        assert_eq!(port(&file, None)?, first);
        let _held = TcpListener::bind((Ipv4Addr::LOCALHOST, first))?;
        assert_ne!(port(&file, None)?, first);
        Ok(())
    }

    #[test]
    fn a_fresh_path_is_new_and_what_was_left_is_gone() -> anyhow::Result<()> {
        let parent = tempfile::tempdir()?;
        let left = fresh(parent.path(), "data")?;
        fs::create_dir(&left)?;
        fs::create_dir(parent.path().join("data"))?;
        assert_ne!(fresh(parent.path(), "data")?, left);
        assert!(!left.exists() && parent.path().join("data").exists());
        Ok(())
    }
}
