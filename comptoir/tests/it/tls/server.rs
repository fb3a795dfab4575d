//! A PostgreSQL that demands TLS, and passwords in each of the ways there are.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use comptoir::embedded::Lifetime;
use comptoir::embedded::postgres::Postgres;
use comptoir::services::migrate;
use comptoir::settings::Databases;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

use crate::support::{open_folder, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tls");
pub const PASSWORD: &str = "p%w@d:/ü";
/// [`PASSWORD`] in a URL.
pub const ENCODED: &str = "p%25w%40d%3A%2F%C3%BC";

/// The last line lets those in who do without TLS where there is none.
const ACCESS: &str = "\
host    all comptoir  127.0.0.1/32 scram-sha-256
hostssl all scram     127.0.0.1/32 scram-sha-256
hostssl all md5       127.0.0.1/32 md5
hostssl all clear     127.0.0.1/32 password
hostssl all certified 127.0.0.1/32 cert
host    all plain     127.0.0.1/32 scram-sha-256
";

pub struct Server {
    postgres: Postgres,
    home: TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let home = open_folder();
        let postgres = Postgres::start(home.path(), Lifetime::Tied).await.unwrap();
        let databases = Databases {
            database_url: postgres.url().to_owned(),
            read_database_url: None,
        };
        migrate(&databases).await.unwrap();
        let server = Self { postgres, home };
        let mut admin = server.admin().await;
        for (role, kept) in [
            ("scram", "scram-sha-256"),
            ("md5", "md5"),
            ("clear", "scram-sha-256"),
            ("certified", "scram-sha-256"),
            ("plain", "scram-sha-256"),
        ] {
            let sql = format!(
                "SET password_encryption = '{kept}'; CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{PASSWORD}'"
            );
            admin.execute(sql.as_str()).await.unwrap();
        }
        server.give("pg_hba.conf", ACCESS.as_bytes());
        for name in ["ca.pem", "server.pem", "elsewhere.pem", "server.key"] {
            server.give(name, &fs::read(Path::new(MADE).join(name)).unwrap());
        }
        // A client's paths may need encoding in a URL.
        fs::create_dir(server.home.path().join("a & b")).unwrap();
        for name in ["ca.pem", "other-ca.pem", "client.pem", "server.key"] {
            let copy = server.home.path().join("a & b").join(name);
            fs::copy(Path::new(MADE).join(name), copy).unwrap();
        }
        let settings = [
            "ssl_cert_file = 'server.pem'",
            "ssl_key_file = 'server.key'",
            "ssl_ca_file = 'ca.pem'",
            "ssl = on",
        ];
        server.set(&settings).await;
        server
    }

    /// A file of the server's own in its data folder.
    fn give(&self, name: &str, bytes: &[u8]) {
        let data: PathBuf = self.home.path().join("data");
        let file = data.join(name);
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let owner = fs::metadata(&data).unwrap();
        chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
    }

    /// Changes settings, and waits until new connections have them.
    pub async fn set(&self, settings: &[&str]) {
        let mut admin = self.admin().await;
        let loaded = "SELECT pg_conf_load_time()";
        let before: DateTime<Utc> = sqlx::query_scalar(loaded)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        for setting in settings {
            let sql = format!("ALTER SYSTEM SET {setting}");
            admin.execute(sql.as_str()).await.unwrap();
        }
        admin.execute("SELECT pg_reload_conf()").await.unwrap();
        wait_for("the new settings", LIMIT, || async {
            let mut fresh = self.admin().await;
            let now = sqlx::query_scalar(loaded).fetch_one(&mut fresh).await;
            let now: DateTime<Utc> = now.unwrap();
            (now > before).then_some(())
        })
        .await;
    }

    pub async fn admin(&self) -> PgConnection {
        let url = format!("{}?application_name=tests", self.postgres.url());
        PgConnection::connect(&url).await.unwrap()
    }

    /// The URL for `user`, who is `name` or `name:password`, with the `settings` of libpq.
    pub fn url(&self, user: &str, settings: &str) -> String {
        let (_, address) = self.postgres.url().rsplit_once('@').unwrap();
        format!("postgres://{user}@{address}?{settings}")
    }

    /// A file that a client has, in a URL.
    pub fn file(&self, name: &str) -> String {
        format!("{}/a%20%26%20b/{name}", self.home.path().display())
    }
}
