use domain::decider::Kind;
use domain::identity::administrators::{Administrators, Command, Event, Rejection};

use crate::support::{assert_refusals, given, id};

fn added(n: u128) -> Event {
    Event::AdministratorAdded { account_id: id(n) }
}

fn removed(n: u128) -> Event {
    Event::AdministratorRemoved { account_id: id(n) }
}

#[test]
fn an_account_joins_once() {
    given::<Administrators>([])
        .when(Command::Add(id(1)))
        .then([added(1)]);
    given::<Administrators>([added(1)])
        .when(Command::Add(id(2)))
        .then([added(2)]);
    given::<Administrators>([added(1)])
        .when(Command::Add(id(1)))
        .then([]);
}

#[test]
fn an_account_leaves_while_another_stays() {
    given::<Administrators>([added(1), added(2)])
        .when(Command::Remove(id(1)))
        .then([removed(1)]);
}

#[test]
fn the_last_one_stays() {
    given::<Administrators>([added(1)])
        .when(Command::Remove(id(1)))
        .refused(Rejection::Last);
    given::<Administrators>([added(1), added(2), removed(1)])
        .when(Command::Remove(id(2)))
        .refused(Rejection::Last);
}

#[test]
fn who_is_not_among_them_can_not_leave() {
    for events in [vec![], vec![added(1)], vec![added(1), added(2), removed(2)]] {
        given::<Administrators>(events)
            .when(Command::Remove(id(2)))
            .then([]);
    }
}

#[test]
fn there_is_a_first_one_only_once() {
    given::<Administrators>([])
        .when(Command::AddFirst(id(1)))
        .then([added(1)]);
    for account in [1, 2] {
        given::<Administrators>([added(1)])
            .when(Command::AddFirst(id(account)))
            .refused(Rejection::NotFirst);
    }
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Last,
            Kind::Refused,
            "last-administrator",
            "the last administrator can't be removed",
        ),
        (
            Rejection::NotFirst,
            Kind::Refused,
            "administrator-exists",
            "there is an administrator already",
        ),
    ]);
}
