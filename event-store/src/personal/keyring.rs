//! The keyring: persons' keys from their table, unwrapped, and kept in memory for a short while.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use sqlx::PgPool;
use uuid::Uuid;

use super::key::{Bytes, Key, Keys, random};
use super::table::{self, Erasure, Row};
use super::{Error, KEPT, MasterKeys};

/// The most persons whose keys are kept in memory.
const MOST_CACHED: u64 = 10_000;

/// Persons' keys. Cloning it is cheap, and clones share what they keep.
#[derive(Clone)]
pub struct Keyring(Option<Arc<Inner>>);

struct Inner {
    /// Where the table of keys is.
    pool: PgPool,
    /// Whether that is another database than the log's.
    apart: bool,
    masters: MasterKeys,
    /// None is a key that was destroyed.
    cache: Cache<Uuid, Option<Arc<Key>>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(inner) => write!(f, "Keyring({:?})", inner.masters),
            None => f.write_str("Keyring(none)"),
        }
    }
}

impl Keyring {
    /// Of a process that neither stores nor shows personal data: sealing or opening any fails.
    pub fn none() -> Self {
        Self(None)
    }

    /// Keys in the log's own database, behind `pool`.
    pub fn beside_the_log(pool: PgPool, masters: MasterKeys) -> Self {
        Self::new(pool, false, masters)
    }

    /// Keys in another database than the log's.
    pub fn apart(pool: PgPool, masters: MasterKeys) -> Self {
        Self::new(pool, true, masters)
    }

    fn new(pool: PgPool, apart: bool, masters: MasterKeys) -> Self {
        let cache = Cache::builder()
            .max_capacity(MOST_CACHED)
            .time_to_live(KEPT)
            .build();
        Self(Some(Arc::new(Inner {
            pool,
            apart,
            masters,
            cache,
        })))
    }

    fn inner(&self) -> Result<&Inner, Error> {
        self.0.as_deref().ok_or(Error::NoKeyring)
    }

    /// Makes sure that every stored key can be unwrapped: that the ids of all master keys in use
    /// are configured, with the right keys.
    ///
    /// # Errors
    /// [`Error::NoMaster`], [`Error::Wrapped`], or the database is away.
    pub async fn check(&self) -> Result<(), Error> {
        let inner = self.inner()?;
        for row in table::one_of_each_master(&inner.pool).await? {
            inner.unwrap(&row)?;
        }
        Ok(())
    }

    /// The keys of `persons` to seal with; persons who have none get one. The table is always
    /// asked, so that an erasure elsewhere is known.
    ///
    /// # Errors
    /// See [`Error`]. A destroyed key is none here; sealing with it is.
    pub async fn for_sealing(&self, persons: &[Uuid]) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        let persons = distinct(persons);
        if persons.is_empty() {
            return Ok(keys);
        }
        let inner = self.inner()?;
        inner.fetch(&persons, &mut keys).await?;
        let mut new = Vec::new();
        for person in persons.iter().filter(|person| !keys.contains(**person)) {
            let bytes = random()?;
            new.push((*person, inner.masters.wrap(*person, &bytes)?, bytes));
        }
        if new.is_empty() {
            return Ok(keys);
        }
        let rows: Vec<(Uuid, &[u8])> = new.iter().map(|one| (one.0, one.1.as_slice())).collect();
        let made = table::insert(&inner.pool, &rows, inner.masters.current()).await?;
        for (person, _, bytes) in new.iter().filter(|one| made.contains(&one.0)) {
            inner.keep(*person, Some(bytes), &mut keys)?;
        }
        // Others were faster with the rest: theirs are the keys.
        let theirs = persons.iter().filter(|person| !keys.contains(**person));
        let theirs: Vec<Uuid> = theirs.copied().collect();
        inner.fetch(&theirs, &mut keys).await?;
        Ok(keys)
    }

    /// The keys of `persons` to open with. What is in memory is not asked for again.
    ///
    /// # Errors
    /// See [`Error`]. A key that is not there at all is none here; opening with it is.
    pub async fn for_opening(&self, persons: &[Uuid]) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        let persons = distinct(persons);
        if persons.is_empty() {
            return Ok(keys);
        }
        let inner = self.inner()?;
        let mut unknown = Vec::new();
        for person in persons {
            match inner.cache.get(&person) {
                Some(key) => keys.insert(person, key),
                None => unknown.push(person),
            }
        }
        inner.fetch(&unknown, &mut keys).await?;
        Ok(keys)
    }

    /// The keys of `persons` when all of them are in memory, for those who can't wait. An erasure
    /// of the last [`KEPT`] may be missed; what is sealed with such a key is null a moment later.
    pub fn cached(&self, persons: &[Uuid]) -> Option<Keys> {
        let mut keys = Keys::default();
        for person in persons {
            keys.insert(*person, self.0.as_ref()?.cache.get(person)?);
        }
        Some(keys)
    }

    /// Destroys the key of `person`, and forgets the answers kept for that person's retries, which
    /// are in `log`.
    ///
    /// # Errors
    /// When a database is away; done again it goes on.
    pub async fn erase(&self, log: &PgPool, person: Uuid) -> Result<Erasure, Error> {
        let inner = self.inner()?;
        let apart = inner.apart.then_some(log);
        let erasure = table::erase(&inner.pool, apart, person).await?;
        inner.cache.insert(person, None);
        Ok(erasure)
    }

    /// The persons whose keys were destroyed in so long a time, up to now; none where nothing
    /// personal is opened anyway.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn erased_within(&self, time: Duration) -> Result<Vec<Uuid>, Error> {
        match &self.0 {
            Some(inner) => Ok(table::erased_within(&inner.pool, time).await?),
            None => Ok(Vec::new()),
        }
    }

    /// Takes what is too old out of memory. What is too old is not used even before.
    pub(crate) fn tidy(&self) {
        if let Some(inner) = &self.0 {
            inner.cache.run_pending_tasks();
        }
    }
}

fn distinct(persons: &[Uuid]) -> Vec<Uuid> {
    let mut distinct = persons.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

impl Inner {
    async fn fetch(&self, persons: &[Uuid], keys: &mut Keys) -> Result<(), Error> {
        if persons.is_empty() {
            return Ok(());
        }
        for row in table::select(&self.pool, persons).await? {
            let bytes = self.unwrap(&row)?;
            self.keep(row.person, bytes.as_ref(), keys)?;
        }
        Ok(())
    }

    fn unwrap(&self, row: &Row) -> Result<Option<Bytes>, Error> {
        let Some((master, wrapped)) = &row.key else {
            return Ok(None);
        };
        self.masters.unwrap(row.person, master, wrapped).map(Some)
    }

    fn keep(&self, person: Uuid, bytes: Option<&Bytes>, keys: &mut Keys) -> Result<(), Error> {
        let key = bytes.map(|bytes| Key::new(bytes)).transpose()?;
        let key = key.map(Arc::new);
        self.cache.insert(person, key.clone());
        keys.insert(person, key);
        Ok(())
    }
}
