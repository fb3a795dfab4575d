//! `POST /api/reservations/{id}/check-in`

use domain::actor::Role::{Admin, Hotelier};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn guests_are_checked_in_on_the_day() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 0, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let done = hotelier
        .order(&format!("{path}/check-in"))
        .await
        .expect(200);
    let shown = hotelier.get_after(&done, &path).await.expect(200).body;
    assert_eq!(shown["status"], "checked_in");
    assert_eq!(shown["checked_in_on"], json!(Client::day(0)));
    let again = hotelier
        .order(&format!("{path}/check-in"))
        .await
        .expect(200);
    assert_eq!(again.header("etag"), done.header("etag"));
}

#[tokio::test]
async fn not_before_the_day_not_after_the_stay_and_not_when_cancelled() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(2).await;
    let booked = hotelier.book(hotel, 1, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    hotelier
        .order(&format!("{path}/check-in"))
        .await
        .problem(409, "check-in-too-early");
    hotelier.order(&format!("{path}/cancel")).await.expect(200);
    hotelier
        .order(&format!("{path}/check-in"))
        .await
        .problem(409, "reservation-status");
    let admin = shared().client(&[Admin]);
    let past = admin.past_reservation(30, 22, 20).await;
    let path = format!("/api/reservations/{past}/check-in");
    admin.order(&path).await.problem(409, "stay-over");
}

#[tokio::test]
async fn it_is_the_hotels_to_do() {
    let (own, other) = (shared().client(&[Hotelier]), shared().client(&[Hotelier]));
    let booked = own.book(own.hotel(1).await, 0, 1).await.expect(201);
    let path = format!("/api/reservations/{}/check-in", booked.id());
    other.order(&path).await.problem(403, "forbidden");
    let unknown = format!("/api/reservations/{}/check-in", Uuid::now_v7());
    own.order(&unknown)
        .await
        .problem(404, "reservation-unknown");
}
