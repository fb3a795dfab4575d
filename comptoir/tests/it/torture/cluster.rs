//! A PostgreSQL of the torture's own, to be crashed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;

use comptoir::embedded::Lifetime;
use comptoir::embedded::postgres::Postgres;
use comptoir::services::migrate;
use comptoir::settings::Databases;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{signal, wait_for};

pub struct Cluster {
    home: PathBuf,
    url: String,
    postgres: Option<Postgres>,
    /// How much it yields to the other tests of the run.
    niceness: u8,
}

impl Cluster {
    /// A new server with the log's tables in one database, and another database beside it.
    pub async fn start(home: &Path, niceness: u8) -> Self {
        let postgres = Postgres::start(home, Lifetime::Tied).await.unwrap();
        let databases = Databases {
            database_url: postgres.url().to_owned(),
            read_database_url: None,
        };
        migrate(&databases).await.unwrap();
        let cluster = Self {
            home: home.to_owned(),
            url: postgres.url().to_owned(),
            postgres: Some(postgres),
            niceness,
        };
        cluster.yield_to_others();
        let mut admin = cluster.connect("comptoir").await;
        let others = "CREATE TABLE public.scratch (id integer)";
        admin.execute(others).await.unwrap();
        admin.execute("CREATE DATABASE elsewhere").await.unwrap();
        cluster
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of the torture's own, once the server is there.
    pub async fn connect(&self, database: &str) -> PgConnection {
        let (server, _) = self.url.rsplit_once('/').unwrap();
        let url = format!("{server}/{database}?application_name=torture");
        wait_for("the server", super::LIMIT, || async {
            PgConnection::connect(&url).await.ok()
        })
        .await
    }

    /// Sends `signal` to the server itself and starts it again once it has ended.
    pub async fn crash(&mut self, name: &str) {
        let postgres = self.postgres.take().unwrap();
        signal(postgres.pid(), name);
        postgres.stop().await.unwrap();
        let postgres = Postgres::start(&self.home, Lifetime::Tied).await.unwrap();
        assert_eq!(postgres.url(), self.url, "the port was taken meanwhile");
        self.postgres = Some(postgres);
        self.yield_to_others();
    }

    fn yield_to_others(&self) {
        let pid = self.postgres.as_ref().unwrap().pid().to_string();
        let niceness = self.niceness.to_string();
        let reniced = Command::new("renice")
            .args(["-n", &niceness, "-p", &pid])
            .output();
        assert!(reniced.unwrap().status.success());
    }
}

/// The back-ends of services, those at work first.
pub async fn backends(admin: &mut PgConnection) -> Vec<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'comptoir' \
         ORDER BY state = 'idle', random()";
    sqlx::query_scalar(sql).fetch_all(admin).await.unwrap()
}

/// Ends these back-ends as an administrator would; gives how many there were.
pub async fn end_backends(admin: &mut PgConnection, pids: &[i32]) -> usize {
    let sql = "SELECT pid FROM unnest($1::integer[]) AS pid WHERE pg_terminate_backend(pid)";
    let ended = sqlx::query(sql).bind(pids).fetch_all(admin).await;
    ended.unwrap().len()
}
