//! What a person was sent as files goes with their account.

use domain::identity::account::{Account, Event};
use event_store::Happened;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Parts;
use crate::mail::Transport;
use crate::runtime::{Cause, Effect, Failure, Reaction};

/// The effect.
pub struct ForgetMail(Transport);

/// Whose mail is to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// The account.
    pub account: Uuid,
}

impl ForgetMail {
    /// With what `parts` has.
    pub fn of(parts: &Parts) -> Self {
        Self(parts.mail.transport.clone())
    }
}

impl Effect for ForgetMail {
    const NAME: &'static str = "forget_mail";
    const AT_ONCE: u32 = 1;
    type Of = Account;
    type Act = Forget;

    fn react(happened: &Happened<'_, Account>) -> Vec<Reaction<Forget>> {
        let account = happened.recorded.aggregate_id;
        match happened.event {
            Event::AccountErased { .. } => vec![Reaction::Do(Forget { account })],
            _ => vec![],
        }
    }

    async fn run(&self, act: Forget, _: Cause) -> Result<(), Failure> {
        let forgotten = self.0.forget(act.account).await;
        forgotten.map_err(|error| Failure::Fault(format!("the mail of {}: {error}", act.account)))
    }
}
