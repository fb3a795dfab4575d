//! The way to the writer: bounded, so that who comes too many hears so at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::streams::Streams;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::job::{Accepted, Answer, ExecuteError, Request, Stop, Typed, Waiting};
use super::writer::{self, Writer, WriterError};
use super::{AppendError, measure, spans};
use crate::idempotency::Key;
use crate::personal::Keys;

/// The most commands that wait; one more is told to come later.
pub(super) const MOST_WAITING: usize = 4_096;

/// The way to the one task that writes.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    sender: mpsc::Sender<Waiting>,
    places: Arc<Semaphore>,
    erasures: Arc<AtomicU64>,
    ended: watch::Receiver<Option<Result<(), WriterError>>>,
}

pub(crate) use writer::Parts;

/// Starts the task that writes; it ends when the queue is dropped or `stop` is cancelled, after
/// what waits by then.
pub(crate) fn start(parts: Parts, stop: CancellationToken) -> Queue {
    measure::begin();
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let (told, ended) = watch::channel(None);
    let erasures = Arc::new(AtomicU64::new(0));
    let writer = Writer::new(parts, receiver, Arc::clone(&erasures));
    tokio::spawn(async move {
        let task = tokio::spawn(writer.run(stop));
        let outcome = match task.await {
            Ok(outcome) => outcome,
            Err(error) => Err(WriterError::Broken(error.to_string())),
        };
        told.send_replace(Some(outcome));
    });
    Queue {
        sender,
        places: Arc::new(Semaphore::new(MOST_WAITING)),
        erasures,
        ended,
    }
}

impl Queue {
    /// Waits until a command is carried out.
    pub(super) async fn execute<T, E>(
        &self,
        mut request: Request,
        decide: impl FnMut(&mut Streams) -> Result<Accepted<T>, Stop<E>> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| {
            measure::busy();
            ExecuteError::Append(AppendError::Busy)
        })?;
        let span = spans::arrived(&mut request.metadata);
        let (answer, answered) = oneshot::channel();
        let stored_as = request.key.as_ref().map(Key::stored_as);
        let job = Box::new(Typed {
            request,
            decide,
            decided: None,
            answer,
        });
        let waiting = Waiting {
            job,
            needs: Vec::new(),
            stored_as,
            looked_up: false,
            keys: Keys::default(),
            attempts: 0,
            _permit: place,
        };
        self.sender.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Busy,
            mpsc::error::TrySendError::Closed(_) => stopped(),
        })?;
        let answer = answered.await.unwrap_or_else(|_| Err(stopped().into()));
        spans::answered(span, &answer);
        answer
    }

    /// Brings the gauge of commands that wait up to date.
    pub(crate) fn measure(&self) {
        measure::waiting(MOST_WAITING - self.places.available_permits());
    }

    /// Has the writer forget every state that holds personal data before it decides again.
    pub(crate) fn forget_personal(&self) {
        self.erasures.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until the writer has ended, and says why.
    pub(crate) async fn ended(&self) -> Result<(), WriterError> {
        let mut ended = self.ended.clone();
        let lost = || Err(WriterError::Broken("it is gone".to_owned()));
        match ended.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(lost),
            Err(_) => lost(),
        }
    }
}

fn stopped() -> AppendError {
    AppendError::Away("the service is stopping".to_owned())
}
