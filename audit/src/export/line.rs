//! An event as a line: a CloudEvent of version 1.0 in its JSON format, with the names that the
//! headers of its message in Kafka have. What the log stores stands in it byte for byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event_store::BorrowedEvent;
use event_store::message::Text;
use serde::de::IgnoredAny;
use uuid::Uuid;

/// The digits of an escaped control character.
const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes the events of one log.
pub(crate) struct Lines {
    epoch: String,
}

impl Lines {
    pub(crate) fn of(epoch: Uuid) -> Self {
        Self {
            epoch: epoch.to_string(),
        }
    }

    /// Adds the line of `event` to `out`. `leaf_hash` is the one that stands with it in the log.
    pub(crate) fn push(&self, out: &mut Vec<u8>, event: &BorrowedEvent<'_>, leaf_hash: &[u8]) {
        let mut buffer = Uuid::encode_buffer();
        out.extend_from_slice(br#"{"specversion":"1.0","id":""#);
        let id = event.event_id.as_hyphenated().encode_lower(&mut buffer);
        out.extend_from_slice(id.as_bytes());
        out.extend_from_slice(br#"","source":"/comptoir/"#);
        out.extend_from_slice(self.epoch.as_bytes());
        out.push(b'/');
        escape(out, event.context());
        attribute(out, "type", event.event_type);
        let subject = event.aggregate_id.as_hyphenated().encode_lower(&mut buffer);
        plain(out, "subject", subject);
        plain(out, "time", Text::time(event.occurred_at).as_str());
        plain(out, "datacontenttype", "application/json");
        attribute(out, "aggregatetype", event.aggregate_type);
        plain(out, "sequence", Text::of(event.sequence).as_str());
        attribute(out, "eventversion", event.event_version);
        plain(out, "recordedat", Text::time(event.recorded_at).as_str());
        plain(out, "epoch", &self.epoch);
        plain(out, "position", Text::of(event.position).as_str());
        plain(out, "partition", Text::of(event.partition).as_str());
        let mut hash = [0; 64];
        match STANDARD.encode_slice(leaf_hash, &mut hash) {
            Ok(length) => plain(out, "leafhash", &String::from_utf8_lossy(&hash[..length])),
            // One that is longer than a hash is none; it stays as it is, for who looks into it.
            Err(_) => plain(out, "leafhash", &STANDARD.encode(leaf_hash)),
        }
        attribute(out, "metadata", event.metadata);
        match is_embeddable(event.payload) {
            true => {
                out.extend_from_slice(br#"","data":"#);
                out.extend_from_slice(event.payload.as_bytes());
            }
            false => {
                out.extend_from_slice(br#"","data_base64":""#);
                out.extend_from_slice(STANDARD.encode(event.payload).as_bytes());
                out.push(b'"');
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Ends the text before and begins another attribute, whose text needs no escapes.
fn plain(out: &mut Vec<u8>, name: &str, value: &str) {
    begin(out, name);
    out.extend_from_slice(value.as_bytes());
}

/// The same, of any text.
fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    begin(out, name);
    escape(out, value);
}

fn begin(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(br#"",""#);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#"":""#);
}

/// The inside of a JSON string (RFC 8259 §7).
fn escape(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&bytes[written..]);
}

/// Whether a payload can stand in a line and be taken from it again byte for byte: it is JSON, on
/// one line, with nothing around it.
fn is_embeddable(payload: &str) -> bool {
    !payload.contains(['\n', '\r'])
        && payload.trim().len() == payload.len()
        && serde_json::from_str::<IgnoredAny>(payload).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use event_store::RecordedEvent;
    use serde_json::{Value, json};

    use super::*;

    fn event<'a>(metadata: &'a str, payload: &'a str) -> BorrowedEvent<'a> {
        RecordedEvent {
            position: 12,
            event_id: Uuid::from_u128(1),
            aggregate_type: "hotels.reservation",
            aggregate_id: Uuid::from_u128(2),
            sequence: 3,
            event_type: "ReservationBooked",
            event_version: "1",
            payload,
            metadata,
            recorded_at: "2030-08-01T02:03:04.000050Z".parse().unwrap(),
            occurred_at: "1999-12-31T23:59:59.999999Z".parse().unwrap(),
            partition: 4,
        }
    }

    fn line(event: &BorrowedEvent<'_>) -> Value {
        let mut out = Vec::new();
        Lines::of(Uuid::from_u128(9)).push(&mut out, event, &[7; 32]);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_line_is_a_cloud_event_with_all_that_the_log_stores() {
        let metadata = "{\"actor\":\"a \\\\ b\",\n\"tab\":\"\t\u{1}é\"}";
        let expected = json!({
            "specversion": "1.0", "id": Uuid::from_u128(1),
            "source": format!("/comptoir/{}/hotels", Uuid::from_u128(9)),
            "type": "ReservationBooked", "subject": Uuid::from_u128(2),
            "time": "1999-12-31T23:59:59.999999Z", "datacontenttype": "application/json",
            "aggregatetype": "hotels.reservation", "sequence": "3", "eventversion": "1",
            "recordedat": "2030-08-01T02:03:04.000050Z", "epoch": Uuid::from_u128(9),
            "position": "12", "partition": "4", "leafhash": STANDARD.encode([7; 32]),
            "metadata": metadata, "data": { "rooms": 1 },
        });
        assert_eq!(line(&event(metadata, r#"{"rooms":1}"#)), expected);
    }

    #[test]
    fn a_payload_that_has_no_place_in_a_line_is_encoded() {
        for payload in ["{\n}", " {}", "{}\u{a0}", "no JSON", "{}\r"] {
            let line = line(&event("{}", payload));
            assert_eq!(line.get("data"), None);
            assert_eq!(line["data_base64"], STANDARD.encode(payload));
        }
    }
}
