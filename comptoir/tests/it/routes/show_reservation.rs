//! `GET /api/reservations/{id}`

use domain::actor::Role::{Admin, Buyer, Hotelier};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn shows_what_was_booked_to_those_it_concerns() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(1).await;
    let booked = buyer.book(hotel, 5, 7).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let shown = buyer.get_after(&booked, &path).await.expect(200).body;
    assert_eq!(shown["hotel_id"], hotel.to_string());
    assert_eq!(shown["booked_by"], buyer.account.to_string());
    assert_eq!(shown["check_in"], json!(Client::day(5)));
    assert_eq!(
        shown["total"],
        json!({ "amount": 20_000, "currency": "EUR" })
    );
    assert_eq!(
        (&shown["adults"], &shown["children"]),
        (&json!(2), &json!(0))
    );
    hotelier.get(&path).await.expect(200);
    shared().client(&[Admin]).get(&path).await.expect(200);
    for role in [Buyer, Hotelier] {
        shared()
            .client(&[role])
            .get(&path)
            .await
            .problem(403, "forbidden");
    }
}

#[tokio::test]
async fn unknown_is_404() {
    let path = format!("/api/reservations/{}", Uuid::now_v7());
    shared()
        .client(&[Admin])
        .get(&path)
        .await
        .problem(404, "reservation-unknown");
}
