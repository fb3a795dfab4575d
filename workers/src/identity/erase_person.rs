//! When an account was erased, what is left of its person is destroyed: the key, and what there is
//! in clear outside the log.

use chrono::TimeDelta;
use domain::identity::account::{Account, Event};
use event_store::Log;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::mail::Mail;
use crate::runtime::{Cause, Effect, Failure, Happened, Reaction};
use crate::{ForgetElsewhere, Parts};

/// When it is done once more: by then nobody writes what was opened before the key was destroyed.
const SETTLED: TimeDelta = TimeDelta::seconds(90);

/// The effect.
pub struct ErasePerson {
    log: Log,
    mail: Mail,
    elsewhere: ForgetElsewhere,
}

/// Somebody to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// The person, who is an account.
    pub person: Uuid,
}

impl Effect for ErasePerson {
    const NAME: &'static str = "erase_person";
    const AT_ONCE: u32 = 2;
    type Of = Account;
    type Act = Forget;

    fn react(happened: &Happened<'_, Account>) -> Vec<Reaction<Forget>> {
        let Event::AccountErased { .. } = happened.event else {
            return vec![];
        };
        let person = happened.recorded.aggregate_id;
        vec![
            Reaction::Do(Forget { person }),
            Reaction::At {
                key: person.to_string(),
                due: happened.recorded.recorded_at + SETTLED,
                command: Forget { person },
            },
        ]
    }

    async fn run(&self, act: Forget, _cause: Cause) -> Result<(), Failure> {
        let person = act.person;
        // The key first: nothing is opened any more while the rest is taken away.
        self.log.keyring().erase(self.log.pool(), person).await?;
        (self.elsewhere)(person).await?;
        let removed = self.mail.forget(person).await;
        removed.map_err(|error| Failure::Fault(format!("the mail of {person}: {error}")))?;
        tracing::info!(%person, "a person was erased");
        Ok(())
    }
}

impl ErasePerson {
    /// With what `parts` has.
    pub fn of(parts: &Parts) -> Self {
        Self {
            log: parts.log.clone(),
            mail: parts.mail.clone(),
            elsewhere: parts.elsewhere.clone(),
        }
    }
}
