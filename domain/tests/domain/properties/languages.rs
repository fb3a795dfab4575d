use domain::language::Language;
use proptest::prelude::*;
use proptest::sample::select;

proptest! {
    #[test]
    fn any_header_names_a_language(header in "\\PC{0,60}") {
        let _some_language = Language::accepted(&header);
    }

    #[test]
    fn any_weight_names_a_language(weight in "[-+.0-9einfaNt]{0,12}") {
        let accepted = Language::accepted(&format!("fr;q={weight}"));
        prop_assert!(matches!(accepted, Language::French | Language::English));
    }

    #[test]
    fn the_one_liked_most_is_chosen_wherever_it_stands(
        liked in 2..=1000_u32,
        turned in any::<bool>(),
        other in select(vec!["de", "tlh-Latn", "*", "x"]),
        french in select(vec!["fr", "FR", "fr-SN", "fr-Latn-FR"]),
    ) {
        let weight = |thousandths: u32| f64::from(thousandths) / 1000.0;
        let mut ranges = [
            format!("{french};q={}", weight(liked)),
            format!("en;q={}", weight(liked - 1)),
            format!("{other};q=1"),
        ];
        if turned {
            ranges.reverse();
        }
        prop_assert_eq!(Language::accepted(&ranges.join(", ")), Language::French);
    }
}
