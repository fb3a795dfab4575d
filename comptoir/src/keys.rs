//! `comptoir keys`: the persons' keys, and the master keys that wrap them.

use std::io::{BufRead, Write};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use event_store::database;
use event_store::personal::{self, Erasure, MasterKeys};
use sqlx::PgPool;
use uuid::Uuid;

use crate::settings::KeysDatabase;

/// What is done with keys.
#[derive(Args)]
pub struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Tells how many persons' keys each master key wraps.
    Status(Store),
    /// Wraps every person's key by the first master key. Killed, it goes on when started again.
    Rewrap(Store),
    /// Destroys a person's key: what is sealed with it can be read by nobody any more.
    Erase(Erase),
}

/// Where the keys are.
#[derive(Args)]
struct Store {
    /// The log's PostgreSQL.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[command(flatten)]
    keys_database: KeysDatabase,
    /// The master keys: id:base64-of-32-bytes, the current one first, separated by commas.
    #[arg(long, env = "COMPTOIR_PERSONAL_KEYS", hide_env_values = true)]
    personal_keys: Option<String>,
}

#[derive(Args)]
struct Erase {
    /// The account of the person.
    person: Uuid,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    store: Store,
}

impl KeysCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// When a database is away, or master keys are missing or wrong.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.action {
            Action::Status(store) => status(&store).await,
            Action::Rewrap(store) => rewrap(&store).await,
            Action::Erase(erase) => erase.run().await,
        }
    }
}

impl Store {
    fn log(&self) -> anyhow::Result<PgPool> {
        database::pool(&self.database_url, "log", 2).context("DATABASE_URL")
    }

    fn keys(&self) -> anyhow::Result<PgPool> {
        match self.keys_database.pool()? {
            Some(apart) => Ok(apart),
            None => self.log(),
        }
    }

    fn masters(&self) -> anyhow::Result<Option<MasterKeys>> {
        let parsed = self.personal_keys.as_ref().map(|text| text.parse());
        parsed.transpose().context("COMPTOIR_PERSONAL_KEYS")
    }
}

async fn status(store: &Store) -> anyhow::Result<()> {
    let status = personal::status(&store.keys()?).await?;
    let masters = store.masters()?;
    for (id, keys) in &status.wrapped {
        let known = match &masters {
            None => "",
            Some(masters) if masters.current() == id => ", the current one",
            Some(masters) if masters.ids().any(|one| one == id) => ", an older one",
            Some(_) => ", which COMPTOIR_PERSONAL_KEYS does not have",
        };
        println!("{keys} keys are wrapped by the master key {id}{known}");
    }
    println!("{} keys were destroyed", status.erased);
    Ok(())
}

async fn rewrap(store: &Store) -> anyhow::Result<()> {
    let masters = store.masters()?;
    let masters = masters.context("rewrapping needs COMPTOIR_PERSONAL_KEYS")?;
    let wrapped = personal::rewrap(&store.keys()?, &masters).await?;
    println!(
        "{wrapped} keys were wrapped anew; all are wrapped by the master key {}",
        masters.current()
    );
    Ok(())
}

impl Erase {
    async fn run(self) -> anyhow::Result<()> {
        let person = self.person;
        if !self.yes && !confirmed(person)? {
            bail!("nothing was done");
        }
        let (keys, log) = (self.store.keys()?, self.store.log()?);
        let apart = self.store.keys_database.keys_database_url.is_some();
        println!(
            "{}",
            match personal::erase(&keys, apart.then_some(&log), person).await? {
                Erasure::Destroyed =>
                    format!("the key of {person} is destroyed; services forget it within a minute"),
                Erasure::Before => format!("the key of {person} had been destroyed before"),
                Erasure::NoKey => format!("{person} had no key, and will never have one"),
            }
        );
        Ok(())
    }
}

fn confirmed(person: Uuid) -> anyhow::Result<bool> {
    print!(
        "The personal data of {person} can be read by nobody any more, for ever. \
         Type the id again to go on: "
    );
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == person.to_string())
}
