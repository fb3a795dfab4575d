//! The whole log read in order, opened and decoded, is what one event after the other gives.

use std::pin::pin;

use domain::identity::account::Account;
use domain::streams::StreamId;
use event_store::read::{self, LogReader, Page};
use futures::TryStreamExt;
use uuid::Uuid;

use super::{NAME, process, register};
use crate::shop::{old_rows, shop_aggregate::Shop};
use crate::support::servers;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_and_old_events_are_decoded_as_ever() {
    let log = process(&servers().database().await.database_url).await;
    let (kept, erased) = (Uuid::now_v7(), Uuid::now_v7());
    for person in [kept, erased] {
        register(&log, person, person).await.unwrap();
    }
    let old = [
        ("ShopOpened", r#"{"type":"ShopOpened"}"#),
        ("PeopleCame", r#"{"type":"PeopleCame","count":2}"#),
        ("DoorPainted", r#"{"type":"DoorPainted","colour":"red"}"#),
    ];
    old_rows::insert(&log, StreamId::of::<Shop>(Uuid::now_v7()), &old).await;
    log.erase(erased).await.unwrap();

    let mut expected = read::after(log.pool(), 0, 100).await.unwrap();
    let sealed = expected.clone();
    log.keyring().open_events(&mut expected).await.unwrap();
    assert_ne!(sealed, expected);

    // As they are stored, unless they are opened.
    let mut reader = LogReader::new(log.pool(), 0);
    let mut page = reader.next().await.unwrap().unwrap();
    assert_eq!(page.to_owned_events().unwrap(), sealed);
    page.open(log.keyring()).await.unwrap();
    assert_eq!(page.to_owned_events().unwrap(), expected);

    let decode = |page: &Page| {
        let events = page.events().map(|event| {
            let event = event.unwrap();
            (
                event.decode::<Account>().unwrap(),
                event.decode::<Shop>().unwrap(),
            )
        });
        (page.to_owned_events().unwrap(), events.collect::<Vec<_>>())
    };
    let reader = LogReader::new(log.pool(), 0);
    let mut pages = pin!(reader.decoded(log.keyring().clone(), decode));
    let (events, decoded) = pages.try_next().await.unwrap().unwrap();
    assert_eq!(events, expected);
    let one_by_one = expected.iter().map(|event| {
        (
            event.decode::<Account>().unwrap(),
            event.decode::<Shop>().unwrap(),
        )
    });
    assert!(decoded.iter().cloned().eq(one_by_one));
    let counts = decoded
        .iter()
        .map(|(accounts, shops)| (accounts.len(), shops.len()));
    assert!(counts.eq([(1, 0), (1, 0), (0, 1), (0, 2), (0, 0)]));
    assert!(events[0].payload.contains(NAME) && !events[1].payload.contains(NAME));
    assert!(pages.try_next().await.unwrap().is_none());
}
