use std::collections::BTreeSet;

use domain::actor::Role;
use domain::decider::Kind;
use domain::identity::account::{
    Account, Beginning, Command, Confirmation, ErasedBecause, Event, MAX_NAME, NewAccount,
    Rejection, Standing, registered,
};
use domain::identity::email::EmailAddress;
use domain::identity::link::{CONFIRMATION_LIFETIME, Link, PAUSE, RESET_LIFETIME};
use domain::identity::profile::{MAX_LINE, MAX_TEXT, Profile, Told};
use domain::language::Language;
use domain::personal::Personal;

use crate::support::{GUEST, after, assert_refusals, given, id, noon};

fn email() -> EmailAddress {
    EmailAddress::parse("awa@example.org").unwrap()
}

fn register_as(name: &str, roles: &[Role]) -> Command {
    begin_as(name, roles, Beginning::Active)
}

fn begin_as(name: &str, roles: &[Role], beginning: Beginning) -> Command {
    Command::Register(NewAccount {
        id: GUEST,
        email: email(),
        name: name.to_owned(),
        roles: roles.iter().copied().collect(),
        credential_id: id(9),
        beginning,
    })
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

/// The account before its address is confirmed, by the token 1, until noon on the 3rd.
fn unconfirmed() -> [Event; 2] {
    let Event::AccountRegistered {
        email,
        name,
        roles,
        credential_id,
        ..
    } = awa()
    else {
        unreachable!()
    };
    let registered = Event::AccountRegistered {
        email,
        name,
        roles,
        credential_id,
        active: false,
    };
    [registered, confirmation(1, 1).1]
}

/// A link with this token that was asked for at noon on this day, and the event that it leads to.
fn confirmation(token: u128, day: u32) -> (Confirmation, Event) {
    let link = Link {
        token_id: id(token),
        expires_at: noon(day) + CONFIRMATION_LIFETIME,
    };
    let (language, email_claim_id) = (Language::French, id(8));
    let asked = Confirmation {
        link,
        language,
        email_claim_id,
    };
    let event = Event::ConfirmationRequested {
        link,
        language,
        email_claim_id,
    };
    (asked, event)
}

fn confirm(token: u128, day: u32) -> Command {
    Command::ConfirmEmail {
        token_id: id(token),
        now: noon(day),
    }
}

fn confirmed(token: u128) -> Event {
    let token_id = id(token);
    Event::EmailConfirmed { token_id }
}

fn standing(events: &[Event]) -> Standing {
    after::<Account>(events).unwrap().standing
}

#[test]
fn who_registers_confirms_the_address_first() {
    given::<Account>([])
        .when(begin_as(
            "Awa",
            &[Role::Buyer],
            Beginning::Unconfirmed(confirmation(1, 1).0),
        ))
        .then(unconfirmed());
    assert_eq!(standing(&unconfirmed()), Standing::Unconfirmed);
    given::<Account>(unconfirmed())
        .when(confirm(1, 2))
        .then([confirmed(1)]);
    let [registered, asked] = unconfirmed();
    assert_eq!(
        standing(&[registered, asked, confirmed(1)]),
        Standing::Active
    );
}

#[test]
fn a_link_is_followed_in_time_and_twice_is_as_once() {
    for wrong in [confirm(2, 2), confirm(1, 3), confirm(1, 4)] {
        given::<Account>(unconfirmed())
            .when(wrong)
            .refused(Rejection::Link);
    }
    let [registered, asked] = unconfirmed();
    let done = [registered, asked, confirmed(1)];
    given::<Account>(done.clone()).when(confirm(1, 9)).then([]);
    given::<Account>(done)
        .when(confirm(2, 2))
        .refused(Rejection::Link);
}

#[test]
fn another_link_makes_the_one_before_useless() {
    let (again, asked_again) = confirmation(2, 2);
    given::<Account>(unconfirmed())
        .when(Command::RequestConfirmation(again))
        .then([asked_again.clone()]);
    let [registered, asked] = unconfirmed();
    let twice = [registered, asked, asked_again];
    given::<Account>(twice.clone())
        .when(confirm(1, 2))
        .refused(Rejection::Link);
    given::<Account>(twice)
        .when(confirm(2, 3))
        .then([confirmed(2)]);
}

#[test]
fn no_mailbox_is_flooded() {
    let (mut soon, _) = confirmation(2, 1);
    soon.link.expires_at += PAUSE / 2;
    given::<Account>(unconfirmed())
        .when(Command::RequestConfirmation(soon))
        .then([]);
    let (later, _) = confirmation(2, 2);
    // Nor is it sent to who confirmed, or never had to.
    given::<Account>([awa()])
        .when(Command::RequestConfirmation(later))
        .then([]);
}

#[test]
fn who_was_deactivated_can_not_confirm_the_way_in() {
    let [registered, asked] = unconfirmed();
    given::<Account>(unconfirmed())
        .when(Command::Deactivate)
        .then([Event::AccountDeactivated {}]);
    given::<Account>([registered, asked, Event::AccountDeactivated {}])
        .when(confirm(1, 2))
        .refused(Rejection::Link);
}

#[test]
fn who_waits_to_be_let_in_needs_no_role_before() {
    let waiting = Event::AccountRegistered {
        email: Personal::new(GUEST, email()),
        name: Personal::new(GUEST, "Awa".to_owned()),
        roles: BTreeSet::new(),
        credential_id: id(9),
        active: false,
    };
    given::<Account>([])
        .when(begin_as("Awa", &[], Beginning::Inactive))
        .then([waiting.clone()]);
    given::<Account>([waiting.clone()])
        .when(Command::Activate)
        .refused(Rejection::NoRole);
    let granted = Event::RolesChanged {
        roles: BTreeSet::from([Role::Seller]),
    };
    given::<Account>([waiting.clone()])
        .when(Command::Grant(Role::Seller))
        .then([granted.clone()]);
    given::<Account>([waiting, granted.clone()])
        .when(Command::Grant(Role::Seller))
        .then([]);
}

fn reset_link(token: u128, day: u32) -> Link {
    Link {
        token_id: id(token),
        expires_at: noon(day) + RESET_LIFETIME,
    }
}

fn ask_reset(token: u128, day: u32) -> Command {
    Command::RequestReset {
        link: reset_link(token, day),
        language: Language::English,
    }
}

fn reset_asked(token: u128, day: u32) -> Event {
    Event::PasswordResetRequested {
        link: reset_link(token, day),
        language: Language::English,
    }
}

fn reset(token: u128, day: u32) -> Command {
    Command::ResetPassword {
        token_id: id(token),
        credential_id: id(10),
        language: Language::English,
        now: noon(day),
    }
}

fn changed(token: Option<u128>) -> Event {
    Event::PasswordChanged {
        credential_id: id(10),
        token_id: token.map(id),
        language: Language::English,
    }
}

#[test]
fn a_forgotten_password_is_set_anew_once_and_in_time() {
    given::<Account>([awa()])
        .when(ask_reset(1, 1))
        .then([reset_asked(1, 1)]);
    let asked = [awa(), reset_asked(1, 1)];
    given::<Account>(asked.clone())
        .when(ask_reset(2, 1))
        .then([]);
    given::<Account>(asked.clone())
        .when(ask_reset(2, 2))
        .then([reset_asked(2, 2)]);
    given::<Account>(asked.clone())
        .when(reset(1, 1))
        .then([changed(Some(1))]);
    for wrong in [reset(2, 1), reset(1, 2)] {
        given::<Account>(asked.clone())
            .when(wrong)
            .refused(Rejection::Link);
    }
    let done = [awa(), reset_asked(1, 1), changed(Some(1))];
    given::<Account>(done.clone())
        .when(reset(1, 1))
        .refused(Rejection::Link);
    assert_eq!(after::<Account>(&done).unwrap().credential_id, id(10));
}

#[test]
fn nothing_is_sent_to_who_may_not_sign_in_and_no_link_lets_them() {
    let off = || Event::AccountDeactivated {};
    given::<Account>([awa(), off()])
        .when(ask_reset(1, 1))
        .then([]);
    given::<Account>([awa(), reset_asked(1, 1), off()])
        .when(reset(1, 1))
        .refused(Rejection::Link);
    given::<Account>([awa(), reset_asked(1, 1), off(), Event::AccountActivated {}])
        .when(reset(1, 1))
        .refused(Rejection::Link);
}

#[test]
fn a_password_is_changed_by_who_knows_the_one_there_is() {
    let change = |known| Command::ChangePassword {
        known: id(known),
        credential_id: id(10),
        language: Language::English,
    };
    given::<Account>([awa()])
        .when(change(9))
        .then([changed(None)]);
    given::<Account>([awa(), changed(None)])
        .when(change(9))
        .refused(Rejection::PasswordChanged);
    given::<Account>([awa(), Event::AccountDeactivated {}])
        .when(change(9))
        .refused(Rejection::Inactive);
}

#[test]
fn people_tell_what_they_like() {
    let told = |text: &str| Told {
        first_name: Some(text.to_owned()),
        bio: Some("two\nlines".to_owned()),
        phone: Some("  ".to_owned()),
        ..Told::default()
    };
    let change = |told| Command::ChangeProfile { id: GUEST, told };
    let personal = |text: &str| Some(Personal::new(GUEST, text.to_owned()));
    let profile = Profile {
        first_name: personal("Awa"),
        bio: personal("two\nlines"),
        ..Profile::default()
    };
    let changed = Event::ProfileChanged(profile);
    given::<Account>([awa()])
        .when(change(told(" Awa ")))
        .then([changed.clone()]);
    given::<Account>([awa(), changed])
        .when(change(told("Awa")))
        .then([]);
    for (told, pointer) in [
        (told(&"a".repeat(MAX_LINE + 1)), "/first_name"),
        (told("A\nwa"), "/first_name"),
        (
            Told {
                bio: Some("a".repeat(MAX_TEXT + 1)),
                ..Told::default()
            },
            "/bio",
        ),
    ] {
        given::<Account>([awa()])
            .when(change(told))
            .refused(Rejection::Profile(pointer));
    }
}

#[test]
fn what_was_erased_is_gone_for_ever() {
    let erased = |why| Event::AccountErased { why };
    given::<Account>([awa()])
        .when(Command::Erase)
        .then([erased(ErasedBecause::Requested)]);
    let gone = [awa(), erased(ErasedBecause::Requested)];
    for command in [Command::Erase, Command::Expire] {
        given::<Account>(gone.clone()).when(command).then([]);
    }
    for command in [
        Command::Activate,
        Command::Deactivate,
        Command::Grant(Role::Admin),
        ask_reset(1, 1),
        confirm(1, 1),
    ] {
        given::<Account>(gone.clone())
            .when(command)
            .refused(Rejection::Erased);
    }
    let state = after::<Account>(&gone).unwrap();
    assert_eq!((state.email.value, state.name.value), (None, None));
}

#[test]
fn an_address_that_was_never_confirmed_is_let_go() {
    let why = ErasedBecause::NeverConfirmed;
    given::<Account>(unconfirmed())
        .when(Command::Expire)
        .then([Event::AccountErased { why }]);
    given::<Account>([awa()]).when(Command::Expire).then([]);
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
        (
            Rejection::Erased,
            Kind::Refused,
            "person-erased",
            "the account was erased",
        ),
        (
            Rejection::Inactive,
            Kind::Refused,
            "account-inactive",
            "the account is not active",
        ),
        (
            Rejection::Profile("/bio"),
            Kind::Invalid("/bio"),
            "validation",
            "a line has at most 100 characters, a text 2,000, all of which can be shown",
        ),
        (
            Rejection::Link,
            Kind::Refused,
            "link-invalid",
            "the link was used, has expired, or another was sent since",
        ),
        (
            Rejection::PasswordChanged,
            Kind::Refused,
            "password-changed",
            "the password was changed meanwhile",
        ),
    ]);
}
