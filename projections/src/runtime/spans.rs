//! The spans of events whose trace is sampled: of each one's batch, once for each projection that
//! takes it.

use std::time::Instant;

use event_store::trace::{POSITION, Span, sampled};
use opentelemetry::trace::SpanKind;

use super::delivered::Delivered;

/// An event was applied to `projection`, with the batch of so many events that `began` then.
pub(super) fn applied(
    delivered: &Delivered,
    projection: &'static str,
    began: Instant,
    events: usize,
) {
    let span = parent(delivered).and_then(|parent| {
        let name = format!("project {projection}");
        Span::since(began.elapsed(), parent, name, SpanKind::Consumer)
    });
    let Some(mut span) = span else { return };
    let event = &delivered.event;
    span.set("messaging.operation.type", "process");
    span.set("messaging.batch.message_count", events as i64);
    span.set(
        "messaging.destination.partition.id",
        event.partition.to_string(),
    );
    span.set("comptoir.context", event.context().to_owned());
    span.set("comptoir.projection", projection);
    span.set(POSITION, event.position);
}

/// The span that sent the event, without Kafka the one that appended it, if its trace is sampled.
pub(super) fn parent(delivered: &Delivered) -> Option<&str> {
    match delivered.message {
        Some(_) => delivered.trace.as_deref(),
        None => sampled(&delivered.event.metadata),
    }
}
