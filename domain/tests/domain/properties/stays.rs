use chrono::{Days, NaiveDate};
use domain::hotels::stay::{MAX_NIGHTS, Stay};
use proptest::prelude::*;

use crate::support::june;

fn any_stay() -> impl Strategy<Value = Stay> {
    (0u64..10_000, 1..=u64::from(MAX_NIGHTS)).prop_map(|(begin, nights)| {
        let check_in = june(1) + Days::new(begin);
        Stay::parse(check_in, check_in + Days::new(nights)).unwrap()
    })
}

proptest! {
    #[test]
    fn a_stay_has_as_many_nights_as_it_is_long(stay in any_stay()) {
        let nights: Vec<NaiveDate> = stay.nights().collect();
        prop_assert_eq!(nights.len(), stay.length() as usize);
        prop_assert_eq!(nights[0], stay.check_in);
        prop_assert_eq!(nights[nights.len() - 1] + Days::new(1), stay.check_out);
        prop_assert!(nights.windows(2).all(|two| two[0] + Days::new(1) == two[1]));
    }

    #[test]
    fn what_is_left_of_a_stay_are_its_nights_from_that_day_on(
        stay in any_stay(),
        days_before in -10i64..400,
    ) {
        let day = stay.check_out - chrono::Duration::days(days_before);
        let expected: Vec<NaiveDate> = stay.nights().filter(|night| *night >= day).collect();
        let left: Vec<NaiveDate> = stay.from(day).into_iter().flat_map(Stay::nights).collect();
        prop_assert_eq!(left, expected);
    }

    #[test]
    fn what_is_left_after_the_first_night_are_the_others(stay in any_stay()) {
        let expected: Vec<NaiveDate> = stay.nights().skip(1).collect();
        let left: Vec<NaiveDate> = stay.after_first().into_iter().flat_map(Stay::nights).collect();
        prop_assert_eq!(left, expected);
    }

    #[test]
    fn a_stay_is_two_dates_in_order_and_not_too_far_apart(begin in 0u64..1_000, end in 0u64..1_000) {
        let stay = Stay::parse(june(1) + Days::new(begin), june(1) + Days::new(end));
        let fine = begin < end && end - begin <= u64::from(MAX_NIGHTS);
        prop_assert_eq!(stay.is_ok(), fine);
    }
}
