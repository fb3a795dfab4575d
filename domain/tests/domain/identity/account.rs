use std::collections::BTreeSet;

use domain::actor::Role;
use domain::decider::Kind;
use domain::identity::account::{Account, Command, Event, MAX_NAME, Rejection, registered};
use domain::identity::email::EmailAddress;
use domain::personal::Personal;

use crate::support::{GUEST, after, assert_refusals, given, id};

fn email() -> EmailAddress {
    EmailAddress::parse("awa@example.org").unwrap()
}

fn register_as(name: &str, roles: &[Role]) -> Command {
    Command::Register {
        id: GUEST,
        email: email(),
        name: name.to_owned(),
        roles: roles.iter().copied().collect(),
        credential_id: id(9),
    }
}

fn registered_as(name: &str, roles: &[Role]) -> Event {
    Event::AccountRegistered {
        email: Personal::new(GUEST, email()),
        name: Personal::new(GUEST, name.to_owned()),
        roles: roles.iter().copied().collect(),
        credential_id: id(9),
        active: true,
    }
}

fn awa() -> Event {
    registered_as("Awa", &[Role::Buyer])
}

#[test]
fn an_account_is_registered_and_may_sign_in_at_once() {
    given::<Account>([])
        .when(register_as("Awa", &[Role::Buyer]))
        .then([awa()]);
}

#[test]
fn an_account_is_registered_once_only() {
    given::<Account>([awa()])
        .when(register_as("Awa", &[Role::Buyer]))
        .refused(Rejection::Exists);
}

#[test]
fn one_account_may_hold_several_roles() {
    let roles = [Role::Seller, Role::Buyer];
    given::<Account>([])
        .when(register_as("Awa", &roles))
        .then([registered_as("Awa", &roles)]);
}

#[test]
fn an_account_can_do_something() {
    given::<Account>([])
        .when(register_as("Awa", &[]))
        .refused(Rejection::NoRole);
    given::<Account>([awa()])
        .when(Command::ChangeRoles(BTreeSet::new()))
        .refused(Rejection::NoRole);
}

#[test]
fn a_name_is_trimmed_and_has_1_to_200_characters() {
    let longest = "é".repeat(MAX_NAME);
    let cases = [
        ("Awa Ndiaye", Some("Awa Ndiaye")),
        ("  Awa\n", Some("Awa")),
        (longest.as_str(), Some(longest.as_str())),
        ("", None),
        (" \t ", None),
        ("A\nwa", None),
        ("A\0wa", None),
    ];
    for (typed, kept) in cases {
        let answer = given::<Account>([])
            .when(register_as(typed, &[Role::Buyer]))
            .result();
        let expected = kept
            .map(|name| vec![registered_as(name, &[Role::Buyer])])
            .ok_or(Rejection::Name);
        assert_eq!(answer, expected, "{typed:?}");
    }
    given::<Account>([])
        .when(register_as(&"é".repeat(MAX_NAME + 1), &[Role::Buyer]))
        .refused(Rejection::Name);
}

#[test]
fn an_account_is_deactivated_and_activated_each_once() {
    let deactivated = [awa(), Event::AccountDeactivated {}];
    given::<Account>([awa()])
        .when(Command::Deactivate)
        .then([Event::AccountDeactivated {}]);
    given::<Account>(deactivated.clone())
        .when(Command::Deactivate)
        .then([]);
    given::<Account>(deactivated)
        .when(Command::Activate)
        .then([Event::AccountActivated {}]);
    given::<Account>([awa()]).when(Command::Activate).then([]);
}

#[test]
fn the_roles_of_an_account_are_replaced_once() {
    let roles = BTreeSet::from([Role::Hotelier]);
    let changed = Event::RolesChanged {
        roles: roles.clone(),
    };
    given::<Account>([awa()])
        .when(Command::ChangeRoles(roles.clone()))
        .then([changed.clone()]);
    given::<Account>([awa(), changed])
        .when(Command::ChangeRoles(roles))
        .then([]);
}

#[test]
fn an_account_that_is_not_there_can_not_change() {
    for command in [
        Command::Activate,
        Command::Deactivate,
        Command::ChangeRoles(BTreeSet::from([Role::Buyer])),
    ] {
        given::<Account>([])
            .when(command)
            .refused(Rejection::Unknown);
    }
}

#[test]
fn what_was_never_registered_stays_unknown() {
    let orphan = after::<Account>(&[Event::AccountActivated {}]);
    assert_eq!(registered(&orphan), Err(Rejection::Unknown));
}

#[test]
fn an_account_administers_while_it_is_an_active_admin() {
    let admin = || registered_as("Awa", &[Role::Admin, Role::Buyer]);
    let roles = |role| Event::RolesChanged {
        roles: BTreeSet::from([role]),
    };
    let cases = [
        (vec![awa()], false),
        (vec![admin()], true),
        (vec![admin(), Event::AccountDeactivated {}], false),
        (
            vec![
                admin(),
                Event::AccountDeactivated {},
                Event::AccountActivated {},
            ],
            true,
        ),
        (vec![admin(), roles(Role::Seller)], false),
        (vec![awa(), roles(Role::Admin)], true),
    ];
    for (events, expected) in cases {
        let state = after::<Account>(&events);
        let account = registered(&state).unwrap();
        assert_eq!(account.administers(), expected, "{events:?}");
        assert_eq!(account.email, Personal::new(GUEST, email()));
    }
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Unknown,
            Kind::Unknown,
            "account-unknown",
            "there is no such account",
        ),
        (
            Rejection::Exists,
            Kind::Refused,
            "account-exists",
            "the account exists already",
        ),
        (
            Rejection::Name,
            Kind::Invalid("/name"),
            "validation",
            "a name has 1 to 200 characters, and not only blanks",
        ),
        (
            Rejection::NoRole,
            Kind::Invalid("/roles"),
            "validation",
            "an account has one role at least",
        ),
    ]);
}
