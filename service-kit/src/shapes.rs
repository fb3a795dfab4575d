//! Shapes that both APIs document the same way.

use serde::Serialize;
use utoipa::ToSchema;

/// Money in minor units, never a float.
#[derive(Debug, Serialize, ToSchema)]
pub struct MoneyShape {
    /// In minor units: 4650 is 46.50 EUR.
    #[schema(example = 4650, minimum = 0)]
    pub amount: i64,
    /// ISO 4217.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
}

/// What an account may be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleShape {
    /// Runs the platform.
    Admin,
    /// Sells products and workshops.
    Seller,
    /// Buys, books and stays.
    Buyer,
    /// Runs hotels.
    Hotelier,
    /// Teaches sessions.
    Trainer,
    /// Learns in sessions.
    Student,
    /// Trains models.
    Analyst,
}
