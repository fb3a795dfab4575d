//! An e-mail address, and the claim of one account on it.
//!
//! The claim is a stream named by a keyed hash of the address. Registering writes its first event,
//! so the log itself lets one account have an address, under races too.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};

/// The longest address (RFC 5321, a path less its brackets).
pub const MAX_LENGTH: usize = 254;

/// An e-mail address in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address: something, an @, and a domain that has a dot.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let text = text.trim();
        let printable = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let (local, domain) = text.rsplit_once('@').ok_or(Rejection::Malformed)?;
        let labels_fine = domain.split('.').all(|label| !label.is_empty());
        if !printable
            || local.is_empty()
            || local.contains('@')
            || !domain.contains('.')
            || !labels_fine
        {
            return Err(Rejection::Malformed);
        }
        // Some letters have more bytes in lower case, and some marks join a small letter alone.
        let lower = text.nfc().collect::<String>().to_lowercase();
        let address: String = lower.nfc().collect();
        match address.len() > MAX_LENGTH {
            true => Err(Rejection::Malformed),
            false => Ok(Self(address)),
        }
    }

    /// What all forms of this address have in common, whatever their case and Unicode form: what a
    /// claim is named by. Never written to: mail goes to the address as its owner gave it.
    pub fn canonical(&self) -> String {
        let folded = |text: &str| text.to_uppercase().to_lowercase();
        let compatible: String = self.0.nfkc().collect();
        let folded: String = folded(&compatible).nfkc().collect();
        // The final sigma is one only at the end of a word, which case folding takes for any other.
        folded.replace('ς', "σ")
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What happened to an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// An account took it.
    EmailClaimed {
        /// The account.
        account_id: Uuid,
    },
    /// The account let it go.
    EmailReleased {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of an address.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take it for an account.
    Claim {
        /// The account.
        account_id: Uuid,
    },
    /// Let it go, if this account has it.
    Release {
        /// The account.
        account_id: Uuid,
    },
}

/// Why an address is not to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It is no address.
    #[error("this is not an e-mail address")]
    Malformed,
    /// Another account has it.
    #[error("an account has this e-mail address already")]
    Taken,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Malformed => Verdict::invalid("/email"),
            Self::Taken => Verdict::refused("email-taken"),
        }
    }
}

/// The account that has the address, if any.
pub type State = Option<Uuid>;

/// The aggregate of one account's claim on an address.
pub struct EmailClaim;

impl Decider for EmailClaim {
    const TYPE: &'static str = "identity.email_claim";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match (state, command) {
            (None, Command::Claim { account_id }) => Ok(vec![Event::EmailClaimed { account_id }]),
            (Some(holder), Command::Claim { account_id }) if *holder != account_id => {
                Err(Rejection::Taken)
            }
            (Some(holder), Command::Release { account_id }) if *holder == account_id => {
                Ok(vec![Event::EmailReleased {}])
            }
            (_, Command::Claim { .. } | Command::Release { .. }) => Ok(vec![]),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::EmailClaimed { account_id } => Some(*account_id),
            Event::EmailReleased {} => None,
        }
    }
}
