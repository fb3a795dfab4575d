//! `POST /api/reservations/{id}/cancel`

use domain::actor::Role::{Admin, Buyer, Hotelier};
use reqwest::Method;
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn every_night_is_free_again_and_twice_is_once() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(1).await;
    let booked = buyer.book(hotel, 5, 7).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let cancel = format!("{path}/cancel");
    let cancelled = buyer.order(&cancel).await.expect(200);
    assert_eq!(buyer.reserved(&cancelled, hotel, 5).await, 0);
    assert_eq!(buyer.reserved(&cancelled, hotel, 6).await, 0);
    assert_eq!(
        buyer.get_after(&cancelled, &path).await.body["status"],
        "cancelled"
    );
    let again = buyer.order(&cancel).await.expect(200);
    assert_eq!(again.header("etag"), cancelled.header("etag"));
    buyer.book(hotel, 5, 7).await.expect(201);
}

#[tokio::test]
async fn it_is_the_guests_the_hotels_and_the_admins_to_cancel() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(3).await;
    for who in [&hotelier, &shared().client(&[Admin])] {
        let booked = buyer.book(hotel, 5, 6).await.expect(201);
        let cancel = format!("/api/reservations/{}/cancel", booked.id());
        shared()
            .client(&[Buyer])
            .order(&cancel)
            .await
            .problem(403, "forbidden");
        shared()
            .client(&[Hotelier])
            .order(&cancel)
            .await
            .problem(403, "forbidden");
        who.order(&cancel).await.expect(200);
    }
}

#[tokio::test]
async fn unknown_is_404_stale_is_412_and_guests_that_are_there_stay() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let unknown = format!("/api/reservations/{}/cancel", Uuid::now_v7());
    hotelier
        .order(&unknown)
        .await
        .problem(404, "reservation-unknown");
    let booked = hotelier.book(hotel, 0, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let cancel = format!("{path}/cancel");
    let stale = [("if-match", "\"2\"".to_owned())];
    hotelier
        .send(Method::POST, &cancel, &stale, None)
        .await
        .problem(412, "stale-version");
    hotelier
        .order(&format!("{path}/check-in"))
        .await
        .expect(200);
    hotelier
        .order(&cancel)
        .await
        .problem(409, "reservation-status");
}
