//! What is said of the parts of a tree, the same in text and in the picture.

use chrono::{DateTime, Utc};

use super::tree::{Append, Event, Origin, Outcome, Reaction};

/// A time as people read it.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string()
}

impl Origin {
    /// Where it began, and who asked.
    pub(super) fn words(&self) -> (String, String) {
        let request = match (&self.request_id, self.caused_by) {
            (_, Some(cause)) => format!("event {cause}, which was not found or is too far back"),
            (Some(request), None) if !request.is_empty() => match request.starts_with("policy ") {
                true => request.clone(),
                false => format!("request {request}"),
            },
            (_, None) => "a request that is not known".to_owned(),
        };
        let who = match &self.actor {
            Some(actor) => format!("by account {actor}"),
            None => "by nobody who was signed in".to_owned(),
        };
        (request, who)
    }
}

impl Append {
    /// When it was stored.
    pub(super) fn words(&self) -> String {
        match self.imported {
            false => time(self.recorded_at),
            true => format!("{}, imported", time(self.recorded_at)),
        }
    }
}

impl Event {
    /// What happened, and to whom.
    pub(super) fn words(&self) -> (String, String) {
        let stream = format!("{} {}", self.stream.aggregate_type, self.stream.id);
        (
            format!("{} {}", self.position, self.event_type),
            format!("{stream}, version {}", self.version),
        )
    }
}

impl Reaction {
    /// Who did what, and what came of it.
    pub(super) fn words(&self) -> (String, String) {
        let who = match &self.timer {
            Some(timer) => format!("{}, timer {timer}", self.by),
            None => self.by.clone(),
        };
        let due = self.due_at.map(time).unwrap_or_default();
        let came = match &self.outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Refused { code } => format!("refused: {code}"),
            Outcome::Pending => format!("due {due}"),
            Outcome::Cancelled => "cancelled".to_owned(),
            Outcome::Failed { why } => format!("failed, and waits for an operator: {why}"),
            Outcome::Parked { why: Some(why) } => format!("parked: {why}"),
            Outcome::Parked { why: None } => "parked behind another event".to_owned(),
        };
        match self.at {
            Some(at) => (who, format!("{came} {}", time(at))),
            None => (who, came),
        }
    }
}

/// What is said where there is more.
pub(super) const MORE: &str = "more followed than is shown";
