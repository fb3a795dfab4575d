//! What every service shares: configuration of tokens, problems, health, telemetry and shutdown.

pub mod access;
pub mod conditional;
pub mod consistency;
pub mod cookies;
pub mod derived_token;
pub mod door;
pub mod extract;
pub mod health;
pub mod keys;
pub mod limits;
pub mod measure;
pub mod problem;
mod process;
pub mod server;
pub mod shapes;
pub mod supervise;
pub mod telemetry;
pub mod token;
pub mod traces;
