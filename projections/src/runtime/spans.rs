//! The spans of events whose trace is sampled: of each one's batch, once for each projection.

use std::time::Instant;

use event_store::trace::{POSITION, Span, sampled};
use opentelemetry::trace::SpanKind;

use super::delivered::{Batch, Delivered};

/// A batch was committed, whose last `new` events were new to `projection`.
pub(super) fn applied(batch: Batch<'_>, projection: &'static str, new: usize, began: Instant) {
    let first = batch.events.len().saturating_sub(new);
    for delivered in batch.events.iter().skip(first) {
        let name = || format!("project {projection}");
        let span = parent(delivered)
            .and_then(|parent| Span::since(began.elapsed(), parent, name(), SpanKind::Consumer));
        let Some(mut span) = span else { continue };
        span.set("messaging.operation.type", "process");
        span.set("messaging.batch.message_count", batch.events.len() as i64);
        span.set(
            "messaging.destination.partition.id",
            batch.place.partition.to_string(),
        );
        span.set("comptoir.context", batch.place.context.clone());
        span.set("comptoir.projection", projection);
        span.set(POSITION, delivered.event.position);
    }
}

/// The span that sent the event; without Kafka, the one that appended it.
fn parent(delivered: &Delivered) -> Option<&str> {
    match delivered.message {
        Some(_) => delivered.trace.as_deref(),
        None => sampled(&delivered.event.metadata),
    }
}
