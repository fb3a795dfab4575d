//! The source that needs no Kafka: the log itself.

use event_store::read::LogReader;
use event_store::wake::{LOG, Wake};
use tokio::sync::mpsc;

use super::run::{Error, Projector};
use super::{Delivered, checkpoint};

/// Sends every event after the least watermark, in order, as it comes to be.
pub(super) async fn read(
    projector: &Projector,
    sender: mpsc::Sender<Delivered>,
) -> Result<(), Error> {
    let progress = checkpoint::progress(&projector.read, &projector.projections).await?;
    let reached = progress.values().map(|reached| reached.watermark.position);
    let position = reached.min().unwrap_or(0);
    let mut reader = LogReader::new(projector.log.pool(), position);
    let mut wake = Wake::new(projector.log.pool().clone(), LOG);
    let epoch = projector.log.epoch();
    loop {
        let page = match reader.next().await {
            Ok(Some(page)) => page,
            Ok(None) => {
                wake.wait().await;
                continue;
            }
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "the projector waits for the log's database");
                tokio::time::sleep(event_store::wake::POLL).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for event in page.to_owned_events()? {
            let delivered = Delivered {
                epoch,
                previous: None,
                next_offset: None,
                event,
            };
            if sender.send(delivered).await.is_err() {
                return Ok(());
            }
        }
    }
}
