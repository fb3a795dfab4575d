//! Chunks that are read ahead on a thread of their own, for who compresses and writes them on
//! another.

use event_store::Position;
use sqlx::PgPool;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::Error;
use super::chunk::{Chunk, Chunks, Selection};

/// How many chunks may wait.
const WAITING: usize = 4;

/// What comes of reading.
pub(super) type Received = Result<Chunk, Error>;

/// Reads what is selected, as far ahead as a few chunks, until it ends, fails, or nobody receives.
pub(super) fn read_ahead(
    pool: &PgPool,
    selection: Selection,
    cut: Position,
) -> std::io::Result<mpsc::Receiver<Received>> {
    // A runtime for the connection alone: that of the service has a thread woken for every few
    // kilobytes that come.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut chunks = Chunks::of(pool, selection, cut);
    let (sender, receiver) = mpsc::channel(WAITING);
    spawn_blocking(move || {
        runtime.block_on(async move {
            while let Some(next) = chunks.next().await.transpose() {
                let failed = next.is_err();
                if sender.send(next).await.is_err() || failed {
                    return;
                }
            }
        });
    });
    Ok(receiver)
}
