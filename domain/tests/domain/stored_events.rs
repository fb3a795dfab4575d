//! The JSON of every event, as it has been stored and will be read for ever.
//!
//! A form that has changed is a changed log: an upcaster takes the old one, and both stay in the
//! files of `stored`.

use std::collections::BTreeSet;

use cqrs_es::DomainEvent;
use domain::actor::Role;
use domain::aggregate::Happened;
use domain::decider::{Decider, Event};
use domain::hotels::hotel::{self, Details, Hotel};
use domain::hotels::inventory::{self, Allocation, RoomInventory};
use domain::hotels::reservation::{self, Guests, Reservation, Terms};
use domain::identity::account::{self, Account, ErasedBecause, Standing};
use domain::identity::administrators::{self, Administrators};
use domain::identity::email::{self, EmailAddress, EmailClaim};
use domain::identity::link::Link;
use domain::identity::profile::Profile;
use domain::identity::seller_request::{self, SellerRequest};
use domain::identity::sessions::{self, EndedBecause, Sessions};
use domain::language::Language;
use domain::money::{Currency, Money};
use domain::personal::Personal;
use domain::streams::stored_json;
use domain::support::email::{self as support_email, Email, Reason, Template, Trouble};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use crate::stored_files::hold_against_file;
use crate::support::{GUEST, HOTEL, HOTELIER, euros, id, june, noon, room_type, stay};

/// One sample of every variant. A variant without a line here does not compile.
macro_rules! samples {
    ($of:ident: $($variant:ident => $sample:expr),+ $(,)?) => {{
        use $of::Event;
        let samples = vec![$($sample),+];
        for (sample, name) in samples.iter().zip([$(stringify!($variant)),+]) {
            match sample {
                $(Event::$variant { .. } => assert_eq!(stringify!($variant), name),)+
            }
        }
        samples
    }};
}

#[test]
fn hotel() {
    stored::<Hotel>(&samples!(hotel:
        HotelCreated => Event::HotelCreated { owner: HOTELIER, details: details() },
        HotelChanged => Event::HotelChanged { details: details() },
        HotelDeleted => Event::HotelDeleted {},
    ));
}

#[test]
fn room_inventory() {
    stored::<RoomInventory>(&samples!(inventory:
        InventoryOpened => Event::InventoryOpened {
            hotel_id: HOTEL,
            room_type: "DBL".to_owned(),
            count: 12,
            overbooking_allowance: 1,
        },
        InventoryResized => Event::InventoryResized { count: 10, overbooking_allowance: 0 },
        InventoryClosed => Event::InventoryClosed {},
        RoomsReserved => Event::RoomsReserved(allocation()),
        RoomsReleased => Event::RoomsReleased(allocation()),
    ));
}

#[test]
fn reservation() {
    stored::<Reservation>(&samples!(reservation:
        ReservationBooked => Event::ReservationBooked {
            hotel_id: HOTEL,
            booked_by: GUEST,
            terms: terms(),
            guests: Guests { adults: 2, children: 1 },
        },
        ReservationChanged => Event::ReservationChanged { terms: terms() },
        ReservationCancelled => Event::ReservationCancelled {},
        GuestsCheckedIn => Event::GuestsCheckedIn { on: june(10) },
        GuestsCheckedOut => Event::GuestsCheckedOut { on: june(12) },
        NoShowDeclared => Event::NoShowDeclared { on: june(10) },
    ));
}

#[test]
fn account() {
    stored::<Account>(&samples!(account:
        AccountRegistered => registered(),
        AccountActivated => Event::AccountActivated {},
        AccountDeactivated => Event::AccountDeactivated {},
        RolesChanged => Event::RolesChanged { roles: Role::iter().collect() },
        ConfirmationRequested => Event::ConfirmationRequested {
            link: link(),
            language: Language::French,
            email_claim_id: id(8),
        },
        EmailConfirmed => Event::EmailConfirmed { token_id: id(7) },
        PasswordResetRequested => Event::PasswordResetRequested {
            link: link(),
            language: Language::English,
        },
        PasswordChanged => Event::PasswordChanged {
            credential_id: id(9),
            token_id: Some(id(7)),
            language: Language::English,
        },
        ProfileChanged => Event::ProfileChanged(profile()),
        AccountErased => Event::AccountErased { why: ErasedBecause::Requested },
    ));
}

#[test]
fn administrators() {
    stored::<Administrators>(&samples!(administrators:
        AdministratorAdded => Event::AdministratorAdded { account_id: id(1) },
        AdministratorRemoved => Event::AdministratorRemoved { account_id: id(1) },
    ));
}

#[test]
fn email_claim() {
    stored::<EmailClaim>(&samples!(email:
        EmailClaimed => Event::EmailClaimed { account_id: id(1) },
        EmailReleased => Event::EmailReleased {},
    ));
}

#[test]
fn seller_request() {
    let language = Language::French;
    let text = || Personal::new(GUEST, "pots and pans".to_owned());
    stored::<SellerRequest>(&samples!(seller_request:
        SellerRequested => Event::SellerRequested {
            account_id: GUEST,
            message: Some(text()),
            language,
        },
        SellerRequestApproved => Event::SellerRequestApproved { account_id: GUEST, language },
        SellerRequestRejected => Event::SellerRequestRejected {
            account_id: GUEST,
            reason: text(),
            language,
        },
        SellerRequestWithdrawn => Event::SellerRequestWithdrawn {},
    ));
}

#[test]
fn sessions() {
    stored::<Sessions>(&samples!(sessions:
        SessionStarted => Event::SessionStarted {
            account_id: GUEST,
            session_id: id(1),
            token_id: id(7),
            expires_at: noon(8),
            agent: Some(Personal::new(GUEST, "Firefox".to_owned())),
        },
        SessionContinued => Event::SessionContinued {
            session_id: id(1),
            token_id: id(7),
            expires_at: noon(8),
        },
        SessionsEnded => Event::SessionsEnded {
            session_ids: vec![id(1)],
            why: EndedBecause::TokenReused,
        },
    ));
}

/// Words that are stored are never changed.
#[test]
fn words() {
    let words = |values: Vec<Value>| {
        values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let ended = EndedBecause::iter().map(|why| json!(why)).collect();
    assert_eq!(
        words(ended),
        r#""signed_out" "revoked" "token_reused" "password_changed" "deactivated" "erased" "expired" "too_many""#
    );
    let erased = ErasedBecause::iter().map(|why| json!(why)).collect();
    assert_eq!(words(erased), r#""requested" "never_confirmed""#);
    assert_eq!(
        words(Language::iter().map(|one| json!(one)).collect()),
        r#""en" "fr""#
    );
}

fn link() -> Link {
    Link {
        token_id: id(7),
        expires_at: noon(8),
    }
}

fn profile() -> Profile {
    let text = |text: &str| Some(Personal::new(GUEST, text.to_owned()));
    Profile {
        first_name: text("Awa"),
        last_name: text("Ndiaye"),
        phone: text("+221 33 000 00 00"),
        address: text("1 rue des Potiers\nDakar"),
        gender: text("f"),
        bio: None,
    }
}

#[test]
fn personal_data_names_its_person() {
    let stored: Value = serde_json::from_str(&stored_json(&registered())).unwrap();
    let of_guest = |value: Value| json!({"personal_of": GUEST, "value": value});
    assert_eq!(stored["email"], of_guest("awa@example.org".into()));
    assert_eq!(stored["name"], of_guest("Awa Ndiaye".into()));
}

#[test]
fn an_account_whose_personal_data_was_erased_can_still_be_read() {
    let mut stored: Value = serde_json::from_str(&stored_json(&registered())).unwrap();
    for field in ["email", "name"] {
        stored[field]["value"] = Value::Null;
    }
    let event: account::Event = serde_json::from_value(stored).unwrap();
    let state = domain::decider::fold::<Account>(None, [&event]).unwrap();
    assert_eq!((state.email.value, state.name.value), (None, None));
    assert_eq!(state.email.personal_of, GUEST);
    assert_eq!(state.standing, Standing::Active);
}

/// Checks each stored event against the file of its aggregate, and that it says its name and reads
/// back equal, to cqrs-es as well.
#[track_caller]
#[test]
fn support_email() {
    let why = Trouble::Refused { code: Some(451) };
    stored::<Email>(&samples!(support_email:
        EmailQueued => Event::EmailQueued {
            to: Personal::new(GUEST, "awa@example.org".to_owned()),
            language: Language::French,
            template: Template::ConfirmEmail { token_id: id(4), expires_at: noon(8) },
        },
        EmailSent => Event::EmailSent { attempt: 1 },
        EmailAttemptFailed => Event::EmailAttemptFailed { attempt: 1, why, next_at: noon(8) },
        EmailGivenUp => Event::EmailGivenUp { attempt: 2, why: Reason::Exhausted { last: why } },
        EmailRetried => Event::EmailRetried { attempt: 3 },
    ));
}

/// What stands in e-mails' events is never changed either.
#[test]
fn forms_of_emails() {
    let (token_id, expires_at) = (id(4), noon(8));
    let reason = Personal::new(GUEST, "Not yet".to_owned());
    let templates = [
        Template::ConfirmEmail {
            token_id,
            expires_at,
        },
        Template::ResetPassword {
            token_id,
            expires_at,
        },
        Template::PasswordChanged {},
        Template::SellerRequested {},
        Template::SellerApproved {},
        Template::SellerRejected { reason },
    ];
    let link = json!({ "token_id": token_id, "expires_at": expires_at });
    let with = |kind: &str, mut members: Value| {
        members["kind"] = kind.into();
        members
    };
    let told = json!({ "reason": { "personal_of": GUEST, "value": "Not yet" } });
    let expected = [
        with("confirm_email", link.clone()),
        with("reset_password", link),
        json!({ "kind": "password_changed" }),
        json!({ "kind": "seller_requested" }),
        json!({ "kind": "seller_approved" }),
        with("seller_rejected", told),
    ];
    assert_eq!(templates.map(|one| json!(one)), expected);
    let troubles = [
        Trouble::Unreachable {},
        Trouble::TimedOut {},
        Trouble::Refused { code: None },
        Trouble::NotWritten {},
    ];
    let kinds = troubles.map(|one| json!(one)["kind"].clone());
    assert_eq!(
        kinds,
        ["unreachable", "timed_out", "refused", "not_written"]
    );
    let last = Trouble::Unreachable {};
    let reasons = [
        Reason::Erased {},
        Reason::Address {},
        Reason::Refused { code: Some(550) },
        Reason::Exhausted { last },
    ];
    let expected = [
        json!({ "kind": "erased" }),
        json!({ "kind": "address" }),
        json!({ "kind": "refused", "code": 550 }),
        json!({ "kind": "exhausted", "last": { "kind": "unreachable" } }),
    ];
    assert_eq!(reasons.map(|one| json!(one)), expected);
}

fn stored<D: Decider>(samples: &[D::Event]) {
    for event in samples {
        let json = stored_json(event);
        let read: D::Event = serde_json::from_str(&json).unwrap();
        assert_eq!(&read, event, "{json}");
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["type"], event.name());
        assert_personal_is_plain(&value);
        let happened = Happened(event.clone());
        assert_eq!(happened.event_type(), event.name());
        assert_eq!(happened.event_version(), event.version().to_string());
        assert_eq!(serde_json::to_string(&happened).unwrap(), json);
    }
    hold_against_file(D::TYPE, samples);
}

/// The log finds personal data by its two members; a third would be kept in the clear.
fn assert_personal_is_plain(value: &Value) {
    match value {
        Value::Object(members) => {
            if members.contains_key("personal_of") {
                let names: Vec<_> = members.keys().collect();
                assert_eq!(names, ["personal_of", "value"]);
            }
            members.values().for_each(assert_personal_is_plain);
        }
        Value::Array(elements) => elements.iter().for_each(assert_personal_is_plain),
        _ => {}
    }
}

fn details() -> Details {
    let in_francs = |amount| Money::new(amount, Currency::try_from("XOF".to_owned()).unwrap());
    let mut details = Details {
        name: "Le \"Baobab\"".to_owned(),
        city: "Saint-Louis du Sénégal".to_owned(),
        time_zone: chrono_tz::Africa::Dakar,
        rating: 4,
        is_active: true,
        room_types: vec![room_type("DBL", 2, 12, 0), room_type("STE", 4, 2, 0)],
        overbooking_allowance: 1,
    };
    details.room_types[0].price_per_night = in_francs(45_000);
    details.room_types[1].price_per_night = in_francs(120_000);
    details
}

fn terms() -> Terms {
    Terms {
        room_type: "DBL".to_owned(),
        stay: stay(10, 13),
        rooms: 2,
        price_per_night: euros(80),
        total: euros(480),
    }
}

fn allocation() -> Allocation {
    Allocation {
        reservation_id: id(1),
        stay: stay(10, 13),
        rooms: 2,
        price_per_night: euros(80),
    }
}

fn registered() -> account::Event {
    account::Event::AccountRegistered {
        email: Personal::new(GUEST, EmailAddress::parse("Awa@Example.org").unwrap()),
        name: Personal::new(GUEST, "Awa Ndiaye".to_owned()),
        roles: BTreeSet::from([Role::Buyer, Role::Seller]),
        credential_id: id(9),
        active: true,
    }
}
