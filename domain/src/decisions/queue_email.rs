//! Somebody is written to, at the address that their account has.

use uuid::Uuid;

use crate::identity::account::Account;
use crate::language::Language;
use crate::streams::{Halt, Streams};
use crate::support::email::{Command, Email, Template};

/// Queues the e-mail `id` to the owner of the account `account_id`. Nothing when there is no such
/// account, or its address was erased; nothing new when it was queued before.
pub fn queue_email(
    streams: &mut Streams,
    id: Uuid,
    account_id: Uuid,
    language: Language,
    template: Template,
) -> Result<(), Halt> {
    let account = streams.state::<Account>(account_id)?;
    let address = account.as_ref().as_ref().map(|account| &account.email);
    let Some(to) = address.and_then(|address| address.value.as_ref()) else {
        return Ok(());
    };
    let queue = Command::Queue {
        person: account_id,
        to: to.as_str().to_owned(),
        language,
        template,
    };
    streams.decide::<Email>(id, queue)
}
