use chrono::{Days, NaiveDate};
use domain::hotels::stay::{InvalidStay, MAX_NIGHTS, Stay};

use crate::support::{june, stay};

#[test]
fn a_stay_has_1_to_366_nights() {
    let after = |nights: u64| june(10) + Days::new(nights);
    let longest = u64::from(MAX_NIGHTS);
    let cases: [(NaiveDate, Result<u32, InvalidStay>); 5] = [
        (june(9), Err(InvalidStay::NoNight)),
        (june(10), Err(InvalidStay::NoNight)),
        (june(11), Ok(1)),
        (after(longest), Ok(MAX_NIGHTS)),
        (after(longest + 1), Err(InvalidStay::TooLong)),
    ];
    for (check_out, expected) in cases {
        let length = Stay::parse(june(10), check_out).map(Stay::length);
        assert_eq!(length, expected, "until {check_out}");
    }
}

#[test]
fn the_night_of_check_out_is_no_night_of_the_stay() {
    let nights: Vec<_> = stay(10, 13).nights().collect();
    assert_eq!(nights, [june(10), june(11), june(12)]);
}

#[test]
fn what_is_left_of_a_stay_from_a_day_on() {
    let cases = [
        (9, Some(stay(10, 13))),
        (10, Some(stay(10, 13))),
        (12, Some(stay(12, 13))),
        (13, None),
        (20, None),
    ];
    for (day, expected) in cases {
        assert_eq!(stay(10, 13).from(june(day)), expected, "from June {day}");
    }
}

#[test]
fn what_is_left_of_a_stay_after_its_first_night() {
    assert_eq!(stay(10, 13).after_first(), Some(stay(11, 13)));
    assert_eq!(stay(10, 11).after_first(), None);
}
