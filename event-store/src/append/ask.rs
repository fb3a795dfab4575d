//! What the writer asks of others while it goes on: keys of commands, streams, keys of persons.

use std::time::{Duration, Instant};

use domain::streams::{StreamId, StreamKind};
use uuid::Uuid;

use super::AppendError;
use super::job::{Outcome, Waiting, broken};
use super::writer::Writer;
use crate::load::{Ask, Found, LoadError, Point, Wanted};
use crate::personal::{self, Keys};

/// For how long keys are looked up first after one was found to be used.
pub(super) const SUSPICIOUS: Duration = Duration::from_secs(10);

/// What came of it.
pub(super) enum Read {
    Persons(Waiting, Result<Keys, personal::Error>),
    Key(Waiting, Result<Found, LoadError>),
    Stream(StreamId, StreamKind, Result<Found, LoadError>),
}

impl Writer {
    /// A command comes. Its key is taken for unused, since most are: if it is not, the database
    /// refuses the batch. Where keys were used of late, they are looked up first for a while.
    pub(super) fn arrive(&mut self, waiting: Waiting) {
        let suspicious = self.suspicious_until > Instant::now();
        match waiting.stored_as {
            Some(_) if suspicious => self.look_up(waiting),
            _ => self.ready.push_back(waiting),
        }
    }

    /// Looks up whether the key of a command was used.
    pub(super) fn look_up(&mut self, waiting: Waiting) {
        let Some((_, id)) = waiting.stored_as else {
            return self.ready.push_back(waiting);
        };
        let wanted = Wanted::Key { id };
        let tell = self.tell.clone();
        let answer = Box::new(move |found| {
            // The writer outlives what it asked.
            let _stopping = tell.send(Read::Key(waiting, found));
        });
        self.looked_up += 1;
        if self.parts.reader.try_ask(Ask { wanted, answer }).is_err() {
            // The command went with the question, and its caller hears that the log is away.
            self.looked_up -= 1;
        }
    }

    pub(super) fn was_read(&mut self, read: Read) {
        match read {
            Read::Persons(mut waiting, fetched) => {
                self.looked_up -= 1;
                match fetched {
                    Ok(keys) => {
                        waiting.keys = keys;
                        self.ready.push_front(waiting);
                    }
                    Err(error) => waiting.fail(error.into()),
                }
            }
            Read::Key(mut waiting, found) => {
                self.looked_up -= 1;
                waiting.looked_up = true;
                match found {
                    Ok(Found::Key(None)) => self.ready.push_back(waiting),
                    Ok(Found::Key(Some(stored))) => waiting.end(Outcome::Replayed(stored)),
                    Ok(Found::Stream { .. }) => waiting.fail(broken()),
                    Err(error) => waiting.end(Outcome::Unloadable(error)),
                }
            }
            Read::Stream(stream, kind, found) => self.stream_was_read(stream, kind, found),
        }
    }

    fn stream_was_read(
        &mut self,
        stream: StreamId,
        kind: StreamKind,
        found: Result<Found, LoadError>,
    ) {
        let waiting = self.parked.remove(&stream).unwrap_or_default();
        match found {
            Ok(Found::Stream {
                point,
                as_of,
                folded,
            }) => {
                self.parts.snapshots.loaded(stream, kind, folded, &point);
                self.desk.put(stream, point, as_of);
                // They have waited longest. A stream that was read too long ago is read again.
                for waiting in waiting.into_iter().rev() {
                    self.ready.push_front(waiting);
                }
            }
            Ok(Found::Key(_)) => waiting.into_iter().for_each(|one| one.fail(broken())),
            Err(error) => {
                for one in waiting {
                    one.end(Outcome::Unloadable(error.clone()));
                }
            }
        }
    }

    /// Lets a command wait for a stream, which is read unless it is being read already.
    pub(super) fn park(
        &mut self,
        waiting: Waiting,
        stream: StreamId,
        kind: StreamKind,
        known: Option<Point>,
    ) {
        if let Some(others) = self.parked.get_mut(&stream) {
            others.push(waiting);
            return;
        }
        let tell = self.tell.clone();
        let answer = Box::new(move |found| {
            let _stopping = tell.send(Read::Stream(stream, kind, found));
        });
        let wanted = Wanted::Stream {
            stream,
            kind,
            known,
        };
        match self.parts.reader.try_ask(Ask { wanted, answer }) {
            Ok(()) => {
                self.parked.insert(stream, vec![waiting]);
            }
            Err(_) => waiting.fail(AppendError::Busy),
        }
    }

    /// Fetches the keys of the persons whose data a command stores; new persons get theirs.
    pub(super) fn fetch_keys(&mut self, waiting: Waiting, persons: Vec<Uuid>) {
        self.looked_up += 1;
        let (keyring, tell) = (self.parts.keyring.clone(), self.tell.clone());
        tokio::spawn(async move {
            let keys = keyring.for_sealing(&persons).await;
            let _stopping = tell.send(Read::Persons(waiting, keys));
        });
    }
}
