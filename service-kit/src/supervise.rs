//! Background tasks and how a service ends: by a signal, or with the first task that fails.

use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The tasks of a process. When one fails, all are told to stop, and the process ends with its
/// reason.
pub struct Supervisor {
    tasks: JoinSet<Result<(), TaskFailed>>,
    stop: CancellationToken,
}

/// Why a task ended that should not have.
#[derive(Debug, thiserror::Error)]
#[error("{task} failed: {reason}")]
pub struct TaskFailed {
    /// The task.
    pub task: &'static str,
    /// What it said.
    pub reason: String,
}

impl Supervisor {
    /// No tasks yet; `stop` tells them to end.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            tasks: JoinSet::new(),
            stop,
        }
    }

    /// What tells the tasks to end.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts `task`. It ends when `stop` is cancelled; to end before is a failure.
    pub fn spawn<E: std::fmt::Display>(
        &mut self,
        name: &'static str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let failed = |reason: String| TaskFailed { task: name, reason };
            match task.await {
                // The long form: an anyhow error tells its causes too.
                Err(error) => Err(failed(format!("{error:#}"))),
                Ok(()) if stop.is_cancelled() => Ok(()),
                Ok(()) => Err(failed("it ended by itself".to_owned())),
            }
        });
    }

    /// Waits until every task has ended; the first failure stops the others.
    ///
    /// # Errors
    /// The first failure.
    pub async fn run(mut self) -> Result<(), TaskFailed> {
        let mut first = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let outcome = ended.unwrap_or_else(|error| {
                let reason = error.to_string();
                Err(TaskFailed {
                    task: "a task",
                    reason,
                })
            });
            if let Err(failure) = outcome {
                tracing::error!(%failure, "stopping");
                self.stop.cancel();
                first = first.and(Err(failure));
            }
        }
        first
    }
}

/// Cancels `stop` at the first SIGINT or SIGTERM.
///
/// # Errors
/// When the signals can't be listened to.
pub async fn stop_on_signal(stop: CancellationToken) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("interrupted; stopping"),
        _ = terminate.recv() => tracing::info!("terminated; stopping"),
        () = stop.cancelled() => {}
    }
    stop.cancel();
    Ok(())
}
