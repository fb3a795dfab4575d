//! Handing checkpoints to those who are to hold us to them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use sqlx::PgPool;

use super::sign::Signed;
use super::{Error, sign};

/// How long Kafka has to acknowledge one.
const LIMIT: Duration = Duration::from_secs(10);

/// Where checkpoints go.
#[derive(Clone)]
pub enum Sink {
    /// A folder with a file for each: `<size>.checkpoint`.
    Folder(PathBuf),
    /// A topic: its key is the origin, its value the note.
    Topic {
        /// Its name.
        topic: String,
        /// How it is reached.
        producer: FutureProducer,
    },
}

impl Sink {
    /// The topic of these brokers.
    ///
    /// # Errors
    /// When the brokers are not of the form of addresses.
    pub fn topic(brokers: &str, topic: &str) -> Result<Self, Error> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("message.timeout.ms", LIMIT.as_millis().to_string())
            .create()?;
        Ok(Self::Topic {
            topic: topic.to_owned(),
            producer,
        })
    }

    async fn take(&self, signed: &Signed) -> Result<(), Error> {
        match self {
            Self::Folder(folder) => {
                let place = folder.join(format!("{:020}.checkpoint", signed.size));
                write(&place, &signed.note).map_err(|source| Error::Folder {
                    place: place.display().to_string(),
                    source,
                })
            }
            Self::Topic { topic, producer } => {
                let record = FutureRecord::to(topic)
                    .key(&signed.origin)
                    .payload(&signed.note);
                let sent = producer.send(record, Timeout::After(LIMIT)).await;
                sent.map_err(|(error, _)| error)?;
                Ok(())
            }
        }
    }
}

/// Hands every checkpoint that was not published yet to each of `sinks`, in the order of their
/// sizes. After a crash one may come again.
///
/// # Errors
/// When the database or a sink is away; what was published before stays so.
pub async fn publish(log: &PgPool, sinks: &[Sink]) -> Result<(), Error> {
    if sinks.is_empty() {
        return Ok(());
    }
    for signed in sign::unpublished(log).await? {
        for sink in sinks {
            sink.take(&signed).await?;
        }
        sign::published(log, &signed).await?;
    }
    Ok(())
}

/// Whole or not at all.
fn write(place: &Path, note: &str) -> std::io::Result<()> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let part = place.with_extension("part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(part, place)
}
