//! `GET /api/reservations/{id}/history`

use domain::actor::Role::{Buyer, Hotelier};
use serde_json::json;

use crate::support::shared;

#[tokio::test]
async fn tells_every_event_who_asked_and_when() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(1).await;
    let booked = buyer.book(hotel, 0, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let done = hotelier
        .order(&format!("{path}/check-in"))
        .await
        .expect(200);
    let shown = buyer
        .get_after(&done, &format!("{path}/history"))
        .await
        .expect(200)
        .body;
    let events = shown["events"].as_array().unwrap();
    let types: Vec<_> = events.iter().map(|event| event["type"].clone()).collect();
    assert_eq!(
        types,
        [json!("ReservationBooked"), json!("GuestsCheckedIn")]
    );
    let metadata = &events[1]["metadata"];
    assert_eq!(metadata["actor"], hotelier.account.to_string());
    assert_eq!(metadata["request_id"], done.header("x-request-id"));
    assert_eq!(events[0]["metadata"]["actor"], buyer.account.to_string());
    assert_eq!(
        (&events[1]["version"], &events[1]["data"]["type"]),
        (&json!(2), &types[1])
    );
    let history = format!("{path}/history");
    shared()
        .client(&[Buyer])
        .get(&history)
        .await
        .problem(403, "forbidden");
}
