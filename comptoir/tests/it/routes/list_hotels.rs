//! `GET /api/hotels`

use domain::actor::Role::Hotelier;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, shared};

/// Three hotels in a city of their own; gives the city and the ids, cheapest first.
async fn city(hotelier: &Client) -> (String, Vec<Uuid>) {
    let city = format!("Ville {}", Uuid::new_v4().simple());
    let mut ids = Vec::new();
    for price in [1_000, 2_000, 3_000] {
        let mut body = Client::hotel_body(1);
        body["city"] = json!(city);
        body["name"] = json!(format!("Hotel {price}"));
        body["room_types"][0]["price_per_night"]["amount"] = json!(price);
        let made = hotelier.post("/api/hotels", body).await.expect(201);
        hotelier.get_after(&made, "/api/hotels").await.expect(200);
        ids.push(made.id());
    }
    (city.replace(' ', "%20"), ids)
}

fn ids(page: &Value) -> Vec<Uuid> {
    let results = page["results"].as_array().unwrap().iter();
    results
        .map(|hotel| hotel["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn hotels_are_paged_ordered_and_found() {
    let hotelier = shared().client(&[Hotelier]);
    let (city, hotels) = city(&hotelier).await;
    let stranger = shared().stranger();
    let get = |query: String| {
        let stranger = stranger.clone();
        async move {
            stranger
                .get(&format!("/api/hotels?{query}"))
                .await
                .expect(200)
                .body
        }
    };
    let first = get(format!(
        "city={}&ordering=-price&page_size=2",
        city.to_uppercase()
    ))
    .await;
    assert_eq!(
        (&first["count"], ids(&first)),
        (&json!(3), vec![hotels[2], hotels[1]])
    );
    let next = first["next"].as_str().unwrap();
    let second = stranger.get(next).await.expect(200).body;
    assert_eq!(ids(&second), [hotels[0]]);
    assert!(second["next"].is_null());
    assert_eq!(
        ids(&stranger
            .get(second["previous"].as_str().unwrap())
            .await
            .body),
        ids(&first)
    );
    let found = get(format!("city={city}&search=hotel%202")).await;
    assert_eq!(ids(&found), [hotels[1]]);
    assert_eq!(get("search=%25%25%25".to_owned()).await["count"], 0);
}

#[tokio::test]
async fn only_hotels_with_a_room_for_every_night_and_guest_are_found() {
    let hotelier = shared().client(&[Hotelier]);
    let (city, hotels) = city(&hotelier).await;
    let booked = hotelier.book(hotels[0], 6, 7).await.expect(201);
    let (from, to) = (Client::day(5), Client::day(8));
    let stay = format!("city={city}&ordering=price&available_from={from}&available_to={to}");
    let path = format!("/api/hotels?{stay}");
    let found = hotelier.get_after(&booked, &path).await.expect(200).body;
    assert_eq!(ids(&found), [hotels[1], hotels[2]]);
    assert_eq!(found["results"][0]["available_rooms"], 1);
    let crowd = hotelier
        .get(&format!("{path}&guests=3"))
        .await
        .expect(200)
        .body;
    assert_eq!(crowd["count"], 0);
    let two = hotelier
        .get(&format!("{path}&guests=2"))
        .await
        .expect(200)
        .body;
    assert_eq!(two["count"], 2);
    let all = hotelier
        .get(&format!("/api/hotels?city={city}&ordering=price"))
        .await
        .body;
    assert_eq!(all["results"][0]["available_rooms"], 1, "tonight");
}

#[tokio::test]
async fn bad_dates_are_400() {
    let stranger = shared().stranger();
    for query in [
        "available_from=2030-01-01",
        "available_from=2030-01-02&available_to=2030-01-01",
        "available_from=2030-01-01&available_to=2032-01-01",
    ] {
        stranger
            .get(&format!("/api/hotels?{query}"))
            .await
            .problem(400, "malformed");
    }
    let unreadable = "/api/hotels?available_from=tomorrow&available_to=2030-01-01";
    stranger
        .get(unreadable)
        .await
        .problem(400, "unknown-parameter");
}
