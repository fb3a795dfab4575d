//! What each e-mail says, in each language.

use chrono::{DateTime, Utc};
use domain::language::Language;
use domain::support::email::Template;
use service_kit::derived_token::{DerivedTokens, Purpose};
use uuid::Uuid;

/// What makes the links of e-mails. A token is derived when its e-mail is sent, and kept nowhere.
#[derive(Debug, Clone)]
pub struct Links {
    /// What derives tokens.
    pub tokens: DerivedTokens,
    /// Where people reach the platform, without a slash at the end.
    pub public_url: String,
}

impl Links {
    fn link(&self, page: &str, purpose: Purpose, ids: [Uuid; 2]) -> String {
        let token = self.tokens.issue(purpose, ids);
        format!("{}/{page}?token={token}", self.public_url)
    }
}

/// What an e-mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Says {
    /// What it is about.
    pub subject: &'static str,
    /// One after the other.
    pub paragraphs: Vec<String>,
    /// What is to be done: the words, and the link.
    pub action: Option<(&'static str, String)>,
}

/// What `template` says to `person`; none when what it would tell was erased.
pub fn say(template: &Template, language: Language, person: Uuid, links: &Links) -> Option<Says> {
    let french = language == Language::French;
    let one = |english: &'static str, in_french: &'static str| match french {
        true => in_french,
        false => english,
    };
    let says = match template {
        Template::ConfirmEmail {
            token_id,
            expires_at,
        } => Says {
            subject: one("Confirm your e-mail address", "Confirmez votre adresse e-mail"),
            paragraphs: vec![
                one(
                    "An account was made with this e-mail address. Follow the link to confirm that the address is yours.",
                    "Un compte a été créé avec cette adresse e-mail. Suivez le lien pour confirmer que cette adresse est la vôtre.",
                )
                .to_owned(),
                until(*expires_at, french),
                one(
                    "If it was not you, do nothing: the account will not be opened.",
                    "Si ce n'était pas vous, ne faites rien : le compte ne sera pas ouvert.",
                )
                .to_owned(),
            ],
            action: Some((
                one("Confirm my address", "Confirmer mon adresse"),
                links.link("confirm", Purpose::ConfirmEmail, [person, *token_id]),
            )),
        },
        Template::ResetPassword {
            token_id,
            expires_at,
        } => Says {
            subject: one("Set a new password", "Choisissez un nouveau mot de passe"),
            paragraphs: vec![
                one(
                    "Somebody asked for a new password for your account. Follow the link to set one.",
                    "Quelqu'un a demandé un nouveau mot de passe pour votre compte. Suivez le lien pour en choisir un.",
                )
                .to_owned(),
                until(*expires_at, french),
                one(
                    "If it was not you, do nothing: your password stays as it is.",
                    "Si ce n'était pas vous, ne faites rien : votre mot de passe reste le même.",
                )
                .to_owned(),
            ],
            action: Some((
                one("Set a new password", "Choisir un mot de passe"),
                links.link("reset-password", Purpose::ResetPassword, [person, *token_id]),
            )),
        },
        Template::PasswordChanged {} => plain(
            one("Your password was changed", "Votre mot de passe a été changé"),
            &[
                one(
                    "The password of your account was changed.",
                    "Le mot de passe de votre compte a été changé.",
                ),
                one(
                    "If it was not you, ask for a new password at once and tell us.",
                    "Si ce n'était pas vous, demandez tout de suite un nouveau mot de passe et prévenez-nous.",
                ),
            ],
        ),
        Template::SellerRequested {} => plain(
            one("We received your request to sell", "Nous avons reçu votre demande pour vendre"),
            &[one(
                "We will look at it and write to you again.",
                "Nous allons l'examiner et nous vous écrirons.",
            )],
        ),
        Template::SellerApproved {} => plain(
            one("You may sell now", "Vous pouvez vendre"),
            &[one(
                "Your request was approved. Sign in, and show what you make.",
                "Votre demande a été acceptée. Connectez-vous et montrez ce que vous faites.",
            )],
        ),
        Template::SellerRejected { reason } => Says {
            subject: one("Your request to sell", "Votre demande pour vendre"),
            paragraphs: vec![
                one(
                    "We can't approve your request, for this reason:",
                    "Nous ne pouvons pas accepter votre demande, pour cette raison :",
                )
                .to_owned(),
                reason.value.clone()?,
            ],
            action: None,
        },
    };
    Some(says)
}

fn plain(subject: &'static str, paragraphs: &[&str]) -> Says {
    Says {
        subject,
        paragraphs: paragraphs.iter().map(|text| (*text).to_owned()).collect(),
        action: None,
    }
}

/// Until when a link is good.
fn until(time: DateTime<Utc>, french: bool) -> String {
    match french {
        true => format!(
            "Le lien est valable jusqu'au {} UTC.",
            time.format("%d/%m/%Y à %H:%M")
        ),
        false => format!(
            "The link is good until {} UTC.",
            time.format("%Y-%m-%d %H:%M")
        ),
    }
}
