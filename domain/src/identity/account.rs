//! An account: who somebody is, and what they may do.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::email::EmailAddress;
use super::link::Link;
use super::profile::{Profile, Told};
use crate::actor::Role;
use crate::decider::{self, Decider, Verdict};
use crate::language::Language;
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
    /// Its owner is to show that the address is theirs, by a link that is sent there.
    ConfirmationRequested {
        /// The link.
        #[serde(flatten)]
        link: Link,
        /// In which language it is sent.
        language: Language,
        /// The claim on the address, to be let go when it is never confirmed.
        email_claim_id: Uuid,
    },
    /// Its owner showed it, so it may sign in.
    EmailConfirmed {
        /// The link that was followed.
        token_id: Uuid,
    },
    /// Its owner forgot the password: a link to set another is sent.
    PasswordResetRequested {
        /// The link.
        #[serde(flatten)]
        link: Link,
        /// In which language it is sent.
        language: Language,
    },
    /// It has another password.
    PasswordChanged {
        /// The row that holds its hash.
        credential_id: Uuid,
        /// The link that was followed, when the password had been forgotten.
        token_id: Option<Uuid>,
        /// In which language its owner is told.
        language: Language,
    },
    /// Its owner told of themselves; what was told before is replaced.
    ProfileChanged(Profile),
    /// It is gone for ever: the key of its personal data is destroyed.
    AccountErased {
        /// Who wanted it so.
        why: ErasedBecause,
    },
}

/// Why an account was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum ErasedBecause {
    /// Its owner asked for it.
    Requested,
    /// Its address was never confirmed.
    NeverConfirmed,
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of an account.
#[derive(Debug, Clone)]
pub enum Command {
    /// Make it.
    Register(NewAccount),
    /// Let it sign in.
    Activate,
    /// Let it sign in no more.
    Deactivate,
    /// Replace what it may be.
    ChangeRoles(BTreeSet<Role>),
    /// Let it be this too.
    Grant(Role),
    /// Send the link to confirm its address again, if it is not confirmed yet.
    RequestConfirmation(Confirmation),
    /// Its owner followed the link with this token.
    ConfirmEmail {
        /// The id of the token.
        token_id: Uuid,
        /// The time.
        now: DateTime<Utc>,
    },
    /// Send a link to set another password, if it may sign in.
    RequestReset {
        /// The link.
        link: Link,
        /// In which language it is sent.
        language: Language,
    },
    /// Its owner followed the link with this token, and set another password.
    ResetPassword {
        /// The id of the token.
        token_id: Uuid,
        /// The row that holds the password's hash.
        credential_id: Uuid,
        /// In which language its owner is told.
        language: Language,
        /// The time.
        now: DateTime<Utc>,
    },
    /// Its owner, who knows the password, set another.
    ChangePassword {
        /// The row of the password that the owner knew.
        known: Uuid,
        /// The row that holds the new one's hash.
        credential_id: Uuid,
        /// In which language its owner is told.
        language: Language,
    },
    /// Replace what its owner tells.
    ChangeProfile {
        /// Its own id, whose personal data this is.
        id: Uuid,
        /// What the owner tells.
        told: Told,
    },
    /// Its owner wants it gone.
    Erase,
    /// Its owner has not confirmed the address in time.
    Expire,
}

/// An account to be.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its own id, whose personal data this is.
    pub id: Uuid,
    /// Where it is reached.
    pub email: EmailAddress,
    /// What its owner is called.
    pub name: String,
    /// What it may be.
    pub roles: BTreeSet<Role>,
    /// The row that holds the hash of its password.
    pub credential_id: Uuid,
    /// How it begins.
    pub beginning: Beginning,
}

/// How an account begins.
#[derive(Debug, Clone)]
pub enum Beginning {
    /// It may sign in at once.
    Active,
    /// When its address is confirmed.
    Unconfirmed(Confirmation),
    /// When somebody lets it.
    Inactive,
}

/// A link to confirm an address, to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation {
    /// The link.
    pub link: Link,
    /// In which language it is sent.
    pub language: Language,
    /// The claim on the address.
    pub email_claim_id: Uuid,
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
    /// It is gone.
    #[error("the account was erased")]
    Erased,
    /// It may not sign in.
    #[error("the account is not active")]
    Inactive,
    /// Nobody is called that.
    #[error("a name has 1 to {MAX_NAME} characters, and not only blanks")]
    Name,
    /// It could do nothing.
    #[error("an account has one role at least")]
    NoRole,
    /// What its owner tells, at this pointer, is too long, or can't be shown.
    #[error("a line has at most 100 characters, a text 2,000, all of which can be shown")]
    Profile(&'static str),
    /// The link is none of its, or was.
    #[error("the link was used, has expired, or another was sent since")]
    Link,
    /// The password was changed meanwhile.
    #[error("the password was changed meanwhile")]
    PasswordChanged,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("account-unknown"),
            Self::Exists => Verdict::refused("account-exists"),
            Self::Erased => Verdict::refused("person-erased"),
            Self::Inactive => Verdict::refused("account-inactive"),
            Self::Name => Verdict::invalid("/name"),
            Self::NoRole => Verdict::invalid("/roles"),
            Self::Profile(pointer) => Verdict::invalid(pointer),
            Self::Link => Verdict::refused("link-invalid"),
            Self::PasswordChanged => Verdict::refused("password-changed"),
        }
    }
}

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may sign in.
    Active,
    /// Its address is to be confirmed first.
    Unconfirmed,
    /// It may not sign in.
    Inactive,
    /// It is gone.
    Erased,
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
    /// How it stands.
    pub standing: Standing,
    /// The link by which its address can be confirmed.
    pub confirmation: Option<Link>,
    /// The token by which it was.
    pub confirmed_by: Option<Uuid>,
    /// The link by which another password can be set.
    pub reset: Option<Link>,
    /// What its owner tells.
    pub profile: Profile,
}

impl Registered {
    /// Whether it may sign in.
    pub fn active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// Whether it runs the platform now.
    pub fn administers(&self) -> bool {
        self.active() && self.roles.contains(&Role::Admin)
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
        match (state, command) {
            (None, Command::Register(new)) => register(new),
            (None, _) => Err(Rejection::Unknown),
            (Some(account), command) => change(account, command),
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
                standing: match active {
                    true => Standing::Active,
                    false => Standing::Inactive,
                },
                confirmation: None,
                confirmed_by: None,
                reset: None,
                profile: Profile::default(),
            });
        }
        let mut account = state?;
        match event {
            Event::AccountRegistered { .. } => {}
            Event::AccountActivated {} => {
                account.standing = Standing::Active;
                account.confirmation = None;
            }
            Event::AccountDeactivated {} => {
                account.standing = Standing::Inactive;
                account.confirmation = None;
                account.reset = None;
            }
            Event::RolesChanged { roles } => account.roles = roles.clone(),
            Event::ConfirmationRequested { link, .. } => {
                account.standing = Standing::Unconfirmed;
                account.confirmation = Some(*link);
            }
            Event::EmailConfirmed { token_id } => {
                account.standing = Standing::Active;
                account.confirmation = None;
                account.confirmed_by = Some(*token_id);
            }
            Event::PasswordResetRequested { link, .. } => account.reset = Some(*link),
            Event::PasswordChanged { credential_id, .. } => {
                account.credential_id = *credential_id;
                account.reset = None;
            }
            Event::ProfileChanged(profile) => account.profile = profile.clone(),
            Event::AccountErased { .. } => {
                account.standing = Standing::Erased;
                account.email.value = None;
                account.name.value = None;
                account.confirmation = None;
                account.reset = None;
                account.profile = Profile::default();
            }
        }
        Some(account)
    }
}

impl Confirmation {
    fn event(self) -> Event {
        Event::ConfirmationRequested {
            link: self.link,
            language: self.language,
            email_claim_id: self.email_claim_id,
        }
    }
}

fn register(new: NewAccount) -> Result<Vec<Event>, Rejection> {
    let id = new.id;
    let name = new.name.trim();
    let printable = name.chars().all(|c| !c.is_control());
    if name.is_empty() || name.chars().count() > MAX_NAME || !printable {
        return Err(Rejection::Name);
    }
    // What is yet to be let in may be given its roles then.
    if !matches!(new.beginning, Beginning::Inactive) {
        check_roles(&new.roles)?;
    }
    let registered = Event::AccountRegistered {
        email: Personal::new(id, new.email),
        name: Personal::new(id, name.to_owned()),
        roles: new.roles,
        credential_id: new.credential_id,
        active: matches!(new.beginning, Beginning::Active),
    };
    Ok(match new.beginning {
        Beginning::Unconfirmed(asked) => vec![registered, asked.event()],
        Beginning::Active | Beginning::Inactive => vec![registered],
    })
}

fn change(account: &Registered, command: Command) -> Result<Vec<Event>, Rejection> {
    if account.standing == Standing::Erased {
        return match command {
            Command::Erase | Command::Expire => Ok(vec![]),
            _ => Err(Rejection::Erased),
        };
    }
    match command {
        Command::Register(_) => Err(Rejection::Exists),
        Command::Activate if account.active() => Ok(vec![]),
        Command::Activate => {
            check_roles(&account.roles)?;
            Ok(vec![Event::AccountActivated {}])
        }
        Command::Deactivate if account.standing == Standing::Inactive => Ok(vec![]),
        Command::Deactivate => Ok(vec![Event::AccountDeactivated {}]),
        Command::ChangeRoles(roles) => change_roles(account, roles),
        Command::Grant(role) => {
            let granted = account.roles.iter().copied().chain([role]);
            change_roles(account, granted.collect())
        }
        Command::RequestConfirmation(asked) => Ok(match account.confirmation {
            Some(link) if !link.just_before(&asked.link) => vec![asked.event()],
            _ => vec![],
        }),
        Command::ConfirmEmail { token_id, now } => confirm(account, token_id, now),
        Command::RequestReset { link, language } => {
            let again = account.reset.is_some_and(|last| last.just_before(&link));
            if !account.active() || again {
                return Ok(vec![]);
            }
            Ok(vec![Event::PasswordResetRequested { link, language }])
        }
        Command::ResetPassword {
            token_id,
            credential_id,
            language,
            now,
        } => {
            let opened = account.reset.is_some_and(|link| link.opens(token_id, now));
            if !opened || !account.active() {
                return Err(Rejection::Link);
            }
            Ok(vec![Event::PasswordChanged {
                credential_id,
                token_id: Some(token_id),
                language,
            }])
        }
        Command::ChangePassword {
            known,
            credential_id,
            language,
        } => {
            if !account.active() {
                return Err(Rejection::Inactive);
            }
            if account.credential_id != known {
                return Err(Rejection::PasswordChanged);
            }
            Ok(vec![Event::PasswordChanged {
                credential_id,
                token_id: None,
                language,
            }])
        }
        Command::ChangeProfile { id, told } => {
            let profile = told.of(id)?;
            match profile == account.profile {
                true => Ok(vec![]),
                false => Ok(vec![Event::ProfileChanged(profile)]),
            }
        }
        Command::Erase => Ok(vec![Event::AccountErased {
            why: ErasedBecause::Requested,
        }]),
        Command::Expire if account.standing == Standing::Unconfirmed => {
            Ok(vec![Event::AccountErased {
                why: ErasedBecause::NeverConfirmed,
            }])
        }
        Command::Expire => Ok(vec![]),
    }
}

fn change_roles(account: &Registered, roles: BTreeSet<Role>) -> Result<Vec<Event>, Rejection> {
    check_roles(&roles)?;
    if account.roles == roles {
        return Ok(vec![]);
    }
    Ok(vec![Event::RolesChanged { roles }])
}

fn confirm(
    account: &Registered,
    token_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, Rejection> {
    // Links are followed twice: by impatient people, and by programs that look into mails.
    if account.active() && account.confirmed_by == Some(token_id) {
        return Ok(vec![]);
    }
    match account.confirmation {
        Some(link) if link.opens(token_id, now) => Ok(vec![Event::EmailConfirmed { token_id }]),
        _ => Err(Rejection::Link),
    }
}

fn check_roles(roles: &BTreeSet<Role>) -> Result<(), Rejection> {
    if roles.is_empty() {
        return Err(Rejection::NoRole);
    }
    Ok(())
}
