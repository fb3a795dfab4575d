use proptest::prelude::*;
use proptest::sample::select;
use service_kit::derived_token::{DerivedTokens, Purpose};
use service_kit::keys::MasterKey;
use uuid::Uuid;

use super::change;

const PURPOSES: [Purpose; 3] = [
    Purpose::ConfirmEmail,
    Purpose::ResetPassword,
    Purpose::Refresh,
];

fn tokens(key: &[u8; 32]) -> DerivedTokens {
    DerivedTokens::new(&MasterKey::new(key).unwrap())
}

proptest! {
    #[test]
    fn a_token_is_read_for_its_purpose_with_its_ids_under_its_key_alone(
        key in any::<[u8; 32]>(),
        other in any::<[u8; 32]>(),
        purpose in select(PURPOSES.to_vec()),
        ids in any::<[u128; 2]>(),
        changes in proptest::collection::vec(change(), 20),
    ) {
        prop_assume!(key != other);
        let ids = ids.map(Uuid::from_u128);
        let token = tokens(&key).issue(purpose, ids);
        for asked in PURPOSES {
            let wanted = (asked == purpose).then_some(ids);
            prop_assert_eq!(tokens(&key).read(asked, &token), wanted);
            prop_assert_eq!(tokens(&other).read::<2>(asked, &token), None);
            prop_assert_eq!(tokens(&key).read::<1>(asked, &token), None);
            prop_assert_eq!(tokens(&key).read::<3>(asked, &token), None);
        }
        for changed in changes.iter().filter_map(|change| change.apply(&token)) {
            prop_assert_eq!(tokens(&key).read::<2>(purpose, &changed), None, "{}", changed);
        }
    }

    #[test]
    fn anything_else_is_refused(key in any::<[u8; 32]>(), text in "\\PC{0,120}", letters in "[A-Za-z0-9_-]{0,120}") {
        for text in [text, letters] {
            for purpose in PURPOSES {
                prop_assert_eq!(tokens(&key).read::<2>(purpose, &text), None);
                prop_assert_eq!(tokens(&key).read::<0>(purpose, &text), None);
            }
        }
    }
}
