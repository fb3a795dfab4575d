//! The source that needs no Kafka: the log itself.

use event_store::read::LogReader;
use event_store::wake::{LOG, Wake};
use tokio::sync::mpsc;

use super::checkpoint;
use super::delivered::Delivered;
use super::run::{Error, Projector};

/// Sends every event after the least watermark, in order, as it comes to be.
pub(super) async fn read(
    projector: &Projector,
    sender: mpsc::Sender<Vec<Delivered>>,
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
        let page = page.to_owned_events()?.into_iter();
        let page = page
            .map(|event| Delivered::from_log(epoch, event))
            .collect();
        if sender.send(page).await.is_err() {
            return Ok(());
        }
    }
}
