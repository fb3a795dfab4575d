//! The sessions of an account: where it is signed in, and by which token each goes on.
//!
//! A session goes on by a token that is good once. One that comes a second time was stolen, from
//! its owner or by its owner's own thief; nobody can tell, so the session ends.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};
use crate::personal::Personal;

/// How long a session lasts in which nothing is asked.
pub const LIFETIME: TimeDelta = TimeDelta::days(7);
/// The most sessions of one account; the one that was idle longest makes room.
pub const MOST: usize = 20;
/// The longest name of a program that is kept, in characters.
pub const MAX_AGENT: usize = 300;

/// The stream of an account's sessions.
pub fn sessions_id(account_id: Uuid) -> Uuid {
    Uuid::new_v5(&account_id, b"sessions")
}

/// What happened to the sessions of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// Somebody signed in.
    SessionStarted {
        /// Whose sessions these are.
        account_id: Uuid,
        /// The session.
        session_id: Uuid,
        /// The token by which it goes on.
        token_id: Uuid,
        /// Until when that is good.
        expires_at: DateTime<Utc>,
        /// The program that was used, as it calls itself.
        agent: Option<Personal<String>>,
    },
    /// A session went on, by another token.
    SessionContinued {
        /// The session.
        session_id: Uuid,
        /// The token by which it goes on now.
        token_id: Uuid,
        /// Until when that is good.
        expires_at: DateTime<Utc>,
    },
    /// Sessions are over.
    SessionsEnded {
        /// Which.
        session_ids: Vec<Uuid>,
        /// Why.
        why: EndedBecause,
    },
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum EndedBecause {
    /// Somebody signed out.
    SignedOut,
    /// Its owner ended it from another one.
    Revoked,
    /// A token came that had been used.
    TokenReused,
    /// The account has another password.
    PasswordChanged,
    /// The account may not sign in any more.
    Deactivated,
    /// The account is gone.
    Erased,
    /// Nothing was asked in it for too long.
    Expired,
    /// There were too many.
    TooMany,
}

/// What may be asked of sessions.
#[derive(Debug, Clone)]
pub enum Command {
    /// Sign in.
    Start(NewSession),
    /// Go on by the next token.
    Continue {
        /// The session.
        session_id: Uuid,
        /// The next token.
        token_id: Uuid,
        /// Until when that is good.
        expires_at: DateTime<Utc>,
    },
    /// End those that there are of these.
    End(Which, EndedBecause),
}

/// A session to be.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose sessions these are.
    pub account_id: Uuid,
    /// The session.
    pub session_id: Uuid,
    /// The token by which it goes on.
    pub token_id: Uuid,
    /// The program that is used, as it calls itself.
    pub agent: Option<String>,
    /// The time.
    pub now: DateTime<Utc>,
}

/// Some sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All.
    All,
    /// This one.
    One(Uuid),
    /// All but this one.
    Others(Uuid),
}

/// Why a session does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such session.
    #[error("there is no such session")]
    Unknown,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("session-unknown"),
        }
    }
}

/// A session that is not over, unless by its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The token by which it goes on.
    pub token_id: Uuid,
    /// Until when that is good.
    pub expires_at: DateTime<Utc>,
}

/// The sessions that are not over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State(BTreeMap<Uuid, Open>);

/// What a token is to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// It is the one by which it goes on.
    Good,
    /// It was, before.
    Used,
    /// The session is over.
    Over,
}

impl State {
    /// What the token is to the session.
    pub fn judge(&self, session_id: Uuid, token_id: Uuid, now: DateTime<Utc>) -> Judged {
        match self.0.get(&session_id) {
            Some(open) if open.expires_at <= now => Judged::Over,
            Some(open) if open.token_id == token_id => Judged::Good,
            Some(_) => Judged::Used,
            None => Judged::Over,
        }
    }

    /// Whether there is such a session.
    pub fn has(&self, session_id: Uuid) -> bool {
        self.0.contains_key(&session_id)
    }

    fn those(&self, which: Which) -> Vec<Uuid> {
        let meant = |id: &Uuid| match which {
            Which::All => true,
            Which::One(one) => *id == one,
            Which::Others(but) => *id != but,
        };
        self.0.keys().copied().filter(meant).collect()
    }

    fn expired(&self, now: DateTime<Utc>) -> Vec<Uuid> {
        let expired = self.0.iter().filter(|(_, open)| open.expires_at <= now);
        expired.map(|(id, _)| *id).collect()
    }

    /// The ones that were idle longest, so that there is room for one more beside the others.
    fn too_many(&self, expired: &[Uuid]) -> Vec<Uuid> {
        let rest = self.0.iter().filter(|(id, _)| !expired.contains(id));
        let mut rest: Vec<_> = rest.map(|(id, open)| (open.expires_at, *id)).collect();
        rest.sort_unstable();
        rest.truncate((rest.len() + 1).saturating_sub(MOST));
        rest.into_iter().map(|(_, id)| id).collect()
    }
}

/// The aggregate of an account's sessions.
pub struct Sessions;

impl Decider for Sessions {
    const TYPE: &'static str = "identity.sessions";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Start(new) => Ok(start(state, new)),
            Command::Continue { session_id, .. } if !state.has(session_id) => {
                Err(Rejection::Unknown)
            }
            Command::Continue {
                session_id,
                token_id,
                expires_at,
            } => Ok(vec![Event::SessionContinued {
                session_id,
                token_id,
                expires_at,
            }]),
            Command::End(which, why) => Ok(ended(state.those(which), why)),
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::SessionStarted {
                session_id,
                token_id,
                expires_at,
                ..
            }
            | Event::SessionContinued {
                session_id,
                token_id,
                expires_at,
            } => {
                let open = Open {
                    token_id: *token_id,
                    expires_at: *expires_at,
                };
                state.0.insert(*session_id, open);
            }
            Event::SessionsEnded { session_ids, .. } => {
                state.0.retain(|id, _| !session_ids.contains(id));
            }
        }
        state
    }
}

fn start(state: &State, new: NewSession) -> Vec<Event> {
    let expired = state.expired(new.now);
    let too_many = state.too_many(&expired);
    let mut events = ended(expired, EndedBecause::Expired);
    events.extend(ended(too_many, EndedBecause::TooMany));
    events.push(Event::SessionStarted {
        account_id: new.account_id,
        session_id: new.session_id,
        token_id: new.token_id,
        expires_at: new.now + LIFETIME,
        agent: new.agent.map(|agent| {
            let shown = agent.chars().filter(|c| !c.is_control());
            Personal::new(new.account_id, shown.take(MAX_AGENT).collect())
        }),
    });
    events
}

fn ended(session_ids: Vec<Uuid>, why: EndedBecause) -> Vec<Event> {
    match session_ids.is_empty() {
        true => vec![],
        false => vec![Event::SessionsEnded { session_ids, why }],
    }
}
