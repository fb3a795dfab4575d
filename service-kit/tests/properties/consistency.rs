use proptest::collection::vec;
use proptest::prelude::*;
use service_kit::consistency::{ConsistencyToken, Place};
use uuid::Uuid;

use super::change;

fn place() -> impl Strategy<Value = Place> {
    ("[a-z_]{1,12}", any::<i32>(), any::<i64>()).prop_map(|(context, partition, position)| Place {
        context,
        partition,
        position,
    })
}

proptest! {
    #[test]
    fn a_token_survives_the_way_to_a_client_and_back(
        epoch in any::<u128>(),
        places in vec(place(), 0..40),
    ) {
        let token = ConsistencyToken::new(Uuid::from_u128(epoch), places.clone());
        prop_assert_eq!(token.encode().parse(), Ok(token.clone()));
        let contained = |place: &Place| token.places().iter().any(|kept| {
            (&kept.context, kept.partition) == (&place.context, place.partition)
                && kept.position >= place.position
        });
        prop_assert!(places.iter().all(contained));
    }

    #[test]
    fn whatever_comes_is_refused_or_means_one_thing(
        text in "\\PC{0,60}",
        places in vec(place(), 0..5),
        change in change(),
    ) {
        let token = ConsistencyToken::new(Uuid::nil(), places).encode();
        for text in [Some(text), change.apply(&token)].into_iter().flatten() {
            if let Ok(read) = text.parse::<ConsistencyToken>() {
                prop_assert_eq!(read.encode().parse(), Ok(read));
            }
        }
    }
}
