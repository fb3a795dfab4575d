//! A command of a policy, through the log.

use domain::streams::{Halt, Streams};
use event_store::Log;
use event_store::append::{Accepted, AppendError, ExecuteError, Executed, Request, Stop};
use event_store::idempotency::{Key, OF_POLICIES};
use sha2::{Digest, Sha256};

use super::cause::Cause;
use super::error::Failure;
use super::registered::Decide;
use crate::measure::{self, Outcome};

/// What is kept of a command that was carried out.
const DONE: &str = "{}";

/// A command, and the key under which its outcome is kept for ever.
pub(super) struct Command<'a> {
    /// Whose it is.
    pub(super) policy: &'static str,
    /// What tells it from every other of the policy.
    pub(super) key: String,
    /// As JSON.
    pub(super) json: &'a str,
    /// Where it comes from.
    pub(super) cause: &'a Cause,
}

/// Carries `command` out, once. A refusal of the domain is an outcome, and kept as one: what was
/// refused once is not done in a replay, when the state may be another.
pub(super) async fn carry_out(
    log: &Log,
    command: Command<'_>,
    mut decide: Decide,
) -> Result<(), Failure> {
    let Command {
        policy,
        key,
        json,
        cause,
    } = command;
    let digest: [u8; 32] = Sha256::digest(json.as_bytes()).into();
    let request = Request {
        metadata: cause.metadata(policy),
        occurred_at: None,
        key: Some(Key {
            scope: OF_POLICIES.to_owned(),
            key: format!("{policy}/{key}"),
            digest,
        }),
        new: Vec::new(),
    };
    let decided = log.execute(request, move |streams| outcome(&mut decide, streams));
    let outcome = match decided.await {
        Ok(Executed::Stored { value: None, .. }) => Outcome::Done,
        Ok(Executed::Stored {
            value: Some(code), ..
        }) => {
            tracing::info!(policy, code, event = %cause.event_id, "a command of a policy was refused");
            Outcome::Refused
        }
        Ok(Executed::Replayed(record)) => {
            if record.digest != digest {
                tracing::warn!(policy, event = %cause.event_id, "a policy wants another command than it did before; what was done stays");
            }
            Outcome::Replayed
        }
        Err(ExecuteError::Append(AppendError::Erased(_))) => Outcome::Refused,
        Err(error) => return Err(error.into()),
    };
    measure::carried_out(policy, outcome);
    Ok(())
}

/// What the domain decides: nothing more to say, or the code of its refusal.
fn outcome(
    decide: &mut Decide,
    streams: &mut Streams,
) -> Result<Accepted<Option<&'static str>>, Stop<String>> {
    match decide(streams) {
        Ok(()) => Ok(Accepted {
            value: None,
            answer: DONE.to_owned(),
        }),
        Err(Halt::Rejected(rejection)) => {
            // Of a refused command nothing is stored but that it was refused.
            streams.restart();
            let code = rejection.verdict().code;
            Ok(Accepted {
                value: Some(code),
                answer: serde_json::json!({ "refused": code }).to_string(),
            })
        }
        Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
        Err(Halt::Corrupt(error)) => Err(Stop::Refused(error.to_string())),
    }
}
