//! `POST /api/hotels/{id}/reservations`

use domain::actor::Role::{Buyer, Hotelier};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn a_buyer_books_and_every_night_is_taken() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(3).await;
    let booked = buyer.book(hotel, 10, 12).await.expect(201);
    assert_eq!(booked.body["status"], "confirmed");
    assert_eq!(
        booked.body["total"],
        json!({ "amount": 20_000, "currency": "EUR" })
    );
    assert_eq!(buyer.reserved(&booked, hotel, 10).await, 1);
    assert_eq!(buyer.reserved(&booked, hotel, 11).await, 1);
    assert_eq!(
        buyer.reserved(&booked, hotel, 12).await,
        0,
        "the night of check-out"
    );
}

#[tokio::test]
async fn the_nights_that_are_short_are_named() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    hotelier.book(hotel, 11, 12).await.expect(201);
    let refused = hotelier
        .book(hotel, 10, 13)
        .await
        .problem(409, "no-room-available");
    let short = json!([{ "date": Client::day(11), "available": 0 }]);
    assert_eq!(refused.body["nights"], short);
}

#[tokio::test]
async fn what_can_never_be_right_is_422() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let path = format!("/api/hotels/{hotel}/reservations");
    let cases = [
        ("check_out", json!(Client::day(10)), "/check_out"),
        ("check_out", json!(Client::day(9)), "/check_out"),
        ("check_out", json!(Client::day(10 + 367)), "/check_out"),
        ("check_out", json!("2026-02-30"), "/check_out"),
        ("check_in", json!("soon"), "/check_in"),
        ("rooms", json!(0), "/rooms"),
        ("rooms", json!(-1), "/rooms"),
        ("rooms", json!("1"), "/rooms"),
        ("rooms", json!(4_000_000_000_u32), "/rooms"),
        ("adults", json!(0), "/adults"),
        ("adults", json!(u64::MAX), "/adults"),
        ("room_type", json!("suite"), "/room_type"),
        ("room_type", json!(null), "/room_type"),
        ("colour", json!("blue"), "/colour"),
    ];
    for (field, value, pointer) in cases {
        let mut body = Client::booking_body(10, 12);
        body[field] = value;
        hotelier.post(&path, body).await.invalid(pointer);
    }
}

#[tokio::test]
async fn rules_of_the_hotel_refuse() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let path = format!("/api/hotels/{hotel}/reservations");
    let mut crowd = Client::booking_body(10, 12);
    crowd["children"] = json!(1);
    hotelier
        .post(&path, crowd)
        .await
        .problem(409, "too-many-guests");
    let mut past = Client::booking_body(10, 12);
    past["check_in"] = json!("2020-01-01");
    past["check_out"] = json!("2020-01-02");
    hotelier
        .post(&path, past)
        .await
        .problem(409, "check-in-past");
    let mut closed = Client::hotel_body(1);
    closed["is_active"] = json!(false);
    let closed = hotelier.post("/api/hotels", closed).await.created();
    hotelier
        .book(closed, 10, 12)
        .await
        .problem(409, "hotel-inactive");
}

#[tokio::test]
async fn an_unknown_hotel_is_404_and_another_hotelier_is_403() {
    let (own, other) = (shared().client(&[Hotelier]), shared().client(&[Hotelier]));
    own.book(Uuid::now_v7(), 10, 12)
        .await
        .problem(404, "hotel-unknown");
    let hotel = own.hotel(1).await;
    other.book(hotel, 10, 12).await.problem(403, "forbidden");
}
