//! `POST /api/hotels`

use domain::actor::Role::Hotelier;
use serde_json::json;

use crate::support::{Client, shared};

#[tokio::test]
async fn a_hotel_is_the_callers_own_and_can_be_booked_at_once() {
    let hotelier = shared().client(&[Hotelier]);
    let made = hotelier
        .post("/api/hotels", Client::hotel_body(2))
        .await
        .expect(201);
    let path = format!("/api/hotels/{}", made.id());
    assert_eq!(made.header("location"), path);
    let shown = hotelier.get_after(&made, &path).await.expect(200).body;
    assert_eq!(shown["owner"], hotelier.account.to_string());
    assert_eq!(
        shown["price_per_night"],
        json!({ "amount": 10_000, "currency": "EUR" })
    );
    assert_eq!(shown["available_rooms"], 2);
    hotelier.book(made.id(), 1, 2).await.expect(201);
}

#[tokio::test]
async fn what_is_left_out_has_a_default() {
    let hotelier = shared().client(&[Hotelier]);
    let mut body = Client::hotel_body(1);
    for field in ["time_zone", "rating", "is_active", "overbooking_allowance"] {
        body.as_object_mut().unwrap().remove(field);
    }
    let made = hotelier.post("/api/hotels", body).await.expect(201);
    let path = format!("/api/hotels/{}", made.id());
    let shown = hotelier.get_after(&made, &path).await.expect(200).body;
    assert_eq!(
        (&shown["time_zone"], &shown["rating"]),
        (&json!("UTC"), &json!(0))
    );
    assert_eq!(
        (&shown["is_active"], &shown["overbooking_allowance"]),
        (&json!(true), &json!(0))
    );
}

#[tokio::test]
async fn what_can_never_be_right_is_422() {
    let hotelier = shared().client(&[Hotelier]);
    for (field, value, pointer) in [
        ("name", json!(""), "/name"),
        ("name", json!("x".repeat(201)), "/name"),
        ("name", json!("a\u{0}b"), "/name"),
        ("city", json!(" "), "/city"),
        ("time_zone", json!("Mars/Olympus"), "/time_zone"),
        ("rating", json!(6), "/rating"),
        ("rating", json!(4.5), "/rating"),
        ("room_types", json!([]), "/room_types"),
        ("room_types", json!({}), "/room_types"),
        (
            "overbooking_allowance",
            json!(10_001),
            "/overbooking_allowance",
        ),
        ("colour", json!("blue"), "/colour"),
    ] {
        let mut body = Client::hotel_body(1);
        body[field] = value;
        hotelier.post("/api/hotels", body).await.invalid(pointer);
    }
    for (field, value, pointer) in [
        ("capacity", json!(0), "/room_types"),
        ("count", json!(10_001), "/room_types"),
        ("count", json!(-1), "/room_types/0/count"),
        (
            "price_per_night",
            json!({ "amount": -1, "currency": "EUR" }),
            "/room_types",
        ),
        (
            "price_per_night",
            json!({ "amount": 1.5, "currency": "EUR" }),
            "/room_types/0/price_per_night/amount",
        ),
        (
            "price_per_night",
            json!({ "amount": 1, "currency": "eur" }),
            "/room_types/0/price_per_night/currency",
        ),
        (
            "price_per_night",
            json!(100),
            "/room_types/0/price_per_night",
        ),
    ] {
        let mut body = Client::hotel_body(1);
        body["room_types"][0][field] = value;
        hotelier.post("/api/hotels", body).await.invalid(pointer);
    }
    let mut twice = Client::hotel_body(1);
    let room_type = twice["room_types"][0].clone();
    twice["room_types"].as_array_mut().unwrap().push(room_type);
    hotelier
        .post("/api/hotels", twice)
        .await
        .invalid("/room_types");
}
