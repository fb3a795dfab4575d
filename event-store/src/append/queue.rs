//! The queue before the log: commands that wait while a batch commits form the next batch.

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::commit::Committer;
use super::{Append, AppendError, Appended};
use crate::log::Topics;

/// The most commands that wait; one more is told to come later.
const MOST_WAITING: usize = 4_096;
/// The most commands of one transaction.
const MOST_IN_BATCH: usize = 256;

/// A command that waits for its commit.
pub(super) struct Waiting {
    pub(super) append: Append,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
}

/// The way to the one task that commits.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Waiting>);

/// Starts the task that commits; it ends when the queue is dropped or `stop` is cancelled, after
/// what waits by then.
pub(crate) fn start(pool: PgPool, topics: Topics, stop: CancellationToken) -> Queue {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let committer = Committer::new(pool, topics);
    tokio::spawn(run(committer, receiver, stop));
    Queue(sender)
}

impl Queue {
    pub(crate) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { append, answer };
        self.0.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Busy,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> AppendError {
    AppendError::Away("the service is stopping".to_owned())
}

async fn run(committer: Committer, mut receiver: mpsc::Receiver<Waiting>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(MOST_IN_BATCH);
    loop {
        tokio::select! {
            biased;
            received = receiver.recv_many(&mut batch, MOST_IN_BATCH) => {
                if received == 0 {
                    return;
                }
                committer.commit(std::mem::take(&mut batch)).await;
            }
            () = stop.cancelled() => receiver.close(),
        }
    }
}
