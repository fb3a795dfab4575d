//! Somebody's wish to sell, which an admin grants or not.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};
use crate::language::Language;
use crate::personal::Personal;

/// The longest message or reason, in characters.
pub const MAX_TEXT: usize = 2_000;

/// The request of an account, which has one at most.
pub fn seller_request_id(account_id: Uuid) -> Uuid {
    Uuid::new_v5(&account_id, b"seller request")
}

/// What happened to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// Somebody wants to sell.
    SellerRequested {
        /// The account that was made for it.
        account_id: Uuid,
        /// What was said beside it.
        message: Option<Personal<String>>,
        /// In which language the answer is to be.
        language: Language,
    },
    /// An admin let them.
    SellerRequestApproved {
        /// The account.
        account_id: Uuid,
        /// In which language it is told.
        language: Language,
    },
    /// An admin did not.
    SellerRequestRejected {
        /// The account.
        account_id: Uuid,
        /// Why not, as it is told.
        reason: Personal<String>,
        /// In which language it is told.
        language: Language,
    },
    /// The account was erased before.
    SellerRequestWithdrawn {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of a request.
#[derive(Debug, Clone)]
pub enum Command {
    /// Make it.
    Request {
        /// The account.
        account_id: Uuid,
        /// What is said beside it.
        message: Option<String>,
        /// In which language the answer is to be.
        language: Language,
    },
    /// Let them sell.
    Approve,
    /// Do not.
    Reject {
        /// Why not.
        reason: String,
    },
    /// Let it go, if it is open.
    Withdraw,
}

/// Why a request stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such request.
    #[error("there is no such seller request")]
    Unknown,
    /// The account has made one.
    #[error("the account has made a seller request already")]
    Exists,
    /// It is settled.
    #[error("the seller request was {0} already")]
    Settled(Status),
    /// It can't be read.
    #[error("a message has {MAX_TEXT} characters at most, all of which can be shown")]
    Message,
    /// It says nothing, or can't be read.
    #[error("a reason has 1 to {MAX_TEXT} characters, all of which can be shown")]
    Reason,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("seller-request-unknown"),
            Self::Exists => Verdict::refused("seller-request-exists"),
            Self::Settled(_) => Verdict::refused("seller-request-settled"),
            Self::Message => Verdict::invalid("/message"),
            Self::Reason => Verdict::invalid("/reason"),
        }
    }
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// Nobody has answered yet.
    Pending,
    /// They may sell.
    Approved,
    /// They may not.
    Rejected,
    /// The account was erased.
    Withdrawn,
}

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requested {
    /// The account.
    pub account_id: Uuid,
    /// In which language the answer is to be.
    pub language: Language,
    /// How it stands.
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<Personal<String>>,
}

/// A request as its events left it; none before it was made.
pub type State = Option<Requested>;

/// What `state` holds, or that there is no such request.
pub fn requested(state: &State) -> Result<&Requested, Rejection> {
    state.as_ref().ok_or(Rejection::Unknown)
}

/// The aggregate of one request.
pub struct SellerRequest;

impl Decider for SellerRequest {
    const TYPE: &'static str = "identity.seller_request";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Request { .. } if state.is_some() => Err(Rejection::Exists),
            Command::Request {
                account_id,
                message,
                language,
            } => Ok(vec![Event::SellerRequested {
                account_id,
                message: message
                    .map(|text| text_of(&text).ok_or(Rejection::Message))
                    .transpose()?
                    .filter(|text| !text.is_empty())
                    .map(|text| Personal::new(account_id, text)),
                language,
            }]),
            Command::Approve => {
                let request = pending(state)?;
                Ok(vec![Event::SellerRequestApproved {
                    account_id: request.account_id,
                    language: request.language,
                }])
            }
            Command::Reject { reason } => {
                let request = pending(state)?;
                let reason = text_of(&reason).filter(|text| !text.is_empty());
                Ok(vec![Event::SellerRequestRejected {
                    account_id: request.account_id,
                    reason: Personal::new(request.account_id, reason.ok_or(Rejection::Reason)?),
                    language: request.language,
                }])
            }
            Command::Withdraw => match pending(state) {
                Ok(_) => Ok(vec![Event::SellerRequestWithdrawn {}]),
                Err(_) => Ok(vec![]),
            },
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let settled = |status| state.clone().map(|one| Requested { status, ..one });
        match event {
            Event::SellerRequested {
                account_id,
                language,
                ..
            } => Some(Requested {
                account_id: *account_id,
                language: *language,
                status: Status::Pending,
                reason: None,
            }),
            Event::SellerRequestApproved { .. } => settled(Status::Approved),
            Event::SellerRequestRejected { reason, .. } => {
                settled(Status::Rejected).map(|one| Requested {
                    reason: Some(reason.clone()),
                    ..one
                })
            }
            Event::SellerRequestWithdrawn {} => settled(Status::Withdrawn),
        }
    }
}

fn pending(state: &State) -> Result<&Requested, Rejection> {
    let request = requested(state)?;
    match request.status {
        Status::Pending => Ok(request),
        settled => Err(Rejection::Settled(settled)),
    }
}

/// What was typed, without blanks around it; none when it is too long or can't be shown.
fn text_of(typed: &str) -> Option<String> {
    let text = typed.trim();
    let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (text.chars().count() <= MAX_TEXT && text.chars().all(shown)).then(|| text.to_owned())
}
