//! Access tokens: JWT, HMAC-SHA-256, short-lived.
//!
//! Keys rotate: the first signs, all verify, and a token says by its `kid` which signed it.

mod verified;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use domain::actor::{Actor, Role};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::keys::MasterKey;
use verified::{Known, Verified, digest};

/// How long an access token is good for.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The shortest key that signs tokens, in bytes (RFC 7518 §3.2).
pub const MIN_KEY: usize = 32;

const ISSUER: &str = "comptoir";
const AUDIENCE: &str = "comptoir-api";
/// What a key makes beside signatures.
const CSRF: &str = "csrf";

/// Signs and verifies access tokens. It clones cheaply.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

/// The keys, and what was verified by them: under other keys nothing is known yet.
struct Keys {
    signing: EncodingKey,
    /// The one that signs comes first.
    verifying: Vec<Verifying>,
    validation: Validation,
    verified: Verified,
}

struct Verifying {
    /// What tokens that it signed say in their header.
    id: String,
    key: DecodingKey,
    /// What makes the tokens against forged requests.
    csrf: MasterKey,
}

/// Who a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// The account and its roles.
    pub actor: Actor,
    /// The session in which it was given; none for one that no session gave.
    pub session: Option<Uuid>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
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
        Self::under(key, &[])
    }

    /// Tokens under the first of these keys, which are separated by commas. Those that the others
    /// signed are good still.
    ///
    /// # Errors
    /// When a key is too short.
    pub fn parse(keys: &str) -> Result<Self, ShortKey> {
        let mut keys = keys.split(',').map(|key| key.trim().as_bytes());
        let first = keys.next().unwrap_or_default();
        Self::under(first, &keys.collect::<Vec<_>>())
    }

    fn under(first: &[u8], older: &[&[u8]]) -> Result<Self, ShortKey> {
        let keys = std::iter::once(&first).chain(older);
        let verifying = keys.map(|key| Verifying::by(key));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        Ok(Self(Arc::new(Keys {
            signing: EncodingKey::from_secret(first),
            verifying: verifying.collect::<Result<_, _>>()?,
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
        self.sign(actor, None, now)
    }

    /// The same for `session`.
    ///
    /// # Errors
    /// As [`Tokens::issue`].
    pub fn issue_in(
        &self,
        session: Uuid,
        actor: &Actor,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.sign(actor, Some(session), now)
    }

    fn sign(
        &self,
        actor: &Actor,
        sid: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub: actor.account,
            sid,
            roles: actor.roles.clone(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: now.timestamp(),
            exp: (now + ACCESS_LIFETIME).timestamp(),
        };
        let header = Header {
            kid: self.0.verifying.first().map(|first| first.id.clone()),
            ..Header::new(Algorithm::HS256)
        };
        jsonwebtoken::encode(&header, &claims, &self.0.signing)
    }

    /// What requests of `session` that come with cookies must bring beside them: a page of another
    /// origin can't know it.
    pub fn csrf(&self, session: Uuid) -> String {
        let first = self.0.verifying.first();
        first.map_or_else(String::new, |key| key.csrf(session))
    }

    /// Whether `token` is what [`Tokens::csrf`] gave, under any of the keys.
    pub fn is_csrf(&self, session: Uuid, token: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        let mut keys = self.0.verifying.iter();
        keys.any(|key| key.csrf.is_digest(CSRF, &[session.as_bytes()], &given))
    }

    /// Who a token speaks for.
    ///
    /// # Errors
    /// See [`BadToken`].
    pub fn verify(&self, token: &str) -> Result<Bearer, BadToken> {
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
            false => Ok(known.bearer),
        }
    }

    /// Checks signature and claims.
    fn check(&self, token: &str) -> Result<Known, BadToken> {
        use jsonwebtoken::errors::ErrorKind::ExpiredSignature;
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Invalid)?;
        let mut keys = self.0.verifying.iter();
        // Tokens that are older than key ids were signed by the key that was the only one.
        let key = match &header.kid {
            Some(id) => keys.find(|key| key.id == *id),
            None => keys.next_back(),
        };
        let key = key.ok_or(BadToken::Invalid)?;
        jsonwebtoken::decode::<Claims>(token, &key.key, &self.0.validation)
            .map(|data| Known {
                bearer: Bearer {
                    actor: Actor {
                        account: data.claims.sub,
                        roles: data.claims.roles,
                    },
                    session: data.claims.sid,
                },
                exp: data.claims.exp,
            })
            .map_err(|error| match error.kind() {
                ExpiredSignature => BadToken::Expired,
                _ => BadToken::Invalid,
            })
    }
}

impl Verifying {
    fn by(key: &[u8]) -> Result<Self, ShortKey> {
        if key.len() < MIN_KEY {
            return Err(ShortKey);
        }
        let id = Sha256::new().chain_update("kid").chain_update(key);
        Ok(Self {
            id: URL_SAFE_NO_PAD.encode(&id.finalize()[..6]),
            key: DecodingKey::from_secret(key),
            csrf: MasterKey::new(key).map_err(|_| ShortKey)?,
        })
    }

    fn csrf(&self, session: Uuid) -> String {
        let digest = self.csrf.digest(CSRF, &[session.as_bytes()]);
        URL_SAFE_NO_PAD.encode(digest)
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

    fn bearer() -> Bearer {
        let (actor, session) = (actor(), None);
        Bearer { actor, session }
    }

    fn tokens(key: u8) -> Tokens {
        Tokens::new(&[key; MIN_KEY]).unwrap()
    }

    #[test]
    fn a_token_speaks_for_the_same_actor_each_time_it_comes() {
        let tokens = tokens(1);
        let token = tokens.issue(&actor(), Utc::now()).unwrap();
        assert_eq!(tokens.verify(&token), Ok(bearer()));
        assert!(tokens.0.verified.get(&digest(&token)).is_some());
        assert_eq!(tokens.verify(&token), Ok(bearer()));
        assert_eq!(tokens.clone().verify(&token), Ok(bearer()));
    }

    #[test]
    fn a_token_that_was_verified_expires_all_the_same() {
        let tokens = tokens(1);
        let issued = Utc::now() - ACCESS_LIFETIME - TimeDelta::seconds(1);
        let token = tokens.issue(&actor(), issued).unwrap();
        assert_eq!(tokens.verify(&token), Err(BadToken::Expired));
        // As if it had come in time, and were kept still.
        let known = Known {
            bearer: bearer(),
            exp: (issued + ACCESS_LIFETIME).timestamp(),
        };
        tokens.0.verified.keep(digest(&token), known);
        assert_eq!(tokens.verify(&token), Err(BadToken::Expired));
    }

    #[test]
    fn a_token_that_was_verified_is_refused_under_another_key() {
        let (before, after) = (tokens(1), tokens(2));
        let token = before.issue(&actor(), Utc::now()).unwrap();
        assert_eq!(before.verify(&token), Ok(bearer()));
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

    #[test]
    fn tokens_of_an_older_key_live_out_their_time() {
        let (old, new) = ("o".repeat(MIN_KEY), "n".repeat(MIN_KEY));
        let before = Tokens::parse(&old).unwrap();
        let after = Tokens::parse(&format!("{new}, {old}")).unwrap();
        let session = Uuid::from_u128(3);
        for issued in [&before, &after] {
            let token = issued.issue_in(session, &actor(), Utc::now()).unwrap();
            let known = after.verify(&token).unwrap();
            assert_eq!(known.session, Some(session));
            assert!(after.is_csrf(session, &issued.csrf(session)));
        }
        let token = after.issue(&actor(), Utc::now()).unwrap();
        assert_eq!(before.verify(&token), Err(BadToken::Invalid));
        assert!(!before.is_csrf(session, &after.csrf(session)));
        assert!(!after.is_csrf(Uuid::from_u128(4), &after.csrf(session)));
    }

    #[test]
    fn a_token_without_a_key_id_is_one_of_the_oldest_key() {
        let (old, new) = ("o".repeat(MIN_KEY), "n".repeat(MIN_KEY));
        let claims = Claims {
            sub: actor().account,
            sid: None,
            roles: actor().roles,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: Utc::now().timestamp(),
            exp: (Utc::now() + ACCESS_LIFETIME).timestamp(),
        };
        let key = EncodingKey::from_secret(old.as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        let tokens = |keys: &str| Tokens::parse(keys).unwrap();
        assert_eq!(tokens(&format!("{new},{old}")).verify(&token), Ok(bearer()));
        assert_eq!(tokens(&new).verify(&token), Err(BadToken::Invalid));
    }

    #[test]
    fn no_key_is_short() {
        let long = "n".repeat(MIN_KEY);
        for keys in ["", "short", &format!("{long},short"), &format!("{long},")] {
            assert!(Tokens::parse(keys).is_err(), "{keys}");
        }
    }
}
