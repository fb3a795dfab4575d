//! Accounts that come and go.

use std::collections::BTreeSet;

use domain::actor::Role;
use domain::decisions::confirm_email::confirm_email;
use domain::decisions::erase_account::{erase_account, expire_account};
use domain::decisions::register_account::{Registration, sign_up};
use domain::identity::account::{Account, Standing};
use domain::identity::email::{EmailAddress, EmailClaim};
use domain::identity::link::{CONFIRMATION_LIFETIME, Link};
use domain::language::Language;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use uuid::Uuid;

use super::{replays_to_what_was_carried, survives_being_stored};
use crate::decisions::claim_on;
use crate::support::id;
use crate::world::{Outcome, World};

const TOKEN: Uuid = id(0x700);

const ADDRESSES: [&str; 4] = [
    "awa@example.org",
    "AWA@example.org",
    "moussa@example.org",
    "fatou@example.org",
];

#[derive(Debug, Clone)]
enum Step {
    RegisterFirst(Uuid, &'static str),
    Register(Uuid, &'static str, Vec<Role>),
    Activate(Uuid),
    Deactivate(Uuid),
    ChangeRoles(Uuid, Vec<Role>),
    SignUp(Uuid, &'static str),
    Confirm(Uuid),
    Erase(Uuid),
    Expire(Uuid),
}

fn any_account() -> impl Strategy<Value = Uuid> {
    (1u128..5).prop_map(id)
}

fn any_step() -> impl Strategy<Value = Step> {
    let address = || select(&ADDRESSES[..]);
    let roles = || subsequence(vec![Role::Admin, Role::Buyer], 0..=2);
    prop_oneof![
        1 => (any_account(), address()).prop_map(|(id, at)| Step::RegisterFirst(id, at)),
        3 => (any_account(), address(), roles())
            .prop_map(|(id, at, roles)| Step::Register(id, at, roles)),
        2 => any_account().prop_map(Step::Activate),
        3 => any_account().prop_map(Step::Deactivate),
        2 => (any_account(), roles()).prop_map(|(id, roles)| Step::ChangeRoles(id, roles)),
        2 => (any_account(), address()).prop_map(|(id, at)| Step::SignUp(id, at)),
        1 => any_account().prop_map(Step::Confirm),
        1 => any_account().prop_map(Step::Erase),
        1 => any_account().prop_map(Step::Expire),
    ]
}

fn take(world: &mut World, step: &Step) {
    let outcome = match step {
        Step::RegisterFirst(account, at) => world.register_first_admin(*account, at),
        Step::Register(account, at, roles) => world.register(*account, at, roles),
        Step::Activate(account) => world.activate(*account),
        Step::Deactivate(account) => world.deactivate(*account),
        Step::ChangeRoles(account, roles) => world.change_roles(*account, roles),
        Step::SignUp(account, at) => sign_up_as(world, *account, at),
        Step::Confirm(account) => {
            let (account, now) = (*account, world.now);
            world.run(|streams| confirm_email(streams, account, TOKEN, now))
        }
        Step::Erase(account) => {
            let claim = claim_of(world, *account);
            world.run(|streams| erase_account(streams, *account, claim))
        }
        Step::Expire(account) => {
            let claim = claim_of(world, *account);
            world.run(|streams| expire_account(streams, *account, claim))
        }
    };
    // Refused or not, the laws must hold.
    drop(outcome);
}

fn sign_up_as(world: &mut World, account: Uuid, at: &str) -> Outcome<()> {
    let email = EmailAddress::parse(at).unwrap();
    let registration = Registration {
        id: account,
        email_claim_id: claim_on(&email),
        email,
        name: "Awa".to_owned(),
        roles: [Role::Buyer].into(),
        credential_id: id(9),
    };
    let link = Link {
        token_id: TOKEN,
        expires_at: world.now + CONFIRMATION_LIFETIME,
    };
    world.run(|streams| sign_up(streams, registration.clone(), link, Language::French))
}

/// The claim on the address of an account; of one that has none, one that nobody has.
fn claim_of(world: &World, account: Uuid) -> Uuid {
    let account = world.state::<Account>(account);
    let email = account.and_then(|account| account.email.value);
    email.map_or(Uuid::nil(), |email| claim_on(&email))
}

fn accounts() -> impl Iterator<Item = Uuid> {
    (1..5).map(id)
}

/// The administrators are the accounts that are active admins, and there is always one left.
fn circle_is_whole(world: &World, had_one: bool) -> Result<(), TestCaseError> {
    let active_admins: Vec<Uuid> = accounts()
        .filter(|account| {
            let state = world.state::<Account>(*account);
            state.is_some_and(|account| account.administers())
        })
        .collect();
    prop_assert_eq!(&world.administrators(), &active_admins);
    prop_assert!(!had_one || !active_admins.is_empty());
    Ok(())
}

/// Each account holds the claim on its address, and no two have one address.
fn addresses_are_unique(world: &World) -> Result<(), TestCaseError> {
    let mut taken = BTreeSet::new();
    for id in accounts() {
        let Some(account) = world.state::<Account>(id) else {
            continue;
        };
        prop_assert_eq!(
            account.email.value.is_none(),
            account.standing == Standing::Erased
        );
        let Some(email) = account.email.value else {
            continue;
        };
        prop_assert_eq!(world.state::<EmailClaim>(claim_on(&email)), Some(id));
        prop_assert!(taken.insert(email.as_str().to_owned()), "{email:?} twice");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn administrators_and_addresses_are_always_accounted_for(steps in vec(any_step(), 1..40)) {
        let mut world = World::empty();
        for step in &steps {
            let had_one = !world.administrators().is_empty();
            take(&mut world, step);
            circle_is_whole(&world, had_one)?;
            addresses_are_unique(&world)?;
        }
        replays_to_what_was_carried(&world)?;
        survives_being_stored(&world)?;
    }
}
