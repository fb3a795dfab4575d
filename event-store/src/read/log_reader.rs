//! The log in order, page after page, as fast as the server sends it.

use sqlx::PgPool;

use super::{AFTER, AFTER_WITH_LEAVES, AT_WITH_LEAVES, Error, Page};
use crate::recorded::Position;
use crate::statements;
use crate::wire::{self, Connection, Flight, Target, Value};

/// The most events that are asked for at once.
const ASKED: i64 = 4_000;
/// The most bytes of a page, unless it is of one event.
const PAGE: usize = 256 * 1024;
/// How many flights are under way while the reader is behind: the server begins with the next one
/// without waiting for us.
const AHEAD: usize = 2;
/// The name of the one statement.
const STATEMENT: &str = "after";

/// Reads the log in order from a position on, over a connection of its own.
///
/// What it gives is committed, and nothing before it is missing: positions are dense and in commit
/// order, which is checked. It reads only when it is asked to. Meanwhile the server goes ahead as
/// far as the sockets' buffers hold, so the memory of a reader is that of a page.
pub struct LogReader {
    target: Target,
    statement: &'static str,
    /// Whether a hole in the positions is an error.
    dense: bool,
    position: Position,
    session: Option<Session>,
}

/// A connection, and what is under way on it.
struct Session {
    connection: Connection,
    /// Flights that have not ended.
    under_way: usize,
    /// After which position the next flight reads.
    next: Position,
    /// How many events the first flight under way has brought.
    brought: i64,
    /// Whether the log goes on after what is under way, as far as is known.
    behind: bool,
    /// Whether a flight has met the end of the log, so that those behind it do not follow it.
    ended: bool,
}

impl LogReader {
    /// A reader of the events after `position` (0: of all), in the database of `pool`. It connects
    /// when it is first asked, and takes no connection of the pool.
    pub fn new(pool: &PgPool, position: Position) -> Self {
        Self {
            target: Target::of(&pool.connect_options(), statements::SETTINGS),
            statement: &AFTER,
            dense: true,
            position,
            session: None,
        }
    }

    /// The same, of events with the leaf hashes that are stored with them: [`Page::leaves`].
    pub fn with_leaves(pool: &PgPool, position: Position) -> Self {
        Self {
            statement: &AFTER_WITH_LEAVES,
            ..Self::new(pool, position)
        }
    }

    /// The same for who looks for holes himself: positions are given as they are, and where some are
    /// missing it may end before the log does.
    pub fn as_they_are(pool: &PgPool, position: Position) -> Self {
        Self {
            statement: &AT_WITH_LEAVES,
            dense: false,
            ..Self::new(pool, position)
        }
    }

    /// The position of the last event that it gave, or the one that it began with.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next page; none at the end of the log, as it is now. Asked again it goes on from where
    /// it was, at the end and after an error as well. Given up while it waits for events, it loses
    /// nothing; while it connects, it begins to connect anew.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        let page = self.read().await;
        if page.is_err() {
            self.session = None;
        }
        page
    }

    async fn read(&mut self) -> Result<Option<Page>, Error> {
        loop {
            let session = under_way(
                &mut self.session,
                &self.target,
                self.statement,
                self.position,
            )
            .await?;
            match session.connection.receive_rows(PAGE).await? {
                Some(_) if session.ended => {}
                Some(rows) => {
                    let page = match self.dense {
                        true => Page::of(rows, self.position)?,
                        false => Page::as_they_are(rows)?,
                    };
                    session.brought += page.len() as i64;
                    self.position = page.last();
                    return Ok(Some(page));
                }
                None => {
                    session.under_way -= 1;
                    session.ended |= session.brought < ASKED;
                    session.behind = !session.ended;
                    session.brought = 0;
                }
            }
            if session.ended && session.under_way == 0 {
                session.ended = false;
                return Ok(None);
            }
        }
    }
}

/// The session in `slot`, or a new one, with as many flights under way as there should be; the next
/// event wanted is that after `position`.
async fn under_way<'s>(
    slot: &'s mut Option<Session>,
    target: &Target,
    statement: &str,
    position: Position,
) -> Result<&'s mut Session, Error> {
    // Given up while it sends, a session is lost: half a message can't be taken up again.
    let mut session = match slot.take() {
        Some(session) => session,
        None => Session {
            connection: Connection::open(target, &[(STATEMENT, statement)]).await?,
            under_way: 0,
            next: position,
            brought: 0,
            behind: false,
            ended: false,
        },
    };
    let wanted = match (session.ended, session.behind) {
        (true, _) => 0,
        (false, true) => AHEAD,
        (false, false) => 1,
    };
    if session.under_way == 0 {
        session.next = position;
    }
    while session.under_way < wanted {
        let mut flight = Flight::new();
        let values = [Value::Bigint(session.next), Value::Bigint(ASKED)];
        flight
            .execute(STATEMENT, &values)
            .map_err(wire::Error::from)?;
        session.connection.send(flight).await?;
        session.next += ASKED;
        session.under_way += 1;
    }
    Ok(slot.insert(session))
}
