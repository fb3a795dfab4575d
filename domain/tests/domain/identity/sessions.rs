use chrono::TimeDelta;
use domain::decider::Kind;
use domain::identity::sessions::{
    Command, EndedBecause, Event, Judged, LIFETIME, MAX_AGENT, MOST, NewSession, Rejection,
    Sessions, Which,
};
use domain::personal::Personal;

use crate::support::{GUEST, after, assert_refusals, given, id, noon};

fn start_on(session: u128, day: u32, agent: Option<&str>) -> Command {
    Command::Start(NewSession {
        account_id: GUEST,
        session_id: id(session),
        token_id: id(session + 1_000),
        agent: agent.map(str::to_owned),
        now: noon(day),
    })
}

fn started_on(session: u128, day: u32) -> Event {
    Event::SessionStarted {
        account_id: GUEST,
        session_id: id(session),
        token_id: id(session + 1_000),
        expires_at: noon(day) + LIFETIME,
        agent: None,
    }
}

fn ended(sessions: &[u128], why: EndedBecause) -> Event {
    Event::SessionsEnded {
        session_ids: sessions.iter().copied().map(id).collect(),
        why,
    }
}

#[test]
fn a_session_begins_and_keeps_what_the_program_calls_itself() {
    given::<Sessions>([])
        .when(start_on(1, 1, None))
        .then([started_on(1, 1)]);
    let long = format!("Fire\nfox{}", "x".repeat(MAX_AGENT));
    let decided = given::<Sessions>([]).when(start_on(1, 1, Some(&long)));
    let [Event::SessionStarted { agent, .. }] = &decided.result().unwrap()[..] else {
        panic!("one session")
    };
    let kept = agent
        .as_ref()
        .and_then(|agent| agent.value.clone())
        .unwrap();
    assert_eq!(agent, &Some(Personal::new(GUEST, kept.clone())));
    assert!(kept.starts_with("Firefoxx") && kept.chars().count() == MAX_AGENT);
}

#[test]
fn each_token_is_good_once() {
    let next = Event::SessionContinued {
        session_id: id(1),
        token_id: id(7),
        expires_at: noon(2) + LIFETIME,
    };
    let go_on = Command::Continue {
        session_id: id(1),
        token_id: id(7),
        expires_at: noon(2) + LIFETIME,
    };
    given::<Sessions>([started_on(1, 1)])
        .when(go_on.clone())
        .then([next.clone()]);
    given::<Sessions>([])
        .when(go_on)
        .refused(Rejection::Unknown);
    let before = after::<Sessions>(&[started_on(1, 1)]);
    let since = after::<Sessions>(&[started_on(1, 1), next]);
    let judge = |token| {
        (
            before.judge(id(1), id(token), noon(3)),
            since.judge(id(1), id(token), noon(3)),
        )
    };
    assert_eq!(judge(1_001), (Judged::Good, Judged::Used));
    assert_eq!(judge(7), (Judged::Used, Judged::Good));
    assert_eq!(before.judge(id(2), id(1_001), noon(3)), Judged::Over);
}

#[test]
fn a_session_is_over_a_week_after_its_last_token() {
    let state = after::<Sessions>(&[started_on(1, 1)]);
    let second = TimeDelta::seconds(1);
    let at = |time| state.judge(id(1), id(1_001), time);
    assert_eq!(at(noon(8) - second), Judged::Good);
    assert_eq!(at(noon(8)), Judged::Over);
    // One that was used tells nothing any more either.
    assert_eq!(state.judge(id(1), id(5), noon(8)), Judged::Over);
}

#[test]
fn sessions_are_ended_one_all_or_all_but_one() {
    let three = || [started_on(1, 1), started_on(2, 1), started_on(3, 1)];
    let why = EndedBecause::Revoked;
    for (which, over) in [
        (Which::All, &[1, 2, 3][..]),
        (Which::One(id(2)), &[2]),
        (Which::Others(id(2)), &[1, 3]),
    ] {
        given::<Sessions>(three())
            .when(Command::End(which, why))
            .then([ended(over, why)]);
    }
    for which in [Which::One(id(4)), Which::All] {
        let over = [started_on(1, 1), ended(&[1], why)];
        given::<Sessions>(over)
            .when(Command::End(which, why))
            .then([]);
    }
}

#[test]
fn there_are_so_many_sessions_at_most_and_those_that_expired_do_not_count() {
    let first = 100;
    let full = |day| (0..MOST as u128).map(move |n| started_on(first + n, day));
    let decided = given::<Sessions>(full(1)).when(start_on(1, 2, None));
    decided.then([ended(&[first], EndedBecause::TooMany), started_on(1, 2)]);
    let expired: Vec<u128> = (0..MOST as u128).map(|n| first + n).collect();
    let decided = given::<Sessions>(full(1)).when(start_on(1, 8, None));
    decided.then([ended(&expired, EndedBecause::Expired), started_on(1, 8)]);
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[(
        Rejection::Unknown,
        Kind::Unknown,
        "session-unknown",
        "there is no such session",
    )]);
}
