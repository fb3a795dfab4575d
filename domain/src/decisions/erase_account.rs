//! An account is gone for ever: its address is free again, its sessions are over, and the key of
//! its personal data may be destroyed.

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::identity::account::{self, Account, Standing, registered};
use crate::identity::email::{self, EmailClaim};
use crate::identity::seller_request::{self, SellerRequest, seller_request_id};
use crate::identity::sessions::{self, EndedBecause, Sessions, Which, sessions_id};
use crate::streams::{Halt, Streams};

/// Erases the account `id`, which has the claim `email_claim_id` on its address. The last
/// administrator stays.
pub fn erase_account(streams: &mut Streams, id: Uuid, email_claim_id: Uuid) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::Erase)?;
    let_go(streams, id, email_claim_id)
}

/// Erases the account `id` if its address was never confirmed, so that whose address it is may
/// have it.
pub fn expire_account(streams: &mut Streams, id: Uuid, email_claim_id: Uuid) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::Expire)?;
    let erased = registered(&*streams.state::<Account>(id)?)?.standing == Standing::Erased;
    match erased {
        true => let_go(streams, id, email_claim_id),
        false => Ok(()),
    }
}

fn let_go(streams: &mut Streams, id: Uuid, email_claim_id: Uuid) -> Result<(), Halt> {
    let release = email::Command::Release { account_id: id };
    let end = sessions::Command::End(Which::All, EndedBecause::Erased);
    streams.decide::<EmailClaim>(email_claim_id, release)?;
    streams.decide::<Sessions>(sessions_id(id), end)?;
    streams.decide::<SellerRequest>(seller_request_id(id), seller_request::Command::Withdraw)?;
    follow_administration(streams, id)
}
