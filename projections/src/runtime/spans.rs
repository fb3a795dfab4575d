//! The spans of events whose trace is sampled: of each one's batch, once for each projection that
//! takes it.

use std::time::Instant;

use event_store::trace::{POSITION, Span, sampled};
use opentelemetry::trace::SpanKind;

use super::delivered::{Batch, Delivered};
use super::projection::Registered;

/// A batch was committed, whose last `new` events were new to `projection`.
pub(super) fn applied(batch: Batch<'_>, projection: &Registered, new: usize, began: Instant) {
    let first = batch.events.len().saturating_sub(new);
    for delivered in batch.events.iter().skip(first) {
        let Some(parent) = parent(delivered) else {
            continue;
        };
        if delivered.event.aggregate_type != projection.aggregate_type {
            continue;
        }
        let name = format!("project {}", projection.name);
        let span = Span::since(began.elapsed(), parent, name, SpanKind::Consumer);
        let Some(mut span) = span else { continue };
        let partition = batch.place.partition.to_string();
        span.set("messaging.operation.type", "process");
        span.set("messaging.batch.message_count", batch.events.len() as i64);
        span.set("messaging.destination.partition.id", partition);
        span.set("comptoir.context", batch.place.context.clone());
        span.set("comptoir.projection", projection.name);
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
