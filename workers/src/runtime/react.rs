//! One event for one policy: what follows from it is done.

use std::time::Duration;

use event_store::{Log, RecordedEvent};

use super::carry_out::{Command, carry_out};
use super::cause::Cause;
use super::error::Failure;
use super::policy::Reaction;
use super::registered::{Handler, Registered};
use super::timers::{self, Timer};
use crate::measure;

/// How long to wait for what is away.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a fault is tried before the event is parked: some pass, as a full disk.
const TRIES: u32 = 3;

/// Does what follows from `event` for `policy`, waiting for what is away.
///
/// # Errors
/// [`Failure::Fault`] when the event is to be parked, [`Failure::Fatal`] when the worker is to end.
pub(super) async fn react(
    log: &Log,
    policy: &Registered,
    event: &RecordedEvent,
) -> Result<(), Failure> {
    let mut tried = 0;
    loop {
        match attempt(log, policy, event.clone()).await {
            Err(Failure::Away(why)) => {
                tracing::warn!(policy = policy.name, why, "a policy waits");
            }
            Err(Failure::Fault(why)) if tried + 1 < TRIES => {
                tracing::debug!(policy = policy.name, why, "a policy fails");
                tried += 1;
            }
            done => return done,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn attempt(log: &Log, policy: &Registered, mut event: RecordedEvent) -> Result<(), Failure> {
    let unreadable = |error: serde_json::Error| Failure::Fault(format!("its metadata: {error}"));
    let (cause, imported) = Cause::of(&event).map_err(unreadable)?;
    log.keyring().open_events([&mut event]).await?;
    let reactions = (policy.react)(&event).map_err(Failure::Fault)?;
    for (index, reaction) in reactions.into_iter().enumerate() {
        let (key, due, command) = match (reaction, &policy.handler) {
            (Reaction::Cancel { key }, _) => {
                timers::cancel(log.pool(), policy.name, &key, event.position).await?;
                continue;
            }
            // History that is imported starts nothing: what followed from it is history too.
            _ if imported => {
                measure::left_to_history(policy.name);
                continue;
            }
            (Reaction::Do(command), Handler::CarryOut(read)) => {
                let decide = read(&command).map_err(unreadable)?;
                let command = Command {
                    policy: policy.name,
                    key: format!("{}/{index}", event.event_id),
                    json: &command,
                    cause: &cause,
                };
                carry_out(log, command, decide).await?;
                continue;
            }
            (Reaction::Do(command), Handler::Run(_)) => {
                let key = format!("{}/{index}", event.event_id);
                (key, event.recorded_at, command)
            }
            (Reaction::At { key, due, command }, _) => (key, due, command),
        };
        let timer = Timer {
            policy: policy.name,
            key: &key,
            due,
            command: &command,
            position: event.position,
        };
        timers::set(log.pool(), timer, &cause).await?;
    }
    Ok(())
}
