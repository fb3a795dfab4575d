//! `PUT /api/hotels/{id}`

use domain::actor::Role::{Admin, Hotelier};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn rooms_prices_and_names_change() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let path = format!("/api/hotels/{hotel}");
    let mut body = Client::hotel_body(3);
    body["name"] = json!("Renamed");
    let mut suite = body["room_types"][0].clone();
    suite["code"] = json!("suite");
    suite["price_per_night"]["amount"] = json!(5_000);
    body["room_types"].as_array_mut().unwrap().push(suite);
    let changed = hotelier.put(&path, body.clone()).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    let shown = hotelier.get_after(&changed, &path).await.expect(200).body;
    assert_eq!(
        (&shown["name"], &shown["available_rooms"]),
        (&json!("Renamed"), &json!(6))
    );
    assert_eq!(shown["price_per_night"]["amount"], 5_000);
    // The same again changes nothing.
    let again = hotelier.put(&path, body).await.expect(200);
    assert_eq!(again.header("etag"), "\"2\"");
}

#[tokio::test]
async fn a_count_below_what_is_reserved_is_refused() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(2).await;
    let path = format!("/api/hotels/{hotel}");
    hotelier.book(hotel, 5, 7).await.expect(201);
    let booked = hotelier.book(hotel, 6, 8).await.expect(201);
    let refused = hotelier
        .put(&path, Client::hotel_body(1))
        .await
        .problem(409, "rooms-reserved");
    assert_eq!(refused.body["date"], json!(Client::day(6)));
    assert_eq!(refused.body["reserved"], 2);
    let mut without = Client::hotel_body(2);
    without["room_types"][0]["code"] = json!("other");
    hotelier
        .put(&path, without)
        .await
        .problem(409, "rooms-reserved");
    let cancel = format!("/api/reservations/{}/cancel", booked.id());
    hotelier.order(&cancel).await.expect(200);
    hotelier.put(&path, Client::hotel_body(1)).await.expect(200);
    hotelier
        .book(hotel, 5, 6)
        .await
        .problem(409, "no-room-available");
}

#[tokio::test]
async fn an_overbooking_allowance_adds_rooms() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let mut body = Client::hotel_body(1);
    body["overbooking_allowance"] = json!(1);
    hotelier
        .put(&format!("/api/hotels/{hotel}"), body)
        .await
        .expect(200);
    hotelier.book(hotel, 5, 6).await.expect(201);
    hotelier.book(hotel, 5, 6).await.expect(201);
    hotelier
        .book(hotel, 5, 6)
        .await
        .problem(409, "no-room-available");
    let path = format!("/api/hotels/{hotel}");
    hotelier
        .put(&path, Client::hotel_body(1))
        .await
        .problem(409, "rooms-reserved");
}

#[tokio::test]
async fn it_is_the_owners_and_the_admins_to_change() {
    let (own, other) = (shared().client(&[Hotelier]), shared().client(&[Hotelier]));
    let path = format!("/api/hotels/{}", own.hotel(1).await);
    other
        .put(&path, Client::hotel_body(2))
        .await
        .problem(403, "forbidden");
    shared()
        .client(&[Admin])
        .put(&path, Client::hotel_body(2))
        .await
        .expect(200);
    let unknown = format!("/api/hotels/{}", Uuid::now_v7());
    own.put(&unknown, Client::hotel_body(2))
        .await
        .problem(404, "hotel-unknown");
}
