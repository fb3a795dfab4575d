//! An admin grants somebody's wish to sell, or does not.

use uuid::Uuid;

use super::activate_account::follow_administration;
use crate::actor::Role;
use crate::identity::account::{self, Account};
use crate::identity::seller_request::{Command, SellerRequest, requested};
use crate::streams::{Halt, Streams};

/// Grants the request `id`: its account may sell, and sign in.
pub fn approve_seller_request(streams: &mut Streams, id: Uuid) -> Result<(), Halt> {
    let account_id = requested(&*streams.state::<SellerRequest>(id)?)?.account_id;
    streams.state::<Account>(account_id)?;
    streams.decide::<SellerRequest>(id, Command::Approve)?;
    streams.decide::<Account>(account_id, account::Command::Grant(Role::Seller))?;
    streams.decide::<Account>(account_id, account::Command::Activate)?;
    follow_administration(streams, account_id)
}

/// Does not grant the request `id`, for a reason that is told.
pub fn reject_seller_request(streams: &mut Streams, id: Uuid, reason: String) -> Result<(), Halt> {
    streams.decide::<SellerRequest>(id, Command::Reject { reason })
}
