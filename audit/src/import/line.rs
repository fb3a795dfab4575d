//! A line of an export, as the event that it was.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Timelike, Utc};
use event_store::{RecordedEvent, leaf_hash};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// An event whose texts are those of its line, where they stand there without escapes.
pub(super) type LineEvent<'a> = RecordedEvent<Cow<'a, str>>;

/// A CloudEvent as [`crate::export`] writes it. An attribute that is missing, or one more, is an
/// error: none is lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    id: Uuid,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    subject: Uuid,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(borrow)]
    aggregatetype: Cow<'a, str>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    eventversion: Cow<'a, str>,
    #[serde(borrow)]
    recordedat: Cow<'a, str>,
    epoch: Uuid,
    #[serde(borrow)]
    position: Cow<'a, str>,
    #[serde(borrow)]
    partition: Cow<'a, str>,
    #[serde(borrow)]
    leafhash: Cow<'a, str>,
    #[serde(borrow)]
    metadata: Cow<'a, str>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    data_base64: Option<Cow<'a, str>>,
}

/// What a line says, and what is wrong with that by itself.
pub(super) struct Parsed<'a> {
    pub(super) event: LineEvent<'a>,
    pub(super) fault: Option<String>,
}

/// Reads a line of an export of the log `epoch`.
///
/// # Errors
/// A sentence, when there is no event in it.
pub(super) fn parse(line: &[u8], epoch: Uuid) -> Result<Parsed<'_>, String> {
    let line: Line<'_> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let payload = match (line.data, &line.data_base64) {
        (Some(data), None) => Cow::Borrowed(data.get()),
        (None, Some(text)) => {
            let bytes = STANDARD.decode(&**text).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            Cow::Owned(text.ok_or("data_base64 is not a text in base64")?)
        }
        _ => return Err("it has not one of data and data_base64".to_owned()),
    };
    let event = RecordedEvent {
        position: number("position", &line.position)?,
        event_id: line.id,
        aggregate_type: line.aggregatetype,
        aggregate_id: line.subject,
        sequence: number("sequence", &line.sequence)?,
        event_type: line.event_type,
        event_version: line.eventversion,
        payload,
        metadata: line.metadata,
        recorded_at: time("recordedat", &line.recordedat)?,
        occurred_at: time("time", &line.time)?,
        partition: number("partition", &line.partition)?,
    };
    let source = format!("/comptoir/{epoch}/{}", event.context());
    let fault = if line.specversion != "1.0" {
        Some("it is not a CloudEvent of version 1.0".to_owned())
    } else if line.datacontenttype != "application/json" {
        Some("its data is not of the type application/json".to_owned())
    } else if line.epoch != epoch || line.source != source {
        Some(format!("it is of another source than {source}"))
    } else if serde_json::from_str::<HashMap<Cow<'_, str>, Cow<'_, str>>>(&event.metadata).is_err()
    {
        Some("its metadata is not a JSON object of strings".to_owned())
    } else if STANDARD.decode(&*line.leafhash).ok().as_deref() != Some(&leaf_hash(&event)) {
        Some("its leaf hash is not that of the event: it was altered".to_owned())
    } else {
        None
    };
    Ok(Parsed { event, fault })
}

fn number<N: std::str::FromStr>(name: &str, text: &str) -> Result<N, String> {
    let number = text.parse();
    number.map_err(|_| format!("{name} is {text:?}, which is no number"))
}

/// PostgreSQL keeps microseconds, and so does the leaf hash.
fn time(name: &str, text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    let time = time.filter(|time| time.nanosecond() % 1_000 == 0);
    let time = time.ok_or_else(|| format!("{name} is {text:?}, which is no time in microseconds"));
    Ok(time?.to_utc())
}
