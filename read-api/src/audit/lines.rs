//! Answers that are found out while they are sent, a line of JSON each.

use std::future::Future;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Takes the lines of an answer.
#[derive(Clone)]
pub(super) struct Lines(mpsc::Sender<Result<Bytes, axum::Error>>);

impl Lines {
    /// Sends a line; waits while the client has not taken those before.
    pub(super) async fn send(&self, line: &impl Serialize) {
        // Nobody listens any more: whoever sends is ended.
        let _ = self.0.send(written(line)).await;
    }

    /// Sends a line that may be left out when the client is behind.
    pub(super) fn offer(&self, line: &impl Serialize) {
        let _ = self.0.try_send(written(line));
    }

    /// Breaks the answer off, since it can't be told to the end.
    pub(super) async fn break_off(&self, error: impl std::error::Error + Send + Sync + 'static) {
        tracing::error!(%error, "an answer breaks off");
        let _ = self.0.send(Err(axum::Error::new(error))).await;
    }
}

fn written(line: &impl Serialize) -> Result<Bytes, axum::Error> {
    let mut bytes = serde_json::to_vec(line).map_err(axum::Error::new)?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

/// The answer whose lines `work` sends. It is ended when the client goes away.
pub(super) fn answer<F>(work: impl FnOnce(Lines) -> F) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(1);
    let task = AbortOnDropHandle::new(tokio::spawn(work(Lines(sender))));
    let lines = stream::unfold((receiver, task), |(mut receiver, task)| async move {
        let line = receiver.recv().await?;
        Some((line, (receiver, task)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, Body::from_stream(lines)).into_response()
}
