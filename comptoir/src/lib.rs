//! The one binary: every service, alone or all in one process.

pub mod cli;
pub mod contexts;
pub mod demo;
pub mod embedded;
pub mod http;
pub mod restored;
pub mod services;
pub mod settings;
pub mod up;
