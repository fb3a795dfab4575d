//! What each e-mail says, in each language.

use chrono::{DateTime, TimeDelta, Utc};
use domain::language::Language;
use domain::personal::Personal;
use domain::support::email::Template;
use service_kit::derived_token::DerivedTokens;
use service_kit::keys::MasterKey;
use uuid::Uuid;
use workers::mail::{Links, Mail, Outgoing, Rendered, Unmailable, render, say};

const PERSON: Uuid = Uuid::from_u128(1);

fn links() -> Links {
    Links {
        tokens: DerivedTokens::new(&MasterKey::new(&[1; 32]).unwrap()),
        public_url: "https://comptoir.example".to_owned(),
    }
}

fn rejected(reason: &str) -> Template {
    let reason = Personal::new(PERSON, reason.to_owned());
    Template::SellerRejected { reason }
}

fn all() -> [Template; 6] {
    let (token_id, expires_at) = (
        Uuid::from_u128(2),
        DateTime::UNIX_EPOCH + TimeDelta::hours(10),
    );
    [
        Template::ConfirmEmail {
            token_id,
            expires_at,
        },
        Template::ResetPassword {
            token_id,
            expires_at,
        },
        Template::PasswordChanged {},
        Template::SellerRequested {},
        Template::SellerApproved {},
        rejected("Photos <too> small & \"dark\"\nWe'd like others."),
    ]
}

fn rendered(template: &Template, language: Language) -> Rendered {
    render(
        &say(template, language, PERSON, &links()).unwrap(),
        language,
    )
}

#[test]
fn every_template_is_as_reviewed_in_both_languages() {
    for (tag, language) in [("en", Language::English), ("fr", Language::French)] {
        for template in all() {
            let Rendered {
                subject,
                text,
                html,
            } = rendered(&template, language);
            let name = format!("{}_{tag}", <&str>::from(&template));
            insta::assert_snapshot!(name, format!("{subject}\n\n{text}\n{html}"));
        }
    }
}

#[test]
fn what_was_erased_is_not_said() {
    let reason = Personal {
        personal_of: PERSON,
        value: None,
    };
    let template = Template::SellerRejected { reason };
    assert_eq!(say(&template, Language::English, PERSON, &links()), None);
}

fn composed(to: &str, from: &str, rendered: Rendered) -> Result<String, Unmailable> {
    let mail = Mail::new(from, links(), None, "mail".into()).unwrap();
    let ids = (Uuid::from_u128(7), PERSON);
    let date: DateTime<Utc> = DateTime::UNIX_EPOCH;
    let outgoing = Outgoing::compose(ids, &mail.from, to, date, rendered)?;
    Ok(String::from_utf8(outgoing.bytes).unwrap())
}

#[test]
fn a_message_has_two_forms_and_an_id_that_follows_from_the_email() {
    let rendered = rendered(&Template::SellerApproved {}, Language::French);
    let from = "L'équipe <no-reply@comptoir.example>";
    let message = composed("awa@example.org", from, rendered).unwrap();
    let head = message.split("\r\n\r\n").next().unwrap();
    let head: Vec<&str> = head
        .lines()
        .filter(|line| !line.contains("boundary") && !line.starts_with("Content-Type"))
        .collect();
    insta::assert_snapshot!("head", head.join("\n"));
    assert!(message.contains("text/plain; charset=utf-8"));
    assert!(message.contains("text/html; charset=utf-8"));
}

#[test]
fn nothing_that_is_told_becomes_a_header() {
    let bcc = "x\r\nBcc: other@example.org\r\n\r\ny";
    let message = composed(
        "awa@example.org",
        "no-reply@comptoir.example",
        rendered(&rejected(bcc), Language::English),
    )
    .unwrap();
    let head = message.split("\r\n\r\n").next().unwrap();
    assert!(!head.contains("Bcc"), "{head}");
    for to in [
        "awa@example.org\r\nBcc: other@example.org",
        "awa@example.org, other@example.org",
        "<awa@example.org> SIZE=1",
        "awa",
    ] {
        let rendered = rendered(&Template::SellerApproved {}, Language::English);
        let composed = composed(to, "no-reply@comptoir.example", rendered);
        assert!(matches!(composed, Err(Unmailable::Address(_))), "{to}");
    }
    let from = "A <a@example.org>\r\nBcc: other@example.org";
    assert!(Mail::new(from, links(), None, "mail".into()).is_err());
}

#[test]
fn settings_that_are_no_good_are_told() {
    let wrong = |from, smtp, url: &str| {
        let links = Links {
            public_url: url.to_owned(),
            ..links()
        };
        Mail::new(from, links, smtp, "mail".into())
            .unwrap_err()
            .to_string()
    };
    let told = wrong("nobody", None, "https://a.example");
    assert!(told.contains("COMPTOIR_MAIL_FROM"), "{told}");
    let told = wrong("a@example.org", Some("ftp://a"), "https://a.example");
    assert!(told.contains("SMTP_URL"), "{told}");
    let told = wrong("a@example.org", None, "a.example");
    assert!(told.contains("COMPTOIR_PUBLIC_URL"), "{told}");
}
