//! Why it can't be told.

use event_store::{Position, read};
use rdkafka::error::KafkaError;

/// Why it can't be told whether log, Kafka and read tables agree.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database is away or refuses.
    #[error("a database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read.
    #[error("reading the log: {0}")]
    Read(#[from] read::Error),
    /// What an event says about where it comes from can't be read.
    #[error("the metadata of the event at position {position}: {source}")]
    Malformed {
        /// Which event.
        position: Position,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Kafka is away or refuses.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
    /// Kafka has none of the topics, though there should be something in them.
    #[error("Kafka has no topic {first}, nor any other of the log: is the prefix right?")]
    NoTopics {
        /// One of them.
        first: String,
    },
    /// A topic is not as the log has it.
    #[error("the topic {topic} has {actual} partitions and the log says {expected}")]
    Partitions {
        /// The topic.
        topic: String,
        /// How many partitions the log has for it.
        expected: usize,
        /// How many it has.
        actual: usize,
    },
    /// The log has no topic for an event.
    #[error("the event at position {position} is of {place}, which the log does not have")]
    NoPlace {
        /// Which event.
        position: Position,
        /// Where it should go.
        place: String,
    },
    /// There are no such positions.
    #[error("positions are from 1 to {head}, the log's last: not from {from} to {to}")]
    Range {
        /// The first that was asked for.
        from: Position,
        /// The last.
        to: Position,
        /// The log's last position.
        head: Position,
    },
    /// The log ended before a position that it had.
    #[error("the log ends before position {to}, which it had: was it restored meanwhile?")]
    Shrank {
        /// Which.
        to: Position,
    },
    /// Nobody listens any more.
    #[error("nobody listens any more")]
    Gone,
    /// A thread or a task ended by itself.
    #[error("the reading of Kafka ended by itself")]
    Ended,
}

impl Error {
    /// Whether a database can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Database(error) => event_store::database::is_away(error),
            Self::Read(error) => error.is_away(),
            _ => false,
        }
    }
}
