//! `PUT /api/reservations/{id}`

use domain::actor::Role::{Buyer, Hotelier};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, shared};

fn to(from: u64, until: u64) -> Value {
    json!({
        "check_in": Client::day(from), "check_out": Client::day(until),
        "rooms": 1, "room_type": "double",
    })
}

#[tokio::test]
async fn its_own_nights_never_stand_in_its_way() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(1).await;
    let booked = buyer.book(hotel, 5, 8).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let changed = buyer.put(&path, to(6, 10)).await.expect(200);
    assert_eq!(changed.body["total"]["amount"], 40_000);
    assert_eq!(changed.header("etag"), "\"2\"");
    for (night, reserved) in [(5, 0), (6, 1), (9, 1), (10, 0)] {
        assert_eq!(
            buyer.reserved(&changed, hotel, night).await,
            reserved,
            "night {night}"
        );
    }
    let shown = buyer.get_after(&changed, &path).await.expect(200).body;
    assert_eq!(
        (&shown["check_in"], &shown["version"]),
        (&json!(Client::day(6)), &json!(2))
    );
}

#[tokio::test]
async fn a_change_that_is_refused_leaves_all_as_it_was() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 5, 6).await.expect(201);
    let other = hotelier.book(hotel, 7, 8).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let refused = hotelier
        .put(&path, to(5, 9))
        .await
        .problem(409, "no-room-available");
    assert_eq!(
        refused.body["nights"],
        json!([{ "date": Client::day(7), "available": 0 }])
    );
    assert_eq!(hotelier.reserved(&other, hotel, 5).await, 1);
    assert_eq!(hotelier.reserved(&other, hotel, 6).await, 0);
}

#[tokio::test]
async fn another_room_type_has_its_own_rooms_and_price() {
    let hotelier = shared().client(&[Hotelier]);
    let mut body = Client::hotel_body(1);
    let mut suite = body["room_types"][0].clone();
    suite["code"] = json!("suite");
    suite["price_per_night"]["amount"] = json!(25_000);
    body["room_types"].as_array_mut().unwrap().push(suite);
    let hotel = hotelier.post("/api/hotels", body).await.created();
    let booked = hotelier.book(hotel, 5, 6).await.expect(201);
    let mut change = to(5, 6);
    change["room_type"] = json!("suite");
    let path = format!("/api/reservations/{}", booked.id());
    let changed = hotelier.put(&path, change).await.expect(200);
    assert_eq!(changed.body["total"]["amount"], 25_000);
    assert_eq!(
        hotelier.reserved(&changed, hotel, 5).await,
        0,
        "the double is free again"
    );
    hotelier.book(hotel, 5, 6).await.expect(201);
}

#[tokio::test]
async fn refused_to_strangers_after_the_end_and_when_it_can_never_be() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 5, 6).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    shared()
        .client(&[Buyer])
        .put(&path, to(5, 7))
        .await
        .problem(403, "forbidden");
    shared()
        .client(&[Hotelier])
        .put(&path, to(5, 7))
        .await
        .problem(403, "forbidden");
    hotelier.put(&path, to(5, 5)).await.invalid("/check_out");
    let mut none = to(5, 7);
    none["rooms"] = json!(0);
    hotelier.put(&path, none).await.invalid("/rooms");
    let mut unknown = to(5, 7);
    unknown["room_type"] = json!("cave");
    hotelier.put(&path, unknown).await.invalid("/room_type");
    let nowhere = format!("/api/reservations/{}", Uuid::now_v7());
    hotelier
        .put(&nowhere, to(5, 7))
        .await
        .problem(404, "reservation-unknown");
    hotelier.order(&format!("{path}/cancel")).await.expect(200);
    hotelier
        .put(&path, to(5, 7))
        .await
        .problem(409, "reservation-status");
}
