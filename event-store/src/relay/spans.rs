//! The spans of messages whose trace is sampled, from their being sent to their acknowledgement.

use opentelemetry::trace::SpanKind;

use crate::recorded::BorrowedEvent;
use crate::trace::{POSITION, Span, sampled};

/// Begins the span of a message.
pub(super) fn sent(event: &BorrowedEvent<'_>, topic: &str) -> Option<Span> {
    let parent = sampled(event.metadata)?;
    let mut span = Span::below(parent, format!("send {topic}"), SpanKind::Producer)?;
    span.set("messaging.system", "kafka");
    span.set("messaging.operation.type", "send");
    span.set("messaging.destination.name", topic.to_owned());
    span.set(
        "messaging.destination.partition.id",
        event.partition.to_string(),
    );
    span.set(POSITION, event.position);
    Some(span)
}
