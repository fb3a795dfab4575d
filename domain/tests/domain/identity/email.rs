use domain::decider::Kind;
use domain::identity::email::{Command, EmailAddress, EmailClaim, Event, MAX_LENGTH, Rejection};

use crate::support::{assert_refusals, given, id};

fn claimed(n: u128) -> Event {
    Event::EmailClaimed { account_id: id(n) }
}

fn claim(n: u128) -> Command {
    Command::Claim { account_id: id(n) }
}

#[test]
fn an_address_that_nobody_has_is_claimed() {
    given::<EmailClaim>([]).when(claim(1)).then([claimed(1)]);
}

#[test]
fn an_address_has_one_account() {
    given::<EmailClaim>([claimed(1)])
        .when(claim(2))
        .refused(Rejection::Taken);
    given::<EmailClaim>([claimed(1)]).when(claim(1)).then([]);
}

#[test]
fn an_address_is_the_same_whatever_its_case_and_the_blanks_around_it() {
    for typed in [
        "awa.ndiaye@example.org",
        "Awa.Ndiaye@Example.ORG",
        "AWA.NDIAYE@EXAMPLE.ORG",
        "  awa.ndiaye@example.org\n",
    ] {
        let address = EmailAddress::parse(typed).unwrap();
        assert_eq!(address.as_str(), "awa.ndiaye@example.org", "{typed:?}");
    }
}

#[test]
fn an_address_is_let_go_by_who_has_it() {
    let release = |n| Command::Release { account_id: id(n) };
    given::<EmailClaim>([claimed(1)])
        .when(release(1))
        .then([Event::EmailReleased {}]);
    given::<EmailClaim>([claimed(1)]).when(release(2)).then([]);
    given::<EmailClaim>([]).when(release(1)).then([]);
    given::<EmailClaim>([claimed(1), Event::EmailReleased {}])
        .when(claim(2))
        .then([claimed(2)]);
}

#[test]
fn forms_of_one_address_have_one_canonical_form() {
    let canonical = |typed: &str| EmailAddress::parse(typed).unwrap().canonical();
    for (one, other) in [
        ("awa@example.org", "AWA@EXAMPLE.ORG"),
        (
            "h\u{e9}l\u{e8}ne@exemple.fr",
            "he\u{301}le\u{300}ne@exemple.fr",
        ),
        ("H\u{c9}L\u{c8}NE@exemple.fr", "h\u{e9}l\u{e8}ne@exemple.fr"),
        ("stra\u{df}e@example.de", "STRASSE@example.de"),
        ("\u{ff41}wa@example.org", "awa@example.org"),
        ("o\u{fb03}ce@example.org", "OFFICE@example.org"),
        ("ΟΔΥΣΣΕΥΣ@example.gr", "οδυσσευς@example.gr"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one} {other}");
    }
    assert_ne!(canonical("awa@example.org"), canonical("awo@example.org"));
    assert_ne!(
        canonical("helene@exemple.fr"),
        canonical("h\u{e9}l\u{e8}ne@exemple.fr")
    );
    let long = canonical("Awa@Example.org");
    assert_eq!(
        long, "awa@example.org",
        "what was claimed before stays claimed"
    );
}

#[test]
fn what_is_no_address_is_refused() {
    let longest = format!(
        "{}@example.org",
        "a".repeat(MAX_LENGTH - "@example.org".len())
    );
    for fine in [
        "a@b.c",
        "awa+news@mail.example.org",
        "é@exemple.fr",
        &longest,
    ] {
        assert!(EmailAddress::parse(fine).is_ok(), "{fine:?}");
    }
    let too_long = format!("a{longest}");
    for wrong in [
        "",
        "awa",
        "@example.org",
        "awa@",
        "awa@example",
        "awa@.org",
        "awa@example.",
        "awa@example..org",
        "awa@b@example.org",
        "a wa@example.org",
        "awa@exam\tple.org",
        "a\0wa@example.org",
        &too_long,
    ] {
        let read = EmailAddress::parse(wrong);
        assert_eq!(read, Err(Rejection::Malformed), "{wrong:?}");
    }
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Malformed,
            Kind::Invalid("/email"),
            "validation",
            "this is not an e-mail address",
        ),
        (
            Rejection::Taken,
            Kind::Refused,
            "email-taken",
            "an account has this e-mail address already",
        ),
    ]);
}
