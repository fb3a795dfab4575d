//! An e-mail: queued, attempted, sent, or given up.
//!
//! What it says is told by a template and ids, and it is written when it is sent. So no secret is
//! kept, and what a person is called or told is sealed, or stands elsewhere.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};
use crate::language::Language;
use crate::personal::Personal;

/// How often an e-mail is attempted before it is given up.
pub const MOST_ATTEMPTS: u32 = 10;

/// The id of the e-mail that the policy `policy` queues for an event: the same whenever it is asked.
pub fn email_id(policy: &str, event_id: Uuid) -> Uuid {
    Uuid::new_v5(&event_id, policy.as_bytes())
}

/// What an e-mail says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Template {
    /// By this link you show that the address is yours.
    ConfirmEmail {
        /// The id of the link's token.
        token_id: Uuid,
        /// From when on it is good no more.
        expires_at: DateTime<Utc>,
    },
    /// By this link you set another password.
    ResetPassword {
        /// The id of the link's token.
        token_id: Uuid,
        /// From when on it is good no more.
        expires_at: DateTime<Utc>,
    },
    /// Your password was changed.
    PasswordChanged {},
    /// Your wish to sell was received.
    SellerRequested {},
    /// You may sell.
    SellerApproved {},
    /// You may not sell.
    SellerRejected {
        /// Why.
        reason: Personal<String>,
    },
}

/// Why an attempt failed. What the server said may hold the address, so only its code is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trouble {
    /// The server could not be reached, or the connection broke.
    Unreachable {},
    /// It did not answer in time.
    TimedOut {},
    /// It refused for now.
    Refused {
        /// Its reply code (RFC 5321 §4.2), where it gave one.
        code: Option<u16>,
    },
    /// The file could not be written.
    NotWritten {},
}

/// Why an e-mail was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// The person's data was erased.
    Erased {},
    /// It can't be sent to such an address.
    Address {},
    /// The server refuses it for good.
    Refused {
        /// Its reply code.
        code: Option<u16>,
    },
    /// It failed too often; at last for this.
    Exhausted {
        /// Why the last attempt failed.
        last: Trouble,
    },
}

/// What happened to an e-mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It is to be sent.
    EmailQueued {
        /// To whom: the person is an account.
        to: Personal<String>,
        /// In which language.
        language: Language,
        /// What it says.
        template: Template,
    },
    /// The server took it.
    EmailSent {
        /// At which attempt, from 1.
        attempt: u32,
    },
    /// It was not sent this time.
    EmailAttemptFailed {
        /// Which attempt that was.
        attempt: u32,
        /// Why.
        why: Trouble,
        /// When it is attempted again.
        next_at: DateTime<Utc>,
    },
    /// It is not attempted any more.
    EmailGivenUp {
        /// Which attempt was the last.
        attempt: u32,
        /// Why.
        why: Reason,
    },
    /// Somebody wants it attempted again.
    EmailRetried {
        /// Which attempt comes next.
        attempt: u32,
    },
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of an e-mail.
#[derive(Debug, Clone)]
pub enum Command {
    /// Queue it.
    Queue {
        /// To whom: an account.
        person: Uuid,
        /// The address.
        to: String,
        /// In which language.
        language: Language,
        /// What it says.
        template: Template,
    },
    /// The server took it.
    MarkSent {
        /// At which attempt.
        attempt: u32,
    },
    /// It was not sent this time.
    MarkFailed {
        /// Which attempt that was.
        attempt: u32,
        /// Why.
        why: Trouble,
        /// When it may be attempted again.
        next_at: DateTime<Utc>,
    },
    /// It will never be sent.
    GiveUp {
        /// Which attempt showed it.
        attempt: u32,
        /// Why.
        why: Reason,
    },
    /// Attempt it again, after it was given up.
    Retry,
}

/// Why an e-mail refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such e-mail.
    #[error("there is no such e-mail")]
    Unknown,
    /// It is under way, or was sent.
    #[error("the e-mail was not given up")]
    NotGivenUp,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("email-unknown"),
            Self::NotGivenUp => Verdict::refused("email-not-given-up"),
        }
    }
}

/// How an e-mail stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// It is to be attempted, now or later.
    Queued,
    /// It was sent.
    Sent,
    /// It was given up.
    GivenUp,
}

/// An e-mail that was queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queued {
    /// To whom.
    pub to: Personal<String>,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub template: Template,
    /// How it stands.
    pub status: Status,
    /// How often it was attempted.
    pub attempts: u32,
    /// How often it had been when somebody last wanted it attempted again.
    pub attempts_before: u32,
}

/// An e-mail as its events left it.
pub type State = Option<Queued>;

/// The e-mail aggregate.
pub struct Email;

impl Decider for Email {
    const TYPE: &'static str = "support.email";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        let Some(email) = state else {
            return match command {
                Command::Queue {
                    person,
                    to,
                    language,
                    template,
                } => Ok(vec![Event::EmailQueued {
                    to: Personal::new(person, to),
                    language,
                    template,
                }]),
                _ => Err(Rejection::Unknown),
            };
        };
        // What is told of another attempt than the one that is due was told before.
        let is_due = |attempt| email.status == Status::Queued && attempt == email.attempts + 1;
        Ok(match command {
            Command::MarkSent { attempt } if is_due(attempt) => vec![Event::EmailSent { attempt }],
            Command::MarkFailed {
                attempt,
                why,
                next_at,
            } if is_due(attempt) => match attempt - email.attempts_before < MOST_ATTEMPTS {
                true => vec![Event::EmailAttemptFailed {
                    attempt,
                    why,
                    next_at,
                }],
                false => {
                    let why = Reason::Exhausted { last: why };
                    vec![Event::EmailGivenUp { attempt, why }]
                }
            },
            Command::GiveUp { attempt, why } if is_due(attempt) => {
                vec![Event::EmailGivenUp { attempt, why }]
            }
            Command::Retry => match email.status {
                Status::GivenUp => vec![Event::EmailRetried {
                    attempt: email.attempts + 1,
                }],
                Status::Queued | Status::Sent => return Err(Rejection::NotGivenUp),
            },
            _ => vec![],
        })
    }

    fn evolve(state: State, event: &Event) -> State {
        if let Event::EmailQueued {
            to,
            language,
            template,
        } = event
        {
            return Some(Queued {
                to: to.clone(),
                language: *language,
                template: template.clone(),
                status: Status::Queued,
                attempts: 0,
                attempts_before: 0,
            });
        }
        let mut email = state?;
        match event {
            Event::EmailQueued { .. } => {}
            Event::EmailSent { attempt } => {
                (email.status, email.attempts) = (Status::Sent, *attempt);
            }
            Event::EmailAttemptFailed { attempt, .. } => email.attempts = *attempt,
            Event::EmailGivenUp { attempt, .. } => {
                (email.status, email.attempts) = (Status::GivenUp, *attempt);
            }
            Event::EmailRetried { .. } => {
                email.status = Status::Queued;
                email.attempts_before = email.attempts;
            }
        }
        Some(email)
    }
}
