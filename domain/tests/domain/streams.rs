//! What a decision may rely on, and what it leaves to be stored.

use domain::hotels::hotel::{self, Hotel};
use domain::hotels::reservation::Reservation;
use domain::identity::account::Account;
use domain::identity::email::{self, EmailClaim};
use domain::streams::{FoldError, Halt, Loaded, StreamId, StreamKind, Streams};

use domain::upcast::StoredEvent;

use crate::support::{HOTEL, HOTELIER, id, small_hotel};

fn create() -> hotel::Command {
    hotel::Command::Create {
        owner: HOTELIER,
        details: small_hotel(),
    }
}

fn loaded(kind: StreamKind, version: u64) -> Loaded {
    Loaded {
        version,
        last_occurred_at: None,
        state: (kind.empty)(),
    }
}

/// The streams of a decision that has read the hotel, which has no event yet.
fn with_hotel() -> Streams {
    let mut streams = Streams::default();
    let kind = StreamKind::of::<Hotel>();
    streams.insert(StreamId::of::<Hotel>(HOTEL), loaded(kind, 0));
    streams
}

#[test]
fn a_decision_asks_for_the_stream_that_it_has_not_read() {
    let halt = Streams::default().decide::<Hotel>(HOTEL, create());
    match halt {
        Err(Halt::Missing(stream, kind)) => {
            assert_eq!(stream, StreamId::of::<Hotel>(HOTEL));
            assert_eq!(kind.aggregate_type, "hotels.hotel");
            assert_eq!(format!("{kind:?}"), "hotels.hotel");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_decision_sees_what_it_decided_before() {
    let mut streams = with_hotel();
    streams.decide::<Hotel>(HOTEL, create()).unwrap();
    streams
        .decide::<Hotel>(HOTEL, hotel::Command::Delete)
        .unwrap();
    let state = streams.state::<Hotel>(HOTEL).unwrap();
    assert!(matches!(*state, hotel::State::Deleted { .. }));
    let [draft] = streams.drafts() else {
        panic!("one stream, one draft: {:?}", streams.drafts());
    };
    let names: Vec<_> = draft.events.iter().map(|event| event.event_type).collect();
    assert_eq!(names, ["HotelCreated", "HotelDeleted"]);
    assert_eq!(draft.expected_version, 0);
}

#[test]
fn a_decision_that_decides_nothing_leaves_no_draft() {
    let mut streams = with_hotel();
    let claim = StreamId::of::<EmailClaim>(id(1));
    let kind = StreamKind::of::<EmailClaim>();
    let stored = StoredEvent {
        event_type: "EmailClaimed",
        event_version: "1",
        payload: r#"{"type":"EmailClaimed","account_id":"0192f000-0000-7000-8000-000000000300"}"#,
    };
    let holder = (kind.fold)(&(kind.empty)(), &[stored]).unwrap();
    streams.insert(
        claim,
        Loaded {
            state: holder,
            ..loaded(kind, 1)
        },
    );
    let again = email::Command::Claim {
        account_id: crate::support::GUEST,
    };
    streams.decide::<EmailClaim>(id(1), again).unwrap();
    assert!(streams.drafts().is_empty());
    assert_eq!(streams.read().count(), 2);
}

#[test]
fn a_decision_that_is_run_again_starts_from_what_was_loaded() {
    let mut streams = with_hotel();
    streams.decide::<Hotel>(HOTEL, create()).unwrap();
    streams.restart();
    assert!(streams.drafts().is_empty());
    assert_eq!(
        *streams.state::<Hotel>(HOTEL).unwrap(),
        hotel::State::Absent
    );
}

#[test]
fn a_newer_load_replaces_an_older_one() {
    let mut streams = with_hotel();
    let stream = StreamId::of::<Hotel>(HOTEL);
    streams.insert(stream, loaded(StreamKind::of::<Hotel>(), 7));
    streams.decide::<Hotel>(HOTEL, create()).unwrap();
    assert_eq!(streams.loaded(&stream).unwrap().version, 7);
    assert_eq!(streams.drafts()[0].expected_version, 7);
}

#[test]
fn a_stored_event_that_can_not_be_read_is_named() {
    let kind = StreamKind::of::<Hotel>();
    let of_type = |event_type, payload| StoredEvent {
        event_type,
        event_version: "1",
        payload,
    };
    let stored = [
        of_type("HotelDeleted", r#"{"type":"HotelDeleted"}"#),
        of_type("HotelBurnt", r#"{"type":"HotelBurnt"}"#),
    ];
    let error = (kind.fold)(&(kind.empty)(), &stored).unwrap_err();
    assert!(matches!(&error, FoldError::Unreadable { index: 1, .. }));
    let told = error.to_string();
    let expected = "stored event 1 of hotels.hotel: HotelBurnt in version 1 can't be read: unknown";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn an_error_does_not_repeat_what_is_about_a_person() {
    let kind = StreamKind::of::<Account>();
    let stored = StoredEvent {
        event_type: "AccountRegistered",
        event_version: "1",
        payload: r#"{"type":"AccountRegistered","name":{"personal_of":"Awa Ndiaye"}}"#,
    };
    let error = (kind.fold)(&(kind.empty)(), &[stored]).unwrap_err();
    let told = error.to_string();
    assert!(
        told.ends_with("can't be read: it is not of its form"),
        "{told}"
    );
}

#[test]
fn a_state_of_another_aggregate_is_not_folded() {
    let foreign = (StreamKind::of::<Reservation>().empty)();
    let error = (StreamKind::of::<Hotel>().fold)(&foreign, &[]).unwrap_err();
    assert_eq!(error.to_string(), "the state is not one of hotels.hotel");
}
