//! E-mails that are queued are sent.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::streams::{Halt, StreamId, StreamKind, Streams};
use domain::support::email::{Command, Email, Event, MOST_ATTEMPTS, Queued, Reason, Status};
use event_store::Log;
use event_store::append::{Accepted, Request, Stop};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Parts;
use crate::mail::{Mail, Outgoing, Refusal, Unmailable, render, say};
use crate::measure;
use crate::runtime::{Cause, Effect, Failure, Happened, Reaction, backoff, jitter};

/// The wait after the first attempt, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How long to wait for a log that is away.
const PAUSE: Duration = Duration::from_millis(500);

/// The effect.
pub struct DeliverEmail {
    log: Log,
    mail: Mail,
}

/// One attempt at one e-mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The e-mail.
    pub email_id: Uuid,
    /// Which attempt, from 1.
    pub attempt: u32,
}

impl Effect for DeliverEmail {
    const NAME: &'static str = "deliver_email";
    const AT_ONCE: u32 = 8;
    type Of = Email;
    type Act = Attempt;

    fn react(happened: &Happened<'_, Email>) -> Vec<Reaction<Attempt>> {
        let email_id = happened.recorded.aggregate_id;
        let attempt = |attempt| Attempt { email_id, attempt };
        match &happened.event {
            Event::EmailQueued { .. } => vec![Reaction::Do(attempt(1))],
            Event::EmailRetried { attempt: next } => vec![Reaction::Do(attempt(*next))],
            Event::EmailAttemptFailed {
                attempt: failed,
                next_at,
                ..
            } => vec![Reaction::At {
                key: email_id.to_string(),
                due: *next_at,
                command: attempt(failed + 1),
            }],
            Event::EmailSent { .. } | Event::EmailGivenUp { .. } => vec![],
        }
    }

    async fn run(&self, act: Attempt, cause: Cause) -> Result<(), Failure> {
        let Attempt { email_id, attempt } = act;
        let email = self.load(email_id).await?;
        // What became of this attempt was written down before.
        if email.status != Status::Queued || email.attempts + 1 != attempt {
            return Ok(());
        }
        let command = match self.attempt(email_id, &email).await? {
            Ok(()) => Command::MarkSent { attempt },
            Err(Refusal::ForNow(why)) => Command::MarkFailed {
                attempt,
                why,
                next_at: next_at(&email, attempt),
            },
            Err(Refusal::ForGood(why)) => Command::GiveUp { attempt, why },
        };
        measure::email(&command, attempt - email.attempts_before >= MOST_ATTEMPTS);
        // It may be with the server by now, so its being so is written down, however long that
        // takes: to begin anew would send it twice.
        while let Err(failure) = self.write_down(email_id, &command, &cause).await {
            match failure {
                Failure::Away(why) => {
                    tracing::warn!(%email_id, why, "what became of an e-mail is not written down yet");
                    tokio::time::sleep(PAUSE).await;
                }
                failure => return Err(failure),
            }
        }
        Ok(())
    }
}

/// When an attempt that fails now is made again.
fn next_at(email: &Queued, attempt: u32) -> DateTime<Utc> {
    let of_round = attempt - email.attempts_before;
    Utc::now() + backoff(of_round, FIRST_WAIT, LONGEST_WAIT, jitter())
}

impl DeliverEmail {
    /// With what `parts` has.
    pub fn of(parts: &Parts) -> Self {
        Self {
            log: parts.log.clone(),
            mail: parts.mail.clone(),
        }
    }

    async fn load(&self, id: Uuid) -> Result<Queued, Failure> {
        let (stream, kind) = (StreamId::of::<Email>(id), StreamKind::of::<Email>());
        let (loaded, _) = self.log.load(stream, kind).await?;
        let mut streams = Streams::default();
        streams.insert(stream, loaded);
        let state = streams.state::<Email>(id);
        let email = state.ok().and_then(|state| state.as_ref().clone());
        email.ok_or_else(|| Failure::Fault(format!("there is no e-mail {id}")))
    }

    /// Writes it and sends it.
    async fn attempt(&self, id: Uuid, email: &Queued) -> Result<Result<(), Refusal>, Failure> {
        let (language, person) = (email.language, email.to.personal_of);
        let says = say(&email.template, language, person, &self.mail.links);
        let (Some(to), Some(says)) = (&email.to.value, says) else {
            return Ok(Err(Refusal::ForGood(Reason::Erased {})));
        };
        let (from, rendered) = (&self.mail.from, render(&says, language));
        let composed = Outgoing::compose((id, person), from, to, Utc::now(), rendered);
        match composed {
            Ok(outgoing) => Ok(self.mail.transport.send(&outgoing).await),
            Err(Unmailable::Address(_)) => Ok(Err(Refusal::ForGood(Reason::Address {}))),
            Err(Unmailable::Message(error)) => Err(Failure::Fault(error.to_string())),
        }
    }

    async fn write_down(&self, id: Uuid, command: &Command, cause: &Cause) -> Result<(), Failure> {
        let request = Request {
            metadata: cause.metadata(Self::NAME),
            ..Request::default()
        };
        let command = command.clone();
        let decide = move |streams: &mut Streams| match streams.decide::<Email>(id, command.clone())
        {
            Ok(()) => Ok(Accepted {
                value: (),
                answer: String::new(),
            }),
            Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
            Err(Halt::Rejected(why)) => Err(Stop::Refused(why.to_string())),
            Err(Halt::Corrupt(why)) => Err(Stop::Refused(why.to_string())),
        };
        self.log.execute(request, decide).await?;
        Ok(())
    }
}
