//! `GET /api/dashboard/occupancy`

use domain::actor::Role::{Admin, Hotelier};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn rooms_reserved_rate_and_revenue_of_each_night() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(3).await;
    hotelier.book(hotel, 5, 7).await.expect(201);
    let booked = hotelier.book(hotel, 5, 6).await.expect(201);
    let (from, to) = (Client::day(5), Client::day(8));
    let path = format!("/api/dashboard/occupancy?hotel_id={hotel}&from={from}&to={to}");
    let shown = hotelier.get_after(&booked, &path).await.expect(200).body;
    let night = |ahead, reserved, rate, amount| {
        json!({
            "date": Client::day(ahead), "rooms": 3, "reserved": reserved, "rate": rate,
            "revenue": { "amount": amount, "currency": "EUR" },
        })
    };
    let nights = [
        night(5, 2, 0.6667, 20_000),
        night(6, 1, 0.3333, 10_000),
        night(7, 0, 0.0, 0),
    ];
    assert_eq!(shown["nights"], json!(nights));
    shared().client(&[Admin]).get(&path).await.expect(200);
    shared()
        .client(&[Hotelier])
        .get(&path)
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn bad_dates_are_400_and_unknown_hotels_404() {
    let admin = shared().client(&[Admin]);
    let id = Uuid::now_v7();
    let path = |query: &str| format!("/api/dashboard/occupancy?hotel_id={id}&{query}");
    admin
        .get(&path("from=2030-01-01"))
        .await
        .problem(400, "unknown-parameter");
    admin
        .get(&path("from=2030-01-02&to=2030-01-01"))
        .await
        .problem(400, "malformed");
    admin
        .get(&path("from=2030-01-01&to=2030-01-02"))
        .await
        .problem(404, "hotel-unknown");
}
