//! `GET /api/reservations`

use domain::actor::Role::{Admin, Buyer, Hotelier};
use serde_json::json;

use crate::support::{Client, shared};

#[tokio::test]
async fn each_sees_its_own() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(5).await;
    buyer.book(hotel, 5, 6).await.expect(201);
    let last = shared()
        .client(&[Buyer])
        .book(hotel, 5, 6)
        .await
        .expect(201);
    let path = format!("/api/reservations?hotel_id={hotel}");
    for (who, count) in [
        (&hotelier, 2),
        (&buyer, 1),
        (&shared().client(&[Admin]), 2),
        (&shared().client(&[Hotelier]), 0),
        (&shared().client(&[Buyer]), 0),
    ] {
        let shown = who.get_after(&last, &path).await.expect(200).body;
        assert_eq!(shown["count"], count);
    }
}

#[tokio::test]
async fn found_by_status_and_dates_and_ordered() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(5).await;
    hotelier.book(hotel, 5, 6).await.expect(201);
    hotelier.book(hotel, 7, 9).await.expect(201);
    let gone = hotelier.book(hotel, 9, 10).await.expect(201);
    let cancel = format!("/api/reservations/{}/cancel", gone.id());
    let last = hotelier.order(&cancel).await.expect(200);
    let get = |query: String| {
        let path = format!("/api/reservations?hotel_id={hotel}{query}");
        let (hotelier, last) = (&hotelier, &last);
        async move { hotelier.get_after(last, &path).await.expect(200).body }
    };
    assert_eq!(get("&status=cancelled".into()).await["count"], 1);
    assert_eq!(get("&status=confirmed".into()).await["count"], 2);
    let (from, to) = (Client::day(6), Client::day(8));
    assert_eq!(
        get(format!("&check_in_from={from}&check_in_to={to}")).await["count"],
        1
    );
    let dearest = get("&ordering=-total&page_size=1".into()).await;
    assert_eq!(dearest["results"][0]["total"]["amount"], json!(20_000));
    assert_eq!(dearest["count"], 3);
    let behind = get("&page=9".into()).await;
    assert_eq!(
        (&behind["count"], &behind["results"]),
        (&json!(3), &json!([]))
    );
    let none = get("&status=no_show".into()).await;
    assert_eq!((&none["count"], &none["results"]), (&json!(0), &json!([])));
}

#[tokio::test]
async fn unknown_filters_are_400() {
    let buyer = shared().client(&[Buyer]);
    for bad in [
        "status=lost",
        "hotel_id=7",
        "check_in_from=soon",
        "colour=blue",
    ] {
        let path = format!("/api/reservations?{bad}");
        buyer.get(&path).await.problem(400, "unknown-parameter");
    }
    buyer
        .get("/api/reservations?ordering=name")
        .await
        .problem(400, "unknown-ordering");
}
