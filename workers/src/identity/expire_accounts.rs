//! An address that is not confirmed is let go, for whoever it belongs to.

use chrono::TimeDelta;
use domain::decisions::erase_account::expire_account;
use domain::identity::account::{Account, Event};
use domain::streams::{Halt, Streams};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Policy, Reaction};

/// How long after the last link was sent.
const AFTER: TimeDelta = TimeDelta::days(7);

/// The policy.
pub struct ExpireAccounts;

/// An account to be erased, if its address is not confirmed still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expire {
    /// The account.
    pub account_id: Uuid,
    /// The claim on its address.
    pub email_claim_id: Uuid,
}

impl Policy for ExpireAccounts {
    const NAME: &'static str = "expire_accounts";
    type Of = Account;
    type Command = Expire;

    fn react(happened: &Happened<'_, Account>) -> Vec<Reaction<Expire>> {
        let account_id = happened.recorded.aggregate_id;
        let key = account_id.to_string();
        match &happened.event {
            Event::ConfirmationRequested { email_claim_id, .. } => vec![Reaction::At {
                key,
                due: happened.recorded.recorded_at + AFTER,
                command: Expire {
                    account_id,
                    email_claim_id: *email_claim_id,
                },
            }],
            Event::EmailConfirmed { .. }
            | Event::AccountActivated {}
            | Event::AccountDeactivated {}
            | Event::AccountErased { .. } => vec![Reaction::Cancel { key }],
            _ => vec![],
        }
    }

    fn carry_out(expire: Expire, streams: &mut Streams) -> Result<(), Halt> {
        expire_account(streams, expire.account_id, expire.email_claim_id)
    }
}
