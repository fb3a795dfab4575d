//! Tokens that were verified before: looking costs less than checking a signature and reading
//! claims again.

use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::{ACCESS_LIFETIME, Bearer};

/// The most tokens that are kept; the ones used least go first.
const MOST: u64 = 10_000;

/// Whom verified tokens speak for. Kept are digests: no token can be read out of memory, and how
/// long a look takes tells nothing of one.
pub(super) struct Verified(Cache<[u8; 32], Known>);

/// A token that one key signed; `exp` has still to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) bearer: Bearer,
    /// The last second (Unix time) in which it is good.
    pub(super) exp: i64,
}

impl Verified {
    pub(super) fn none() -> Self {
        let tokens = Cache::builder().max_capacity(MOST);
        Self(tokens.time_to_live(ACCESS_LIFETIME).build())
    }

    pub(super) fn get(&self, digest: &[u8; 32]) -> Option<Known> {
        self.0.get(digest)
    }

    pub(super) fn keep(&self, digest: [u8; 32], known: Known) {
        self.0.insert(digest, known);
    }
}

/// What a token is kept under.
pub(super) fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::actor::Actor;
    use uuid::Uuid;

    #[test]
    fn however_many_tokens_come_only_so_many_are_kept() {
        let verified = Verified::none();
        let bearer = Bearer {
            actor: Actor {
                account: Uuid::from_u128(1),
                roles: Vec::new(),
            },
            session: None,
        };
        for number in 0..2 * MOST {
            let known = Known {
                bearer: bearer.clone(),
                exp: 0,
            };
            verified.keep(digest(&number.to_string()), known);
        }
        verified.0.run_pending_tasks();
        let kept = verified.0.entry_count();
        assert!((1..=MOST).contains(&kept), "{kept}");
    }
}
