//! The PostgreSQL and the Kafka of the run: real ones, of our own, that end with it.

use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{LazyLock, OnceLock};

use comptoir::embedded::Lifetime;
use comptoir::embedded::kafka::Kafka;
use comptoir::embedded::postgres::Postgres;
use comptoir::services::migrate;
use comptoir::settings::{Databases, Kafka as Settings};
use sqlx::{Connection, Executor, PgConnection};
use tokio::runtime::Runtime;
use uuid::Uuid;

/// A runtime that outlives every test.
static BACKGROUND: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static SERVERS: OnceLock<Servers> = OnceLock::new();

pub struct Servers {
    pub postgres: Postgres,
    pub kafka: Kafka,
}

/// Runs `task` on the runtime that outlives every test.
pub fn on_background<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    std::thread::spawn(move || BACKGROUND.block_on(task))
        .join()
        .unwrap()
}

/// The servers of the run.
pub fn servers() -> &'static Servers {
    SERVERS.get_or_init(|| on_background(start()))
}

async fn start() -> Servers {
    let tools = Kafka::find_tools()
        .unwrap_or_else(|missing| panic!("the tests need a real Kafka: {missing}"));
    let folder = folder();
    let (postgres, kafka) = (folder.join("postgres"), folder.join("kafka"));
    let (postgres, kafka) = tokio::try_join!(
        Postgres::start(&postgres, Lifetime::Tied),
        Kafka::start(&tools, &kafka, Lifetime::Tied),
    )
    .unwrap();
    let mut admin = PgConnection::connect(postgres.url()).await.unwrap();
    admin.execute("CREATE DATABASE pattern").await.unwrap();
    let databases = Databases {
        database_url: of_database(postgres.url(), "pattern"),
        read_database_url: None,
    };
    migrate(&databases).await.unwrap();
    Servers { postgres, kafka }
}

/// A folder that PostgreSQL's own user reaches; those of runs that are over are taken away.
fn folder() -> PathBuf {
    let temporary = std::env::temp_dir();
    for entry in std::fs::read_dir(&temporary).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(pid) = name.strip_prefix("comptoir-tests-")
            && !PathBuf::from(format!("/proc/{pid}")).exists()
        {
            let _still_in_use = std::fs::remove_dir_all(entry.path());
        }
    }
    let folder = temporary.join(format!("comptoir-tests-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn of_database(url: &str, name: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

impl Servers {
    /// The run's Kafka, with topics that nobody else has.
    pub fn own_topics(&self) -> Settings {
        Settings {
            kafka_brokers: Some(self.kafka.brokers().to_owned()),
            topic_prefix: format!("t{}", Uuid::new_v4().simple()),
            replication: 1,
        }
    }

    /// A database with nothing in it; gives its URL.
    pub async fn empty_database(&self) -> String {
        let name = format!("e{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(self.postgres.url()).await.unwrap();
        let create = format!("CREATE DATABASE {name}");
        admin.execute(create.as_str()).await.unwrap();
        of_database(self.postgres.url(), &name)
    }

    /// A database of its own, with every table and no row.
    pub async fn database(&self) -> Databases {
        let name = format!("t{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(self.postgres.url()).await.unwrap();
        // Two copies of one template at once are refused.
        admin.execute("SELECT pg_advisory_lock(1)").await.unwrap();
        let copy = format!("CREATE DATABASE {name} TEMPLATE pattern");
        admin.execute(copy.as_str()).await.unwrap();
        admin.close().await.unwrap();
        Databases {
            database_url: of_database(self.postgres.url(), &name),
            read_database_url: None,
        }
    }
}
