//! The accounts that run the platform now, in one stream, so that there is always one left.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};

/// The one stream of administrators.
pub const ADMINISTRATORS: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);

/// What happened to the circle of administrators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// An account joined it.
    AdministratorAdded {
        /// The account.
        account_id: Uuid,
    },
    /// An account left it.
    AdministratorRemoved {
        /// The account.
        account_id: Uuid,
    },
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of the administrators.
#[derive(Debug, Clone)]
pub enum Command {
    /// Let an account join, if it is not among them.
    Add(Uuid),
    /// Let an account leave, if it is among them.
    Remove(Uuid),
    /// Let an account join, if there is nobody yet.
    AddFirst(Uuid),
}

/// Why the circle stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nobody would be left.
    #[error("the last administrator can't be removed")]
    Last,
    /// There are administrators already.
    #[error("there is an administrator already")]
    NotFirst,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Last => Verdict::refused("last-administrator"),
            Self::NotFirst => Verdict::refused("administrator-exists"),
        }
    }
}

/// The accounts that are active administrators.
pub type State = BTreeSet<Uuid>;

/// The aggregate of all administrators.
pub struct Administrators;

impl Decider for Administrators {
    const TYPE: &'static str = "identity.administrators";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::AddFirst(_) if !state.is_empty() => Err(Rejection::NotFirst),
            Command::Add(account_id) | Command::AddFirst(account_id) => {
                if state.contains(&account_id) {
                    return Ok(vec![]);
                }
                Ok(vec![Event::AdministratorAdded { account_id }])
            }
            Command::Remove(account_id) if state.contains(&account_id) => {
                if state.len() == 1 {
                    return Err(Rejection::Last);
                }
                Ok(vec![Event::AdministratorRemoved { account_id }])
            }
            Command::Remove(_) => Ok(vec![]),
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::AdministratorAdded { account_id } => state.insert(*account_id),
            Event::AdministratorRemoved { account_id } => state.remove(account_id),
        };
        state
    }
}
