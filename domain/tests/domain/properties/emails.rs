use domain::identity::email::{EmailAddress, MAX_LENGTH};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use unicode_normalization::UnicodeNormalization;

/// Letters whose cases and forms are not what one expects, and others.
fn letter() -> impl Strategy<Value = char> {
    let odd: Vec<char> = "ſßẞİıΣςσΐﬁÅÅǅŉǰΰև\u{0301}\u{0307}\u{030c}\u{1e9e}K"
        .chars()
        .collect();
    prop_oneof![select(odd), proptest::char::range('a', 'z'), any::<char>()]
}

fn address() -> impl Strategy<Value = String> {
    (vec(letter(), 1..12), vec(letter(), 1..6)).prop_map(|(local, label)| {
        let (local, label): (String, String) =
            (local.into_iter().collect(), label.into_iter().collect());
        format!("{local}@{label}.org")
    })
}

proptest! {
    #[test]
    fn anything_may_be_typed(text in "\\PC{0,40}", address in address()) {
        for text in [text, address] {
            if let Ok(read) = EmailAddress::parse(&text) {
                prop_assert!(read.as_str().len() <= MAX_LENGTH);
                prop_assert!(!read.canonical().is_empty());
            }
        }
    }

    #[test]
    fn an_address_that_was_read_reads_as_itself(address in address()) {
        if let Ok(once) = EmailAddress::parse(&address) {
            prop_assert_eq!(EmailAddress::parse(once.as_str()), Ok(once));
        }
    }

    #[test]
    fn all_cases_and_forms_of_an_address_are_one(address in address()) {
        let Ok(read) = EmailAddress::parse(&address) else { return Ok(()) };
        let nfc: String = address.nfc().collect();
        let nfd: String = address.nfd().collect();
        // In upper case the iota below a letter is a letter of its own, whose place among other
        // marks the form decides: Unicode itself takes these for two texts.
        prop_assume!(!nfd.contains('\u{345}'));
        let forms = [
            nfc.to_uppercase(), nfc.to_lowercase(), nfd.to_uppercase(), nfd.to_lowercase(),
            nfc, nfd, format!(" {address}\t"),
        ];
        for form in forms {
            if let Ok(other) = EmailAddress::parse(&form) {
                prop_assert_eq!(other.canonical(), read.canonical(), "{:?}", form);
            }
        }
    }

    #[test]
    fn what_forms_have_in_common_is_one_of_them(address in address()) {
        let Ok(read) = EmailAddress::parse(&address) else { return Ok(()) };
        let canonical = read.canonical();
        // A letter may stand for several, of which one may be an @ or a space.
        prop_assume!(canonical.trim() == canonical);
        if let Ok(again) = EmailAddress::parse(&canonical) {
            prop_assert_eq!(again.canonical(), canonical);
        }
    }
}

#[test]
fn an_address_is_as_long_as_its_lower_case() {
    let typed = |letters: usize| format!("{}@example.org", "İ".repeat(letters));
    assert!(typed(121).len() <= MAX_LENGTH);
    assert!(EmailAddress::parse(&typed(121)).is_err());
    let longest = EmailAddress::parse(&typed(80)).unwrap();
    assert_eq!(longest.as_str().len(), 252);
}

/// The caron joins a small j, and no capital one.
#[test]
fn a_mark_that_joins_a_small_letter_alone_joins_it() {
    let read = EmailAddress::parse("J\u{30c}@example.org").unwrap();
    assert_eq!(read.as_str(), "\u{1f0}@example.org");
}
