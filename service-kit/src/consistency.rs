//! Consistency tokens: how a client reads its own writes.
//!
//! A command answers with the place of every stream it touched; a query that brings the token
//! waits until what it reads contains them.

use std::fmt::Write;
use std::str::FromStr;

use axum::http::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The header that carries the token both ways.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// The most places that a token may name.
const MOST_PLACES: usize = 200;

/// A place in a topic partition that a query must have passed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The context of the topic.
    pub context: String,
    /// The partition.
    pub partition: i32,
    /// The position in the log.
    pub position: i64,
}

/// What a query must contain. Its text is opaque to clients: base64url of
/// `<epoch>;<context>/<partition>=<position>;…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyToken {
    epoch: Uuid,
    places: Vec<Place>,
}

/// Not a token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a consistency token")]
pub struct NotAToken;

impl ConsistencyToken {
    /// A token of the log `epoch` for `places`; of several in one partition the last counts.
    pub fn new(epoch: Uuid, mut places: Vec<Place>) -> Self {
        places.sort();
        places.reverse();
        places.dedup_by(|next, kept| {
            next.context == kept.context && next.partition == kept.partition
        });
        places.reverse();
        Self { epoch, places }
    }

    /// The log that it speaks of.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// The places, one a partition.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The token as a header value.
    pub fn encode(&self) -> String {
        let mut text = self.epoch.simple().to_string();
        for place in &self.places {
            let (context, partition, position) = (&place.context, place.partition, place.position);
            // Writing to a string can't fail.
            let _written = write!(text, ";{context}/{partition}={position}");
        }
        URL_SAFE_NO_PAD.encode(text)
    }
}

impl FromStr for ConsistencyToken {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAToken)?;
        let text = String::from_utf8(bytes).map_err(|_| NotAToken)?;
        let mut parts = text.split(';');
        let epoch = parts.next().unwrap_or_default();
        let epoch = Uuid::try_parse(epoch).map_err(|_| NotAToken)?;
        let places: Vec<Place> = parts.map(place).collect::<Result<_, _>>()?;
        if places.len() > MOST_PLACES {
            return Err(NotAToken);
        }
        Ok(Self::new(epoch, places))
    }
}

fn place(text: &str) -> Result<Place, NotAToken> {
    let (topic, position) = text.split_once('=').ok_or(NotAToken)?;
    let (context, partition) = topic.split_once('/').ok_or(NotAToken)?;
    Ok(Place {
        context: context.to_owned(),
        partition: partition.parse().map_err(|_| NotAToken)?,
        position: position.parse().map_err(|_| NotAToken)?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn at(context: &str, partition: i32, position: i64) -> Place {
        let context = context.to_owned();
        Place {
            context,
            partition,
            position,
        }
    }

    #[test]
    fn survives_the_way_to_a_client_and_back_and_keeps_the_last_of_a_partition() {
        let places = vec![at("b", 1, 5), at("a", 2, 9), at("b", 1, 7), at("b", 0, 6)];
        let token = ConsistencyToken::new(Uuid::from_u128(7), places);
        let kept = [at("a", 2, 9), at("b", 0, 6), at("b", 1, 7)];
        assert_eq!(token.places(), kept);
        assert_eq!(token.encode().parse(), Ok(token));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "x", "bm8", "é", &URL_SAFE_NO_PAD.encode("x;y")] {
            assert_eq!(text.parse::<ConsistencyToken>(), Err(NotAToken), "{text}");
        }
    }
}
