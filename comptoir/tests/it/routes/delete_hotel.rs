//! `DELETE /api/hotels/{id}`

use domain::actor::Role::Hotelier;
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn a_deleted_hotel_is_gone_for_queries_and_bookings() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let path = format!("/api/hotels/{hotel}");
    let deleted = hotelier.delete(&path).await.expect(200);
    hotelier
        .get_after(&deleted, &path)
        .await
        .problem(404, "hotel-unknown");
    hotelier
        .book(hotel, 1, 2)
        .await
        .problem(404, "hotel-unknown");
    hotelier.delete(&path).await.problem(404, "hotel-unknown");
}

#[tokio::test]
async fn a_hotel_with_a_coming_stay_stays() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 3, 4).await.expect(201);
    let path = format!("/api/hotels/{hotel}");
    hotelier.delete(&path).await.problem(409, "rooms-reserved");
    let cancel = format!("/api/reservations/{}/cancel", booked.id());
    hotelier.order(&cancel).await.expect(200);
    hotelier.delete(&path).await.expect(200);
}

#[tokio::test]
async fn it_is_the_owners_to_delete() {
    let (own, other) = (shared().client(&[Hotelier]), shared().client(&[Hotelier]));
    let path = format!("/api/hotels/{}", own.hotel(1).await);
    other.delete(&path).await.problem(403, "forbidden");
    let unknown = format!("/api/hotels/{}", Uuid::now_v7());
    own.delete(&unknown).await.problem(404, "hotel-unknown");
}
