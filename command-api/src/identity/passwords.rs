//! Passwords: hashed with argon2id, kept in rows of their own, named by id in the events. Hashes
//! that older systems made with bcrypt are verified too, and made anew when their owner signs in.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use secrecy::{ExposeSecret, SecretString};
use service_kit::problem::Problem;
use sqlx::{PgPool, Row};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::execute::database;

/// The shortest and longest password, in characters (NIST SP 800-63B: 8 at least; the upper bound
/// keeps a hash cheap).
pub const LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// The dearest bcrypt hash that is taken: a quarter of a second or so.
const MOST_COST: u32 = 12;

/// Hashes and verifies passwords, a few at a time: each costs 19 MiB and tens of milliseconds.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// What an unknown account's password is compared with, so that it costs as much.
    nobody: Arc<str>,
}

/// A hash that can't be made or read.
#[derive(Debug, thiserror::Error)]
#[error("password hashing: {0}")]
pub struct HashError(String);

impl Passwords {
    /// At most `at_once` hashes at a time.
    ///
    /// # Errors
    /// When the machine gives no random salt.
    pub fn new(at_once: usize) -> Result<Self, HashError> {
        let nobody = hash(&Uuid::new_v4().to_string())?;
        Ok(Self {
            turns: Arc::new(Semaphore::new(at_once)),
            nobody: nobody.into(),
        })
    }

    /// Stores the hash of `password` for `account`; gives the row's id. The row comes before the
    /// event that names it, and is swept when that event never comes.
    ///
    /// # Errors
    /// `422` when the password is too short or too long; `503` when the database is away.
    pub async fn keep(
        &self,
        pool: &PgPool,
        account: Uuid,
        password: SecretString,
    ) -> Result<Uuid, Problem> {
        check_length(&password, "/password")?;
        let hash = self.work(move || hash(password.expose_secret())).await?;
        insert(pool, account, &hash).await
    }

    /// Stores a hash that an older system made with bcrypt, as [`keep`](Self::keep) does.
    ///
    /// # Errors
    /// `422` when it is none, or one that takes too long to verify; `503` when the database is away.
    pub async fn keep_hash(
        &self,
        pool: &PgPool,
        account: Uuid,
        hash: &SecretString,
    ) -> Result<Uuid, Problem> {
        let hash = hash.expose_secret();
        match hash.parse::<bcrypt::HashParts>() {
            Ok(parts) if parts.get_cost() <= MOST_COST => insert(pool, account, hash).await,
            _ => {
                let why = format!("a hash is one of bcrypt, of a cost of {MOST_COST} at most");
                Err(Problem::invalid("/password_hash", why))
            }
        }
    }

    /// Whether `password` is the one of the row `credential`; with no row it costs the same and is
    /// never right.
    ///
    /// # Errors
    /// `503` when the database is away.
    pub async fn matches(
        &self,
        pool: &PgPool,
        credential: Option<Uuid>,
        password: SecretString,
    ) -> Result<bool, Problem> {
        let kept = match credential {
            Some(id) => find(pool, id).await.map_err(|error| database(&error))?,
            None => None,
        };
        let known = kept.is_some();
        let hash = kept.unwrap_or_else(|| self.nobody.to_string());
        let old = hash.clone();
        let verified = self
            .work(move || verify(password.expose_secret(), &hash))
            .await?;
        let (true, Some(id)) = (known && verified.right, credential) else {
            return Ok(false);
        };
        if let Some(new) = verified.upgraded {
            replace(pool, id, &old, &new)
                .await
                .map_err(|error| database(&error))?;
        }
        Ok(true)
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Problem> {
        let fault = |error: &dyn std::fmt::Display| Problem::fault("password hashing", error);
        let _turn = self.turns.acquire().await.map_err(|error| fault(&error))?;
        tokio::task::spawn_blocking(task)
            .await
            .map_err(|error| fault(&error))?
            .map_err(|error| fault(&error))
    }
}

fn hash(password: &str) -> Result<String, HashError> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| HashError(error.to_string()))
}

struct Verified {
    right: bool,
    /// The hash to keep instead, when the one that is kept is of an older kind.
    upgraded: Option<String>,
}

fn verify(password: &str, hash: &str) -> Result<Verified, HashError> {
    if hash.starts_with("$2") {
        let right = bcrypt::verify(password, hash).map_err(|error| HashError(error.to_string()))?;
        let upgraded = right.then(|| self::hash(password)).transpose()?;
        return Ok(Verified { right, upgraded });
    }
    let hash = PasswordHash::new(hash).map_err(|error| HashError(error.to_string()))?;
    let right = Argon2::default().verify_password(password.as_bytes(), &hash);
    Ok(Verified {
        right: right.is_ok(),
        upgraded: None,
    })
}

/// Makes sure that a password is one, before anything is done with it.
///
/// # Errors
/// `422` with `pointer`.
pub(super) fn check_length(password: &SecretString, pointer: &str) -> Result<(), Problem> {
    match LENGTH.contains(&password.expose_secret().chars().count()) {
        true => Ok(()),
        false => Err(Problem::invalid(
            pointer,
            "a password has 8 to 128 characters",
        )),
    }
}

async fn insert(pool: &PgPool, account: Uuid, hash: &str) -> Result<Uuid, Problem> {
    let id = Uuid::now_v7();
    sqlx::query("INSERT INTO credentials (id, account_id, password_hash) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(account)
        .bind(hash)
        .execute(pool)
        .await
        .map_err(|error| database(&error))?;
    Ok(id)
}

async fn replace(pool: &PgPool, id: Uuid, old: &str, new: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE credentials SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(id)
        .bind(old)
        .bind(new)
        .execute(pool)
        .await?;
    Ok(())
}

async fn find(pool: &PgPool, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT password_hash FROM credentials WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    row.map(|row| row.try_get("password_hash")).transpose()
}
