//! Why personal data can't be sealed or opened.

use uuid::Uuid;

use crate::append::AppendError;

/// Why personal data can't be sealed or opened. None of these holds any of it, nor of a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database of the keys is away or refuses.
    #[error("the database of the persons' keys: {0}")]
    Database(#[from] sqlx::Error),
    /// The key was destroyed: nothing is stored about this person any more.
    #[error("the personal data of {0} was erased, and nothing more is stored about that person")]
    Erased(Uuid),
    /// This process was given no master keys.
    #[error("this process has no COMPTOIR_PERSONAL_KEYS, without which personal data stays closed")]
    NoKeyring,
    /// There never was a key, though something was sealed with one.
    #[error(
        "there is no key of the person {0}, nor was it destroyed: the table of keys is older than the log, or of another platform"
    )]
    NoKey(Uuid),
    /// A key was wrapped by a master key that is not configured.
    #[error(
        "persons' keys are wrapped by the master key {0:?}, which COMPTOIR_PERSONAL_KEYS does not have"
    )]
    NoMaster(String),
    /// A wrapped key is not what this master key has wrapped.
    #[error(
        "the key of the person {person} can't be unwrapped by the master key {master:?}: another key has that id, or the row was changed"
    )]
    Wrapped {
        /// Whose key.
        person: Uuid,
        /// The id of the master key.
        master: String,
    },
    /// A ciphertext is not one of this person at this place.
    #[error(
        "personal data of {person} in {place} can't be opened: it was changed, or moved there from elsewhere"
    )]
    Forged {
        /// Whose data.
        person: Uuid,
        /// Where it stands.
        place: String,
    },
    /// What is marked as personal is not of the form of `Personal<T>`.
    #[error("what is marked as personal at {0:?} is not of its form")]
    Malformed(String),
    /// A payload is not JSON.
    #[error("a payload is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// The machine gives no randomness, or its cryptography fails.
    #[error("the machine's cryptography failed")]
    Cryptography,
}

impl Error {
    /// Whether the database of the keys can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Database(error) if crate::database::is_away(error))
    }

    /// Whether the table of keys lacks a key that there was, as before it is restored.
    pub fn is_of_a_lost_key(&self) -> bool {
        matches!(self, Self::NoKey(_))
    }

    /// Whether what is sealed, or its person's key, is at fault, so that the data of others opens.
    pub fn is_of_an_event(&self) -> bool {
        match self {
            Self::NoKey(_)
            | Self::Erased(_)
            | Self::Wrapped { .. }
            | Self::Forged { .. }
            | Self::Malformed(_)
            | Self::NotJson(_) => true,
            Self::Database(_) | Self::NoKeyring | Self::NoMaster(_) | Self::Cryptography => false,
        }
    }
}

impl From<Error> for AppendError {
    fn from(error: Error) -> Self {
        match error {
            Error::Erased(person) => Self::Erased(person),
            error if error.is_away() => Self::Away(error.to_string()),
            error => Self::Fault(error.to_string()),
        }
    }
}
