//! Old events as events of today, by a toy aggregate whose events have changed in every way: an
//! event that was renamed and then split, one that is of no interest any more, one with a new
//! member.

use domain::decider::{self, Decider, Event as _, Verdict};
use domain::streams::{StreamKind, stored_json};
use domain::upcast::{ReadError, Stored, StoredEvent, Upcaster, read};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::stored_files::compare;

/// What happens to a shop's door today.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type", deny_unknown_fields)]
enum Event {
    /// Version 1 had no number of doors.
    ShopOpened { doors: u32 },
    /// Once `PeopleCame` with a count, then `CrowdCame` with a list, now one event each.
    PersonCame { name: String },
}

const UPCASTERS: &[Upcaster] = &[
    Upcaster {
        event_type: "ShopOpened",
        from_version: 1,
        to: |_| vec![stored("ShopOpened", 2, json!({ "doors": 1 }))],
    },
    // A chain of two: one to one under another name, then one to many.
    Upcaster {
        event_type: "PeopleCame",
        from_version: 1,
        to: |payload| {
            let count = payload["count"].as_u64().unwrap_or(0);
            let names: Vec<String> = (1..=count).map(|n| format!("visitor {n}")).collect();
            vec![stored("CrowdCame", 1, json!({ "names": names }))]
        },
    },
    Upcaster {
        event_type: "CrowdCame",
        from_version: 1,
        to: |mut payload| {
            let names = match payload["names"].take() {
                Value::Array(names) => names,
                _ => vec![],
            };
            let came = |name| stored("PersonCame", 1, json!({ "name": name }));
            names.into_iter().map(came).collect()
        },
    },
    Upcaster {
        event_type: "DoorPainted",
        from_version: 1,
        to: |_| vec![],
    },
];

const fn stored(event_type: &'static str, version: u16, payload: Value) -> Stored {
    Stored {
        event_type,
        version,
        payload,
    }
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn upcasters() -> &'static [Upcaster] {
        UPCASTERS
    }
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Rejection;

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        Verdict::refused("never")
    }
}

/// The doors, and who came.
type State = (u32, Vec<String>);

struct Shop;

impl Decider for Shop {
    const TYPE: &'static str = "toys.shop";
    type State = State;
    type Command = ();
    type Event = Event;
    type Rejection = Rejection;

    fn decide(_: &State, (): ()) -> Result<Vec<Event>, Rejection> {
        Err(Rejection)
    }

    fn evolve((doors, mut names): State, event: &Event) -> State {
        match event {
            Event::ShopOpened { doors } => (*doors, names),
            Event::PersonCame { name } => {
                names.push(name.clone());
                (doors, names)
            }
        }
    }
}

fn old<'a>(event_type: &'a str, event_version: &'a str, payload: &'a str) -> StoredEvent<'a> {
    StoredEvent {
        event_type,
        event_version,
        payload,
    }
}

fn came(name: &str) -> Event {
    let name = name.to_owned();
    Event::PersonCame { name }
}

/// Everything that was ever stored, as the file of a real aggregate has it.
const RECORDED: &str = r#"ShopOpened, version 1
{"type":"ShopOpened"}

ShopOpened, version 2
{"type":"ShopOpened","doors":2}

PeopleCame, version 1
{"type":"PeopleCame","count":2}

CrowdCame, version 1
{"type":"CrowdCame","names":["Awa"]}

DoorPainted, version 1
{"type":"DoorPainted","colour":"red"}

PersonCame, version 1
{"type":"PersonCame","name":"Awa"}
"#;

fn samples() -> Vec<Event> {
    vec![Event::ShopOpened { doors: 2 }, came("Awa")]
}

#[test]
fn one_event_becomes_one() {
    let events = read::<Event>(old("ShopOpened", "1", r#"{"type":"ShopOpened"}"#));
    assert_eq!(events.unwrap(), [Event::ShopOpened { doors: 1 }]);
}

#[test]
fn one_event_becomes_several_by_two_steps() {
    let people = old("PeopleCame", "1", r#"{"type":"PeopleCame","count":2}"#);
    let expected = [came("visitor 1"), came("visitor 2")];
    assert_eq!(read::<Event>(people).unwrap(), expected);
}

#[test]
fn one_event_becomes_none() {
    let painted = r#"{"type":"DoorPainted","colour":"red"}"#;
    assert_eq!(read::<Event>(old("DoorPainted", "1", painted)).unwrap(), []);
}

#[test]
fn an_event_of_today_is_read_as_it_is() {
    let json = stored_json(&came("Awa"));
    assert_eq!(
        read::<Event>(old("PersonCame", "1", &json)).unwrap(),
        [came("Awa")]
    );
}

#[test]
fn versions_follow_from_the_upcasters() {
    assert_eq!(Event::ShopOpened { doors: 1 }.version(), 2);
    assert_eq!(came("Awa").version(), 1);
}

#[test]
fn a_stream_of_old_and_new_events_is_folded() {
    let kind = StreamKind::of::<Shop>();
    let stream = [
        old("ShopOpened", "1", r#"{"type":"ShopOpened"}"#),
        old("PeopleCame", "1", r#"{"type":"PeopleCame","count":2}"#),
        old(
            "DoorPainted",
            "1",
            r#"{"type":"DoorPainted","colour":"red"}"#,
        ),
        old("PersonCame", "1", r#"{"type":"PersonCame","name":"Awa"}"#),
    ];
    let folded = (kind.fold)(&(kind.empty)(), &stream).unwrap();
    let (doors, names) = State::clone(&folded.downcast::<State>().unwrap());
    assert_eq!((doors, names.len(), names[2].as_str()), (1, 3, "Awa"));
}

#[test]
fn what_is_newer_than_the_code_is_an_error_that_says_so() {
    let newer = read::<Event>(old("ShopOpened", "3", "{}")).unwrap_err();
    assert_eq!(
        newer.to_string(),
        "ShopOpened is stored in version 3 and this program knows it up to version 2: a newer \
         one has written it"
    );
    let unknown = read::<Event>(old("ShopBurnt", "1", r#"{"type":"ShopBurnt"}"#)).unwrap_err();
    let told = unknown.to_string();
    assert!(told.starts_with("ShopBurnt in version 1 can't be read: unknown variant"));
    let newer = read::<Event>(old("ShopBurnt", "2", "{}")).unwrap_err();
    assert!(matches!(newer, ReadError::Newer { known: 1, .. }));
    for nonsense in ["", "one", "-1", "70000"] {
        let error = read::<Event>(old("ShopOpened", nonsense, "{}")).unwrap_err();
        assert!(matches!(error, ReadError::NoVersion { .. }), "{error}");
    }
    let none = read::<Event>(old("ShopOpened", "0", "{}")).unwrap_err();
    assert!(matches!(none, ReadError::NoUpcaster { version: 0, .. }));
}

#[test]
fn upcasters_that_go_round_in_circles_are_found_out() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Dizzy;
    impl decider::Event for Dizzy {
        fn name(&self) -> &'static str {
            "Dizzy"
        }
        fn upcasters() -> &'static [Upcaster] {
            &[
                Upcaster {
                    event_type: "Left",
                    from_version: 1,
                    to: |payload| vec![stored("Right", 1, payload)],
                },
                Upcaster {
                    event_type: "Right",
                    from_version: 1,
                    to: |payload| vec![stored("Left", 1, payload)],
                },
            ]
        }
    }
    let error = read::<Dizzy>(old("Left", "1", "{}")).unwrap_err();
    assert!(matches!(error, ReadError::Endless { .. }), "{error}");
}

#[test]
fn what_was_ever_stored_is_recorded_and_still_read() {
    assert_eq!(compare(&samples(), RECORDED), Ok(String::new()));
    // A version that is new is added, and nothing else is touched.
    let (old, _) = RECORDED.split_once("\nPersonCame").unwrap();
    let added = "\nPersonCame, version 1\n{\"type\":\"PersonCame\",\"name\":\"Awa\"}\n";
    assert_eq!(compare(&samples(), old).unwrap(), added);
}

#[test]
fn a_changed_json_at_an_unchanged_version_says_what_to_do() {
    let before = RECORDED.replace(r#""doors":2}"#, r#""doors":2,"bells":1}"#);
    let why = compare(&samples(), &before).unwrap_err();
    assert!(
        why.contains("Raise `version()` and add an upcaster"),
        "{why}"
    );
    // The old form can still be read here, and is stored otherwise all the same.
    let before = RECORDED.replace(r#""name":"Awa"}"#, r#""name": "Awa"}"#);
    let why = compare(&samples(), &before).unwrap_err();
    assert!(why.contains("has changed and its version has not"), "{why}");
    assert!(
        why.contains("Raise `version()` and add an upcaster"),
        "{why}"
    );
}

#[test]
fn an_old_form_that_is_taken_away_is_missed() {
    let (kept, _) = RECORDED.split_once("\nDoorPainted").unwrap();
    let why = compare(&samples(), kept).unwrap_err();
    assert!(why.contains("version 1 of DoorPainted"), "{why}");
}
