//! `POST /api/reservations/{id}/no-show`

use domain::actor::Role::Hotelier;

use crate::support::shared;

#[tokio::test]
async fn the_first_night_is_kept_and_the_others_are_free() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 0, 3).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let done = hotelier.order(&format!("{path}/no-show")).await.expect(200);
    for (night, reserved) in [(0, 1), (1, 0), (2, 0)] {
        assert_eq!(
            hotelier.reserved(&done, hotel, night).await,
            reserved,
            "night {night}"
        );
    }
    assert_eq!(
        hotelier.get_after(&done, &path).await.body["status"],
        "no_show"
    );
    hotelier
        .order(&format!("{path}/check-in"))
        .await
        .problem(409, "reservation-status");
    let again = hotelier.order(&format!("{path}/no-show")).await.expect(200);
    assert_eq!(again.header("etag"), done.header("etag"));
}

#[tokio::test]
async fn not_before_the_day_and_not_by_another_hotel() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let booked = hotelier.book(hotel, 1, 3).await.expect(201);
    let path = format!("/api/reservations/{}/no-show", booked.id());
    hotelier
        .order(&path)
        .await
        .problem(409, "check-in-too-early");
    shared()
        .client(&[Hotelier])
        .order(&path)
        .await
        .problem(403, "forbidden");
}
