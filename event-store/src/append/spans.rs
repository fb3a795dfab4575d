//! The spans of commands whose trace is sampled: each from its arrival to its answer, and the commit
//! of its batch.

use opentelemetry::trace::SpanKind;

use super::Metadata;
use super::batch::Batch;
use super::job::{Answer, Kept};
use crate::trace::{POSITION, Span};

/// Begins the span of a command that arrives; what it stores belongs to that span.
pub(super) fn arrived(metadata: &mut Metadata) -> Option<Span> {
    let span = Span::below(
        metadata.traceparent.as_deref()?,
        "append",
        SpanKind::Internal,
    )?;
    metadata.traceparent = Some(span.traceparent());
    Some(span)
}

/// Ends the span of a command that has its answer.
pub(super) fn answered<T, E>(span: Option<Span>, answer: &Answer<T, E>) {
    let Some(mut span) = span else { return };
    match answer {
        Ok(Kept::Stored(_, marks)) => {
            if let Some(mark) = marks.last() {
                span.set(POSITION, mark.position);
            }
        }
        Ok(Kept::Replayed(_)) => span.set("comptoir.replayed", true),
        Err(_) => span.fail("it was not stored"),
    }
}

/// A batch was committed: the commit is told below each command that is sampled.
pub(super) fn committed(batch: &Batch) {
    for (waiting, marks) in &batch.commands {
        let parent = waiting.job.request().metadata.traceparent.as_deref();
        let span = parent.and_then(|parent| {
            Span::since(batch.begun.elapsed(), parent, "commit", SpanKind::Client)
        });
        if let (Some(mut span), Some(mark)) = (span, marks.last()) {
            span.set(POSITION, mark.position);
            span.set("comptoir.batch.commands", batch.commands.len() as i64);
            span.set("comptoir.batch.events", batch.events() as i64);
        }
    }
}
