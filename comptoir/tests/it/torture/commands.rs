//! What the writers ask for. A command is derived from its key alone: a journal needs to hold no
//! more, and the reckoning knows what must be in the log.

use domain::identity::email::{EmailClaim, Event};
use domain::streams::{DecidedEvent, StreamId, stored_json};
use uuid::Uuid;

use super::dice::Dice;

/// Streams that all processes write to.
const SHARED: usize = 60;

/// A command: how many events it adds to which streams.
#[derive(Debug, Clone)]
pub struct Command {
    pub key: Uuid,
    pub kind: &'static str,
    pub parts: Vec<(StreamId, usize)>,
}

impl Command {
    /// The command of `key` in the world of `seed`.
    pub fn of(seed: u64, key: Uuid) -> Self {
        let mut dice = Dice::of(key);
        let events = |dice: &mut Dice| 1 + dice.below(3);
        let one = dice.below(SHARED);
        let other = (one + 1 + dice.below(SHARED - 1)) % SHARED;
        let (kind, streams) = match dice.below(20) {
            0..8 => ("a new stream", vec![key]),
            8..13 => ("a shared stream", vec![shared(seed, one)]),
            13..15 => (
                "two shared streams",
                vec![shared(seed, one), shared(seed, other)],
            ),
            15..17 => ("a new and a shared stream", vec![key, shared(seed, one)]),
            _ => ("the hot stream", vec![shared(seed, SHARED)]),
        };
        let part = |id| (StreamId::of::<EmailClaim>(id), events(&mut dice));
        Self {
            key,
            kind,
            parts: streams.into_iter().map(part).collect(),
        }
    }

    /// Whether `stream` is this command's own, which nobody else writes to.
    pub fn owns(&self, stream: StreamId) -> bool {
        stream.id == self.key
    }

    /// The streams that are its own.
    pub fn owned(&self) -> Vec<StreamId> {
        let streams = self.parts.iter().map(|(stream, _)| *stream);
        streams.filter(|stream| self.owns(*stream)).collect()
    }

    /// Its event, which names the command.
    pub fn event(&self) -> DecidedEvent {
        DecidedEvent {
            event_type: "EmailClaimed",
            event_version: 1,
            payload: payload(self.key),
        }
    }
}

/// The payload of every event of the command `key`.
pub fn payload(key: Uuid) -> String {
    stored_json(&Event::EmailClaimed { account_id: key })
}

/// The command that a payload names.
pub fn key_of(payload: &str) -> Uuid {
    let Event::EmailClaimed { account_id } = serde_json::from_str(payload).unwrap() else {
        panic!("nobody lets an address go here: {payload}");
    };
    account_id
}

fn shared(seed: u64, number: usize) -> Uuid {
    let world = Uuid::from_u64_pair(seed, seed);
    Uuid::new_v5(&world, format!("shared {number}").as_bytes())
}
