//! Access tokens: JWT, HMAC-SHA-256, short-lived.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::actor::{Actor, Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an access token is good for.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The shortest key that signs tokens, in bytes (RFC 7518 §3.2).
pub const MIN_KEY: usize = 32;

const ISSUER: &str = "comptoir";
const AUDIENCE: &str = "comptoir-api";

/// Signs and verifies access tokens.
#[derive(Clone)]
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// A key that is too short.
#[derive(Debug, thiserror::Error)]
#[error("a token key has {MIN_KEY} bytes at least")]
pub struct ShortKey;

/// A token that is expired, forged, or no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Its time is over.
    #[error("the access token has expired")]
    Expired,
    /// It is not one of ours.
    #[error("the access token is not valid")]
    Invalid,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    roles: Vec<Role>,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Tokens under `key`.
    ///
    /// # Errors
    /// When the key is too short.
    pub fn new(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < MIN_KEY {
            return Err(ShortKey);
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        Ok(Self {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
            validation,
        })
    }

    /// A token for `actor`, good from `now` for [`ACCESS_LIFETIME`].
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn issue(
        &self,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: actor.account,
            roles: actor.roles.clone(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.timestamp(),
            exp: (now + ACCESS_LIFETIME).timestamp(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    /// See [`BadToken`].
    pub fn verify(&self, token: &str) -> Result<Actor, BadToken> {
        use jsonwebtoken::errors::ErrorKind::ExpiredSignature;
        jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
            .map(|data| Actor {
                account: data.claims.sub,
                roles: data.claims.roles,
            })
            .map_err(|error| match error.kind() {
                ExpiredSignature => BadToken::Expired,
                _ => BadToken::Invalid,
            })
    }
}
