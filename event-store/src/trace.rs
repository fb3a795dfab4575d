//! Spans of what happens to the events of a trace that is sampled (W3C Trace Context).
//!
//! An event carries the context of its command in its metadata, a message in a header. What is not
//! sampled costs a look at the last bytes of the metadata; what is, and is exported nowhere, little
//! more. Spans go to whichever provider the process has set up.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use opentelemetry::global::{self, BoxedSpan};
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt};
use opentelemetry::{KeyValue, Value};

/// The header, and the member of the metadata, that has the context.
pub const TRACEPARENT: &str = "traceparent";
/// The position of the event that a span is about; of several, the last one's.
pub const POSITION: &str = "comptoir.position";

/// How long a `traceparent` is: version, trace, span and flags, in hexadecimal digits.
const LENGTH: usize = "00-".len() + 32 + "-".len() + 16 + "-00".len();
/// What stands before it in stored metadata, and what behind: it is the last member.
const BEFORE: &str = "\"traceparent\":\"";
const BEHIND: &str = "\"}";

/// Whether the context is one of a trace that is sampled: the last bit of its flags.
pub fn is_sampled(traceparent: &str) -> bool {
    let flags = traceparent.as_bytes().last().copied().map(char::from);
    let flags = flags.and_then(|digit| digit.to_digit(16));
    traceparent.len() == LENGTH && flags.is_some_and(|flags| flags & 1 == 1)
}

/// The context in the metadata of an event, if its trace is sampled.
pub fn sampled(metadata: &str) -> Option<&str> {
    let until = metadata.strip_suffix(BEHIND)?;
    let (before, traceparent) = until.split_at_checked(until.len().checked_sub(LENGTH)?)?;
    (before.ends_with(BEFORE) && is_sampled(traceparent)).then_some(traceparent)
}

/// What one of our processes does to something; it ends when it is dropped.
pub struct Span(BoxedSpan);

impl Span {
    /// Begins a span below the one that `parent`, a `traceparent`, names. None when that trace is not
    /// sampled, or nobody exports spans.
    pub fn below(parent: &str, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Option<Self> {
        Self::since(Duration::ZERO, parent, name, kind)
    }

    /// The same of something that began so long ago.
    pub fn since(
        began: Duration,
        parent: &str,
        name: impl Into<Cow<'static, str>>,
        kind: SpanKind,
    ) -> Option<Self> {
        if !is_sampled(parent) {
            return None;
        }
        let parent = global::get_text_map_propagator(|known| known.extract(&Carrier(parent)));
        if !parent.span().span_context().is_sampled() {
            return None;
        }
        let span = SpanBuilder::from_name(name)
            .with_kind(kind)
            .with_start_time(SystemTime::now() - began)
            .start_with_context(&global::tracer("comptoir"), &parent);
        span.is_recording().then_some(Self(span))
    }

    /// Its context, for what comes of it.
    pub fn traceparent(&self) -> String {
        let context = self.0.span_context();
        format!(
            "00-{}-{}-{:02x}",
            context.trace_id(),
            context.span_id(),
            context.trace_flags().to_u8()
        )
    }

    /// Says something of it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.set_attribute(KeyValue::new(name, value));
    }

    /// It failed, for this reason.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        self.0.set_status(Status::error(why));
    }
}

/// A `traceparent` as a carrier of a context.
struct Carrier<'a>(&'a str);

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use crate::append::Metadata;

    use super::*;

    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    fn stored(traceparent: Option<&str>) -> String {
        let metadata = Metadata {
            request_id: "my-request".to_owned(),
            traceparent: traceparent.map(str::to_owned),
            imported: true,
            ..Metadata::default()
        };
        metadata.to_json().expect("JSON")
    }

    #[test]
    fn the_context_of_a_sampled_trace_is_found_in_stored_metadata() {
        assert_eq!(sampled(&stored(Some(SAMPLED))), Some(SAMPLED));
        assert_eq!(
            sampled(&stored(Some(&SAMPLED.replace("-01", "-03")))).map(str::len),
            Some(55)
        );
        for other in [
            stored(Some(UNSAMPLED)),
            stored(Some("short-01")),
            stored(None),
            format!(r#"{{"request_id":"{SAMPLED}"}}"#),
            "é\"}".repeat(30),
            "{}".to_owned(),
            String::new(),
        ] {
            assert_eq!(sampled(&other), None, "{other}");
        }
    }

    #[test]
    fn without_an_exporter_there_are_no_spans() {
        assert!(Span::below(SAMPLED, "nothing", SpanKind::Internal).is_none());
    }
}
