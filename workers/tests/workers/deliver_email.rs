//! What the effect that sends e-mails makes of events.

use chrono::{DateTime, TimeDelta};
use domain::language::Language;
use domain::personal::Personal;
use domain::support::email::{Email, Event, Reason, Template, Trouble};
use uuid::Uuid;
use workers::given::{STREAM, given};
use workers::runtime::Reaction;
use workers::support::deliver_email::{Attempt, DeliverEmail};

fn attempt(attempt: u32) -> Attempt {
    let email_id = STREAM;
    Attempt { email_id, attempt }
}

#[test]
fn an_email_is_attempted_when_it_is_queued_and_again_when_it_failed() {
    let next_at = DateTime::UNIX_EPOCH + TimeDelta::minutes(1);
    given::<Email>([
        Event::EmailQueued {
            to: Personal::new(Uuid::nil(), "awa@example.org".to_owned()),
            language: Language::English,
            template: Template::SellerApproved {},
        },
        Event::EmailAttemptFailed {
            attempt: 1,
            why: Trouble::TimedOut {},
            next_at,
        },
        Event::EmailRetried { attempt: 8 },
    ])
    .effect::<DeliverEmail>()
    .then([
        Reaction::Do(attempt(1)),
        Reaction::At {
            key: STREAM.to_string(),
            due: next_at,
            command: attempt(2),
        },
        Reaction::Do(attempt(8)),
    ]);
}

#[test]
fn nothing_follows_from_one_that_was_sent_or_given_up() {
    let why = Reason::Erased {};
    given::<Email>([
        Event::EmailSent { attempt: 1 },
        Event::EmailGivenUp { attempt: 1, why },
    ])
    .effect::<DeliverEmail>()
    .then([]);
}
