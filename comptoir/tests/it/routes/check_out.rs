//! `POST /api/reservations/{id}/check-out`

use domain::actor::Role::{Admin, Hotelier};
use serde_json::json;

use crate::support::{Client, shared};

#[tokio::test]
async fn leaving_early_gives_the_nights_back_from_that_day_on() {
    let admin = shared().client(&[Admin]);
    // Booked 30 days ago for the nights 20 to 16 days ago, left on the second morning.
    let id = admin.past_reservation(30, 20, 15).await;
    let path = format!("/api/reservations/{id}");
    admin
        .order_at(&format!("{path}/check-in"), 20)
        .await
        .expect(200);
    let done = admin
        .order_at(&format!("{path}/check-out"), 18)
        .await
        .expect(200);
    let shown = admin.get_after(&done, &path).await.expect(200).body;
    assert_eq!(shown["status"], "checked_out");
    assert_eq!(shown["checked_out_on"], json!(Client::past_day(18)));
    let hotel = shown["hotel_id"].as_str().unwrap();
    let occupancy = format!(
        "/api/dashboard/occupancy?hotel_id={hotel}&from={}&to={}",
        Client::past_day(20),
        Client::past_day(15)
    );
    let nights = admin.get_after(&done, &occupancy).await.expect(200).body["nights"].clone();
    let reserved: Vec<i64> = nights
        .as_array()
        .unwrap()
        .iter()
        .map(|night| night["reserved"].as_i64().unwrap())
        .collect();
    assert_eq!(reserved, [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn only_guests_that_are_there_can_leave() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 0, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    hotelier
        .order(&format!("{path}/check-out"))
        .await
        .problem(409, "reservation-status");
    hotelier
        .order(&format!("{path}/check-in"))
        .await
        .expect(200);
    let stranger = shared().client(&[Hotelier]);
    stranger
        .order(&format!("{path}/check-out"))
        .await
        .problem(403, "forbidden");
    let done = hotelier
        .order(&format!("{path}/check-out"))
        .await
        .expect(200);
    assert_eq!(
        hotelier.reserved(&done, hotel, 0).await,
        0,
        "left on the day of check-in"
    );
    let again = hotelier
        .order(&format!("{path}/check-out"))
        .await
        .expect(200);
    assert_eq!(again.header("etag"), done.header("etag"));
}
