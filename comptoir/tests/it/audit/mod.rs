//! The auditor: the tree over the log, proofs from it, and what tells that a log was altered.

mod http;
mod proofs;
mod reconcile;
mod tampering;
mod tree;

use audit::verify::Trusted;
use event_store::Log;
use event_store::tree::{CheckpointKeys, Grower, Grown, checkpoints, sign};
use sqlx::PgPool;
use uuid::Uuid;

use crate::log::{append, open, to_stream};
use crate::support::{CHECKPOINT_KEYS, servers};

/// A log of so many streams of three events each.
async fn log_of(streams: usize) -> Log {
    let log = open(&servers().database().await.database_url).await;
    add(&log, streams).await;
    log
}

async fn add(log: &Log, streams: usize) {
    let all = (0..streams).map(|_| to_stream(Uuid::now_v7(), 0, 3));
    let all: Vec<_> = all.collect();
    for some in all.chunks(50) {
        log.append(append(some.to_vec())).await.unwrap();
    }
}

fn keys() -> CheckpointKeys {
    CHECKPOINT_KEYS.parse().unwrap()
}

/// Brings the tree up to date and signs it; gives its size.
pub async fn signed(log: &PgPool) -> u64 {
    let grown = Grower::new(log.clone()).grow().await.unwrap();
    let checkpoint = sign(log, &keys()).await.unwrap().unwrap();
    assert_eq!(grown, Grown::UpToDate(checkpoint.size));
    checkpoint.size
}

/// The key of what was signed.
pub async fn trusted(log: &PgPool) -> Trusted {
    let signed = checkpoints(log, 0, u64::MAX, None).await.unwrap();
    Trusted {
        keys: keys().verifiers(&signed[0].origin).unwrap(),
        published: Vec::new(),
    }
}

/// What `comptoir audit` of these arguments exits with, and prints. It knows no database but this.
async fn asked(database_url: Option<&str>, arguments: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_comptoir"));
    command.arg("audit").args(arguments).env_clear();
    if let Some(url) = database_url {
        command
            .env("DATABASE_URL", url)
            .env("COMPTOIR_CHECKPOINT_KEYS", CHECKPOINT_KEYS);
    }
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (told, wrong) = (text(output.stdout), text(output.stderr));
    (output.status.code().unwrap(), told, wrong)
}
