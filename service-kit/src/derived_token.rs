//! Secret tokens that are derived from the master key whenever they are needed, and stored nowhere:
//! those of links in e-mails, and those that sessions go on with.
//!
//! Events name a token by its ids, which are no secret. Whether it is still good (asked for, not
//! used, not expired) is for the aggregate to judge that they are of.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::keys::MasterKey;

const MAC: usize = 32;
/// What the master key makes, among other things.
const OF: &str = "derived-token";

/// What a token is for. One of one purpose is none of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Purpose {
    /// A link that shows that an e-mail address is the account's. Ids: account, token.
    ConfirmEmail,
    /// A link by which a new password is set. Ids: account, token.
    ResetPassword,
    /// To go on with a session. Ids: account, session, token.
    Refresh,
}

/// Makes and reads derived tokens. It clones cheaply.
#[derive(Debug, Clone)]
pub struct DerivedTokens(MasterKey);

impl DerivedTokens {
    /// Tokens under `key`.
    pub fn new(key: &MasterKey) -> Self {
        Self(key.clone())
    }

    /// The token of these ids, as text that stands in a URL as it is.
    pub fn issue<const N: usize>(&self, purpose: Purpose, ids: [Uuid; N]) -> String {
        let mut bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        let mac = self.0.digest(OF, &[name(purpose), &bytes]);
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The ids of a token; none when it is not one of ours, for this purpose.
    pub fn read<const N: usize>(&self, purpose: Purpose, token: &str) -> Option<[Uuid; N]> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (ids, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
        if !self.0.is_digest(OF, &[name(purpose), ids], mac) {
            return None;
        }
        let ids = ids.chunks(size_of::<Uuid>()).map(Uuid::from_slice);
        let ids: Vec<Uuid> = ids.collect::<Result<_, _>>().ok()?;
        ids.try_into().ok()
    }
}

fn name(purpose: Purpose) -> &'static [u8] {
    <&str>::from(purpose).as_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const IDS: [Uuid; 2] = [Uuid::from_u128(1), Uuid::from_u128(2)];

    fn tokens(key: u8) -> DerivedTokens {
        DerivedTokens::new(&MasterKey::new(&[key; MasterKey::MIN]).unwrap())
    }

    #[test]
    fn a_token_is_read_for_its_purpose_under_its_key_alone() {
        let token = tokens(1).issue(Purpose::ConfirmEmail, IDS);
        let read = |key, purpose| tokens(key).read(purpose, &token);
        assert_eq!(read(1, Purpose::ConfirmEmail), Some(IDS));
        assert_eq!(read(1, Purpose::ResetPassword), None);
        assert_eq!(read(2, Purpose::ConfirmEmail), None);
        assert_eq!(tokens(1).read::<3>(Purpose::ConfirmEmail, &token), None);
    }

    #[test]
    fn no_changed_or_cut_token_is_read() {
        let token = tokens(1).issue(Purpose::Refresh, IDS);
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            for other in [changed.as_slice(), &bytes[..place]] {
                let other = URL_SAFE_NO_PAD.encode(other);
                let read = tokens(1).read::<2>(Purpose::Refresh, &other);
                assert_eq!(read, None, "{place}");
            }
        }
    }
}
