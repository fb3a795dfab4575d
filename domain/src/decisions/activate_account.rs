//! An account may sign in (again); an admin then counts among the administrators.

use uuid::Uuid;

use crate::identity::account::{self, Account, registered};
use crate::identity::administrators::{self, ADMINISTRATORS, Administrators};
use crate::streams::{Halt, Streams};

/// Activates the account `id`.
pub fn activate_account(streams: &mut Streams, id: Uuid) -> Result<(), Halt> {
    streams.decide::<Account>(id, account::Command::Activate)?;
    follow_administration(streams, id)
}

/// Lets the circle of administrators follow what was decided on the account `id`. Every account
/// that changes passes here, so the last administrator is guarded in one place.
pub(super) fn follow_administration(streams: &mut Streams, id: Uuid) -> Result<(), Halt> {
    let account = streams.state::<Account>(id)?;
    let command = if registered(&account)?.administers() {
        administrators::Command::Add(id)
    } else {
        administrators::Command::Remove(id)
    };
    streams.decide::<Administrators>(ADMINISTRATORS, command)
}
