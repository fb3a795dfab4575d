//! Money in minor units, never a float.

use serde::{Deserialize, Serialize};

/// The largest amount that a request may name, in minor units; sums of a year's nights fit an i64.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000;

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In minor units (cents).
    pub amount: i64,
    /// ISO 4217.
    pub currency: Currency,
}

/// A currency code of ISO 4217: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code as text.
    pub fn as_str(&self) -> &str {
        // Only capital ASCII letters get in.
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(code: String) -> Result<Self, InvalidCurrency> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_uppercase) => Ok(Self(bytes)),
            _ => Err(InvalidCurrency),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

/// Not a currency code.
#[derive(Debug, thiserror::Error)]
#[error("a currency is three capital letters, such as EUR")]
pub struct InvalidCurrency;

impl Money {
    /// `amount` minor units of `currency`.
    pub fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// This amount `times` over; none when it would not fit.
    pub fn times(&self, times: u32) -> Option<Self> {
        let amount = self.amount.checked_mul(i64::from(times))?;
        Some(Self::new(amount, self.currency))
    }
}
