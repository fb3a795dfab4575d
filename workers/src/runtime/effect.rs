//! What an effect says: which events start it, and how it acts on the world outside.

use std::fmt::Debug;
use std::future::Future;

use domain::decider::Decider;
use event_store::Happened;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cause::Cause;
use super::error::Failure;
use super::policy::Reaction;

/// Events of one aggregate in, acts on the world outside out: an e-mail, a call to another service.
/// One act is attempted by one worker at a time; a worker that dies lets go of it at once, and then
/// another attempts it again. So an act may happen twice in the moment before it is written down.
pub trait Effect: Send + Sync + 'static {
    /// Its name, for ever: positions and what is due are kept under it.
    const NAME: &'static str;
    /// How many of its acts one process attempts at once.
    const AT_ONCE: u32;
    /// Whose events it takes.
    type Of: Decider;
    /// What is to be done. It holds ids and no personal data: it is stored in clear.
    type Act: Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static;

    /// What follows from an event.
    fn react(happened: &Happened<'_, Self::Of>) -> Vec<Reaction<Self::Act>>;

    /// Does it, within a bounded time. What the world refuses is an outcome for the effect to write
    /// down by a command.
    ///
    /// # Errors
    /// See [`Failure`]; it is attempted again.
    fn run(&self, act: Self::Act, cause: Cause)
    -> impl Future<Output = Result<(), Failure>> + Send;
}
