//! `GET /api/hotels/{id}/availability`

use domain::actor::Role::Hotelier;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

#[tokio::test]
async fn total_reserved_and_available_of_each_night() {
    let hotelier = shared().client(&[Hotelier]);
    let mut body = Client::hotel_body(1);
    body["overbooking_allowance"] = json!(1);
    let hotel = hotelier.post("/api/hotels", body).await.created();
    hotelier.book(hotel, 5, 7).await.expect(201);
    let booked = hotelier.book(hotel, 6, 7).await.expect(201);
    let path = format!(
        "/api/hotels/{hotel}/availability?from={}&to={}",
        Client::day(5),
        Client::day(8)
    );
    let shown = hotelier.get_after(&booked, &path).await.expect(200).body;
    let night = |ahead, reserved, available| {
        let date = Client::day(ahead);
        json!({ "date": date, "total": 1, "reserved": reserved, "available": available })
    };
    let nights = [night(5, 1, 1), night(6, 2, 0), night(7, 0, 2)];
    assert_eq!(
        shown,
        json!({ "room_types": [{ "code": "double", "nights": nights }] })
    );
}

#[tokio::test]
async fn bad_dates_are_400_and_unknown_hotels_404() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let get = |id: Uuid, query: &str| {
        let path = format!("/api/hotels/{id}/availability?{query}");
        async move { shared().stranger().get(&path).await }
    };
    get(hotel, "from=2030-01-01")
        .await
        .problem(400, "unknown-parameter");
    get(hotel, "from=2030-01-01&to=2030-01-01")
        .await
        .problem(400, "malformed");
    get(hotel, "from=2030-01-01&to=2031-01-03")
        .await
        .problem(400, "malformed");
    get(Uuid::now_v7(), "from=2030-01-01&to=2030-01-02")
        .await
        .problem(404, "hotel-unknown");
}
