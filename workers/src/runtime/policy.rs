//! What a policy says: what follows from an event, and how that is carried out.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use domain::decider::Decider;
use domain::streams::{Halt, Streams};
use event_store::Happened;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Events of one aggregate in, commands out. Both functions are pure: ids and times come from the
/// event. Each reaction to each event is carried out once, whatever crashes, and never again in a
/// replay; what the domain refuses is an outcome as well.
///
/// A replay knows a reaction by its event and its place among the reactions to it. So a later
/// version of the policy keeps their places, and adds new ones at the end.
pub trait Policy: 'static {
    /// Its name, for ever: positions, keys and timers are kept under it.
    const NAME: &'static str;
    /// Whose events it takes.
    type Of: Decider;
    /// What it may want. It holds ids and no personal data: one that waits is stored in clear.
    type Command: Debug + Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static;

    /// What follows from an event, in this order.
    fn react(happened: &Happened<'_, Self::Of>) -> Vec<Reaction<Self::Command>>;

    /// Decides a command. It may be run several times, as every decision.
    fn carry_out(command: Self::Command, streams: &mut Streams) -> Result<(), Halt>;
}

/// What follows from an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Reaction<C> {
    /// At once.
    Do(C),
    /// At a time, unless it is cancelled before. A key has one timer: setting it again moves it.
    At {
        /// The timer, among those of the policy.
        key: String,
        /// When.
        due: DateTime<Utc>,
        /// What is done then.
        command: C,
    },
    /// Not any more.
    Cancel {
        /// The timer.
        key: String,
    },
}

impl<C> Reaction<C> {
    /// The same with another form of the command.
    pub(super) fn try_map<T, E>(
        self,
        map: impl FnOnce(C) -> Result<T, E>,
    ) -> Result<Reaction<T>, E> {
        Ok(match self {
            Self::Do(command) => Reaction::Do(map(command)?),
            Self::At { key, due, command } => Reaction::At {
                key,
                due,
                command: map(command)?,
            },
            Self::Cancel { key } => Reaction::Cancel { key },
        })
    }
}
