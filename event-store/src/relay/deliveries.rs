//! What Kafka has acknowledged, counted as its answers come.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::Notify;

/// Messages that were sent together: how many of them are not acknowledged.
#[derive(Debug)]
pub(super) struct UnderWay(AtomicUsize);

impl UnderWay {
    pub(super) fn of(messages: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(messages)))
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }
}

/// Takes the producer's reports, on its thread; one waiter is told.
#[derive(Default)]
pub(super) struct Deliveries {
    changed: Notify,
    failed: OnceLock<KafkaError>,
    ending: AtomicBool,
}

impl Deliveries {
    /// From now on what is under way is taken back, which the producer calls fatal, and is not.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    /// Whether all of `sent` is with Kafka.
    ///
    /// # Errors
    /// When any message was refused: later ones may have come through, so nothing more is counted.
    pub(super) fn all_of(&self, sent: &UnderWay) -> Result<bool, KafkaError> {
        match self.failed.get() {
            Some(error) => Err(error.clone()),
            None => Ok(sent.is_over()),
        }
    }

    /// Waits until all of `sent` is with Kafka.
    ///
    /// # Errors
    /// As [`Self::all_of`].
    pub(super) async fn wait(&self, sent: &UnderWay) -> Result<(), KafkaError> {
        while !self.all_of(sent)? {
            self.changed.notified().await;
        }
        Ok(())
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: Level, about: &str, message: &str) {
        // Its settings are ours: nobody else can heed a warning about them.
        if about == "CONFWARN" || self.ending.load(Ordering::Relaxed) {
            return;
        }
        match level {
            Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
                tracing::error!(about, "Kafka's producer: {message}");
            }
            Level::Warning => tracing::warn!(about, "Kafka's producer: {message}"),
            Level::Notice | Level::Info => tracing::info!(about, "Kafka's producer: {message}"),
            Level::Debug => tracing::debug!(about, "Kafka's producer: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !self.ending.load(Ordering::Relaxed) {
            tracing::error!(%error, "Kafka's producer: {reason}");
        }
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Arc<UnderWay>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, sent: Arc<UnderWay>) {
        match delivered {
            Ok(_) => {
                if sent.0.fetch_sub(1, Ordering::AcqRel) == 1 {
                    self.changed.notify_one();
                }
            }
            Err((error, _)) => {
                // The first one says what was wrong; the others follow from it.
                let _first = self.failed.set(error.clone());
                self.changed.notify_one();
            }
        }
    }
}
