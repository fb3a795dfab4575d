//! What is read of requests: whatever comes, it is what we gave or it is refused.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod consistency;
mod derived_tokens;
mod headers;
mod tokens;

use proptest::prelude::*;
use proptest::sample::Index;

/// A text that is not the one given: a byte of it changed, cut at either end, or grown.
#[derive(Debug, Clone)]
enum Change {
    Byte(Index, char),
    CutAfter(Index),
    CutBefore(Index),
    Append(char),
    Without(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let letter = || proptest::char::range('!', '~');
    prop_oneof![
        4 => (any::<Index>(), letter()).prop_map(|(at, to)| Change::Byte(at, to)),
        1 => any::<Index>().prop_map(Change::CutAfter),
        1 => any::<Index>().prop_map(Change::CutBefore),
        1 => letter().prop_map(Change::Append),
        1 => any::<Index>().prop_map(Change::Without),
    ]
}

impl Change {
    /// None when it changes nothing.
    fn apply(&self, text: &str) -> Option<String> {
        let mut letters: Vec<char> = text.chars().collect();
        let count = letters.len();
        match self {
            Self::Byte(at, to) => letters[at.index(count)] = *to,
            Self::CutAfter(at) => letters.truncate(at.index(count)),
            Self::CutBefore(at) => drop(letters.drain(..=at.index(count))),
            Self::Append(letter) => letters.push(*letter),
            Self::Without(at) => drop(letters.remove(at.index(count))),
        }
        let changed: String = letters.into_iter().collect();
        (changed != text).then_some(changed)
    }
}
