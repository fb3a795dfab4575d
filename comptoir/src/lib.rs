//! The one binary: every service, alone or all in one process.

mod audit;
mod bench;
pub mod cli;
pub mod contexts;
pub mod demo;
pub mod embedded;
pub mod http;
pub mod keys;
pub mod measure;
mod projections;
pub mod restored;
pub mod services;
pub mod settings;
mod table;
pub mod up;
mod workers;
