use domain::money::{Currency, Money};

use crate::support::euros;

#[test]
fn a_currency_is_three_capital_letters() {
    for (code, fine) in [
        ("EUR", true),
        ("XOF", true),
        ("eur", false),
        ("EU", false),
        ("EURO", false),
        ("E1R", false),
        ("É1", false),
        ("", false),
    ] {
        let read = serde_json::from_value::<Currency>(code.into());
        assert_eq!(read.is_ok(), fine, "{code}");
        if let Ok(currency) = read {
            assert_eq!(
                (currency.as_str(), String::from(currency)),
                (code, code.into())
            );
        }
    }
}

#[test]
fn money_multiplies_until_it_no_longer_fits() {
    assert_eq!(euros(80).times(3), Some(euros(240)));
    assert_eq!(euros(80).times(0), Some(euros(0)));
    assert_eq!(Money::new(i64::MAX / 2, Currency::EUR).times(3), None);
}

#[test]
fn money_has_no_other_fields() {
    let read = |json| serde_json::from_str::<Money>(json).is_ok();
    assert!(read(r#"{"amount": 4650, "currency": "EUR"}"#));
    assert!(!read(r#"{"amount": 46.5, "currency": "EUR"}"#));
    assert!(!read(r#"{"amount": 4650, "currency": "EUR", "tax": 1}"#));
}
