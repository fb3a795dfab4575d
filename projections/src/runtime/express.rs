//! The fast way of batches whose events are new, whole and in order: what is there is locked and
//! loaded in one flight, what changes is written and committed in another.
//!
//! Where anything is the matter (a hole, an event that was seen before, a parked stream, a row that
//! is refused, a connection that breaks) nothing is committed, and the batches go the careful way,
//! which finds out what it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_store::RecordedEvent;
use event_store::wire::{self, Rows, Target};
use sqlx::PgPool;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::apply::{ApplyError, Statement, Work};
use super::batch::{Counted, new_events};
use super::checkpoint::{self, Reached, Watermark, Watermarks};
use super::delivered::{Batch, Place};
use super::lines::{self, Shape};
use super::measure::Observed;
use super::moved::Moved;
use super::projection::Registered;
use super::run::Projector;
use super::session::{SETTINGS, Session, Value};
use super::slot::Slot;
use super::{READ, claims, park, row_locks};

/// A flight of this size never waits for its answers to be read.
const SMALL: usize = 16 * 1024;

/// Why batches do not go the fast way.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotExpress {
    /// Something that the careful way deals with.
    #[error("{0}")]
    Careful(&'static str),
    /// A statement was refused, or the connection broke.
    #[error(transparent)]
    Wire(#[from] wire::Error),
    /// Events can't be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The shape of a table can't be learnt.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<std::io::Error> for NotExpress {
    fn from(error: std::io::Error) -> Self {
        Self::Wire(error.into())
    }
}

/// The connections of the fast way.
#[derive(Clone)]
pub(super) struct Express {
    target: Target,
    free: Arc<Mutex<Vec<Session>>>,
    /// The live tables, with their schemas, in the order of the projections.
    tables: Arc<OnceCell<Vec<(String, Shape)>>>,
}

/// A projection and what it does with the batches.
struct Part<'a> {
    projection: &'a Registered,
    /// None when no event is of its aggregate.
    work: Option<Box<dyn Work + 'a>>,
}

impl Express {
    pub(super) fn to(read: &PgPool) -> Self {
        Self {
            target: Target::of(&read.connect_options(), SETTINGS),
            free: Arc::default(),
            tables: Arc::default(),
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<Session>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies `batches`, of a partition each, to every projection of their contexts.
    ///
    /// # Errors
    /// See [`NotExpress`]: nothing is done then, unless the connection broke at the end, when it may
    /// be.
    pub(super) async fn attempt(
        &self,
        projector: &Projector,
        batches: &[Batch<'_>],
    ) -> Result<(), NotExpress> {
        let all = || batches.iter().flat_map(|batch| batch.events);
        if all().any(|delivered| delivered.closed.is_some()) {
            return Err(NotExpress::Careful("personal data that can't be opened"));
        }
        if batches.iter().any(|batch| batch.events.is_empty()) {
            return Err(NotExpress::Careful("a batch without events"));
        }
        let unclaimed = |batch: &Batch<'_>| batch.claim.is_none();
        if projector.claims.is_some() && batches.iter().any(unclaimed) {
            return Err(NotExpress::Careful("a batch without a claim"));
        }
        let tables = self.tables(projector).await?;
        let free = self.free().pop();
        let mut session = match free {
            Some(session) => session,
            None => Session::open(&self.target).await?,
        };
        let mut observed = Observed::begin();
        let mut parts = parts(projector, batches, tables);
        let loaded = load(&mut session, projector, batches, &mut parts).await;
        let done = match loaded {
            Ok(loaded) => write(&mut session, batches, parts, &loaded, &mut observed).await,
            Err(why) => Err(why),
        };
        if let Err(NotExpress::Careful(_)) = done {
            session.roll_back().await?;
        }
        if let Ok(_) | Err(NotExpress::Careful(_)) = done {
            self.free().push(session);
        }
        let counted = done?;
        counted.tell(batches);
        observed.committed(all().count());
        Ok(())
    }

    async fn tables(&self, projector: &Projector) -> Result<&[(String, Shape)], sqlx::Error> {
        let learn = || async {
            let mut tables = Vec::new();
            for projection in projector.projections.iter() {
                let relation = projection.relation(Slot::Live);
                let shape = lines::shape(&projector.read, &relation).await?;
                tables.push((relation, shape));
            }
            Ok::<_, sqlx::Error>(tables)
        };
        self.tables.get_or_try_init(learn).await.map(Vec::as_slice)
    }
}

/// What each projection of the contexts of `batches` begins to do with them.
fn parts<'a>(
    projector: &'a Projector,
    batches: &[Batch<'a>],
    tables: &'a [(String, Shape)],
) -> Vec<Part<'a>> {
    let all = projector.projections.iter().zip(tables);
    let concerned = all.filter(|(projection, _)| {
        let mut contexts = batches.iter().map(|batch| &batch.place.context);
        contexts.any(|context| context == projection.context)
    });
    let part = |(projection, (relation, shape)): (&'a Registered, &'a (String, Shape))| {
        let events = batches.iter().flat_map(|batch| batch.events);
        let events: Vec<&'a RecordedEvent> = events
            .map(|delivered| &delivered.event)
            .filter(|event| event.aggregate_type == projection.aggregate_type)
            .collect();
        let begin = || (projection.begin)(relation, &events, Some(shape));
        let work = (!events.is_empty()).then(begin);
        Part { projection, work }
    };
    concerned.map(part).collect()
}

/// Locks the partitions of `batches`, makes sure that all is well, and loads rows: for each part in
/// turn, none for one that has nothing to load.
async fn load(
    session: &mut Session,
    projector: &Projector,
    batches: &[Batch<'_>],
    parts: &mut [Part<'_>],
) -> Result<Vec<Option<Rows>>, NotExpress> {
    let mut loads: Vec<Option<Statement>> = Vec::new();
    for part in parts.iter_mut() {
        let load = part.work.as_mut().map(|work| work.load());
        loads.push(load.transpose()?.flatten());
    }
    let reached = Reached::of(batches);
    let places = [
        Value::Texts(&reached.contexts),
        Value::Integers(&reached.partitions),
    ];
    let all = || batches.iter().flat_map(|batch| batch.events);
    let mut streams: Vec<_> = all().map(|one| one.event.aggregate_id).collect();
    streams.sort_unstable();
    streams.dedup();

    let mut together = session.together();
    together.add("BEGIN", &[])?;
    together.add(checkpoint::LOCK, &places)?;
    let among = [Value::Text(Slot::Live.name()), Value::Uuids(&streams)];
    together.add(park::AMONG, &among)?;
    let held: Vec<i64> = batches.iter().filter_map(|batch| batch.claim).collect();
    if let Some(claims) = &projector.claims {
        let [contexts, partitions] = places;
        let group = Value::Text(claims.group());
        let claimed = [group, contexts, partitions, Value::Bigints(&held)];
        together.add(claims::CURRENT, &claimed)?;
    }
    let works = parts.iter().filter_map(|part| part.work.as_ref());
    let row_locks = row_locks::in_order(works.flat_map(|work| work.row_locks()));
    if !row_locks.is_empty() {
        together.add(row_locks::LOCK, &[Value::Integers(&row_locks)])?;
    }
    let claimed = projector.claims.is_some();
    let before = 3 + usize::from(claimed) + usize::from(!row_locks.is_empty());
    let weight: usize = loads.iter().flatten().map(|load| load.json.len()).sum();
    let mut waiting = loads.iter().flatten();
    let most = if weight <= SMALL { usize::MAX } else { 1 };
    for Statement { sql, json } in waiting.by_ref().take(most) {
        together.add(sql, &[Value::Text(json)])?;
    }
    let mut answers = together.answers().await?;
    for Statement { sql, json } in waiting {
        let mut together = session.together();
        together.add(sql, &[Value::Text(json)])?;
        answers.extend(together.answers().await?);
    }

    let mut rows = answers.split_off(before).into_iter();
    if answers[2].iter().next().is_some() {
        return Err(NotExpress::Careful("a parked stream"));
    }
    if claimed && answers[3].iter().count() != held.len() {
        return Err(NotExpress::Careful("a partition of another projector"));
    }
    check(&watermarks(&answers[1])?, batches, parts)?;
    let loaded = loads
        .iter()
        .map(|load| load.as_ref().and_then(|_| rows.next()));
    Ok(loaded.collect())
}

/// Makes sure that every event is new to every projection, and none is missing.
fn check(
    watermarks: &Watermarks,
    batches: &[Batch<'_>],
    parts: &[Part<'_>],
) -> Result<(), NotExpress> {
    for Part { projection, .. } in parts {
        let watermarks = watermarks.get(&(projection.name.to_owned(), projection.version));
        for batch in batches {
            if batch.place.context != projection.context {
                continue;
            }
            let watermark = watermarks.and_then(|watermarks| watermarks.get(batch.place));
            let watermark = watermark.ok_or(NotExpress::Careful("a table without watermarks"))?;
            let new = new_events(watermark, *batch);
            let new = new.map_err(|_| NotExpress::Careful("another log"))?;
            let new = new.map_err(|_| NotExpress::Careful("a hole"))?;
            if new.len() != batch.events.len() {
                return Err(NotExpress::Careful("events that were seen before"));
            }
        }
    }
    Ok(())
}

/// What [`checkpoint::LOCK`] says of the live tables.
fn watermarks(rows: &Rows) -> Result<Watermarks, wire::Error> {
    let mut watermarks = Watermarks::new();
    for mut row in rows.iter() {
        let place = Place {
            context: row.text()?.to_owned(),
            partition: row.integer()?,
        };
        let version = (row.text()?.to_owned(), row.integer()?);
        if row.text()? == Slot::Live.name() {
            let watermark = Watermark {
                epoch: row.uuid()?,
                position: row.bigint()?,
            };
            let places = watermarks.entry(version).or_default();
            places.insert(place, watermark);
        }
    }
    Ok(watermarks)
}

/// Folds, writes what changes, moves the watermarks on, commits, and tells those who wait for it.
async fn write<'a>(
    session: &mut Session,
    batches: &[Batch<'a>],
    parts: Vec<Part<'_>>,
    loaded: &[Option<Rows>],
    observed: &mut Observed<'a>,
) -> Result<Counted, NotExpress> {
    let mut counted = Counted::default();
    let mut together = session.together();
    let (mut names, mut versions) = (Vec::new(), Vec::new());
    for (Part { projection, work }, loaded) in parts.into_iter().zip(loaded) {
        names.push(projection.name);
        versions.push(projection.version);
        let of_context = batches
            .iter()
            .filter(|batch| batch.place.context == projection.context);
        let new = of_context.flat_map(|batch| batch.events);
        let count = new.clone().count();
        counted.add(projection.name, (count, count, 0));
        let Some(work) = work else {
            observed.applied(projection, new, 0);
            continue;
        };
        let rows = loaded.iter().flat_map(Rows::iter);
        let rows = rows.map(|mut row| Ok((row.bigint()?, row.text()?)));
        let changes = work.fold(&rows.collect::<Result<Vec<_>, wire::Error>>()?)?;
        if !changes.failed.is_empty() {
            return Err(NotExpress::Careful("an event that can't be applied"));
        }
        observed.applied(projection, new, changes.count);
        if let Some((sql, lines)) = &changes.copied {
            together.copy(sql, lines)?;
        }
        for Statement { sql, json } in &changes.written {
            together.add(sql, &[Value::Text(json)])?;
        }
    }
    let reached = Reached::of(batches);
    let moved = [
        Value::Texts(&reached.contexts),
        Value::Integers(&reached.partitions),
        Value::Bigints(&reached.positions),
        Value::Uuids(&reached.event_ids),
        Value::Offsets(&reached.next_offsets),
        Value::Texts(&names),
        Value::Integers(&versions),
    ];
    together.add(checkpoint::ADVANCE, &moved)?;
    together.add("COMMIT", &[])?;
    let epoch = batches.iter().flat_map(|batch| batch.events).next();
    let epoch = epoch.map_or(Uuid::nil(), |first| first.epoch);
    let moved = Moved::to(epoch, (&names, &versions), &reached).said();
    let said = [Value::Text(READ), Value::Text(&moved)];
    together.add(checkpoint::TELL, &said)?;
    together.answers().await?;
    Ok(counted)
}
