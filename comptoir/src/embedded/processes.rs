//! The processes of this machine, as `/proc` shows them.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The process that runs a program of this file name with this argument, if there is one that we may look into.
pub(super) fn running(program: &str, argument: &OsStr) -> Option<u32> {
    processes()
        .find(|pid| runs(*pid, program) && arguments(*pid).iter().any(|given| given == argument))
}

/// A process that runs a program of this file name in `folder`, if there is one that we may look into.
pub(super) fn working_in(program: &str, folder: &Path) -> Option<u32> {
    processes().find(|pid| runs(*pid, program) && works_in(*pid, folder))
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Whether a process runs a program of this file name.
pub(super) fn runs(pid: u32, program: &str) -> bool {
    executable(pid).is_some_and(|file| file.file_name() == Some(OsStr::new(program)))
}

/// Whether a process works in `folder`.
pub(super) fn works_in(pid: u32, folder: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|there| there == folder)
}

/// The program file of a process.
pub(super) fn executable(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

fn arguments(pid: u32) -> Vec<OsString> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0)
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect()
}

/// What the kernel tells of a process.
pub(super) struct Stat {
    pub(super) state: char,
    /// Clock ticks from the machine's start to the process's.
    pub(super) born: u64,
}

/// The state and start time (fields 3 and 22) of a process, see proc_pid_stat(5).
pub(super) fn stat(pid: u32) -> Option<Stat> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may hold blanks and brackets itself.
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let born = fields.nth(18)?.parse().ok()?;
    Some(Stat { state, born })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_this_process_by_program_argument_and_folder() -> anyhow::Result<()> {
        let pid = std::process::id();
        let program = std::env::current_exe()?;
        let name = program
            .file_name()
            .and_then(OsStr::to_str)
            .unwrap_or_default();
        let own_path = std::env::args_os().next().unwrap_or_default();
        assert!(runs(pid, name) && works_in(pid, &std::env::current_dir()?));
        assert_eq!(running(name, &own_path), Some(pid));
        assert_eq!(running("no-such-program", &own_path), None);
        assert_eq!(working_in(name, Path::new("/no/such/folder")), None);
        assert!(stat(pid).is_some_and(|stat| stat.state != 'Z' && stat.born > 0));
        Ok(())
    }
}
