//! An account: who somebody is, and what they may do.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::email::EmailAddress;
use crate::actor::Role;
use crate::decider::{self, Decider, Verdict};
use crate::personal::Personal;

/// The longest name, in characters.
pub const MAX_NAME: usize = 200;

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It came to be.
    AccountRegistered {
        /// Where it is reached, in lower case.
        email: Personal<EmailAddress>,
        /// What its owner is called.
        name: Personal<String>,
        /// What it may be.
        roles: BTreeSet<Role>,
        /// The row that holds the hash of its password.
        credential_id: Uuid,
        /// Whether it may sign in at once.
        active: bool,
    },
    /// It may sign in.
    AccountActivated {},
    /// It may no longer sign in.
    AccountDeactivated {},
    /// What it may be changed.
    RolesChanged {
        /// What it may be now.
        roles: BTreeSet<Role>,
    },
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of an account.
#[derive(Debug, Clone)]
pub enum Command {
    /// Make it, able to sign in at once.
    Register {
        /// Its own id, whose personal data this is.
        id: Uuid,
        /// Where it is reached.
        email: EmailAddress,
        /// What its owner is called.
        name: String,
        /// What it may be.
        roles: BTreeSet<Role>,
        /// The row that holds the hash of its password.
        credential_id: Uuid,
    },
    /// Let it sign in.
    Activate,
    /// Let it sign in no more.
    Deactivate,
    /// Replace what it may be.
    ChangeRoles(BTreeSet<Role>),
}

/// Why an account refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such account.
    #[error("there is no such account")]
    Unknown,
    /// The id is taken.
    #[error("the account exists already")]
    Exists,
    /// Nobody is called that.
    #[error("a name has 1 to {MAX_NAME} characters, and not only blanks")]
    Name,
    /// It could do nothing.
    #[error("an account has one role at least")]
    NoRole,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("account-unknown"),
            Self::Exists => Verdict::refused("account-exists"),
            Self::Name => Verdict::invalid("/name"),
            Self::NoRole => Verdict::invalid("/roles"),
        }
    }
}

/// An account that was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Where it is reached.
    pub email: Personal<EmailAddress>,
    /// What its owner is called.
    pub name: Personal<String>,
    /// What it may be.
    pub roles: BTreeSet<Role>,
    /// The row that holds the hash of its password.
    pub credential_id: Uuid,
    /// Whether it may sign in.
    pub active: bool,
}

impl Registered {
    /// Whether it runs the platform now.
    pub fn administers(&self) -> bool {
        self.active && self.roles.contains(&Role::Admin)
    }
}

/// An account as its events left it; none before it was registered.
pub type State = Option<Registered>;

/// What `state` holds, or that there is no such account.
pub fn registered(state: &State) -> Result<&Registered, Rejection> {
    state.as_ref().ok_or(Rejection::Unknown)
}

/// The account aggregate.
pub struct Account;

impl Decider for Account {
    const TYPE: &'static str = "identity.account";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Register {
                id,
                email,
                name,
                roles,
                credential_id,
            } => {
                if state.is_some() {
                    return Err(Rejection::Exists);
                }
                let name = name.trim();
                let printable = name.chars().all(|c| !c.is_control());
                if name.is_empty() || name.chars().count() > MAX_NAME || !printable {
                    return Err(Rejection::Name);
                }
                check_roles(&roles)?;
                Ok(vec![Event::AccountRegistered {
                    email: Personal::new(id, email),
                    name: Personal::new(id, name.to_owned()),
                    roles,
                    credential_id,
                    active: true,
                }])
            }
            Command::Activate => match registered(state)?.active {
                true => Ok(vec![]),
                false => Ok(vec![Event::AccountActivated {}]),
            },
            Command::Deactivate => match registered(state)?.active {
                true => Ok(vec![Event::AccountDeactivated {}]),
                false => Ok(vec![]),
            },
            Command::ChangeRoles(roles) => {
                check_roles(&roles)?;
                if registered(state)?.roles == roles {
                    return Ok(vec![]);
                }
                Ok(vec![Event::RolesChanged { roles }])
            }
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        if let Event::AccountRegistered {
            email,
            name,
            roles,
            credential_id,
            active,
        } = event
        {
            return Some(Registered {
                email: email.clone(),
                name: name.clone(),
                roles: roles.clone(),
                credential_id: *credential_id,
                active: *active,
            });
        }
        let mut account = state?;
        match event {
            Event::AccountRegistered { .. } => {}
            Event::AccountActivated {} => account.active = true,
            Event::AccountDeactivated {} => account.active = false,
            Event::RolesChanged { roles } => account.roles = roles.clone(),
        }
        Some(account)
    }
}

fn check_roles(roles: &BTreeSet<Role>) -> Result<(), Rejection> {
    if roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    Ok(())
}
