//! Two buyers of the last room.

use domain::actor::Role::{Buyer, Hotelier};
use futures::stream::{self, StreamExt};

use crate::support::{Client, shared};

const RACES: usize = 1_000;

/// Each race is for another night of one hotel, so that the races also meet each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_buyers_of_the_last_room_gets_it_a_thousand_times() {
    let hotelier = shared().client(&[Hotelier]);
    let buyers = [shared().client(&[Buyer]), shared().client(&[Buyer])];
    let mut hotels = Vec::new();
    for _ in 0..10 {
        hotels.push(hotelier.hotel(1).await);
    }
    let race = |number: usize| {
        let (hotel, night) = (hotels[number % 10], (number / 10 + 1) as u64);
        let [one, other] = buyers.clone();
        async move {
            let (one, other) = tokio::join!(
                one.book(hotel, night, night + 1),
                other.book(hotel, night, night + 1),
            );
            let mut statuses = [one.status.as_u16(), other.status.as_u16()];
            statuses.sort_unstable();
            assert_eq!(statuses, [201, 409], "{one:?} {other:?}");
        }
    };
    stream::iter(0..RACES)
        .map(race)
        .buffer_unordered(8)
        .collect::<Vec<()>>()
        .await;
    // Every night is sold, and none twice.
    for hotel in hotels {
        let last = hotelier.book(hotel, 200, 201).await.expect(201);
        let (from, to) = (Client::day(1), Client::day(101));
        let path = format!("/api/hotels/{hotel}/availability?from={from}&to={to}");
        let shown = hotelier.get_after(&last, &path).await.expect(200);
        let nights = shown.body["room_types"][0]["nights"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(nights.len(), 100);
        assert!(
            nights.iter().all(|night| night["reserved"] == 1),
            "{nights:?}"
        );
    }
}
