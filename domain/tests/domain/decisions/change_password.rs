use domain::decisions::change_password::{change_password, reset_password};
use domain::decisions::sign_in::Refreshed;
use domain::identity::account::{Account, Command, Rejection};
use domain::identity::link::{Link, RESET_LIFETIME};
use domain::language::Language;
use uuid::Uuid;

use super::sign_in::{password, refresh, signed_in};
use crate::support::id;

const AWA: Uuid = id(1);
const LANGUAGE: Language = Language::English;

#[test]
fn a_reset_by_the_link_ends_all_sessions() {
    let mut world = signed_in();
    let now = world.now;
    let link = Link {
        token_id: id(7),
        expires_at: now + RESET_LIFETIME,
    };
    let ask = Command::RequestReset {
        link,
        language: LANGUAGE,
    };
    let asked = world.run(|streams| streams.decide::<Account>(AWA, ask.clone()));
    asked.recorded(&["PasswordResetRequested"]);
    let mut reset =
        |token| world.run(|s| reset_password(s, AWA, id(token), id(0x902), LANGUAGE, now));
    reset(8).refused(Rejection::Link);
    reset(7).recorded(&["PasswordChanged", "SessionsEnded"]);
    reset(7).refused(Rejection::Link);
    assert_eq!(password(&world), id(0x902));
    assert_eq!(refresh(&mut world, 3, 4).done(), Refreshed::Over);
}

#[test]
fn a_change_leaves_the_session_that_asked() {
    for (from, left) in [
        (Some(id(2)), Refreshed::Continued),
        (Some(id(9)), Refreshed::Over),
        (None, Refreshed::Over),
    ] {
        let mut world = signed_in();
        let known = password(&world);
        let mut change =
            |known| world.run(|s| change_password(s, AWA, known, id(0x902), LANGUAGE, from));
        change(known).done();
        change(known).refused(Rejection::PasswordChanged);
        assert_eq!(refresh(&mut world, 3, 4).done(), left, "{from:?}");
    }
}
