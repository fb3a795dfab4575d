//! People are sent the links that they asked for, and told of another password.

use domain::decisions::queue_email::queue_email;
use domain::identity::account::{Account, Event};
use domain::language::Language;
use domain::streams::{Halt, Streams};
use domain::support::email::{Template, email_id};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Policy, Reaction};

/// The policy.
pub struct AccountMail;

/// An e-mail to be queued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// Its id.
    pub email_id: Uuid,
    /// To whom.
    pub account_id: Uuid,
    /// In which language.
    pub language: Language,
    /// What it says.
    pub template: Template,
}

impl Policy for AccountMail {
    const NAME: &'static str = "account_mail";
    type Of = Account;
    type Command = Queue;

    fn react(happened: &Happened<'_, Account>) -> Vec<Reaction<Queue>> {
        let (template, language) = match &happened.event {
            Event::ConfirmationRequested { link, language, .. } => {
                let template = Template::ConfirmEmail {
                    token_id: link.token_id,
                    expires_at: link.expires_at,
                };
                (template, *language)
            }
            Event::PasswordResetRequested { link, language } => {
                let template = Template::ResetPassword {
                    token_id: link.token_id,
                    expires_at: link.expires_at,
                };
                (template, *language)
            }
            Event::PasswordChanged { language, .. } => (Template::PasswordChanged {}, *language),
            _ => return vec![],
        };
        vec![Reaction::Do(Queue {
            email_id: email_id(Self::NAME, happened.recorded.event_id),
            account_id: happened.recorded.aggregate_id,
            language,
            template,
        })]
    }

    fn carry_out(queue: Queue, streams: &mut Streams) -> Result<(), Halt> {
        let Queue {
            email_id,
            account_id,
            language,
            template,
        } = queue;
        queue_email(streams, email_id, account_id, language, template)
    }
}
