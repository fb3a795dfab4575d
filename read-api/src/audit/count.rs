//! A number of events or versions, as a parameter.

use serde::Deserialize;

/// 0 or more, and no more than the log can have: anything else is no such parameter.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(try_from = "i64")]
pub(super) struct Count(i64);

impl Count {
    pub(super) fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Count {
    type Error = &'static str;

    fn try_from(count: i64) -> Result<Self, &'static str> {
        match count < 0 {
            true => Err("it is 0 or more"),
            false => Ok(Self(count)),
        }
    }
}
