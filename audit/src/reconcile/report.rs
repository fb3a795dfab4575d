//! What a reconciliation tells: on its way, and in the end.

use std::collections::BTreeMap;

use event_store::Position;
use serde::Serialize;
use uuid::Uuid;

/// What is told on the way.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// How far it is.
    Progress {
        /// Everything up to here was looked at.
        position: Position,
        /// The last position that will be.
        to: Position,
    },
    /// A position, when every one is asked for.
    Position(Line),
    /// Something is wrong.
    Finding(Finding),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// Events that should be in Kafka and are not.
    #[error("lost: {events} of {topic}[{partition}], from position {from} to {to}")]
    Lost {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The first of them.
        from: Position,
        /// The last; what lies between is lost too, as far as it is of this partition.
        to: Position,
        /// How many.
        events: u64,
    },
    /// An event that came after a later one of its partition.
    #[error(
        "late: position {position} came after {after}, at offset {offset} of {topic}[{partition}]"
    )]
    Late {
        /// Which.
        position: Position,
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Where it came.
        offset: i64,
        /// What had come before.
        after: Position,
    },
    /// A message that is not what its event is.
    #[error(
        "altered: position {position}, at offset {offset} of {topic}[{partition}], in {}",
        parts.join(", ")
    )]
    Altered {
        /// Which.
        position: Position,
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Where the message is.
        offset: i64,
        /// In what it differs: key, payload, or headers by name.
        parts: Vec<&'static str>,
    },
    /// A message that no event of the log explains.
    #[error("unexplained: offset {offset} of {topic}[{partition}]: {why}")]
    Unexplained {
        /// The topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Where the message is.
        offset: i64,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody knows another log, or more of it than there is.
    #[error("beyond the log: {detail}")]
    Beyond {
        /// Who knows what.
        detail: String,
    },
}

/// Where an event stands in Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InKafka {
    /// It is there, as it is in the log.
    There,
    /// It is there, and not as it is in the log.
    Altered,
    /// It should be there.
    Lost,
    /// Retention took it, or the topic was deleted.
    Expired,
    /// The relay is not that far.
    NotYetRelayed,
}

impl InKafka {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Altered => "altered",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::NotYetRelayed => "not yet relayed",
        }
    }
}

/// What a projection or a policy did about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// It has taken it.
    Applied,
    /// It is none of its events.
    Skipped,
    /// It failed, or waits behind one that did.
    Parked,
    /// It is not that far.
    NotSeen,
}

impl Did {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Skipped => "skipped",
            Self::Parked => "parked",
            Self::NotSeen => "not seen",
        }
    }
}

/// One position.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Which.
    pub position: Position,
    /// The topic that its event goes to.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Where its first message is.
    pub offset: Option<i64>,
    /// How many messages have it, as far as was read by now.
    pub copies: u32,
    /// Where it stands in Kafka; none without Kafka.
    pub kafka: Option<InKafka>,
    /// What each projection did.
    pub projections: BTreeMap<&'static str, Did>,
    /// What each policy did.
    pub policies: BTreeMap<&'static str, Did>,
}

/// A partition of a topic, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// The first offset that Kafka has; none when there is no such topic.
    pub low: Option<i64>,
    /// The offset after the last.
    pub high: Option<i64>,
    /// Messages that were read, of the positions that were asked for or of none.
    pub messages: u64,
    /// Events that the log has for it.
    pub events: u64,
    /// Of these, those that are there.
    pub found: u64,
    /// Should be there and are not.
    pub lost: u64,
    /// Messages that came again: allowed.
    pub duplicated: u64,
    /// Events that came after a later one.
    pub late: u64,
    /// Taken by retention, or with a topic that was deleted: allowed.
    pub expired: u64,
    /// Messages that are not what their events are.
    pub altered: u64,
    /// Messages that no event explains.
    pub unexplained: u64,
    /// Events that the relay has not sent yet.
    pub not_yet_relayed: u64,
}

/// A projection or a policy, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Follower {
    /// Its name.
    pub name: &'static str,
    /// Events that it has taken. One that an operator has discarded leaves no trace and is among these.
    pub applied: u64,
    /// Events that are none of its own.
    pub skipped: u64,
    /// Events that are parked.
    pub parked: u64,
    /// Events that it has not seen yet.
    pub not_seen: u64,
    /// Of a policy: timers and acts that wait for their time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<u64>,
    /// Of a policy: those that failed too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Which log it is.
    pub epoch: Uuid,
    /// The first position that was looked at.
    pub from: Position,
    /// The last.
    pub to: Position,
    /// The log's last position when it began.
    pub head: Position,
    /// Everything up to here is with Kafka, by what the relay says.
    pub relayed: Position,
    /// The partitions of the log's topics; none when Kafka was not looked at.
    pub kafka: Option<Vec<Partition>>,
    /// The projections.
    pub projections: Vec<Follower>,
    /// The policies.
    pub policies: Vec<Follower>,
    /// How much is wrong.
    pub findings: u64,
}

impl Summary {
    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings == 0
    }
}
