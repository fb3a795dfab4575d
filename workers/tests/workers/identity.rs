//! What the workers of identity make of events.

use chrono::{DateTime, TimeDelta, Utc};
use domain::identity::account::{Account, ErasedBecause, Event};
use domain::identity::link::Link;
use domain::identity::seller_request::{self, SellerRequest, Status};
use domain::language::Language;
use domain::personal::Personal;
use domain::support::email::{Template, email_id};
use uuid::Uuid;
use workers::given::{STREAM, event_id, given};
use workers::identity::account_mail::{AccountMail, Queue};
use workers::identity::erase_person::{ErasePerson, Forget};
use workers::identity::expire_accounts::{Expire, ExpireAccounts};
use workers::identity::seller_mail::{SellerMail, Tell};
use workers::runtime::{Policy, Reaction};

const TOKEN: Uuid = Uuid::from_u128(7);
const CLAIM: Uuid = Uuid::from_u128(8);
const LANGUAGE: Language = Language::French;

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

fn link() -> Link {
    Link {
        token_id: TOKEN,
        expires_at: noon(),
    }
}

fn confirmation() -> Event {
    Event::ConfirmationRequested {
        link: link(),
        language: LANGUAGE,
        email_claim_id: CLAIM,
    }
}

#[test]
fn people_are_sent_what_they_asked_for() {
    let queue = |index, template| {
        Reaction::Do(Queue {
            email_id: email_id(AccountMail::NAME, event_id(index)),
            account_id: STREAM,
            language: LANGUAGE,
            template,
        })
    };
    let events = [
        confirmation(),
        Event::PasswordResetRequested {
            link: link(),
            language: LANGUAGE,
        },
        Event::PasswordChanged {
            credential_id: Uuid::nil(),
            token_id: None,
            language: LANGUAGE,
        },
        Event::AccountActivated {},
    ];
    given::<Account>(events).policy::<AccountMail>().then([
        queue(
            0,
            Template::ConfirmEmail {
                token_id: TOKEN,
                expires_at: noon(),
            },
        ),
        queue(
            1,
            Template::ResetPassword {
                token_id: TOKEN,
                expires_at: noon(),
            },
        ),
        queue(2, Template::PasswordChanged {}),
    ]);
}

#[test]
fn who_wants_to_sell_is_told_how_that_stands() {
    let account_id = Uuid::from_u128(3);
    let language = LANGUAGE;
    let tell = |index, status| {
        Reaction::Do(Tell {
            email_id: email_id(SellerMail::NAME, event_id(index)),
            request_id: STREAM,
            status,
        })
    };
    given::<SellerRequest>([
        seller_request::Event::SellerRequested {
            account_id,
            message: None,
            language,
        },
        seller_request::Event::SellerRequestApproved {
            account_id,
            language,
        },
        seller_request::Event::SellerRequestRejected {
            account_id,
            reason: Personal::new(account_id, "no room".to_owned()),
            language,
        },
        seller_request::Event::SellerRequestWithdrawn {},
    ])
    .policy::<SellerMail>()
    .then([
        tell(0, Status::Pending),
        tell(1, Status::Approved),
        tell(2, Status::Rejected),
    ]);
}

#[test]
fn an_address_is_let_go_a_week_after_the_last_link_unless_it_is_confirmed() {
    let key = STREAM.to_string();
    let cancel = || Reaction::Cancel { key: key.clone() };
    given::<Account>([confirmation()])
        .at(noon())
        .policy::<ExpireAccounts>()
        .then([Reaction::At {
            key: key.clone(),
            due: noon() + TimeDelta::days(7),
            command: Expire {
                account_id: STREAM,
                email_claim_id: CLAIM,
            },
        }]);
    for settled in [
        Event::EmailConfirmed { token_id: TOKEN },
        Event::AccountActivated {},
        Event::AccountDeactivated {},
        Event::AccountErased {
            why: ErasedBecause::NeverConfirmed,
        },
    ] {
        given::<Account>([settled])
            .policy::<ExpireAccounts>()
            .then([cancel()]);
    }
}

#[test]
fn who_was_erased_is_forgotten_at_once_and_once_more() {
    let forget = Forget { person: STREAM };
    let why = ErasedBecause::Requested;
    given::<Account>([Event::AccountErased { why }, confirmation()])
        .at(noon())
        .effect::<ErasePerson>()
        .then([
            Reaction::Do(forget.clone()),
            Reaction::At {
                key: STREAM.to_string(),
                due: noon() + TimeDelta::seconds(90),
                command: forget,
            },
        ]);
}
