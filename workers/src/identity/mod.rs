//! The workers of identity.

pub mod account_mail;
pub mod erase_person;
pub mod expire_accounts;
pub mod seller_mail;

use crate::Parts;
use crate::runtime::{Follows, Registered};

/// Its policies and effects.
pub fn workers(parts: &Parts) -> Vec<Registered> {
    vec![
        Registered::policy::<account_mail::AccountMail>(),
        Registered::policy::<seller_mail::SellerMail>(),
        Registered::policy::<expire_accounts::ExpireAccounts>(),
        Registered::effect(erase_person::ErasePerson::of(parts)),
    ]
}

/// What they follow.
pub fn follows() -> Vec<Follows> {
    vec![
        Follows::policy::<account_mail::AccountMail>(),
        Follows::policy::<seller_mail::SellerMail>(),
        Follows::policy::<expire_accounts::ExpireAccounts>(),
        Follows::effect::<erase_person::ErasePerson>(),
    ]
}
