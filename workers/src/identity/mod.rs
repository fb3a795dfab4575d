//! The workers of identity.

pub mod account_mail;
pub mod erase_person;
pub mod expire_accounts;
pub mod seller_mail;

use crate::Parts;
use crate::runtime::Registered;

/// Its policies and effects.
pub fn workers(parts: &Parts) -> Vec<Registered> {
    vec![
        Registered::policy::<account_mail::AccountMail>(),
        Registered::policy::<seller_mail::SellerMail>(),
        Registered::policy::<expire_accounts::ExpireAccounts>(),
        Registered::effect(erase_person::ErasePerson::of(parts)),
    ]
}
