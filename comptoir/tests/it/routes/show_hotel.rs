//! `GET /api/hotels/{id}`

use domain::actor::Role::Hotelier;
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn rooms_of_tonight_are_shown_and_are_part_of_the_tag() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(2).await;
    let path = format!("/api/hotels/{hotel}");
    let first = hotelier.book(hotel, 0, 1).await.expect(201);
    let one_left = hotelier.get_after(&first, &path).await.expect(200);
    assert_eq!(one_left.body["available_rooms"], 1);
    assert!(one_left.header("etag").starts_with("\"1."));
    let second = hotelier.book(hotel, 0, 1).await.expect(201);
    let none_left = hotelier.get_after(&second, &path).await.expect(200);
    assert_eq!(none_left.body["available_rooms"], 0);
    assert_ne!(none_left.header("etag"), one_left.header("etag"));
}

#[tokio::test]
async fn an_unknown_hotel_is_404() {
    let path = format!("/api/hotels/{}", Uuid::now_v7());
    shared()
        .stranger()
        .get(&path)
        .await
        .problem(404, "hotel-unknown");
}
