//! An export to anything that takes bytes: the output of the command, or a measurement.

use std::io::Write;

use event_store::Position;
use sqlx::PgPool;
use tokio::task::spawn_blocking;
use zstd::stream::write::Encoder;

use super::chunk::Selection;
use super::part::LEVEL;
use super::pipe::read_ahead;
use super::{Error, Progress, Request, range};

/// Writes what is asked for to `sink`, line after line, compressed if wanted; gives how many events
/// it was. Compressing and writing go on beside the reading.
///
/// # Errors
/// See [`Error`]; some of it may have been written by then.
pub async fn to_sink(
    pool: &PgPool,
    request: &Request,
    mut sink: impl Write + Send + 'static,
    compressed: bool,
    progress: Progress,
) -> Result<u64, Error> {
    let (epoch, _) = event_store::head(pool).await?;
    let (first, last) = range(pool, request.from, request.to).await?;
    let selection = Selection {
        epoch,
        first,
        last,
        contexts: request.contexts.clone(),
    };
    let mut received = read_ahead(pool, selection, Position::MAX)?;
    let written = spawn_blocking(move || {
        let mut events = 0;
        let mut write = |sink: &mut dyn Write| {
            while let Some(chunk) = received.blocking_recv() {
                let chunk = chunk?;
                sink.write_all(&chunk.lines)?;
                events += chunk.events;
                progress(chunk.last, last);
            }
            Ok::<_, Error>(())
        };
        match compressed {
            true => {
                let mut encoder = Encoder::new(&mut sink, LEVEL)?;
                write(&mut encoder)?;
                encoder.finish()?;
            }
            false => write(&mut sink)?,
        }
        sink.flush()?;
        Ok(events)
    });
    written.await.map_err(|error| Error::broken(&error))?
}
