//! What the tests stand on: servers started once, a system that most tests share, and a client.

mod client;
mod deployment;
mod servers;
mod system;

pub use client::{Answer, Client, idempotent};
pub use deployment::{CHECKPOINT_KEYS, Deployment, Service};
pub use servers::{on_background, servers};
pub use system::{ADMIN_EMAIL, ADMIN_PASSWORD, System, link, personal, shared};

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// A folder that PostgreSQL's own user reaches.
pub fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    folder
}

/// A port of 127.0.0.1 that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Sends a signal to a process that may have ended.
pub fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &pid.to_string()])
        .output();
    let _gone_already = sent.unwrap();
}

/// Waits until `condition` gives something, for at most `limit`.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain for {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
