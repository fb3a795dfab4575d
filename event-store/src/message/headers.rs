//! The headers of a message, written without an allocation a header: the relay writes sixteen for
//! every event of the log.

use std::borrow::Cow;

use rdkafka::message::{Header, OwnedHeaders};
use serde::Deserialize;
use uuid::Uuid;

use super::text::Text;
use crate::recorded::{Position, RecordedEvent};
use crate::trace::TRACEPARENT;

/// Most headers of a message.
const MOST: usize = 16;

/// The headers of the message that carries `event`.
pub fn headers<T: AsRef<str>>(
    event: &RecordedEvent<T>,
    epoch: Uuid,
    previous: Position,
) -> OwnedHeaders {
    headers_below(event, epoch, previous, None)
}

/// The same in a trace: `span` is the `traceparent` of the span that sends it. Without one it is that
/// of the event's metadata.
pub(crate) fn headers_below<T: AsRef<str>>(
    event: &RecordedEvent<T>,
    epoch: Uuid,
    previous: Position,
    span: Option<&str>,
) -> OwnedHeaders {
    let (id, subject, epoch) = (
        Text::of(event.event_id.as_hyphenated()),
        Text::of(event.aggregate_id.as_hyphenated()),
        Text::of(epoch.as_hyphenated()),
    );
    let source = ["/comptoir/", epoch.as_str(), "/", event.context()].concat();
    let (happened, recorded) = (Text::time(event.occurred_at), Text::time(event.recorded_at));
    let (sequence, position) = (Text::of(event.sequence), Text::of(event.position));
    let previous = Text::of(previous);
    let metadata = event.metadata.as_ref();
    let traceparent = span.map(Cow::Borrowed).or_else(|| traceparent(metadata));
    let fields = [
        ("ce_specversion", "1.0"),
        ("ce_id", id.as_str()),
        ("ce_source", &source),
        ("ce_type", event.event_type.as_ref()),
        ("ce_subject", subject.as_str()),
        ("ce_time", happened.as_str()),
        ("content-type", "application/json"),
        ("ce_aggregatetype", event.aggregate_type.as_ref()),
        ("ce_sequence", sequence.as_str()),
        ("ce_eventversion", event.event_version.as_ref()),
        ("ce_recordedat", recorded.as_str()),
        ("ce_epoch", epoch.as_str()),
        ("ce_position", position.as_str()),
        ("ce_previous", previous.as_str()),
        ("ce_metadata", metadata),
        (TRACEPARENT, traceparent.as_deref().unwrap_or_default()),
    ];
    let present = match traceparent {
        Some(_) => &fields[..],
        None => &fields[..MOST - 1],
    };
    let mut headers = OwnedHeaders::new_with_capacity(MOST);
    for (key, value) in present {
        let value = Some(*value);
        headers = headers.insert(Header { key, value });
    }
    headers
}

#[derive(Deserialize)]
struct Trace<'a> {
    #[serde(borrow)]
    traceparent: Option<Cow<'a, str>>,
}

fn traceparent(metadata: &str) -> Option<Cow<'_, str>> {
    let trace: Trace<'_> = serde_json::from_str(metadata).ok()?;
    trace.traceparent
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use chrono::{DateTime, SecondsFormat, Utc};
    use rdkafka::message::Headers;

    use super::*;

    fn event(metadata: &str) -> RecordedEvent {
        let at = |text: &str| text.parse().expect("a time");
        RecordedEvent {
            position: 12,
            event_id: Uuid::from_u128(1),
            aggregate_type: "hotels.reservation".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            sequence: 3,
            event_type: "ReservationBooked".to_owned(),
            event_version: "1.0".to_owned(),
            payload: "{}".to_owned(),
            metadata: metadata.to_owned(),
            recorded_at: at("2030-08-01T02:03:04.000050Z"),
            occurred_at: at("1999-12-31T23:59:59.999999Z"),
            partition: 0,
        }
    }

    fn value(headers: &OwnedHeaders, key: &str) -> Option<String> {
        let found = headers.iter().find(|header| header.key == key)?;
        String::from_utf8(found.value?.to_vec()).ok()
    }

    #[test]
    fn every_attribute_is_there() {
        let event = event(r#"{"actor":"a","traceparent":"00-1-2-01"}"#);
        let headers = headers(&event, Uuid::from_u128(9), 7);
        let micros = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
        for (key, expected) in [
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", event.event_id.to_string()),
            (
                "ce_source",
                format!("/comptoir/{}/hotels", Uuid::from_u128(9)),
            ),
            ("ce_type", event.event_type.clone()),
            ("ce_subject", event.aggregate_id.to_string()),
            ("ce_time", micros(event.occurred_at)),
            ("content-type", "application/json".to_owned()),
            ("ce_aggregatetype", event.aggregate_type.clone()),
            ("ce_sequence", "3".to_owned()),
            ("ce_eventversion", "1.0".to_owned()),
            ("ce_recordedat", micros(event.recorded_at)),
            ("ce_epoch", Uuid::from_u128(9).to_string()),
            ("ce_position", "12".to_owned()),
            ("ce_previous", "7".to_owned()),
            ("ce_metadata", event.metadata.clone()),
            ("traceparent", "00-1-2-01".to_owned()),
        ] {
            assert_eq!(
                value(&headers, key).as_deref(),
                Some(expected.as_str()),
                "{key}"
            );
        }
        assert_eq!(headers.count(), MOST);
    }

    #[test]
    fn without_a_trace_there_is_no_header_of_it() {
        let headers = headers(&event("{}"), Uuid::nil(), -1);
        assert_eq!(value(&headers, "traceparent"), None);
        assert_eq!(value(&headers, "ce_previous").as_deref(), Some("-1"));
    }
}
