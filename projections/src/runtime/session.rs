//! A connection over which a batch goes in flights: many statements at once, and one wait for all of
//! their answers.

use std::collections::HashMap;
use std::io;

use bytes::BytesMut;
use event_store::wire::{Answer, Connection, Error, Flight, Rows, Target, encode};
use uuid::Uuid;

/// PostgreSQL's numbers of types.
const TEXT: u32 = 25;
const INTEGER: u32 = 23;
const BIGINT: u32 = 20;
const UUID: u32 = 2950;

/// What its session is set to. Plans are made once, maybe while a table is empty, so that scans that
/// would later read all of it are ruled out. A projector that is frozen in the middle of a batch must
/// not keep the partition's rows locked.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("jit", "off"),
    ("idle_in_transaction_session_timeout", "10000"),
];

/// A parameter of a statement.
pub(super) enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Integers(&'a [i32]),
    Bigints(&'a [i64]),
    /// Which may be null.
    Offsets(&'a [Option<i64>]),
    Uuids(&'a [Uuid]),
}

/// A connection that keeps its statements prepared. After an error of its own it is of no more use,
/// and what it had not committed is rolled back when it is dropped.
pub(super) struct Session {
    connection: Connection,
    /// The names of statements, by their SQL.
    prepared: HashMap<String, String>,
    /// How many names were given.
    names: usize,
}

/// Statements that go out together.
pub(super) struct Together<'s> {
    session: &'s mut Session,
    flight: Flight,
    count: usize,
    /// Those that this flight prepares.
    new: HashMap<String, String>,
}

impl Session {
    pub(super) async fn open(target: &Target) -> Result<Self, Error> {
        Ok(Self {
            connection: Connection::open(target, &[]).await?,
            prepared: HashMap::new(),
            names: 0,
        })
    }

    /// Gives up what is not committed.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        let mut together = self.together();
        together.add("ROLLBACK", &[])?;
        together.answers().await?;
        Ok(())
    }

    pub(super) fn together(&mut self) -> Together<'_> {
        Together {
            session: self,
            flight: Flight::new(),
            count: 0,
            new: HashMap::new(),
        }
    }
}

impl Together<'_> {
    /// Adds a statement.
    pub(super) fn add(&mut self, sql: &str, values: &[Value<'_>]) -> io::Result<()> {
        let mut row = BytesMut::new();
        encode::row(&mut row, values.len() as i16);
        for value in values {
            put(&mut row, value);
        }
        let name = self.prepare(sql)?;
        self.count += 1;
        self.flight.execute_with(&name, &row)
    }

    /// Adds a COPY with its lines.
    pub(super) fn copy(&mut self, sql: &str, lines: &[u8]) -> io::Result<()> {
        let name = self.prepare(sql)?;
        self.count += 1;
        self.flight.copy_lines(&name, lines)
    }

    fn prepare(&mut self, sql: &str) -> io::Result<String> {
        let known = self.session.prepared.get(sql).or_else(|| self.new.get(sql));
        if let Some(name) = known {
            return Ok(name.clone());
        }
        self.session.names += 1;
        let name = format!("s{}", self.session.names);
        self.flight.parse(&name, sql, &[])?;
        self.new.insert(sql.to_owned(), name.clone());
        Ok(name)
    }

    /// Sends them; gives the rows of each.
    ///
    /// # Errors
    /// When one is refused, or the connection breaks.
    pub(super) async fn answers(self) -> Result<Vec<Rows>, Error> {
        let Session {
            connection,
            prepared,
            ..
        } = self.session;
        connection.send(self.flight).await?;
        let mut answers = Vec::with_capacity(self.count);
        let mut refusal = None;
        loop {
            match connection.answer().await? {
                Answer::Rows(rows) => answers.push(rows),
                Answer::Refused(error, _) => refusal = Some(error),
                Answer::End => break,
            }
        }
        if let Some(refusal) = refusal {
            return Err(Error::Refused(refusal));
        }
        prepared.extend(self.new);
        Ok(answers)
    }
}

fn put(row: &mut BytesMut, value: &Value<'_>) {
    let mut array = BytesMut::new();
    match value {
        Value::Text(text) => return encode::raw(row, text.as_bytes()),
        Value::Texts(texts) => encode::array(&mut array, TEXT, texts, text),
        Value::Integers(numbers) => encode::array(&mut array, INTEGER, numbers, encode::integer),
        Value::Bigints(numbers) => encode::array(&mut array, BIGINT, numbers, encode::bigint),
        Value::Offsets(offsets) => encode::array(&mut array, BIGINT, offsets, offset),
        Value::Uuids(ids) => encode::array(&mut array, UUID, ids, encode::uuid),
    }
    encode::raw(row, &array);
}

fn text(bytes: &mut BytesMut, text: &str) {
    encode::raw(bytes, text.as_bytes());
}

fn offset(bytes: &mut BytesMut, offset: Option<i64>) {
    match offset {
        Some(offset) => encode::bigint(bytes, offset),
        None => encode::null(bytes),
    }
}
