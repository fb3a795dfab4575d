use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::Kind;
use domain::language::Language;
use domain::personal::Personal;
use domain::support::email::{
    Command, Email, Event, MOST_ATTEMPTS, Reason, Rejection, Template, Trouble, email_id,
};

use crate::support::{GUEST, assert_refusals, given, id};

const TO: &str = "awa@example.org";

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

fn queue() -> Command {
    Command::Queue {
        person: GUEST,
        to: TO.to_owned(),
        language: Language::French,
        template: Template::PasswordChanged {},
    }
}

fn queued() -> Event {
    Event::EmailQueued {
        to: Personal::new(GUEST, TO.to_owned()),
        language: Language::French,
        template: Template::PasswordChanged {},
    }
}

fn fail(attempt: u32) -> Command {
    Command::MarkFailed {
        attempt,
        why: Trouble::TimedOut {},
        next_at: at(1),
    }
}

fn failed(attempt: u32) -> Event {
    Event::EmailAttemptFailed {
        attempt,
        why: Trouble::TimedOut {},
        next_at: at(1),
    }
}

fn exhausted(attempt: u32) -> Event {
    let last = Trouble::TimedOut {};
    Event::EmailGivenUp {
        attempt,
        why: Reason::Exhausted { last },
    }
}

fn erased(attempt: u32) -> Event {
    Event::EmailGivenUp {
        attempt,
        why: Reason::Erased {},
    }
}

#[test]
fn it_is_queued_once() {
    given::<Email>([]).when(queue()).then([queued()]);
    given::<Email>([queued()]).when(queue()).then([]);
}

#[test]
fn it_is_sent_once() {
    let sent = |attempt| Command::MarkSent { attempt };
    given::<Email>([queued()])
        .when(sent(1))
        .then([Event::EmailSent { attempt: 1 }]);
    given::<Email>([queued(), failed(1)])
        .when(sent(2))
        .then([Event::EmailSent { attempt: 2 }]);
    given::<Email>([queued(), Event::EmailSent { attempt: 1 }])
        .when(sent(1))
        .then([]);
}

#[test]
fn an_attempt_that_was_told_of_before_changes_nothing() {
    given::<Email>([queued(), failed(1)]).when(fail(1)).then([]);
    given::<Email>([queued(), failed(1)])
        .when(Command::MarkSent { attempt: 1 })
        .then([]);
    given::<Email>([queued(), Event::EmailSent { attempt: 1 }])
        .when(fail(1))
        .then([]);
}

#[test]
fn it_is_attempted_again_until_that_was_often_enough() {
    given::<Email>([queued()]).when(fail(1)).then([failed(1)]);
    let before = std::iter::once(queued()).chain((1..MOST_ATTEMPTS).map(failed));
    given::<Email>(before)
        .when(fail(MOST_ATTEMPTS))
        .then([exhausted(MOST_ATTEMPTS)]);
}

#[test]
fn what_will_never_be_sent_is_given_up_at_once() {
    let why = Reason::Erased {};
    given::<Email>([queued()])
        .when(Command::GiveUp { attempt: 1, why })
        .then([erased(1)]);
}

#[test]
fn one_that_was_given_up_may_be_retried_as_often_again() {
    let again = Event::EmailRetried { attempt: 2 };
    given::<Email>([queued(), erased(1)])
        .when(Command::Retry)
        .then([again.clone()]);
    let last = 1 + MOST_ATTEMPTS;
    let before = [queued(), erased(1), again].into_iter();
    given::<Email>(before.chain((2..last).map(failed)))
        .when(fail(last))
        .then([exhausted(last)]);
}

#[test]
fn only_one_that_was_given_up_may_be_retried() {
    let retry = Command::Retry;
    given::<Email>([])
        .when(retry.clone())
        .refused(Rejection::Unknown);
    given::<Email>([queued()])
        .when(retry.clone())
        .refused(Rejection::NotGivenUp);
    given::<Email>([queued(), Event::EmailSent { attempt: 1 }])
        .when(retry)
        .refused(Rejection::NotGivenUp);
    assert_refusals(&[
        (
            Rejection::Unknown,
            Kind::Unknown,
            "email-unknown",
            "there is no such e-mail",
        ),
        (
            Rejection::NotGivenUp,
            Kind::Refused,
            "email-not-given-up",
            "the e-mail was not given up",
        ),
    ]);
}

#[test]
fn a_policy_has_one_email_an_event() {
    assert_eq!(email_id("one", id(1)), email_id("one", id(1)));
    assert_ne!(email_id("one", id(1)), email_id("other", id(1)));
    assert_ne!(email_id("one", id(1)), email_id("one", id(2)));
}
