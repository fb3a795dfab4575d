//! Access tokens: JWT, HMAC-SHA-256, short-lived.

mod verified;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::actor::{Actor, Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use verified::{Known, Verified, digest};

/// How long an access token is good for.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The shortest key that signs tokens, in bytes (RFC 7518 §3.2).
pub const MIN_KEY: usize = 32;

const ISSUER: &str = "comptoir";
const AUDIENCE: &str = "comptoir-api";

/// Signs and verifies access tokens. It clones cheaply.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

/// One key, and what was verified by it: under another key nothing is known yet.
struct Keys {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
    verified: Verified,
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
        Ok(Self(Arc::new(Keys {
            signing: EncodingKey::from_secret(key),
            verifying: DecodingKey::from_secret(key),
            validation,
            verified: Verified::none(),
        })))
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
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0.signing)
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    /// See [`BadToken`].
    pub fn verify(&self, token: &str) -> Result<Actor, BadToken> {
        let digest = digest(token);
        let known = match self.0.verified.get(&digest) {
            Some(known) => known,
            None => {
                let known = self.check(token)?;
                self.0.verified.keep(digest, known.clone());
                known
            }
        };
        match known.exp < Utc::now().timestamp() {
            true => Err(BadToken::Expired),
            false => Ok(known.actor),
        }
    }

    /// Checks signature and claims.
    fn check(&self, token: &str) -> Result<Known, BadToken> {
        use jsonwebtoken::errors::ErrorKind::ExpiredSignature;
        jsonwebtoken::decode::<Claims>(token, &self.0.verifying, &self.0.validation)
            .map(|data| Known {
                actor: Actor {
                    account: data.claims.sub,
                    roles: data.claims.roles,
                },
                exp: data.claims.exp,
            })
            .map_err(|error| match error.kind() {
                ExpiredSignature => BadToken::Expired,
                _ => BadToken::Invalid,
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use chrono::TimeDelta;

    fn actor() -> Actor {
        Actor {
            account: Uuid::from_u128(7),
            roles: vec![Role::Buyer],
        }
    }

    fn tokens(key: u8) -> Tokens {
        Tokens::new(&[key; MIN_KEY]).unwrap()
    }

    #[test]
    fn a_token_speaks_for_the_same_actor_each_time_it_comes() {
        let tokens = tokens(1);
        let token = tokens.issue(&actor(), Utc::now()).unwrap();
        assert_eq!(tokens.verify(&token), Ok(actor()));
        assert!(tokens.0.verified.get(&digest(&token)).is_some());
        assert_eq!(tokens.verify(&token), Ok(actor()));
        assert_eq!(tokens.clone().verify(&token), Ok(actor()));
    }

    #[test]
    fn a_token_that_was_verified_expires_all_the_same() {
        let tokens = tokens(1);
        let issued = Utc::now() - ACCESS_LIFETIME - TimeDelta::seconds(1);
        let token = tokens.issue(&actor(), issued).unwrap();
        assert_eq!(tokens.verify(&token), Err(BadToken::Expired));
        // As if it had come in time, and were kept still.
        let known = Known {
            actor: actor(),
            exp: (issued + ACCESS_LIFETIME).timestamp(),
        };
        tokens.0.verified.keep(digest(&token), known);
        assert_eq!(tokens.verify(&token), Err(BadToken::Expired));
    }

    #[test]
    fn a_token_that_was_verified_is_refused_under_another_key() {
        let (before, after) = (tokens(1), tokens(2));
        let token = before.issue(&actor(), Utc::now()).unwrap();
        assert_eq!(before.verify(&token), Ok(actor()));
        assert_eq!(after.verify(&token), Err(BadToken::Invalid));
    }

    #[test]
    fn what_was_refused_is_not_kept() {
        let tokens = tokens(1);
        let forged = self::tokens(2).issue(&actor(), Utc::now()).unwrap();
        for bad in [forged.as_str(), "nonsense", ""] {
            assert_eq!(tokens.verify(bad), Err(BadToken::Invalid));
            assert!(tokens.0.verified.get(&digest(bad)).is_none());
        }
    }
}
