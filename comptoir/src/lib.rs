//! The one binary: every service, alone or all in one process.

pub mod cli;
pub mod contexts;
pub mod demo {
    #![allow(missing_docs)]
    pub struct Options { pub url: String, pub email: String, pub password: String, pub progress: std::path::PathBuf }
    pub struct Report;
    impl Report { pub fn table(&self) -> String { String::new() } }
    pub async fn play(_: &Options) -> anyhow::Result<Report> { Ok(Report) }
}
pub mod embedded;
pub mod http;
pub mod services;
pub mod settings;
pub mod up;
