//! The log in order, opened and decoded on threads of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use futures::{Stream, stream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::{Error, LogReader, Page};
use crate::personal::Keyring;

/// The most threads of one stream: the server, which is one process, feeds hardly more.
const MOST_THREADS: usize = 4;
/// How many pages may wait for the consumer.
const WAITING: usize = 4;

/// What becomes of a page, once it is decoded.
type Place<T> = oneshot::Receiver<Result<T, Error>>;

/// A page, and where what becomes of it goes.
type Received<T> = (Result<Page, Error>, oneshot::Sender<Result<T, Error>>);

/// What the threads share.
struct Source<T> {
    reading: Mutex<Option<Reading>>,
    places: mpsc::Sender<Place<T>>,
}

/// Who holds it receives the next page and gives it its place; then another thread may receive
/// while this one decodes. So a page stays with one thread, and its bytes in one core's cache.
struct Reading {
    /// One for the connection alone: that of the service has a thread woken for every few
    /// kilobytes that come, though nobody wants them yet.
    runtime: Runtime,
    reader: LogReader,
}

impl LogReader {
    /// What `decode` makes of each page, in the order of the log, up to its end as it is then.
    /// Before, personal data is opened with `keyring`. All this goes on ahead of the consumer, on
    /// threads for blocking work, as far as a few pages; it ends when the stream is dropped.
    ///
    /// # Errors
    /// See [`Error`], and [`Error::Fault`] when `decode` panics; nothing comes after one.
    pub fn decoded<T, F>(
        self,
        keyring: Keyring,
        decode: F,
    ) -> impl Stream<Item = Result<T, Error>> + Send
    where
        T: Send + 'static,
        F: Fn(&Page) -> T + Send + Sync + 'static,
    {
        let (places, decoded) = mpsc::channel(WAITING);
        match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let reader = self;
                let reading = Mutex::new(Some(Reading { runtime, reader }));
                start(Source { reading, places }, keyring, decode);
            }
            Err(error) => refuse(&places, Error::Fault(error.to_string())),
        }
        stream::unfold(Some(decoded), async |decoded| {
            let mut decoded = decoded?;
            let place = decoded.recv().await?;
            let panicked = || Err(Error::Fault("decoding an event panicked".to_owned()));
            let page = place.await.unwrap_or_else(|_| panicked());
            let on = page.is_ok().then_some(decoded);
            Some((page, on))
        })
    }
}

/// Starts the threads. One core is left to the server, which may be on this machine.
fn start<T, F>(source: Source<T>, keyring: Keyring, decode: F)
where
    T: Send + 'static,
    F: Fn(&Page) -> T + Send + Sync + 'static,
{
    let cores = available_parallelism().map_or(1, usize::from);
    let shared = Arc::new((source, keyring, decode));
    for _ in 0..(cores - 1).clamp(1, MOST_THREADS) {
        let shared = Arc::clone(&shared);
        // Keys are fetched over connections of the service, which its own runtime serves.
        let service = Handle::current();
        spawn_blocking(move || {
            let (source, keyring, decode) = &*shared;
            while let Some((page, place)) = source.next() {
                let decoded = page.and_then(|mut page| {
                    service.block_on(page.open(keyring))?;
                    Ok(decode(&page))
                });
                // Who wanted it may have gone.
                let _gone = place.send(decoded);
            }
        });
    }
}

fn refuse<T>(places: &mpsc::Sender<Place<T>>, error: Error) {
    let (place, decoded) = oneshot::channel();
    // There is room: nothing was sent before.
    let (_kept, _sent) = (places.try_send(decoded), place.send(Err(error)));
}

impl<T> Source<T> {
    /// The next page and its place in the order; none after the last one, after an error, and when
    /// the consumer has gone.
    fn next(&self) -> Option<Received<T>> {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Reading { runtime, reader } = reading.as_mut()?;
        let next = runtime.block_on(async {
            let room = self.places.reserve().await.ok()?;
            let page = tokio::select! {
                page = reader.next() => page.transpose()?,
                () = self.places.closed() => return None,
            };
            let (place, decoded) = oneshot::channel();
            room.send(decoded);
            Some((page, place))
        });
        if !matches!(next, Some((Ok(_), _))) {
            *reading = None;
        }
        next
    }
}
