use domain::decider::Kind;
use domain::identity::seller_request::{
    Command, Event, MAX_TEXT, Rejection, SellerRequest, Status,
};
use domain::language::Language;
use domain::personal::Personal;

use crate::support::{GUEST, after, assert_refusals, given};

const LANGUAGE: Language = Language::French;

fn request(message: Option<&str>) -> Command {
    Command::Request {
        account_id: GUEST,
        message: message.map(str::to_owned),
        language: LANGUAGE,
    }
}

fn requested(message: Option<&str>) -> Event {
    Event::SellerRequested {
        account_id: GUEST,
        message: message.map(|text| Personal::new(GUEST, text.to_owned())),
        language: LANGUAGE,
    }
}

fn approved() -> Event {
    Event::SellerRequestApproved {
        account_id: GUEST,
        language: LANGUAGE,
    }
}

fn reject(reason: &str) -> Command {
    Command::Reject {
        reason: reason.to_owned(),
    }
}

fn rejected(reason: &str) -> Event {
    Event::SellerRequestRejected {
        account_id: GUEST,
        reason: Personal::new(GUEST, reason.to_owned()),
        language: LANGUAGE,
    }
}

#[test]
fn somebody_asks_to_sell_once() {
    for (typed, kept) in [
        (None, None),
        (Some(" "), None),
        (Some(" pots\nand pans "), Some("pots\nand pans")),
    ] {
        given::<SellerRequest>([])
            .when(request(typed))
            .then([requested(kept)]);
    }
    given::<SellerRequest>([requested(None)])
        .when(request(None))
        .refused(Rejection::Exists);
    for typed in ["a\0", &"a".repeat(MAX_TEXT + 1)] {
        given::<SellerRequest>([])
            .when(request(Some(typed)))
            .refused(Rejection::Message);
    }
}

#[test]
fn a_request_is_settled_once() {
    given::<SellerRequest>([requested(None)])
        .when(Command::Approve)
        .then([approved()]);
    given::<SellerRequest>([requested(None)])
        .when(reject(" no room "))
        .then([rejected("no room")]);
    let withdrawn = Event::SellerRequestWithdrawn {};
    for (settled, status) in [
        (approved(), Status::Approved),
        (rejected("no"), Status::Rejected),
        (withdrawn.clone(), Status::Withdrawn),
    ] {
        let events = [requested(None), settled];
        assert_eq!(after::<SellerRequest>(&events).unwrap().status, status);
        for command in [Command::Approve, reject("late")] {
            given::<SellerRequest>(events.clone())
                .when(command)
                .refused(Rejection::Settled(status));
        }
        given::<SellerRequest>(events)
            .when(Command::Withdraw)
            .then([]);
    }
    given::<SellerRequest>([requested(None)])
        .when(Command::Withdraw)
        .then([withdrawn]);
}

#[test]
fn a_rejection_says_why() {
    for reason in ["", "  ", "a\0", &"a".repeat(MAX_TEXT + 1)] {
        given::<SellerRequest>([requested(None)])
            .when(reject(reason))
            .refused(Rejection::Reason);
    }
    for command in [Command::Approve, reject("why")] {
        given::<SellerRequest>([])
            .when(command)
            .refused(Rejection::Unknown);
    }
    given::<SellerRequest>([]).when(Command::Withdraw).then([]);
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Unknown,
            Kind::Unknown,
            "seller-request-unknown",
            "there is no such seller request",
        ),
        (
            Rejection::Exists,
            Kind::Refused,
            "seller-request-exists",
            "the account has made a seller request already",
        ),
        (
            Rejection::Settled(Status::Approved),
            Kind::Refused,
            "seller-request-settled",
            "the seller request was approved already",
        ),
        (
            Rejection::Message,
            Kind::Invalid("/message"),
            "validation",
            "a message has 2000 characters at most, all of which can be shown",
        ),
        (
            Rejection::Reason,
            Kind::Invalid("/reason"),
            "validation",
            "a reason has 1 to 2000 characters, all of which can be shown",
        ),
    ]);
}
