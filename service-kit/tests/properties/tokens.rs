use chrono::Utc;
use domain::actor::{Actor, Role};
use proptest::prelude::*;
use proptest::sample::subsequence;
use service_kit::token::{BadToken, Bearer, MIN_KEY, Tokens};
use strum::IntoEnumIterator;
use uuid::Uuid;

use super::change;

fn bearer() -> impl Strategy<Value = Bearer> {
    let all: Vec<Role> = Role::iter().collect();
    let roles = subsequence(all.clone(), 0..=all.len());
    let session = proptest::option::of(any::<u128>().prop_map(Uuid::from_u128));
    (any::<u128>(), roles, session).prop_map(|(account, roles, session)| {
        let account = Uuid::from_u128(account);
        let actor = Actor { account, roles };
        Bearer { actor, session }
    })
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), MIN_KEY..2 * MIN_KEY)
}

fn issue(tokens: &Tokens, bearer: &Bearer) -> String {
    let (actor, now) = (&bearer.actor, Utc::now());
    match bearer.session {
        Some(session) => tokens.issue_in(session, actor, now).unwrap(),
        None => tokens.issue(actor, now).unwrap(),
    }
}

proptest! {
    #[test]
    fn a_token_speaks_for_whom_it_was_given(key in keys(), bearer in bearer()) {
        let tokens = Tokens::new(&key).unwrap();
        let token = issue(&tokens, &bearer);
        prop_assert_eq!(tokens.verify(&token), Ok(bearer.clone()));
        prop_assert_eq!(tokens.verify(&token), Ok(bearer));
    }

    #[test]
    fn a_changed_token_is_refused_also_after_the_right_one_came(
        key in keys(),
        bearer in bearer(),
        changes in proptest::collection::vec(change(), 20),
    ) {
        let tokens = Tokens::new(&key).unwrap();
        let token = issue(&tokens, &bearer);
        tokens.verify(&token).unwrap();
        for change in changes {
            if let Some(changed) = change.apply(&token) {
                prop_assert_eq!(tokens.verify(&changed), Err(BadToken::Invalid), "{}", changed);
            }
        }
    }

    #[test]
    fn a_token_of_another_key_is_refused(key in keys(), other in keys(), bearer in bearer()) {
        prop_assume!(key != other);
        let token = issue(&Tokens::new(&other).unwrap(), &bearer);
        let tokens = Tokens::new(&key).unwrap();
        prop_assert_eq!(tokens.verify(&token), Err(BadToken::Invalid));
    }

    #[test]
    fn anything_else_is_refused(key in keys(), text in "\\PC{0,80}", parts in "[A-Za-z0-9_-]{0,9}(\\.[A-Za-z0-9_-]{0,9}){0,4}") {
        let tokens = Tokens::new(&key).unwrap();
        for text in [text, parts] {
            prop_assert_eq!(tokens.verify(&text), Err(BadToken::Invalid));
        }
    }

    #[test]
    fn what_pages_send_back_is_good_for_its_session_alone(
        key in keys(),
        session in any::<u128>(),
        other in any::<u128>(),
        change in change(),
        text in "\\PC{0,60}",
    ) {
        prop_assume!(session != other);
        let tokens = Tokens::new(&key).unwrap();
        let (session, other) = (Uuid::from_u128(session), Uuid::from_u128(other));
        let csrf = tokens.csrf(session);
        prop_assert!(tokens.is_csrf(session, &csrf));
        prop_assert!(!tokens.is_csrf(other, &csrf));
        prop_assert!(!tokens.is_csrf(session, &text));
        if let Some(changed) = change.apply(&csrf) {
            prop_assert!(!tokens.is_csrf(session, &changed));
        }
    }
}
